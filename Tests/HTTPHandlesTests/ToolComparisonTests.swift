import HTTPHandlesCommandLine
import Testing

/// Which options are given to curl and to the tool, whose results must agree: Docs/Tool.md.
@Suite("Comparison of the tool with curl")
struct ToolComparisonTests {
    /// Options that curl does not have.
    private static let own: Set = [
        "--auth", "--cancel-after", "--events", "--har", "--har-with-secrets", "--http", "--report", "--timing",
    ]

    private static let suites = [
        "ToolCallTests", "ToolCookieTests", "ToolNetworkTests", "ToolOutputTests", "ToolProxyTests", "ToolTLSTests",
        "NegotiateTests", "StrictTransportTests", "AlternativeServiceTests",
    ]

    @Test func `each option is compared, or listed`() throws {
        let calls = ToolCalls.usual.joined(separator: " ")
        let suites = try Self.suites.map { try Document("Tests/HTTPHandlesTests/\($0).swift").text }.joined()
        let options = ToolOptions.all.filter { Self.own.isDisjoint(with: $0.names) }
        #expect(options.count == ToolOptions.all.count - Self.own.count)
        let left = options.filter { option in
            !option.names.contains { Self.isGiven($0, in: calls) || Self.isWord($0, in: suites) }
        }
        let section = try Document("Docs/Tool.md").section("## What is compared").joined(separator: "\n")
        let listed = section.matches(of: /`(--[a-z0-9-]+)`/).map { String($0.output.1) }
        #expect(left.compactMap { $0.names.last }.sorted() == listed.sorted())
        #expect(section.contains("\(options.count - left.count) of the \(options.count) options"))
    }

    /// Letters may be joined.
    private static func isGiven(_ name: String, in calls: String) -> Bool {
        if name.hasPrefix("--") || name == "-#" { return isWord(name, in: calls) }
        return calls.split(separator: " ").contains {
            $0.hasPrefix("-") && !$0.hasPrefix("--") && $0.contains(name.dropFirst())
        }
    }

    /// Whether it is there, between blanks or quotation marks.
    private static func isWord(_ name: String, in text: String) -> Bool {
        text.split { !($0.isLetter || $0.isNumber || "-.#".contains($0)) }.contains { $0 == name }
    }
}
