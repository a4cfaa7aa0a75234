import HTTPHandles
import HTTPHandlesTesting
import Testing

/// A socket uses one of the connections that a session may have to a server, from its request to its end.
@Suite("Connection slots of WebSockets", .timeLimit(.minutes(5)))
struct WebSocketSlotTests {
    private static func session(_ limit: Int, _ more: OptionSetting...) throws -> SessionHandle {
        try SessionHandle(
            options: [.set(.maximumConnectionsPerServer, to: limit)] + WebSocketTests.patient + more
        )
    }

    private static func check(_ socket: WebSocketHandle) async throws {
        try await socket.send(.text("hello"))
        #expect(try await socket.receiveMessage() == .text("hello"))
    }

    @Test func `by default it is one of 256`() async throws {
        let session = try SessionHandle()
        #expect(try await session.option(.maximumConnectionsPerServer) == 256)
    }

    @Test func `above the limit of the server a socket waits until another one is closed`() async throws {
        let (server, other) = (try WebSocketTests.echo(), try WebSocketTests.echo())
        let session = try Self.session(2)
        let first = try await session.webSocket(server.webSocketURL())
        let second = try await session.webSocket(server.webSocketURL())
        let request = try await WebSocketTests.request(session, server)
        let events = EventRecorder(of: request)
        let opening = Task {
            try await request.send()
            _ = try await request.receiveResponse()
            return try await request.completeWebSocketUpgrade()
        }
        try await events.first(.queued)
        for socket in [first, second, try await session.webSocket(other.webSocketURL())] {
            try await Self.check(socket)
        }
        #expect(server.connectionsAccepted == 2)
        try first.close()
        let third = try await opening.value
        try await Self.check(third)
        #expect(server.connectionsAccepted == 3)
        try session.closeAll()
        await session.closed()
    }

    @Test func `queueTimeout limits the wait`() async throws {
        let server = try WebSocketTests.echo()
        let session = try Self.session(1, .set(.queueTimeout, to: .seconds(3600)))
        let first = try await session.webSocket(server.webSocketURL())
        let request = try await WebSocketTests.request(session, server)
        let events = EventRecorder(of: request)
        let opening = Task { try await request.send() }
        try await events.first(.queued)
        session.advanceClock(by: .seconds(3601))
        let error = await opening.failure
        #expect(error?.code == .timeout && error?.phase == .queue)
        try await Self.check(first)
        try session.closeAll()
        await session.closed()
    }

    /// Each end gives the slot back.
    @Test(arguments: ["finish", "close", "reset", "failure"])
    func `the end of a socket lets the next one begin`(_ end: String) async throws {
        let server = try ScriptedServer { connection in
            let socket = try connection.acceptWebSocket()
            switch socket.request.target {
            case "/reset":
                _ = try socket.receiveFrame()
                connection.reset()
            case "/failure":
                _ = try socket.receiveFrame()
                try socket.sendFrame(opcode: 3, [])
                connection.waitForClose()
            default: while let message = try socket.receive() { try socket.send(message) }
            }
        }
        let session = try Self.session(1)
        for _ in 0..<3 {
            let socket = try await session.webSocket(server.webSocketURL("/\(end)"))
            try await socket.send(.text("go"))
            switch end {
            case "finish": try await socket.finish()
            case "reset", "failure":
                let error = await #expect(throws: HandleError.self) { try await socket.receiveMessage() }
                #expect(error?.operation == .receiveMessage)
            default: break
            }
            try socket.close()
            await socket.closed()
        }
        #expect(server.connectionsAccepted == 3)
        try session.closeAll()
        await session.closed()
    }
}
