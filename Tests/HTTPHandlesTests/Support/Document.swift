import Foundation
import HTTPHandlesLock

/// A text file of this package, for tests that compare documents with sources.
struct Document {
    let lines: [String]
    private let location: URL
    private static let root = (0..<4).reduce(URL(fileURLWithPath: #filePath)) { folder, _ in
        folder.deletingLastPathComponent()
    }

    /// The paths of the documents in a folder.
    static func names(in folder: String) throws -> [String] {
        let names = try FileManager.default.contentsOfDirectory(atPath: root.appendingPathComponent(folder).path)
        return names.filter { $0.hasSuffix(".md") }.sorted().map { "\(folder)/\($0)" }
    }

    var path: String { location.path }

    /// - Parameter path: From the root of the package.
    init(_ path: String) throws {
        location = Self.root.appendingPathComponent(path)
        lines = try String(contentsOf: location, encoding: .utf8).components(separatedBy: "\n")
    }

    var text: String { lines.joined(separator: "\n") }

    /// The lines below a heading, up to the next heading of the same or a higher level.
    func section(_ heading: String) -> ArraySlice<String> {
        guard let start = lines.firstIndex(of: heading) else { return [] }
        let level = heading.prefix { $0 == "#" }.count
        let rest = lines[(start + 1)...]
        return rest.prefix { line in !(1...level).contains { line.hasPrefix(String(repeating: "#", count: $0) + " ") } }
    }

    /// The code block below a heading, indented by four spaces.
    func codeBlock(below heading: String) -> [String] {
        section(heading).filter { $0.hasPrefix("    ") }.map { String($0.dropFirst(4)) }
    }

    /// The Swift code blocks, with the number of the first line of each.
    var swiftExamples: [(line: Int, text: String)] {
        lines.indices.filter { lines[$0] == "```swift" }.map { start in
            (start + 2, lines[(start + 1)...].prefix { $0 != "```" }.joined(separator: "\n"))
        }
    }

    /// The first cells of all table rows in a section that are code.
    func firstCells(in heading: String) -> [String] {
        section(heading).filter { $0.hasPrefix("| `") }.map { line in
            String(line.dropFirst(3).prefix { $0 != "`" })
        }
    }

    /// The cells of the rows of the table in a section, without the table's head.
    func table(in heading: String) -> [[String]] {
        section(heading).filter { $0.hasPrefix("|") }.dropFirst(2).map { line in
            line.dropFirst().dropLast().components(separatedBy: "|").map { $0.trimmingCharacters(in: .whitespaces) }
        }
    }

    /// The text and the target of each link.
    var links: [(text: String, target: String)] {
        text.matches(of: /\[([^\]\n]+)\]\(([^)\n]+)\)/).map { (String($0.1), String($0.2)) }
    }

    /// Replaces a text file of this package.
    static func write(_ text: String, to path: String) throws {
        try text.write(to: root.appendingPathComponent(path), atomically: true, encoding: .utf8)
    }

    private static let writing = Lock(())

    /// Replaces the lines of the code block below a heading.
    static func write(_ block: [String], below heading: String, of path: String) throws {
        try writing.withLock { _ in
            let document = try Document(path)
            let section = document.section(heading)
            let indented = block.map { "    " + $0 }
            var lines = document.lines
            if let first = section.firstIndex(where: { $0.hasPrefix("    ") }) {
                let old = section[first...].prefix { $0.hasPrefix("    ") }
                lines.replaceSubrange(old.indices, with: indented)
            } else {
                lines.insert(contentsOf: [""] + indented, at: section.startIndex)
            }
            try lines.joined(separator: "\n").write(to: document.location, atomically: true, encoding: .utf8)
        }
    }
}
