import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes
import Testing

@Suite("URLs as values", .timeLimit(.minutes(5)))
struct HTTPURLTests {
    @Test func `a URL is split`() throws {
        let url = try HTTPURL("HTTPS://Example.COM:8443/a%20b/ü?x=1&y#f")
        #expect(url.text == "https://example.com:8443/a%20b/%C3%BC?x=1&y")
        #expect(url.scheme == "https")
        #expect(url.isSecure)
        #expect(url.host == "example.com")
        #expect(url.port == 8443)
        #expect(url.authority == "example.com:8443")
        #expect(url.origin == "https://example.com:8443")
        #expect(url.target == "/a%20b/%C3%BC?x=1&y")
        #expect(url.path == "/a%20b/%C3%BC")
        #expect(url.decodedPath == "/a b/ü")
        #expect(url.query == "x=1&y")
        #expect(url.queryItems == ["x": "1", "y": nil])
        #expect("\(url)" == "https://example.com:8443/a%20b/%C3%BC?x=(redacted)&(redacted)")
        let plain = try HTTPURL("http://h")
        #expect(plain.text == "http://h/")
        #expect(plain.port == 80)
        #expect(plain.query == nil)
        #expect(plain.queryItems.isEmpty)
        #expect(Set([plain, try HTTPURL("http://H:80/")]).count == 1)
    }

    @Test func `a URL is built of its parts`() throws {
        #expect(try HTTPURL(host: "h").text == "https://h/")
        let built = try HTTPURL(scheme: "http", host: "::1", port: 8080, path: "/a b/%/?#é", query: ["q": "x y"])
        #expect(built.text == "http://[::1]:8080/a%20b/%25/%3F%23%C3%A9?q=x%20y")
        #expect(built.decodedPath == "/a b/%/?#é")
        #expect(try HTTPURL(scheme: "HTTPS", host: "[::1]", port: 443).text == "https://[::1]/")
    }

    @Test(arguments: [
        ("ftp", "h", 1, "/", HandleErrorCode.unrecognizedScheme), ("http", "", 1, "/", .invalidURL),
        ("http", "a/b", 1, "/", .invalidURL), ("http", "u@h", 1, "/", .invalidURL),
        ("http", "h:1", 1, "/", .invalidURL),
        ("http", "h", 0, "/", .invalidParameter), ("http", "h", 65_536, "/", .invalidParameter),
        ("http", "h", 1, "a", .invalidURL), ("http", "h", 1, "", .invalidURL),
    ])
    func `parts that cannot be in a URL are refused`(
        scheme: String,
        host: String,
        port: Int,
        path: String,
        code: HandleErrorCode
    ) {
        let error = #expect(throws: HandleError.self) {
            try HTTPURL(scheme: scheme, host: host, port: port, path: path)
        }
        #expect(error?.code == code)
    }

    @Test(arguments: [
        "", "h", "/a", "http:", "http://", "http://u:p@h/", "http://h:0/", "http://h/\u{1}", "mailto:a@b",
    ])
    func `texts that are no URLs are refused`(text: String) {
        #expect(throws: HandleError.self) { try HTTPURL(text) }
    }

    /// Of RFC 3986, section 5.4.
    @Test(arguments: [
        ("g", "http://a/b/c/g"), ("./g", "http://a/b/c/g"), ("g/", "http://a/b/c/g/"), ("/g", "http://a/g"),
        ("//g", "http://g/"), ("?y", "http://a/b/c/d;p?y"), ("g?y", "http://a/b/c/g?y"), ("", "http://a/b/c/d;p?q"),
        ("..", "http://a/b/"), ("../g", "http://a/b/g"), ("../../../g", "http://a/g"), ("https://x/y", "https://x/y"),
    ])
    func `a reference is resolved`(reference: String, text: String) throws {
        #expect(try HTTPURL("http://a/b/c/d;p?q").resolving(reference).text == text)
    }

    @Test func `an internationalized host is converted, if libcurl can`() async throws {
        let session = try SessionHandle()
        guard try await session.option(.linkedLibrary).features.contains(.internationalNames) else { return }
        #expect(try HTTPURL("http://bücher.example/").host == "xn--bcher-kva.example")
        #expect(try HTTPURL(host: "bücher.example").host == "xn--bcher-kva.example")
    }

    @Test func `a request is made of a URL`() async throws {
        let heads = Record<ReceivedHead>()
        let server = try OneLineCallTests.answering(heads)
        let session = try SessionHandle()
        let request = try HTTPRequest(method: .delete, url: server.url("/a?b"), headerFields: [.from: "x"])
        _ = try await session.fetch(request).body.collect(upTo: 5)
        #expect(heads.all.map(\.requestLine) == ["DELETE /a?b HTTP/1.1"])
        #expect(heads.all.first?["From"] == "x")
    }

    @Test func `values of a response's header fields`() async throws {
        let fields = """
            Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r
            Content-Type: Text/HTML;charset=latin1\r\nContent-Disposition: attachment; filename="../x"\r
            Retry-After: Sun, 06 Nov 1994 08:50:37 GMT\r\nLink: </n>; rel=next\r\n
            """
        let server = try ScriptedServer { connection in
            _ = try connection.readRequest()
            try connection.send("HTTP/1.1 503 Busy\r\n\(fields)Content-Length: 0\r\n\r\n")
        }
        let head = try await SessionHandle().get(server.url()).head
        let date = HTTPDate(secondsSince1970: 784_111_777)
        #expect(head.date == date)
        #expect(head.lastModifiedDate == date)
        #expect(head.contentType?.mediaType == "text/html")
        #expect(head.contentType?.charset == "latin1")
        #expect(head.contentDisposition?.filename == "x")
        #expect(head.retryDelay == .seconds(60))
        #expect(head.links.map(\.target) == ["/n"])
        let empty = ResponseHead()
        #expect(empty.date == nil && empty.contentType == nil && empty.retryDelay == nil && empty.links.isEmpty)
        #expect(HTTPDate.now > date)
    }
}
