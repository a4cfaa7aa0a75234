import HTTPHandlesCommandLine
import Testing

@Suite("Scripts of requests")
struct RequestScriptTests {
    @Test func `a line is a method and a URL, or a URL`() throws {
        let text = "# first\n\nhttp://a/\n  POST\thttp://b/ \r\n#x\nHEAD c"
        #expect(
            try RequestScript.requests(in: text, of: "f") == [
                .init(url: "http://a/"), .init(method: "POST", url: "http://b/"), .init(method: "HEAD", url: "c"),
            ]
        )
    }

    @Test(arguments: [
        ("", "f has no request."), ("# x\n", "f has no request."),
        ("a\nb c d", "f:2: a line has a method and a URL, or a URL."),
    ])
    func `other lines are refused`(_ text: String, _ reason: String) {
        #expect(throws: SyntaxError(reason)) { try RequestScript.requests(in: text, of: "f") }
    }
}
