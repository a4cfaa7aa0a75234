import ExamplesTestSupport
import HTTPHandles
import HTTPHandlesTesting
import Hummingbird
import ReverseProxy
import Synchronization
import Testing

@Suite("reverse-proxy", .timeLimit(.minutes(2)))
struct ReverseProxyTests {
    /// Runs the proxy in front of a server, and `body` with a client of it.
    ///
    /// - Parameter body: Gets the client, the URL of the proxy, and all events of the proxy's session.
    private func withProxy(
        to upstream: ScriptedServer,
        options: [OptionSetting] = [],
        _ body: (SessionHandle, String, EventRecorder) async throws -> Void
    ) async throws {
        let session = try SessionHandle(options: Upstream.sessionOptions + options)
        let recorder = EventRecorder(of: session, scope: .tree)
        let (ports, port) = AsyncStream.makeStream(of: Int.self)
        let application = ReverseProxy.application(
            port: 0,
            session: session,
            upstream: try HTTPURL(upstream.url())
        ) { channel in
            port.yield(channel.localAddress?.port ?? 0)
            port.finish()
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await application.run() }
            var first = ports.makeAsyncIterator()
            let number = try #require(await first.next())
            try await withSession { client in
                try await body(client, "http://127.0.0.1:\(number)", recorder)
            }
            group.cancelAll()
            try? await group.waitForAll()
        }
        // No request is left when the proxy has ended.
        try session.close()
        #expect(try await recorder.finish().last?.kind == .handleClosing)
    }

    private static func name(_ text: String) throws -> HTTPField.Name { try #require(HTTPField.Name(text)) }

    /// The lines of a head, without the client's own fields, in alphabetical order behind the first one.
    private static func lines(_ head: ReceivedHead) -> [String] {
        [head.requestLine] + head.lines.dropFirst().sorted()
    }

    @Test func `a request goes through, with fields for and without fields of the proxy`() async throws {
        let heads = Record<[String]>()
        let server = try ScriptedServer { connection in
            try connection.forEachRequest { request in
                heads.note(Self.lines(request.head))
                let fields = [
                    "Connection: X-Private", "X-Private: 1", "Keep-Alive: timeout=5", "X-Public: 2", "Set-Cookie: a=b",
                ]
                try connection.answer("201 Created", fields: fields, body: "hello")
            }
        }
        let (forwarded, shown, hidden) = try (
            Self.name("X-Forwarded-For"), Self.name("X-Public"), Self.name("X-Private")
        )
        try await withProxy(to: server) { client, proxy, _ in
            let fields: HTTPFields = [
                .authorization: "Bearer x", .te: "trailers", .connection: "close", .proxyAuthorization: "Basic eDp5",
                .via: "1.0 other", .acceptEncoding: "identity", forwarded: "made up",
            ]
            for _ in 0..<2 {
                let response = try await client.get(
                    "\(proxy)/a/../%2e?x=%20",
                    headerFields: fields,
                    options: [.set(.pathAsIs, to: true)]
                )
                #expect(response.status == .created)
                #expect(response.headerFields[shown] == "2")
                #expect(response.headerFields[hidden] == nil)
                #expect(response.headerFields[.contentLength] == "5")
                #expect(response.headerFields[.setCookie] == "a=b")
                #expect(try await response.body.collectString(upTo: 10) == "hello")
            }
            let host = proxy.dropFirst("http://".count)
            let lines = [
                "Accept-Encoding: identity", "Accept: */*", "Authorization: Bearer x",
                "Forwarded: for=127.0.0.1;host=\"\(host)\";proto=http", "Host: 127.0.0.1:\(server.port)",
                "Via: 1.0 other", "Via: 1.1 reverse-proxy", "X-Forwarded-For: 127.0.0.1", "X-Forwarded-Host: \(host)",
                "X-Forwarded-Proto: http",
            ]
            let line = "GET /a/../%2e?x=%20 HTTP/1.1"
            // The cookie is in the jar of the client. The proxy has none.
            #expect(heads.all == [[line] + lines, [line] + (lines + ["Cookie: a=b"]).sorted()])
        }
    }

    @Test(arguments: [true, false])
    func `bodies, with their length or without`(_ hasLength: Bool) async throws {
        let server = try ScriptedServer { connection in
            try connection.forEachRequest { request in
                let framing = "\(request.head["Content-Length"] ?? "-") \(request.head["Transfer-Encoding"] ?? "-")"
                #expect(framing == (hasLength ? "100000 -" : "- chunked"))
                guard !hasLength else { return try connection.answer(bytes: request.body) }
                try connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                try connection.sendChunk(String(decoding: request.body, as: UTF8.self))
                try connection.send("0\r\nX-Digest: 7\r\n\r\n")
            }
        }
        let digest = try Self.name("X-Digest")
        try await withProxy(to: server) { client, proxy, _ in
            let text = String(repeating: "0123456789", count: 10_000)
            let body = HTTPHandles.RequestBody.restartable(length: hasLength ? 100_000 : nil) {
                AsyncStream<[UInt8]> { continuation in
                    continuation.yield(Array(text.utf8))
                    continuation.finish()
                }
            }
            let trailers: HTTPFields = hasLength ? [:] : [digest: "7"]
            for _ in 0..<2 {
                let response = try await client.fetch(.post, proxy, body: body)
                #expect(try await response.body.collectString(upTo: 1 << 20) == text)
                #expect(response.trailers == trailers)
            }
        }
        // The connection to the server was used again.
        #expect(server.connectionsAccepted == 1)
    }

    @Test func `statuses and methods without a body`() async throws {
        let server = try ScriptedServer { connection in
            try connection.forEachRequest { request in
                switch request.head.target {
                case "/none": try connection.send("HTTP/1.1 204 No Content\r\n\r\n")
                case "/same": try connection.send("HTTP/1.1 304 Not Modified\r\nETag: \"1\"\r\n\r\n")
                default: try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
                }
            }
        }
        try await withProxy(to: server) { client, proxy, _ in
            let none = try await client.get("\(proxy)/none")
            #expect(none.status == .noContent)
            let same = try await client.get("\(proxy)/same")
            #expect(same.status == .notModified && same.headerFields[.eTag] == "\"1\"")
            let head = try await client.fetch(.head, proxy)
            #expect(head.headerFields[.contentLength] == "1000")
        }
    }

    @Test func `both ways at the same time`() async throws {
        let server = try ScriptedServer { connection in
            guard let head = try connection.readHead() else { return }
            #expect(head["Transfer-Encoding"] == "chunked")
            try connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            // Each chunk is answered before the next one comes: "1", line end, the byte, line end.
            for _ in 0..<3 {
                try connection.sendChunk(String(decoding: connection.read(exactly: 6)[3..<4], as: UTF8.self))
            }
            #expect(try connection.read(exactly: 5) == Array("0\r\n\r\n".utf8))
            try connection.sendChunk("")
        }
        try await withProxy(to: server) { client, proxy, _ in
            let request = try await client.openRequest(.post, proxy)
            try await request.send(.writes())
            var head: ResponseHead?
            for text in ["a", "b", "c"] {
                try await request.write(text.utf8)
                if head == nil { head = try await request.receiveResponse() }
                #expect(try await request.body.read(upTo: 10) == Array(text.utf8))
            }
            try await request.finishWriting()
            #expect(try await request.body.read(upTo: 10) == [])
        }
    }

    @Test func `a slow client holds the server up`() async throws {
        let sent = Mutex(0)
        let size = 256 << 20
        let server = try ScriptedServer { connection in
            _ = try connection.readRequest()
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(size)\r\n\r\n")
            let piece = [UInt8](repeating: 1, count: 1 << 20)
            for _ in 0..<(size >> 20) {
                try connection.send(piece)
                sent.withLock { $0 += piece.count }
            }
        }
        try await withProxy(to: server) { client, proxy, _ in
            let response = try await client.get(proxy)
            var (received, furthest) = (0, 0)
            while received < size {
                received += try await response.body.read(exactly: 1 << 20).count
                furthest = max(furthest, sent.withLock { $0 } - received)
            }
            // What three pairs of sockets and the buffers of two libraries hold.
            #expect(furthest < 64 << 20)
        }
    }

    @Test func `a slow server holds the client up`() async throws {
        let taken = Mutex(0)
        let size = 256 << 20
        let server = try ScriptedServer { connection in
            guard try connection.readHead() != nil else { return }
            for _ in 0..<(size >> 20) {
                _ = try connection.read(exactly: 1 << 20)
                taken.withLock { $0 += 1 << 20 }
            }
            try connection.answer(body: "done")
        }
        try await withProxy(to: server) { client, proxy, _ in
            let request = try await client.openRequest(.post, proxy)
            try await request.send(.writes(length: Int64(size)))
            let piece = [UInt8](repeating: 1, count: 1 << 20)
            var furthest = 0
            for number in 1...(size >> 20) {
                try await request.write(piece)
                furthest = max(furthest, number << 20 - taken.withLock { $0 })
            }
            try await request.finishWriting()
            _ = try await request.receiveResponse()
            #expect(try await request.body.collectString(upTo: 10) == "done")
            #expect(furthest < 64 << 20)
        }
    }

    /// What the client does when it goes away.
    enum Moment: CaseIterable {
        case beforeTheHead, inTheResponse, inTheUpload
    }

    @Test(arguments: Moment.allCases)
    func `the client goes away: the handle is closed, and so is the connection to the server`(_ moment: Moment)
        async throws
    {
        let (isAsked, isClosed) = (Gate(), Gate())
        let server = try ScriptedServer { connection in
            guard try connection.readHead() != nil else { return }
            if moment == .inTheResponse { try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx") }
            isAsked.open()
            connection.waitForClose()
            isClosed.open()
        }
        try await withProxy(to: server) { client, proxy, recorder in
            let request = try await client.openRequest(.post, proxy)
            if moment == .inTheUpload {
                try await request.send(.writes())
                try await request.write([1])
            } else {
                try await request.send()
            }
            if moment == .inTheResponse {
                _ = try await request.receiveResponse()
                #expect(try await request.body.read(upTo: 1) == [UInt8(ascii: "x")])
            }
            await isAsked.passed()
            try request.close()
            await isClosed.passed()
            let closing = try await recorder.first { $0.handle.level == .request && $0.kind == .handleClosing }
            #expect(closing != nil)
        }
    }

    @Test func `the server goes away in the middle of a response: the client sees it`() async throws {
        let mayEnd = Gate()
        let server = try ScriptedServer { connection in
            let isChunked = try connection.readHead()?.target == "/chunked"
            try connection.send(
                "HTTP/1.1 200 OK\r\n\(isChunked ? "Transfer-Encoding: chunked" : "Content-Length: 10")\r\n\r\n"
            )
            try connection.send(isChunked ? "1\r\nx\r\n" : "x")
            mayEnd.wait()
        }
        try await withProxy(to: server) { client, proxy, _ in
            let responses = [try await client.get("\(proxy)/chunked"), try await client.get("\(proxy)/length")]
            for response in responses { #expect(try await response.body.read(upTo: 10) == [UInt8(ascii: "x")]) }
            mayEnd.open()
            for response in responses {
                let error = await #expect(throws: HandleError.self) { try await response.body.read(upTo: 10) }
                #expect(error?.code == .connectionError)
            }
        }
    }

    @Test func `servers without a response are 502 or 504`() async throws {
        let server = try ScriptedServer { connection in
            try connection.forEachRequest { request in
                switch request.head.target {
                case "/nonsense": try connection.send("what?\r\n\r\n")
                case "/long":
                    try connection.send("HTTP/1.1 200 OK\r\nX: \(String(repeating: "x", count: 1 << 20))\r\n\r\n")
                case "/silent": connection.waitForClose()
                default: break
                }
                connection.close()
            }
        }
        try await withProxy(to: server) { client, proxy, _ in
            for target in ["/nonsense", "/long", "/nothing"] {
                let response = try await client.get(proxy + target)
                #expect(response.status == .badGateway)
                #expect(try await response.body.collectString(upTo: 100) == "502 Bad Gateway\n")
            }
        }
        try await withProxy(to: server, options: [.set(.responseTimeout, to: .milliseconds(1))]) { client, proxy, _ in
            let response = try await client.get("\(proxy)/silent")
            #expect(response.status == .gatewayTimeout)
        }
        server.stop()
    }

    @Test func `a client cannot choose another server`() async throws {
        let (asked, otherAsked) = (Record<String>(), Record<String>())
        let (server, other) = try (Self.noting(asked), Self.noting(otherAsked))
        try await withProxy(to: server) { client, proxy, _ in
            let host = other.url().dropFirst("http://".count)
            // The client takes it for a forward proxy, and sends the whole URL.
            let named = ProxySetting.named(try Proxy(url: proxy))
            let whole = try await client.get(other.url("/whole"), options: [.set(.proxy, to: named)])
            let path = try await client.get("\(proxy)//\(host)path")
            #expect([whole.status, path.status] == [.ok, .ok])
        }
        #expect(asked.all == ["/whole", "//127.0.0.1:\(other.port)/path"])
        #expect(otherAsked.all == [])
    }

    /// A server that notes the targets of its requests.
    private static func noting(_ targets: Record<String>) throws -> ScriptedServer {
        try ScriptedServer { connection in
            try connection.forEachRequest { request in
                targets.note(request.head.target)
                try connection.answer()
            }
        }
    }
}
