import HTTPHandles
import HTTPHandlesTesting
import Testing

@Suite("Event order", .timeLimit(.minutes(1)))
struct EventOrderTests {
    /// What the library adds to every request.
    static let ownFields = "Accept: */*\r\nAccept-Encoding: gzip, deflate\r\n"
    static let hello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

    static func answering(_ response: String) throws -> ScriptedServer {
        try ScriptedServer { connection in
            while try connection.readRequest() != nil { try connection.send(response) }
        }
    }

    /// Sends, receives and reads one request by hand and returns its events.
    func events(of request: RequestHandle) async throws -> [StatusEvent.Kind] {
        let recorder = EventRecorder(of: request)
        try await request.send()
        _ = try await request.receiveResponse()
        _ = try await request.body.collect(upTo: 100)
        try request.close()
        return try await recorder.finish().map(\.kind)
    }

    @Test func `first use, and then a pooled connection`() async throws {
        let server = try Self.answering(Self.hello)
        let session = try SessionHandle()
        let connection = try await session.connect(to: "127.0.0.1", port: server.port)
        let address = try await address(of: connection)
        let head = "GET / HTTP/1.1\r\nHost: 127.0.0.1:\(server.port)\r\n\(Self.ownFields)\r\n"
        let exchange: [StatusEvent.Kind] = [
            .sendingRequest, .requestSent(bytes: head.utf8.count), .sendRequestComplete, .receivingResponse,
            .responseReceived(bytes: 38), .headersAvailable, .readComplete(bytes: 5), .readComplete(bytes: 0),
            .handleClosing,
        ]
        let fresh = try await SessionHandle().connect(to: "127.0.0.1", port: server.port)
        let first = try await events(of: fresh.openRequest(.get, "/"))
        #expect(first == [.connectingToServer(address: address), .connectedToServer(address: address)] + exchange)
        let second = try await events(of: fresh.openRequest(.get, "/"))
        #expect(second == [.connectionReused(address: address)] + exchange)
    }

    /// The server's address as events show it.
    private func address(of connection: ConnectionHandle) async throws -> SocketAddress {
        let request = try await connection.openRequest(.get, "/")
        let connecting = try await events(of: request).first
        guard case .connectingToServer(let address) = connecting else {
            Issue.record("\(String(describing: connecting))")
            return try #require(nil)
        }
        return address
    }

    @Test func `a name is resolved before it is connected to`() async throws {
        let server = try Self.answering(Self.hello)
        let session = try SessionHandle()
        let connection = try await session.connect(to: "localhost", port: server.port)
        let kinds = try await events(of: connection.openRequest(.get, "/"))
        #expect(kinds.first == .resolvingName(host: "localhost"))
        #expect(kinds.dropFirst().first?.name == "nameResolved")
        #expect(kinds.dropFirst(2).first?.name == "connectingToServer")
    }

    @Test func `the TLS handshake is between connecting and sending`() async throws {
        let nginx = try Nginx.shared.get()
        let session = try SessionHandle(options: [.set(.certificateAuthorityFile, to: nginx.authorityFile)])
        let connection = try await session.connect(to: "127.0.0.1", port: nginx.http1TLSPort)
        let kinds = try await events(of: connection.openRequest(.get, "/hello", secure: true))
        #expect(
            kinds.map(\.name) == [
                "connectingToServer", "connectedToServer", "securingConnection", "connectionSecured", "sendingRequest",
                "requestSent", "sendRequestComplete", "receivingResponse", "responseReceived", "headersAvailable",
                "readComplete", "readComplete", "handleClosing",
            ]
        )
    }

    @Test func `a connection that the request asks to close is closed before the body ends`() async throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readRequest()
            try connection.send(Self.hello)
            connection.waitForClose()
        }
        let session = try SessionHandle()
        let connection = try await session.connect(to: "127.0.0.1", port: server.port)
        let request = try await connection.openRequest(.get, "/", headerFields: [.connection: "close"])
        let kinds = try await events(of: request).map(\.name).joined(separator: " ")
        #expect(kinds.contains("closingConnection connectionClosed"))
        #expect(kinds.hasSuffix("readComplete handleClosing"))
    }

    @Test func `a second receive is an error event and leaves the response usable`() async throws {
        let server = try Self.answering(Self.hello)
        let session = try SessionHandle()
        let connection = try await session.connect(to: "127.0.0.1", port: server.port)
        let request = try await connection.openRequest(.get, "/")
        let recorder = EventRecorder(of: request)
        try await request.send()
        _ = try await request.receiveResponse()
        let error = HandleError.wrongState(.receiveResponse, "the response was already received")
        await #expect(throws: error) { try await request.receiveResponse() }
        #expect(try await request.body.collect(upTo: 10) == Array("hello".utf8))
        try request.close()
        let kinds = try await recorder.finish().map(\.kind)
        #expect(
            kinds.suffix(5) == [
                .headersAvailable, .requestError(error), .readComplete(bytes: 5), .readComplete(bytes: 0),
                .handleClosing,
            ]
        )
    }

    @Test func `1xx responses are events`() async throws {
        let server = try Self.answering(
            "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + Self.hello
        )
        let session = try SessionHandle()
        let connection = try await session.connect(to: "127.0.0.1", port: server.port)
        let kinds = try await events(of: connection.openRequest(.get, "/"))
        #expect(kinds.contains(.intermediateResponse(status: 103, headerFields: [.init("Link")!: "</a>"])))
        #expect(kinds.contains(.intermediateResponse(status: 102, headerFields: [:])))
    }

    @Test func `a tree listener hears the whole life of a request, closing included`() async throws {
        let server = try Self.answering(Self.hello)
        let session = try SessionHandle()
        let recorder = EventRecorder(of: session, scope: .tree)
        _ = try await session.get(server.url()).body.collect(upTo: 10)
        try session.close()
        let events = try await recorder.finish()
        let levels = events.filter { $0.kind == .handleClosing }.map(\.handle.level)
        #expect(levels == [.request, .connection, .session])
        #expect(
            events.map(\.kind.name).suffix(4) == [
                "handleClosing", "closingConnection", "connectionClosed", "handleClosing",
            ]
        )
    }

    @Test func `a mask hides everything but handleClosing`() async throws {
        let server = try Self.answering(Self.hello)
        let session = try SessionHandle()
        let connection = try await session.connect(to: "127.0.0.1", port: server.port)
        let request = try await connection.openRequest(.get, "/")
        let recorder = EventRecorder(of: request, .headersAvailable)
        try await request.send()
        _ = try await request.receiveResponse()
        try request.close()
        #expect(try await recorder.finish().map(\.kind) == [.headersAvailable, .handleClosing])
    }

    @Test func `each call makes a stream of its own`() async throws {
        let session = try SessionHandle()
        let recorders = (0..<3).map { _ in EventRecorder(of: session) }
        try session.close()
        for recorder in recorders { #expect(try await recorder.finish().map(\.kind) == [.handleClosing]) }
    }

    @Test func `a listener that falls behind loses old events and never the last`() async throws {
        let server = try Self.answering(Self.hello)
        let session = try SessionHandle()
        let stream = session.statusEvents(scope: .tree)
        for _ in 0..<200 { _ = try await session.get(server.url()).body.collect(upTo: 10) }
        try session.close()
        await session.closed()
        var events: [StatusEvent] = []
        for await event in stream { events.append(event) }
        #expect(events.count == StatusEvent.bufferedEvents)
        #expect(events.last?.handle == session.id)
        #expect(events.last?.kind == .handleClosing)
    }
}
