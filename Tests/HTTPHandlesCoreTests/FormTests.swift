import HTTPHandlesCore
import Testing

@Suite("Forms")
struct FormTests {
    @Test(
        arguments: [
            ([], ""), ([("a", "b")], "a=b"), ([("a", ""), ("", "b"), ("a", "c")], "a=&=b&a=c"),
            ([("a b&=", "ü+%\r\n\0*-._~")], "a+b%26%3D=%C3%BC%2B%25%0D%0A%00*-._%7E"),
        ] as [([(String, String)], String)]
    )
    func `a form is encoded as browsers do`(fields: [(String, String)], encoded: String) {
        #expect(FormEncoding.encode(fields.map { (name: $0.0, value: $0.1) }) == Array(encoded.utf8))
    }

    /// Returns the given numbers, then counts up.
    struct Script: RandomNumberGenerator {
        var numbers: [UInt64]
        mutating func next() -> UInt64 { numbers.isEmpty ? 1 << 60 : numbers.removeFirst() }
    }

    func text(_ encoding: MultipartEncoding) -> String {
        encoding.pieces.map { piece in
            switch piece {
            case .bytes(let bytes): String(decoding: bytes, as: UTF8.self)
            case .source: "<a stream>"
            case .file(let path): "<\(path)>"
            }
        }.joined()
    }

    /// A combining mark changes the `Character` before it, but not its bytes.
    @Test func `a quotation mark is escaped also before a combining mark`() throws {
        var generator = Script(numbers: [])
        let encoding = try MultipartEncoding([.field("a\"\u{65A}b", "1")], using: &generator)
        let head = "--\(encoding.boundary)\r\nContent-Disposition: form-data; name=\"a%22\u{65A}b\"\r\n\r\n"
        #expect(Array(text(encoding).utf8).starts(with: Array(head.utf8)))
    }

    @Test func `parts are framed by the boundary`() throws {
        var generator = Script(numbers: [])
        let encoding = try MultipartEncoding(
            [
                .field("a", "1"), .field("quote\" and ü", "line\r\nbreak"),
                .bytes("b", [120], filename: "x\"y\\.bin", contentType: "text/plain; charset=utf-8"),
                .file("f", path: "/tmp/some dir/ö.txt"), .file("g", path: "/x", filename: "", contentType: "a/b"),
            ],
            using: &generator
        )
        let line = "--" + encoding.boundary
        #expect(encoding.contentType == "multipart/form-data; boundary=\(encoding.boundary)")
        #expect(
            text(encoding) == """
                \(line)\r
                Content-Disposition: form-data; name="a"\r
                \r
                1\r
                \(line)\r
                Content-Disposition: form-data; name="quote%22 and ü"\r
                \r
                line\r
                break\r
                \(line)\r
                Content-Disposition: form-data; name="b"; filename="x%22y\\.bin"\r
                Content-Type: text/plain; charset=utf-8\r
                \r
                x\r
                \(line)\r
                Content-Disposition: form-data; name="f"; filename="ö.txt"\r
                Content-Type: application/octet-stream\r
                \r
                </tmp/some dir/ö.txt>\r
                \(line)\r
                Content-Disposition: form-data; name="g"; filename=""\r
                Content-Type: a/b\r
                \r
                </x>\r
                \(line)--\r

                """
        )
    }

    @Test func `no parts make an empty form`() throws {
        var generator = Script(numbers: [])
        let encoding = try MultipartEncoding([], using: &generator)
        #expect(text(encoding) == "--\(encoding.boundary)--\r\n")
    }

    @Test func `a boundary that the content contains is not used`() throws {
        var first = Script(numbers: [])
        let boundary = try MultipartEncoding([], using: &first).boundary
        for part in [
            MultipartPart.field("a", "x\(boundary)y"), .field(boundary, ""), .bytes("a", [], filename: boundary),
        ] {
            var generator = Script(numbers: Array(repeating: 1 << 60, count: 24) + [1 << 62])
            let encoding = try MultipartEncoding([part], using: &generator)
            #expect(encoding.boundary != boundary)
        }
    }

    @Test(arguments: ["\r", "\n", "a\r\nb: c", "\0", "\u{7F}", "\t"])
    func `control characters are refused`(text: String) {
        let parts: [(String, MultipartPart)] = [
            ("name", .field(text, "")), ("filename", .bytes("a", [], filename: text)),
            ("content type", .bytes("a", [], contentType: text)), ("filename", .file("a", path: "/tmp/\(text)")),
        ]
        for (what, part) in parts {
            let error = HandleError.invalidParameter(
                .sendRequest,
                "the \(what) of a multipart part contains a control character"
            )
            #expect(throws: error) {
                var generator = SystemRandomNumberGenerator()
                _ = try MultipartEncoding([.field("good", "good"), part], using: &generator)
            }
        }
    }

    @Test(arguments: ["", "text/ü"])
    func `an invalid media type is refused`(text: String) {
        let error = HandleError.invalidParameter(
            .sendRequest,
            "the content type of a multipart part must be ASCII and not empty"
        )
        #expect(throws: error) {
            var generator = SystemRandomNumberGenerator()
            _ = try MultipartEncoding([.bytes("a", [], contentType: text)], using: &generator)
        }
    }
}
