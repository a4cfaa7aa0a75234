import HTTPHandlesCore
import Testing

@testable import HTTPHandlesDriver

@Suite("Request URLs")
struct RequestURLTests {
    @Test(arguments: [
        ("http://LOCALHOST:80/a", "http://localhost/a"), ("https://h:443", "https://h/"), ("HTTP://h:/", "http://h/"),
        ("https://h:80/", "https://h:80/"), ("http://h:0080/", "http://h/"), ("http://h?q#f", "http://h/?q"),
        ("http://[::1]:80/", "http://[::1]/"), ("http://[FE80::A%25Lo]:81/?q", "http://[fe80::a%25Lo]:81/?q"),
        ("http://[fe80:0:0::a%lo]/", "http://[fe80::a%25lo]/"), ("http://0x7F.1:81", "http://127.0.0.1:81/"),
        ("http://h./a b", "http://h./a%20b"), ("http://h/%7e%7E", "http://h/%7e%7E"),
        ("http://h//h2/", "http://h//h2/"),
        ("http://h/:1@x", "http://h/:1@x"), ("http://%48/", "http://h/"), ("http://a_b-c~d.e/", "http://a_b-c~d.e/"),
    ])
    func `a URL is normalized`(_ text: String, _ url: String) throws {
        // Twice: the second time from the cache.
        for text in [text, url, text] {
            let parsed = try RequestURL(parsing: text, for: .openRequest)
            #expect(parsed.text == url)
            #expect(parsed.text == parsed.origin.urlPrefix + parsed.target)
        }
    }

    @Test func `two zones are two origins`() throws {
        let urls = try ["http://[fe80::1%25a]/", "http://[fe80::1%25b]/", "http://[fe80::1]/", "http://[fe80::1%25A]/"]
            .map { try RequestURL(parsing: $0, for: .openRequest) }
        #expect(Set(urls.map(\.origin)).count == 4)
        #expect(urls.map(\.host) == ["fe80::1%a", "fe80::1%b", "fe80::1", "fe80::1%A"])
    }

    /// libcurl parses the URL that it gets to the same origin.
    @Test(arguments: 0..<8)
    func `libcurl sees the same server`(_ seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        let parts = [
            "h", "a.b", "127.0.0.1", "0x7f.1", "[::1]", "[fe80::1%25lo]", "[fe80::1%lo]", "H", ".", "/", "//", "..",
            "%2e",
            ":", ":80", ":443", ":99999", "@", "?", "#", "\\", "\u{301}", "\u{E9}", "\u{212A}", "\u{2100}", "\u{FF0F}",
            " ",
            "%2f", "%25", "%00", "\t", "\u{7F}", "|", "*", "~", "_", "+", "'", "http://h", "https:", "&", "=", "x",
        ]
        var count = 0
        for _ in 0..<4000 {
            let scheme = ["http://", "https://", "HTTP://"].randomElement(using: &random) ?? ""
            let rest = (0..<Int.random(in: 1...8, using: &random)).map { _ in parts.randomElement(using: &random) ?? ""
            }
            let text = scheme + rest.joined()
            guard let url = try? RequestURL(parsing: text, for: .openRequest) else { continue }
            count += 1
            for url in [url, url.withoutDotSegments] { try Self.check(url, from: text) }
            // A reference without an authority does not change the origin.
            let reference = "/" + rest.joined()
            guard let next = try? RequestURL(Array(reference.utf8), relativeTo: url, for: .receiveResponse) else {
                continue
            }
            try Self.check(next, from: "\(reference) at \(text)")
            if URLReference(Array(reference.utf8)).authority == nil {
                #expect(next.origin == url.origin, "\(reference) at \(text)")
            }
        }
        #expect(count > 300)
    }

    private static func check(_ url: RequestURL, from text: String) throws {
        let comment: Comment = "\(text.debugDescription) -> \(url.text)"
        #expect(url.text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "#") }, comment)
        guard let parser = CurlURL() else { throw HandleError(.notEnoughMemory, .openRequest, reason: "") }
        _ = parser.parse(url.text)
        #expect(parser.port == url.port, comment)
        let again = try RequestURL(parsing: url.text, for: .openRequest)
        #expect(again.origin == url.origin && again.text == url.text, comment)
        #expect(url.target.utf8.first == UInt8(ascii: "/"), comment)
    }
}
