import HTTPHandlesCommandLine
import Testing

@Suite("Formats of -w")
struct WriteOutFormatTests {
    @Test(
        arguments: [
            ("", []), ("a\\n\\r\\t\\x", [.text("a\n\r\t\\x")]), ("%%", [.text("%")]), ("100%", [.text("100%")]),
            ("%{http_code}", [.variable(.status)]), ("a%{url}b", [.text("a"), .variable(.url), .text("b")]),
            ("%header{X-A}", [.header("X-A")]), ("%header", [.text("%header")]), ("%{url", [.text("%{url")]),
            ("%header{x", [.text("%header{x")]), ("\\", [.text("\\")]),
            (
                "%{stderr}a%{stdout}b%{onerror}",
                [.standardError, .text("a"), .standardOutput, .text("b"), .onlyOnError]
            ),
        ] as [(String, [WriteOutFormat.Part])]
    )
    func parts(_ text: String, _ parts: [WriteOutFormat.Part]) throws {
        #expect(try WriteOutFormat(text).parts == parts)
    }

    @Test func `an unknown variable is an error`() {
        #expect(throws: SyntaxError("--write-out: there is no variable \"nosuch\".")) {
            try WriteOutFormat("%{nosuch}")
        }
    }

    @Test(arguments: [(false, "200", "e x"), (true, "200failed", "e x")])
    func texts(_ hasFailed: Bool, _ output: String, _ error: String) throws {
        let format = try WriteOutFormat("%{http_code}%{stderr}e %header{a}%{stdout}%{onerror}failed")
        let texts = format.texts(
            hasFailed: hasFailed,
            value: { $0 == .status ? "200" : "?" },
            field: { $0 == "a" ? "x" : "?" }
        )
        #expect(texts == (output, error))
    }
}
