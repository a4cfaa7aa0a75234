import ExamplesTestSupport
import Feeds
import HTTPHandles
import HTTPHandlesTesting
import Synchronization
import Testing

@Suite("feed", .timeLimit(.minutes(2)))
struct FeedsTests {
    private static let stream = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"

    /// The delays have a random part.
    private static func withoutDelays(_ items: [FeedItem]) -> [String] {
        items.map { item in
            switch item {
            case .update(let update): "\(update.id) \(update.text)"
            case .unreadable(let text): "unreadable: \(text)"
            case .interrupted(_, let reason): "interrupted: \(reason.prefix { $0 != "(" })"
            }
        }
    }

    private static func update(_ id: Int, _ text: String) -> String { #"{"id":\#(id),"text":"\#(text)"}"# }

    // MARK: Server-sent events

    private func eventFeed(_ server: ScriptedServer, _ session: SessionHandle) -> EventFeed {
        EventFeed(session, server.url("/feed"), backOff: EventSourceBackOff(jitter: .none, clock: TestClock()))
    }

    @Test func `events go on with the last ID after a lost connection, and after a restart`() async throws {
        let ids = Record<String>()
        let server = try ScriptedServer { connection in
            guard let request = try connection.readRequest() else { return }
            ids.note(request.head["Last-Event-ID"] ?? "-")
            try connection.send(Self.stream)
            switch connection.number {
            case 0:
                // In pieces that end anywhere, and an event that is not finished when the connection is lost.
                for piece in [
                    "id: 1\nda", "ta: {\"id\":1,\r\ndata:\"te", "xt\":\"snow\"}\n\r", "\nid: 2\ndata: {\"id\":2",
                ] {
                    try connection.send(piece)
                }
            case 1:
                try connection.send("id: 2\ndata: \(Self.update(2, "ice"))\n\n: still here\n\nid: 3\ndata: no JSON\n\n")
            default: try connection.send("id: 9\ndata: \(Self.update(9, "rain"))\n\n")
            }
        }
        let items = Record<FeedItem>()
        let session = try SessionHandle()
        struct Enough: Error {}
        await #expect(throws: Enough.self) {
            try await eventFeed(server, session).run { item in
                items.note(item)
                if items.all.count == 3 { throw Enough() }
            }
        }
        #expect(Self.withoutDelays(items.all) == ["1 snow", "2 ice", "unreadable: no JSON"])
        await #expect(throws: Enough.self) {
            try await eventFeed(server, session).run(after: "3") { item in
                items.note(item)
                throw Enough()
            }
        }
        #expect(items.all.last == .update(Update(id: 9, text: "rain")))
        #expect(ids.all == ["-", "1", "3"])
    }

    @Test func `the end that the server wants`() async throws {
        let server = try ScriptedServer { connection in
            guard try connection.readRequest() != nil else { return }
            guard connection.number > 0 else {
                return try connection.send("\(Self.stream)id: x\ndata: \(Self.update(1, "snow"))\n\n")
            }
            try connection.send("HTTP/1.1 204 No Content\r\n\r\n")
        }
        let items = Record<FeedItem>()
        let lastID = try await eventFeed(server, try SessionHandle()).run { items.note($0) }
        #expect(lastID == "x")
        #expect(items.all == [.update(Update(id: 1, text: "snow"))])
    }

    @Test func `cancellation while no event comes`() async throws {
        let server = try ScriptedServer { connection in
            guard try connection.readRequest() != nil else { return }
            try connection.send("\(Self.stream)data: \(Self.update(1, "snow"))\n\n")
            connection.waitForClose()
        }
        let hasCome = Gate()
        let session = try SessionHandle()
        let recorder = EventRecorder(of: session, scope: .tree)
        let feed = eventFeed(server, session)
        let run = Task { try await feed.run { _ in hasCome.open() } }
        await hasCome.passed()
        run.cancel()
        let error = await #expect(throws: HandleError.self) { try await run.value }
        #expect(error?.isCancellation == true)
        try session.close()
        #expect(try await recorder.finish().last?.kind == .handleClosing)
    }

    @Test(arguments: [
        ("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n", "invalidServerResponse"),
        ("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "unsuccessfulStatus"),
        ("long", "insufficientBuffer"),
    ])
    func `servers whose events cannot be used`(_ response: String, _ code: String) async throws {
        let server = try ScriptedServer { connection in
            guard try connection.readRequest() != nil else { return }
            let long = "\(Self.stream)data: \(String(repeating: "x", count: 1 << 20))"
            try connection.send(response == "long" ? long : response)
            connection.waitForClose()
        }
        let error = await #expect(throws: HandleError.self) {
            try await eventFeed(server, try SessionHandle()).run { _ in }
        }
        #expect(error?.code.name == code)
    }

    // MARK: WebSocket

    @Test func `a socket goes on where it was, and ends when the server wants it`() async throws {
        let subscriptions = Record<WebSocketMessage?>()
        let server = try ScriptedServer { connection in
            let socket = try connection.acceptWebSocket(fields: "Sec-WebSocket-Protocol: updates.v1\r\n")
            subscriptions.note(try socket.receive())
            switch connection.number {
            case 0:
                try socket.send(.text(Self.update(1, "snow")))
                try socket.send(.binary([1, 2, 3]))
                try socket.send(.text("no JSON"))
                try socket.send(.text(Self.update(2, "ice")))
            // Lost, without a close frame.
            case 1:
                // Again what was there, and then something new.
                try socket.send(.text(Self.update(2, "ice")))
                try socket.send(.text(Self.update(3, "rain")))
                try socket.close(1012, reason: "restart")
            default: try socket.close(1000)
            }
        }
        let items = Record<FeedItem>()
        let clock = TestClock()
        let feed = SocketFeed(try SessionHandle(), server.webSocketURL("/feed"), clock: clock)
        #expect(try await feed.run { items.note($0) } == 3)
        #expect(
            Self.withoutDelays(items.all) == [
                "1 snow", "unreadable: a binary message", "unreadable: no JSON", "2 ice",
                "interrupted: connectionError ", "3 rain",
                "interrupted: the server has closed the connection: 1012 restart",
            ]
        )
        #expect(subscriptions.all == [.text("{}"), .text(#"{"after":2}"#), .text(#"{"after":3}"#)])
        #expect(clock.sleeps.count == 2)
        #expect(clock.sleeps.allSatisfy { (.milliseconds(500) ... .seconds(1)).contains($0) })
    }

    @Test func `connections that lead to nothing wait longer and longer`() async throws {
        let attempts = Record<Void>()
        let server = try ScriptedServer { connection in
            attempts.note(())
            if connection.number == 5 { try connection.answer("503 Service Unavailable") }
            guard connection.number == 12 else { return }
            let socket = try connection.acceptWebSocket(fields: "Sec-WebSocket-Protocol: updates.v1\r\n")
            _ = try socket.receive()
            try socket.close(1008, reason: "not you")
        }
        let clock = TestClock()
        let feed = SocketFeed(try SessionHandle(), server.webSocketURL(), clock: clock)
        let error = await #expect(throws: SocketFeedRefusal.self) { try await feed.run { _ in } }
        #expect(error?.status.description == "1008 not you")
        #expect(attempts.all.count == 13)
        let longest = (0..<12).map { min(.seconds(1 << $0), Duration.seconds(60)) }
        #expect(zip(clock.sleeps, longest).allSatisfy { ($1 / 2...$1).contains($0) })
    }

    @Test func `cancellation while no message comes`() async throws {
        let server = try ScriptedServer { connection in
            let socket = try connection.acceptWebSocket(fields: "Sec-WebSocket-Protocol: updates.v1\r\n")
            try socket.send(.text(Self.update(1, "snow")))
            connection.waitForClose()
        }
        let hasCome = Gate()
        let session = try SessionHandle()
        let recorder = EventRecorder(of: session, scope: .tree)
        let feed = SocketFeed(session, server.webSocketURL())
        let run = Task { try await feed.run { _ in hasCome.open() } }
        await hasCome.passed()
        run.cancel()
        let error = await #expect(throws: HandleError.self) { try await run.value }
        #expect(error?.isCancellation == true)
        try session.close()
        #expect(try await recorder.finish().last?.kind == .handleClosing)
    }

    @Test func `servers whose socket cannot be used`() async throws {
        let server = try ScriptedServer { connection in
            switch connection.number {
            case 0: try connection.forEachRequest { _ in try connection.answer("403 Forbidden") }
            // A subprotocol that was not offered.
            case 1: _ = try connection.acceptWebSocket(fields: "Sec-WebSocket-Protocol: other\r\n")
            case 2:
                let socket = try connection.acceptWebSocket(fields: "Sec-WebSocket-Protocol: updates.v1\r\n")
                try socket.connection.send(ServerWebSocket.frameHead(opcode: 1, length: 1 << 40))
                connection.waitForClose()
            default:
                let socket = try connection.acceptWebSocket(fields: "Sec-WebSocket-Protocol: updates.v1\r\n")
                try socket.sendFrame(opcode: 1, [0xFF])
                connection.waitForClose()
            }
        }
        let feed = SocketFeed(try SessionHandle(), server.webSocketURL(), clock: TestClock())
        var codes: [String] = []
        for _ in 0..<4 {
            let error = await #expect(throws: HandleError.self) { try await feed.run { _ in } }
            codes.append(error?.code.name ?? "")
        }
        #expect(
            codes == ["invalidServerResponse", "invalidServerResponse", "insufficientBuffer", "invalidServerResponse"]
        )
    }
}
