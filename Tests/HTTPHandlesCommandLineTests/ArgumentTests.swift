import HTTPHandlesCommandLine
import Testing

@Suite("Arguments")
struct ArgumentTests {
    // MARK: Data

    static func text(_ kind: DataArgument.Kind, _ argument: String, file: String = "") -> String {
        let argument = DataArgument(kind, argument)
        let content = if case .text(let text) = argument.source { text } else { file }
        return String(decoding: argument.encoded(Array(content.utf8)), as: UTF8.self)
    }

    @Test(
        arguments: [
            (.lines, "a\nb", "", "a\nb"), (.lines, "@f", "a\r\nb\0", "ab"), (.raw, "@f", "", "@f"),
            (.binary, "@f", "a\nb", "a\nb"), (.json, "@f", "{\n}", "{\n}"), (.encoded, "a b", "", "a+b"),
            (.encoded, "=a=b", "", "a%3Db"), (.encoded, "n=x&y", "", "n=x%26y"), (.encoded, "n&=é", "", "n&=%C3%A9"),
            (.encoded, "n@f", "a\n", "n=a%0A"), (.encoded, "@f", "-._~", "-._~"), (.encoded, "a@b=c", "", "a@b=c"),
        ] as [(DataArgument.Kind, String, String, String)]
    )
    func data(_ kind: DataArgument.Kind, _ argument: String, _ file: String, _ sent: String) {
        #expect(Self.text(kind, argument, file: file) == sent)
    }

    @Test func `JSON is joined without an ampersand`() {
        let parts: [(DataArgument.Kind, String)] = [
            (.lines, "a"), (.raw, "b"), (.json, "{"), (.json, "}"), (.encoded, ""),
        ]
        #expect(DataArgument.join(parts.map { ($0, Array($1.utf8)) }) == Array("a&b{}&".utf8))
    }

    // MARK: Forms

    @Test(
        arguments: [
            ("a=b", "a", .text("b"), nil, nil), ("a=", "a", .text(""), nil, nil), ("=b", "", .text("b"), nil, nil),
            ("a=@f", "a", .file("f"), nil, nil), ("a=<f", "a", .textOfFile("f"), nil, nil),
            ("a=@-", "a", .file("-"), nil, nil),
            ("a=b;type=t/u", "a", .text("b"), "t/u", nil), ("a=@f;type=t/u;filename=n", "a", .file("f"), "t/u", "n"),
            ("a=@f; filename=\"n;\\\"\\\\\"", "a", .file("f"), nil, "n;\"\\"),
            ("a=@f;type=t/u;charset=x; filename=n", "a", .file("f"), "t/u;charset=x", "n"),
            ("a=\"b;c\"", "a", .text("b;c"), nil, nil), ("a=@\"x,y\"", "a", .file("x,y"), nil, nil),
        ] as [(String, String, FormArgument.Content, String?, String?)]
    )
    func forms(_ text: String, _ name: String, _ content: FormArgument.Content, _ type: String?, _ filename: String?)
        throws
    {
        let argument = try FormArgument(text)
        #expect(argument.name == name)
        #expect(argument.content == content)
        #expect(argument.contentType == type)
        #expect(argument.filename == filename)
    }

    @Test(arguments: ["a", "a=@x,y", "a=b;c", "a=b;headers=X: y", "a=\"b", "a=\"b\"c", "a=b;filename=\"x"])
    func `forms that are refused`(_ text: String) {
        #expect(throws: SyntaxError.self) { try FormArgument(text) }
    }

    @Test func `a literal form text`() throws {
        let argument = try FormArgument(literal: "a=@b;type=c")
        #expect(argument.content == .text("@b;type=c"))
        #expect(argument.contentType == nil)
        #expect(throws: SyntaxError.self) { try FormArgument(literal: "a") }
    }

    @Test(arguments: [
        ("a.txt", "text/plain"), ("A.JPEG", "image/jpeg"), ("a.xml", "application/xml"),
        ("txt", "application/octet-stream"),
        ("a.b", "application/octet-stream"), ("", "application/octet-stream"),
    ])
    func `media types of files`(_ name: String, _ type: String) {
        #expect(FormArgument.mediaType(ofFile: name) == type)
    }

    // MARK: URLs

    @Test(
        arguments: [
            ("a.example", "http://a.example", nil, nil), ("localhost:8080/x", "http://localhost:8080/x", nil, nil),
            ("https://a/", "https://a/", nil, nil), ("a/?u=http://b/", "http://a/?u=http://b/", nil, nil),
            ("http://ann:s%40c@a/x@y", "http://a/x@y", "ann", "s@c"), ("ann@a", "http://a", "ann", nil),
            ("http://a:b:c@d@e/", "http://e/", "a", "b:c@d"), ("http://:p@a/", "http://a/", "", "p"),
            ("http://%zz:%4@a/", "http://a/", "%zz", "%4"),
        ] as [(String, String, String?, String?)]
    )
    func urls(_ argument: String, _ text: String, _ user: String?, _ password: String?) {
        let url = TransferURL(argument)
        #expect(url.text == text)
        #expect(url.user == user)
        #expect(url.password == password)
    }

    @Test(arguments: [
        ("http://a.example:80/x/y.z?q/w#f/g", "a.example", "y.z"), ("http://[::1]:80/", "::1", ""),
        ("http://a", "a", ""),
        ("http://a?x/y", "a", ""), ("http://a/b/", "a", ""),
    ])
    func `parts of URLs`(_ text: String, _ host: String, _ name: String) {
        #expect(TransferURL(text).host == host)
        #expect(TransferURL(text).lastSegment == name)
    }

    @Test func `additions to URLs`() {
        func query(_ text: String, _ query: String) -> String {
            var url = TransferURL(text)
            url.append(query: Array(query.utf8))
            return url.text
        }
        func file(_ text: String) -> String {
            var url = TransferURL(text)
            url.append(fileName: "a b")
            return url.text
        }
        #expect(query("http://a/", "x=1") == "http://a/?x=1")
        #expect(query("http://a/?y#f", "x=1") == "http://a/?y&x=1#f")
        #expect(query("http://a/#f", "") == "http://a/#f")
        #expect(file("http://a") == "http://a/a%20b")
        #expect(file("http://a/b/?q#f") == "http://a/b/a%20b?q#f")
        #expect(file("http://a/b") == "http://a/b")
    }

    // MARK: Names, amounts and dates

    @Test(
        arguments: [
            ("attachment; filename=\"a b.txt\"", "a b.txt"), ("attachment; filename=a.txt ; x=y", "a.txt"),
            ("attachment; FileName = \"../../etc/passwd\"", "passwd"),
            ("attachment; filename=\"C:\\\\dir\\\\a.txt\"", "a.txt"),
            ("attachment; filename=\"a\\\"b\"", "a\"b"), ("attachment; x=\"filename=b\"; filename=c", "c"),
            ("attachment; filename=\"a\u{1}\n\u{7F}b\"", "ab"), ("attachment; filename*=UTF-8''a", nil),
            ("attachment", nil),
            ("attachment; filename=..", nil), ("attachment; filename=\"/\"", nil), ("attachment; filename=\".\"", nil),
            ("attachment; filename=\"\"", nil), ("", nil), ("attachment; filename", nil),
            ("attachment; filename=\"a", "a"),
        ] as [(String, String?)]
    )
    func `names from a server`(_ value: String, _ name: String?) {
        #expect(FileNames.suggested(byContentDisposition: value) == name)
    }

    @Test(
        arguments: [
            ("1", 1), ("10k", 10240), ("1.5M", 1_572_864), ("2G", 2_147_483_648), ("1B", 1), ("", nil), ("k", nil),
            ("-1", nil),
            ("1x", nil), ("1.2.3", nil), ("9999999P", nil), ("1e3", nil),
        ] as [(String, Int64?)]
    )
    func bytes(_ text: String, _ bytes: Int64?) {
        #expect(Amounts.bytes(text) == bytes)
    }

    @Test(
        arguments: [
            ("0-4", "bytes=0-4"), ("5-", "bytes=5-"), ("-5", "bytes=-5"), ("0-1,3-4", "bytes=0-1,3-4"),
            ("7", "bytes=7-"),
            ("", nil), ("-", nil), ("4-0", nil), ("a-b", nil), ("1-2-3", nil), ("1,2", nil), ("0-1,", nil),
        ] as [(String, String?)]
    )
    func ranges(_ text: String, _ value: String?) {
        #expect(Amounts.range(text) == value)
    }

    @Test(
        arguments: [
            ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777), ("Sunday, 06-Nov-94 08:49:37 GMT", 784_111_777),
            ("Sun Nov  6 08:49:37 1994", 784_111_777), ("1994-11-06T08:49:37Z", 784_111_777),
            ("19941106 08:49:37", 784_111_777),
            ("6 Nov 1994 09:49:37 +0100", 784_111_777), ("Nov 6 1994", 784_080_000), ("1970-01-01", 0),
            ("29 Feb 2024", 1_709_164_800), ("1969-12-31", -86_400), ("29 Feb 2023", nil), ("1994", nil), ("x", nil),
            ("", nil),
            ("1994-11-06 25:00", nil), ("1994-13-06", nil), ("1994-11-06 1994-11-06", nil), ("999999999", nil),
            ("file.txt", nil), ("1994-11-06 08:49:37 08:49:37", nil),
        ] as [(String, Int64?)]
    )
    func dates(_ text: String, _ seconds: Int64?) {
        #expect(DateText.parse(text) == seconds)
    }

    @Test(
        arguments: [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (1_709_164_800, "Thu, 29 Feb 2024 00:00:00 GMT"), (-1, "Wed, 31 Dec 1969 23:59:59 GMT"),
            (4_102_444_799, "Thu, 31 Dec 2099 23:59:59 GMT"),
        ] as [(Int64, String)]
    )
    func `dates of header fields`(_ seconds: Int64, _ text: String) {
        #expect(DateText.fieldValue(secondsSince1970: seconds) == text)
        #expect(DateText.parse(text) == seconds)
    }

    @Test(arguments: [("a", nil), ("a/b", "a"), ("/a", "/"), ("a/b/c", "a/b"), ("a/", "a")] as [(String, String?)])
    func folders(_ path: String, _ folder: String?) {
        #expect(FileNames.folder(of: path) == folder)
    }
}
