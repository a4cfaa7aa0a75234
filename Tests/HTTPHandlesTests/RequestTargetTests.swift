import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes
import Testing

/// The targets of request lines, as received by a server.
@Suite("Received targets", .timeLimit(.minutes(5)))
struct RequestTargetTests {
    /// Answers `/hop` with a redirect to `location`; records the request lines.
    private static func server(
        _ lines: Record<String>,
        location: @escaping @Sendable (String) -> [UInt8] = { _ in [] }
    ) throws -> ScriptedServer {
        try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                lines.note(request.head.requestLine)
                let target = location(request.head.target)
                guard !target.isEmpty else {
                    try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                    continue
                }
                try connection.send("HTTP/1.1 302 R\r\nContent-Length: 0\r\nLocation: ".utf8 + target + "\r\n\r\n".utf8)
            }
        }
    }

    // MARK: Bytes

    @Test(arguments: ["/a", "/a?b="])
    func `the bytes of a redirect's target are kept`(_ start: String) async throws {
        let lines = Record<String>()
        let server = try Self.server(lines) { target in
            guard target.hasPrefix("/hop/"), let byte = UInt8(target.dropFirst(5)) else { return [] }
            return start.utf8 + [byte] + "c".utf8
        }
        let session = try SessionHandle()
        for byte in UInt8.min...UInt8.max {
            let before = lines.all.count
            let url = server.url("/hop/\(byte)")
            let digits = String(byte, radix: 16, uppercase: true)
            switch byte {
            case 0, UInt8(ascii: "\n"), UInt8(ascii: "\r"):
                // These bytes change the head itself.
                let response = try? await session.get(url)
                #expect(response == nil || byte != 0)
                continue
            case 0..<0x20, 0x7F:
                let error = await #expect(throws: HandleError.self) { try await session.get(url) }
                #expect(error?.code == .invalidURL && error?.operation == .receiveResponse, "\(byte)")
                #expect(lines.all.count == before + 1)
                continue
            case UInt8(ascii: "#"): _ = try await session.get(url)
            default: _ = try await session.get(url)
            }
            let expected =
                switch byte {
                case UInt8(ascii: "#"): start
                case 0x20, 0x80...: "\(start)%\(digits)c"
                default: start + String(decoding: [byte], as: UTF8.self) + "c"
                }
            #expect(lines.all.last == "GET \(expected) HTTP/1.1", "\(byte)")
        }
    }

    @Test func `a target is encoded from the bytes of the server, not from a repaired text`() async throws {
        let lines = Record<String>()
        let server = try Self.server(lines) { target in
            target == "/" ? "/caf".utf8 + [0xE9] + "/\u{301}?q=\u{301}".utf8 + [0xFF] : []
        }
        let response = try await SessionHandle().get(server.url())
        #expect(lines.all == ["GET / HTTP/1.1", "GET /caf%E9/%CC%81?q=%CC%81%FF HTTP/1.1"])
        #expect(response.head.url == server.url("/caf%E9/%CC%81?q=%CC%81%FF"))
    }

    /// A handle of libcurl that is used for the same server again gets only another path and query.
    @Test func `targets that follow each other on one connection are sent as they are`() async throws {
        let lines = Record<String>()
        let server = try Self.server(lines)
        let session = try SessionHandle()
        let targets = [
            "/a", "/b?x=1", "/b", "/c?", "/d", "/e%2Fe", "/f?g=%C3%A4", "/%", "/h", "/h?", "/h?a=b?c", "/", "/?",
            "/a//b/", "/a",
            "/a?x=1&y=2", "/a?x=1&y=3",
        ]
        for target in targets + targets.reversed() {
            let response = try await session.get(server.url(target))
            #expect(try await response.body.collect(upTo: 0) == [])
            #expect(lines.all.last == "GET \(target) HTTP/1.1")
            #expect(response.head.url == server.url(target))
        }
        let whole = HTTPRequest(method: .options, scheme: "http", authority: "127.0.0.1:\(server.port)", path: "*")
        for (request, line) in [(whole, "OPTIONS * HTTP/1.1"), (whole, "OPTIONS * HTTP/1.1")] {
            _ = try await session.fetch(request).body.collect(upTo: 0)
            #expect(lines.all.last == line)
            _ = try await session.get(server.url("/after?it")).body.collect(upTo: 0)
            #expect(lines.all.last == "GET /after?it HTTP/1.1")
        }
    }

    // MARK: Dot segments

    static let stepping = [
        // Newer libcurls write the digits of encoded bytes in upper case.
        ("/a/../b/./c", "/b/c"), ("/%2E%2E/a", "/a"), ("/..", "/"), ("/a/..?q=/../", "/?q=/../"),
        ("/.well-known/x", "/.well-known/x"), ("/...", "/..."),
    ]

    @Test(arguments: stepping)
    func `dot segments are removed unless pathAsIs is set`(_ path: String, _ target: String) async throws {
        let lines = Record<String>()
        let server = try Self.server(lines)
        let session = try SessionHandle()
        let asIs = try SessionHandle(options: [.set(.pathAsIs, to: true)])
        let authority = "127.0.0.1:\(server.port)"
        for session in [session, asIs] {
            let sent = session === asIs ? path : target
            #expect(try await session.get(server.url(path)).head.url == server.url(sent))
            _ = try await session.fetch(HTTPRequest(method: .get, scheme: "http", authority: authority, path: path))
            let request = try await session.connect(to: "127.0.0.1", port: server.port).openRequest(.get, path)
            try await request.send()
            _ = try await request.receiveResponse()
            // The option has its effect when the request is sent.
            try await request.setOption(.pathAsIs, to: session !== asIs)
            try await request.send()
            _ = try await request.receiveResponse()
            let other = session === asIs ? target : path
            #expect(lines.all.suffix(4) == [sent, sent, sent, other].map { "GET \($0) HTTP/1.1" })
        }
    }

    @Test func `dot segments of a redirect are always removed`() async throws {
        let lines = Record<String>()
        let server = try Self.server(lines) { $0 == "/../hop" ? Array("/a/../b".utf8) : [] }
        _ = try await SessionHandle(options: [.set(.pathAsIs, to: true)]).get(server.url("/../hop"))
        #expect(lines.all == ["GET /../hop HTTP/1.1", "GET /b HTTP/1.1"])
    }

    @Test(arguments: [[], ["--path-as-is"]])
    func `the tool removes or keeps dot segments like curl`(_ options: [String]) async throws {
        let lines = Record<String>()
        let server = try Self.server(lines)
        for path in ["/a/../b/./c?d/../e", "/../x", "/a/.", "/a/b/.."] {
            let arguments = options + [server.url(path)]
            #expect(try await TestProgram.run(["get"] + arguments, of: "http-handles").status == 0)
            let curl = ["curl", "-q", "--silent", "--noproxy", "*"] + arguments
            #expect(try await TestProgram.run("/usr/bin/env", curl).status == 0)
            let sent = lines.all.suffix(2)
            #expect(sent.first == sent.last)
        }
        #expect(lines.all.count == 8)
    }

    // MARK: The whole server

    @Test func `OPTIONS can be about the whole server`() async throws {
        let lines = Record<String>()
        let server = try Self.server(lines)
        let session = try SessionHandle()
        let authority = "127.0.0.1:\(server.port)"
        let request = HTTPRequest(method: .options, scheme: "http", authority: authority, path: "*")
        let head = try await session.fetch(request).head
        // The URL of such a request has no path (RFC 9112, section 3.2.4).
        #expect(head.url == "http://\(authority)")
        // The same easy handle, with and without it.
        _ = try await session.fetch(.options, server.url())
        let handle = try await session.connect(to: "127.0.0.1", port: server.port).openRequest(.options, "*")
        try await handle.send()
        _ = try await handle.receiveResponse()
        _ = try await session.get(server.url("/*"))
        #expect(lines.all == ["OPTIONS *", "OPTIONS /", "OPTIONS *", "GET /*"].map { "\($0) HTTP/1.1" })
        #expect(server.connectionsAccepted == 1)
    }

    @Test func `a redirect of such a request has a path`() async throws {
        let lines = Record<String>()
        let server = try Self.server(lines) { $0 == "*" ? Array("#there".utf8) : [] }
        let authority = "127.0.0.1:\(server.port)"
        let request = HTTPRequest(method: .options, scheme: "http", authority: authority, path: "*")
        _ = try await SessionHandle().fetch(request)
        #expect(lines.all == ["OPTIONS * HTTP/1.1", "OPTIONS / HTTP/1.1"])
    }

    @Test(arguments: [HTTPRequest.Method.get, .post, .head])
    func `no other method can`(_ method: HTTPRequest.Method) async throws {
        let session = try SessionHandle()
        let error = HandleError(
            .invalidURL,
            .openRequest,
            reason: "the method of the target \"*\" must be OPTIONS, but is \(method)"
        )
        let request = HTTPRequest(method: method, scheme: "http", authority: "127.0.0.1:1", path: "*")
        await #expect(throws: error) { try await session.fetch(request) }
        let connection = try await session.connect(to: "127.0.0.1", port: 1)
        await #expect(throws: error) { try await connection.openRequest(method, "*") }
    }
}
