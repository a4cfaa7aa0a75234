import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes
import Testing

@Suite("Redirects", .timeLimit(.minutes(5)))
struct RedirectTests {
    /// Answers `/<status>/<rest>` with a redirect to `<rest>`, anything else with the received request.
    static func redirecting() throws -> ScriptedServer {
        try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                let parts = request.head.target.dropFirst().split(separator: "/", maxSplits: 1)
                if let first = parts.first, let status = Int(first) {
                    let rest = parts.count > 1 ? String(parts[1]).removingEscapes : ""
                    try connection.send("HTTP/1.1 \(status) R\r\nLocation: \(rest)\r\nContent-Length: 3\r\n\r\nold")
                } else {
                    let secrets = request.head["Authorization"].map { " \($0)" } ?? ""
                    let text = "\(request.head.requestLine)\(secrets) \(String(decoding: request.body, as: UTF8.self))"
                    try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(text.utf8.count)\r\n\r\n\(text)")
                }
            }
        }
    }

    func text(_ response: Response) async throws -> String {
        String(decoding: try await response.body.collect(upTo: 1000), as: UTF8.self)
    }

    @Test func `a redirect is followed within receiveResponse, and each hop has events`() async throws {
        let server = try Self.redirecting()
        let session = try SessionHandle()
        let connection = try await session.connect(to: "127.0.0.1", port: server.port)
        let request = try await connection.openRequest(.get, "/302//end")
        let recorder = EventRecorder(of: request)
        try await request.send()
        let head = try await request.receiveResponse()
        #expect(head.url == server.url("/end"))
        #expect(try await request.option(.url) == server.url("/end"))
        #expect(try await request.body.collect(upTo: 100) == Array("GET /end HTTP/1.1 ".utf8))
        try request.close()
        let kinds = try await recorder.finish().map(\.kind)
        guard case .connectingToServer(let address) = kinds.first else { throw UnexpectedEvents(kinds: kinds) }
        func sent(_ target: String) -> StatusEvent.Kind {
            .requestSent(
                bytes: "GET \(target) HTTP/1.1\r\nHost: 127.0.0.1:\(server.port)\r\n\(EventOrderTests.ownFields)\r\n"
                    .utf8.count
            )
        }
        #expect(
            kinds == [
                .connectingToServer(address: address), .connectedToServer(address: address), .sendingRequest,
                sent("/302//end"), .sendRequestComplete, .receivingResponse, .responseReceived(status: 302, bytes: 53),
                .redirect(url: server.url("/end")), .connectionReused(address: address), .sendingRequest, sent("/end"),
                .receivingResponse, .responseReceived(bytes: 39), .headersAvailable, .readComplete(bytes: 18),
                .readComplete(bytes: 0), .handleClosing,
            ]
        )
    }

    @Test func `bytes are sent again if the status requires it`() async throws {
        let server = try Self.redirecting()
        let session = try SessionHandle()
        let kept = try await session.fetch(.post, server.url("/307//end"), body: .string("body"))
        #expect(try await text(kept) == "POST /end HTTP/1.1 body")
        let dropped = try await session.fetch(.post, server.url("/302//end"), body: .string("body"))
        #expect(try await text(dropped) == "GET /end HTTP/1.1 ")
    }

    @Test func `a streamed body is not sent again`() async throws {
        let server = try Self.redirecting()
        let session = try SessionHandle()
        let pieces = AsyncStream<[UInt8]> { stream in
            stream.yield(Array("body".utf8))
            stream.finish()
        }
        let url = server.url("/end")
        let error = HandleError(
            .resendRequest,
            .receiveResponse,
            reason: "the server redirects to \(url), and a streamed body cannot be sent again"
        )
        await #expect(throws: error) {
            try await session.fetch(.post, server.url("/307//end"), body: .stream(pieces, length: 4))
        }
        let turned = AsyncStream<[UInt8]> { $0.finish() }
        let response = try await session.fetch(.post, server.url("/303//end"), body: .stream(turned, length: 0))
        #expect(try await text(response) == "GET /end HTTP/1.1 ")
    }

    @Test func `a redirect that is refused before receiveResponse is the error of receiveResponse`() async throws {
        let server = try Self.redirecting()
        let session = try SessionHandle(options: [.set(.maximumRedirects, to: 0)])
        let request = try await session.openRequest(.get, server.url("/302//end"))
        let recorder = EventRecorder(of: request)
        try await request.send()
        try await recorder.first { $0.kind.name == "responseReceived" }
        // A round trip of another request, during which the redirect's body arrives, too.
        _ = try await session.get(server.url("/"))
        let error = await #expect(throws: HandleError.self) { try await request.receiveResponse() }
        #expect(error?.code == .redirectFailed)
    }

    @Test func `secrets are not sent to another origin`() async throws {
        let here = try Self.redirecting()
        let there = try Self.redirecting()
        let session = try SessionHandle()
        let near = try await session.get(here.url("/302//end"), headerFields: [.authorization: "s3cret"])
        #expect(try await text(near) == "GET /end HTTP/1.1 s3cret ")
        let far = try await session.get(
            here.url("/302/http:%2F%2F127.0.0.1:\(there.port)/end"),
            headerFields: [.authorization: "s3cret"]
        )
        #expect(try await text(far) == "GET /end HTTP/1.1 ")
    }

    @Test(arguments: [301, 302, 303, 307, 308], [true, false])
    func `each method, to the same origin and to another`(_ status: Int, _ isNear: Bool) async throws {
        let (here, there) = (try Self.redirecting(), try Self.redirecting())
        let target = isNear ? "/end" : "http:%2F%2F127.0.0.1:\(there.port)/end"
        let session = try SessionHandle()
        var secrets = HTTPFields()
        secrets[values: .authorization] = ["s3cret", "s3cret"]
        for method in [HTTPRequest.Method.get, .post, .put, .patch, .delete, .options] {
            let hasBody = [.post, .put, .patch].contains(method)
            let response = try await session.fetch(
                method,
                here.url("/\(status)/\(target)"),
                headerFields: secrets,
                body: hasBody ? .string("body") : .none
            )
            let becomesGet = status == 303 || status < 303 && method == .post
            let secret = isNear ? " s3cret" : ""
            let line = "\(becomesGet ? .get : method) /end HTTP/1.1\(secret) \(hasBody && !becomesGet ? "body" : "")"
            #expect(try await text(response) == line)
        }
        let head = try await session.fetch(.head, here.url("/\(status)/\(target)"))
        #expect(head.status == .ok)
        #expect(head.head.url == (isNear ? here : there).url("/end"))
    }

    @Test func `a loop of two ends`() async throws {
        let server = try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                let other = request.head.target == "/a" ? "/b" : "/a"
                try connection.send("HTTP/1.1 307 R\r\nLocation: \(other)\r\nContent-Length: 0\r\n\r\n")
            }
        }
        let error = HandleError(.redirectFailed, .receiveResponse, reason: "the server redirects more than 10 times")
        await #expect(throws: error) { try await SessionHandle().get(server.url("/a")) }
    }

    @Test func `too many redirects are an error`() async throws {
        let server = try ScriptedServer { connection in
            while try connection.readRequest() != nil {
                try connection.send("HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n")
            }
        }
        let session = try SessionHandle(options: [.set(.maximumRedirects, to: 3)])
        let error = HandleError(.redirectFailed, .receiveResponse, reason: "the server redirects more than 3 times")
        await #expect(throws: error) { try await session.get(server.url("/")) }
        #expect(server.connectionsAccepted == 1)
    }

    @Test(arguments: [301, 302, 303]) func redirectsKeepingPost(_ status: Int) async throws {
        let server = try Self.redirecting()
        let session = try SessionHandle(options: [.set(.redirectsKeepingPost, to: [status])])
        for other in [301, 302, 303] {
            let response = try await session.fetch(.post, server.url("/\(other)//end"), body: .string("body"))
            let expected = other == status ? "POST /end HTTP/1.1 body" : "GET /end HTTP/1.1 "
            #expect(try await text(response) == expected)
            let put = try await session.fetch(.put, server.url("/\(other)//end"), body: .string("body"))
            #expect(try await text(put) == (other == 303 ? "GET /end HTTP/1.1 " : "PUT /end HTTP/1.1 body"))
        }
        await #expect(throws: HandleError.self) { try await session.setOption(.redirectsKeepingPost, to: [307]) }
    }

    @Test func `with never the redirect is the response`() async throws {
        let server = try Self.redirecting()
        let session = try SessionHandle(options: [.set(.redirectPolicy, to: .never)])
        let response = try await session.get(server.url("/302//end"))
        #expect(response.head.status == 302)
        #expect(try await text(response) == "old")
    }

    @Test func `a redirect from https to http is refused unless allowed`() async throws {
        let nginx = try Nginx.shared.get()
        let session = try SessionHandle(options: [.set(.serverTrust, to: .authorities(inFile: nginx.authorityFile))])
        let url = "https://127.0.0.1:\(nginx.http1TLSPort)/downgrade"
        let target = nginx.http("/hello")
        let error = HandleError(
            .redirectFailed,
            .receiveResponse,
            reason: "a redirect from https to \(target) is not allowed"
        )
        await #expect(throws: error) { try await session.get(url) }
        try await session.setOption(.redirectPolicy, to: .always)
        #expect(try await session.get(url).head.url == target)
    }

    @Test(arguments: [
        ("ftp://h/", HandleErrorCode.unrecognizedScheme), ("http://u:p@h/", .invalidURL), ("http://", .invalidURL),
        ("http://h:99999/", .invalidURL), ("javascript:alert(1)", .unrecognizedScheme),
        ("file:///etc/passwd", .unrecognizedScheme), ("gopher://127.0.0.1:6379/_FLUSHALL", .unrecognizedScheme),
        ("data:text/plain,x", .unrecognizedScheme), ("http://[::1/", .invalidURL), ("http://h:x/", .invalidURL),
        ("http://u@h/", .invalidURL), ("http://a b/", .invalidURL), ("//", .invalidURL), ("http:", .invalidURL),
        ("http://a\u{1}b/", .invalidURL), ("/a\u{1}b", .invalidURL), ("http://%zz/", .invalidURL),
        ("http://trusted.example\\@127.0.0.1/", .invalidURL),
        ("/" + String(repeating: "a", count: 9_000_000), .headerSizeOverflow),
    ])
    func `a hostile target is an error`(_ location: String, _ code: HandleErrorCode) async throws {
        let server = try ScriptedServer { connection in
            while try connection.readRequest() != nil {
                try connection.send("HTTP/1.1 302 Found\r\nLocation: \(location)\r\nContent-Length: 0\r\n\r\n")
            }
        }
        let session = try SessionHandle()
        let error = await #expect(throws: HandleError.self) { try await session.get(server.url("/")) }
        #expect(error?.code == code)
        #expect(error?.operation == .receiveResponse)
    }

    @Test(arguments: [
        ("end", "/302/end"), ("/end", "/end"), ("?q=1", "/302/x?q=1"), ("../end", "/end"), ("/a%20b", "/a%20b"),
        ("/ü", "/%C3%BC"), ("/a b?c d", "/a%20b?c%20d"), ("/end#part", "/end"),
        ("../../../end", "/end"), ("./end", "/302/end"), ("end/.", "/302/end/"),
        ("/a/./b/../c", "/a/c"), ("/a//b", "/a//b"),
        ("end?a#b?c", "/302/end?a"), ("  /end  ", "/end"), ("/%0d%0ax-evil:1", "/%0d%0ax-evil:1"), ("/a\\b", "/a\\b"),
    ])
    func `a relative target is resolved`(_ location: String, _ target: String) async throws {
        let server = try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                if request.head.target == "/302/x" {
                    try connection.send("HTTP/1.1 302 Found\r\nLocation: \(location)\r\nContent-Length: 0\r\n\r\n")
                } else {
                    try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                }
            }
        }
        let session = try SessionHandle()
        #expect(try await session.get(server.url("/302/x")).head.url == server.url(target))
    }

    @Test func `a redirect with an empty target is not followed`() async throws {
        let server = try Self.redirecting()
        let session = try SessionHandle()
        #expect(try await session.get(server.url("/302/")).head.status == 302)
    }

    @Test func `the connection of a redirect with a long body is closed`() async throws {
        let server = try ScriptedServer { connection in
            guard let request = try connection.readRequest() else { return }
            guard request.head.target == "/" else {
                return try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            }
            try connection.send("HTTP/1.1 302 Found\r\nLocation: /end\r\nTransfer-Encoding: chunked\r\n\r\n")
            while true { try connection.sendChunk(String(repeating: "x", count: 10_000)) }
        }
        let session = try SessionHandle()
        #expect(try await session.get(server.url("/")).head.status == 200)
        #expect(server.connectionsAccepted == 2)
    }
}

struct UnexpectedEvents: Error {
    let kinds: [StatusEvent.Kind]
}

extension String {
    fileprivate var removingEscapes: String {
        split(separator: "%2F", omittingEmptySubsequences: false).joined(separator: "/")
    }
}
