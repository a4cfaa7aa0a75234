import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes
import Testing

@Suite("Bad input", .timeLimit(.minutes(5)))
struct BadInputTests {
    // MARK: From the caller

    @Test(arguments: [("ftp", "ftp://h"), ("file", "file://"), ("nonsense", "nonsense://h")])
    func `another scheme`(scheme: String, origin: String) async throws {
        let session = try SessionHandle()
        let reason = "the scheme of \"\(origin)/path\" must be http or https, but is \"\(scheme)\""
        await #expect(throws: HandleError(.unrecognizedScheme, .openRequest, reason: reason)) {
            try await session.get(origin + "/path")
        }
    }

    @Test(arguments: [
        "", "/path", "h/path", "http://", "http:///path", "http:/h/", "http://h:99999/", "http://h:0/",
        "http://h:port/",
        "http://user:secret@h/", "http://h/a\r\nX: y", "http://h/a\u{0}b", "http://h/\u{7F}", "http://h\n/",
        "http://[::1/", "http://h ost/",
    ])
    func `a malformed URL`(url: String) async throws {
        let session = try SessionHandle()
        let recorder = EventRecorder(of: session, scope: .tree)
        let error = await #expect(throws: HandleError.self) { try await session.get(url) }
        #expect(error?.code == .invalidURL || error?.code == .unrecognizedScheme)
        #expect(error?.operation == .openRequest)
        try session.close()
        // No request was made or sent.
        #expect(try await recorder.finish().map(\.kind) == [.handleClosing])
    }

    @Test(arguments: [
        "http://user:s3cret@h/", "http://s3cret@h:99999/", "ftp://user:s3cret@h/",
        "http:user:s3cret@h/", "user:s3cret@h", "http://user:s3cret@h/\n",
        "http://user:s3cret@\u{301}h/", "http://\u{301}user:s3cret@h/",
    ])
    func `credentials in a URL are refused, and the error hides them`(url: String) async throws {
        let session = try SessionHandle()
        for error in [
            await #expect(throws: HandleError.self) { try await session.get(url) },
            await #expect(throws: HandleError.self) { try await session.connect(to: url, port: 80) },
        ] {
            #expect(error?.description.contains("s3") == false, "\(String(describing: error))")
        }
    }

    @Test(arguments: ["", "h/p", "h?q", "h#f", "u@h", "h:80", "a b", "a\r\nb", "a\u{0}b", "[::1", "h%00"])
    func `a malformed host`(host: String) async throws {
        let session = try SessionHandle()
        let error = await #expect(throws: HandleError.self) { try await session.connect(to: host, port: 80) }
        #expect(error?.code == .invalidURL)
        #expect(error?.operation == .connect)
    }

    @Test(arguments: [-1, 0, 65536])
    func `a port out of range`(port: Int) async throws {
        let session = try SessionHandle()
        await #expect(
            throws: HandleError.invalidParameter(.connect, "the port must be from 1 to 65535, but is \(port)")
        ) {
            try await session.connect(to: "h", port: port)
        }
    }

    @Test func `IPv6 addresses with and without brackets`() async throws {
        let session = try SessionHandle()
        _ = try await session.connect(to: "::1", port: 80)
        _ = try await session.connect(to: "[::1]", port: 80)
    }

    @Test func `a path cannot become part of the authority`() async throws {
        let server = try ScriptedServer { connection in
            let head = try connection.readHead()
            let target = head?.target ?? ""
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(target.utf8.count)\r\n\r\n\(target)")
        }
        let session = try SessionHandle()
        let connection = try await session.connect(to: "127.0.0.1", port: server.port)
        for (path, target) in [
            ("//evil/x", "//evil/x"), ("x", "/x"), ("", "/"), ("/a/../b", "/b"), ("/..//evil/x", "//evil/x"),
            ("/%2e%2e/?q=1#f", "/?q=1"), (":80/x", "/:80/x"), (".evil.com/", "/.evil.com/"),
            ("/é?ü", "/%C3%A9?%C3%BC"), ("?q", "/?q"), ("@evil/x", "/@evil/x"), ("/a b", "/a%20b"),
            ("\\\\evil", "/\\\\evil"),
        ] {
            let request = try await connection.openRequest(.get, path)
            try await request.send()
            _ = try await request.receiveResponse()
            let asked = String(decoding: try await request.body.collect(upTo: 100), as: UTF8.self)
            #expect(asked == target)
        }
    }

    @Test func `a request without scheme or authority`() async throws {
        let session = try SessionHandle()
        let request = HTTPRequest(method: .get, scheme: nil, authority: "h", path: "/")
        await #expect(
            throws: HandleError(.invalidURL, .openRequest, reason: "the request has no scheme or no authority")
        ) {
            try await session.fetch(request)
        }
    }

    @Test func `header fields that control the connection`() async throws {
        let session = try SessionHandle()
        let connection = try await session.connect(to: "127.0.0.1", port: 1)
        await #expect(
            throws: HandleError.invalidParameter(
                .openRequest,
                "the field \"Upgrade: x\" is not allowed: the library controls the connection"
            )
        ) {
            try await connection.openRequest(.get, "/", headerFields: [.upgrade: "x"])
        }
    }

    @Test func `a header field with CR, LF or NUL never reaches the server`() async throws {
        let server = try ScriptedServer { connection in
            let head = try connection.readHead()
            let count = head?.lines.count ?? 0
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n\(count % 10)")
        }
        let session = try SessionHandle()
        var fields = HTTPFields()
        #expect(throws: HandleError.self) { try fields.append(name: "X-A", value: "1\r\nX-B: 2") }
        // `HTTPField` replaces characters that are not allowed by spaces.
        fields.append(HTTPField(name: try #require(HTTPField.Name("X-A")), value: "1\r\nX-B: 2\u{0}"))
        let response = try await session.get(server.url(), headerFields: fields)
        #expect(try await response.body.collect(upTo: 1) == Array("5".utf8))
    }

    @Test func `an option at the wrong level`() async throws {
        let session = try SessionHandle()
        await #expect(
            throws: HandleError(.incorrectHandleType, .queryOption, reason: "a session handle has no option url")
        ) {
            try await session.option(.url)
        }
    }

    // MARK: From the server

    @Test func `a refused connection`() async throws {
        let port = try ScriptedServer { _ in }.port
        let session = try SessionHandle()
        let recorder = EventRecorder(of: session, scope: .tree)
        let error = await #expect(throws: HandleError.self) { try await session.get("http://127.0.0.1:\(port)/") }
        #expect(error?.code == .cannotConnect)
        #expect(error?.curl?.code.rawValue == 7)
        try session.close()
        let kinds = try await recorder.finish().filter { $0.handle.level == .request }.map(\.kind.name)
        #expect(kinds == ["handleCreated", "connectingToServer", "requestError", "handleClosing"])
    }

    @Test func `two carriage returns at the end of the lines of a head`() async throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readHead()
            try connection.send("HTTP/1.1 200 OK\r\r\nContent-Length: 5\r\r\n\r\r\nhello")
        }
        let session = try SessionHandle()
        // libcurl 7.88 treats a line that begins with one as the empty line, and so does the library; newer ones refuse it.
        do {
            let response = try await session.get(server.url())
            #expect(try await response.body.collect(upTo: 10) == Array("hello".utf8))
        } catch {
            #expect(error.curl != nil, "\(error)")
        }
    }

    @Test func `a name that does not exist`() async throws {
        let session = try SessionHandle()
        let error = await #expect(throws: HandleError.self) { try await session.get("http://no-such-name.invalid/") }
        #expect(error?.code == .nameNotResolved)
    }

    @Test(
        arguments: [
            ("", [52]),
            ("garbage\r\n\r\n", [1]),
            ("HTTP/1.1 20", [52, 8]),
            ("HTTP/1.1 200 OK\r\nContent-Le", [nil]),
            ("HTTP/1.1 abc OK\r\n\r\n", [1]),
            ("HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", [8]),
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\ncontent-length:6\r\n\r\nhello", [nil, 8]),
            ("HTTP/1.1 200 OK\r\nX: a\u{0}b\r\n\r\n", [8]),
        ] as [(String, Set<Int32?>)]
    )
    func `a malformed head`(response: String, curl: Set<Int32?>) async throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readHead()
            try connection.send(response)
        }
        let session = try SessionHandle()
        let recorder = EventRecorder(of: session, scope: .tree)
        let error = await #expect(throws: HandleError.self) { try await session.get(server.url()) }
        #expect(error?.code == .invalidServerResponse)
        #expect(error?.operation == .receiveResponse)
        #expect(curl.contains(error?.curl?.code.rawValue))
        try session.close()
        let kinds = try await recorder.finish().filter { $0.handle.level == .request }.map(\.kind)
        #expect(kinds.last == .handleClosing)
        #expect(kinds.contains { $0.name == "requestError" })
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    ])
    func `a truncated body is an error after the received bytes`(response: String) async throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readHead()
            try connection.send(response)
        }
        let session = try SessionHandle()
        let recorder = EventRecorder(of: session, scope: .tree)
        let response = try await session.get(server.url())
        var received: [UInt8] = []
        let error = await #expect(throws: HandleError.self) {
            for try await piece in response.body { received += piece }
        }
        #expect(received == Array("hello".utf8))
        #expect(error?.code == .connectionError)
        #expect(error?.operation == .readData)
        try session.close()
        let kinds = try await recorder.finish().filter { $0.handle.level == .request }.map(\.kind)
        #expect(kinds.suffix(2).map(\.name) == ["requestError", "handleClosing"])
    }

    @Test func `a head beyond the limit`() async throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readHead()
            try connection.send("HTTP/1.1 200 OK\r\n")
            for index in 0..<1000 {
                try connection.send("X-\(index): \(String(repeating: "x", count: 1000))\r\n")
            }
        }
        let session = try SessionHandle()
        let error = await #expect(throws: HandleError.self) { try await session.get(server.url()) }
        #expect(error?.code == .headerSizeOverflow)
    }

    @Test func `too many header lines`() async throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readHead()
            try connection.send("HTTP/1.1 200 OK\r\n" + String(repeating: "a:\r\n", count: 15_000) + "\r\n")
        }
        let session = try SessionHandle()
        let error = await #expect(throws: HandleError.self) { try await session.get(server.url()) }
        #expect(error?.code == .headerCountExceeded)
    }

    @Test func `a reset in the middle of the body`() async throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readHead()
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
            connection.reset()
        }
        let session = try SessionHandle()
        let error = await #expect(throws: HandleError.self) {
            try await session.get(server.url()).body.collect(upTo: 100)
        }
        // The reset may overtake the head.
        #expect(error?.code == .connectionError)
    }

    // MARK: A dead pooled connection

    /// A server that answers once on its first connection and closes it when the next request has arrived.
    static func closingOnReuse() throws -> ScriptedServer {
        try ScriptedServer { connection in
            _ = try connection.readRequest()
            try connection.send(EventOrderTests.hello)
            guard connection.number == 0 else {
                connection.waitForClose()
                return
            }
            _ = try connection.readRequest()
            connection.reset()
        }
    }

    @Test func `an idempotent request is sent again on a new connection`() async throws {
        let server = try Self.closingOnReuse()
        let session = try SessionHandle()
        _ = try await session.get(server.url()).body.collect(upTo: 5)
        let recorder = EventRecorder(of: session, .sendRequest, scope: .tree)
        #expect(try await session.get(server.url()).status == .ok)
        try session.close()
        let sending = try await recorder.finish().filter { $0.kind == .sendingRequest }
        #expect(sending.count == 2)
        #expect(server.connectionsAccepted == 2)
    }

    @Test func `the repeated request is equal to the first one`() async throws {
        let server = try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                let target = request.head.target
                guard connection.number > 0 || target == "/first" else { return connection.reset() }
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(target.utf8.count)\r\n\r\n\(target)")
            }
        }
        let session = try SessionHandle()
        // All with the same easy handle, on a connection that is lost in between.
        for target in ["/first", "/second", "/third?a=b", "/third?a=b", "/first"] {
            let body = try await session.get(server.url(target)).body.collect(upTo: 100)
            #expect(body == Array(target.utf8))
        }
        #expect(server.connectionsAccepted == 2)
    }

    @Test func `a request that is not idempotent is not sent twice`() async throws {
        let server = try Self.closingOnReuse()
        let session = try SessionHandle()
        _ = try await session.get(server.url()).body.collect(upTo: 5)
        let request = HTTPRequest(method: .post, scheme: "http", authority: "127.0.0.1:\(server.port)", path: "/")
        let error = await #expect(throws: HandleError.self) { try await session.fetch(request, body: .string("once")) }
        #expect(error?.code == .connectionError)
        #expect(
            error?.reason == "the connection was lost before a response came; a POST is not sent twice"
        )
    }
}
