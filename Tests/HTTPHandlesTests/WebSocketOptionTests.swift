import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes
import Testing

/// The options of WebSockets: what they do, and the limits.
@Suite("Options of WebSockets", .timeLimit(.minutes(5)))
struct WebSocketOptionTests {
    /// Accepts, keeps the head of the request, and reads what comes.
    private static func keeper(_ heads: Record<ReceivedHead>, _ fields: String = "") throws -> ScriptedServer {
        try ScriptedServer { connection in
            let socket = try connection.acceptWebSocket(fields: fields)
            heads.note(socket.request)
            while try socket.receive() != nil {}
        }
    }

    @Test func `what the request offers`() async throws {
        let heads = Record<ReceivedHead>()
        let server = try Self.keeper(heads)
        let session = try SessionHandle(options: [
            .set(.webSocketSubprotocols, to: ["one", "two"]),
            .set(.webSocketCompression, to: MessageCompression(serverNoContextTakeover: false, threshold: 10)),
        ])
        let first = try await session.webSocket(server.webSocketURL())
        #expect(first.subprotocol == nil && !first.isCompressed)
        try await session.setOption(.webSocketCompression, to: nil)
        let second = try await session.webSocket(server.webSocketURL(), subprotocols: ["three"])
        try await first.finish()
        try await second.finish()
        let seen = heads.all.map { ($0["Sec-WebSocket-Protocol"], $0["Sec-WebSocket-Extensions"]) }
        #expect(seen.map(\.0) == ["one, two", "three"])
        #expect(seen.map(\.1) == ["permessage-deflate; client_max_window_bits", nil])
        let keys = Set(heads.all.map { $0["Sec-WebSocket-Key"] })
        #expect(keys.count == 2 && keys.allSatisfy { $0?.utf8.count == 24 })
        #expect(heads.all.allSatisfy { $0["Sec-WebSocket-Version"] == "13" && $0["Transfer-Encoding"] == nil })
        #expect(heads.all.allSatisfy { $0["Expect"] == nil && $0["Content-Length"] == nil })
        try session.closeAll()
        await session.closed()
    }

    @Test func `the levels of the options, and values that are not allowed`() async throws {
        let server = try Self.keeper(Record())
        try await withSession(options: WebSocketTests.patient) { session in
            let wrong = await #expect(throws: HandleError.self) {
                try await session.setOption(.upgradesToWebSocket, to: true)
            }
            #expect(wrong?.code == .incorrectHandleType)
            let request = try await session.openRequest(.get, server.url())
            let name = await #expect(throws: HandleError.self) {
                try await request.setOption(.upgradesToProtocol, to: "a b")
            }
            #expect(name?.code == .invalidParameter)
            let low = await #expect(throws: HandleError.self) {
                try await session.setOption(.webSocketSendBuffer, to: 15)
            }
            #expect(low?.code == .invalidParameter)
            #expect(low?.reason == "webSocketSendBuffer must be 16 or more, but is 15")
            let twice = await #expect(throws: HandleError.self) {
                try await session.setOption(.webSocketSubprotocols, to: ["a", "a"])
            }
            #expect(twice?.code == .invalidParameter)
            try await session.setOption(.webSocketAnswerTimeout, to: .seconds(60))
            let socket = try await session.webSocket(server.webSocketURL())
            #expect(try await socket.option(.webSocketAnswerTimeout) == .seconds(60))
            try await socket.setOption(.webSocketCloseTimeout, to: .seconds(61))
            #expect(try await socket.option(.webSocketCloseTimeout) == .seconds(61))
            let late = await #expect(throws: HandleError.self) {
                try await socket.setOption(.webSocketReceiveBuffer, to: 1 << 20)
            }
            #expect(late?.code == .incorrectHandleType)
            #expect(try await socket.option(.parentHandle).level == .connection)
            #expect(socket.level == .webSocket && socket.level.rawValue == 5)
            try await socket.finish()
        }
    }

    @Test func `the sizes of sent frames`() async throws {
        let frames = Record<ServerWebSocket.Frame>()
        let server = try ScriptedServer { connection in
            let socket = try connection.acceptWebSocket()
            while true {
                let frame = try socket.receiveFrame()
                frames.note(frame)
                if frame.opcode == 8 { return try socket.sendFrame(opcode: 8, frame.payload) }
            }
        }
        let session = try SessionHandle(options: [.set(.webSocketSendBuffer, to: 16)])
        let socket = try await session.webSocket(server.webSocketURL())
        try await socket.send(.binary([UInt8](repeating: 5, count: 40)))
        try await socket.finish(.goingAway, reason: "tests")
        let seen = frames.all
        #expect(seen.map(\.payload.count) == [16, 16, 8, 7])
        #expect(seen.map(\.opcode) == [2, 0, 0, 8])
        #expect(seen.map(\.isFinal) == [false, false, true, true])
        #expect(seen.last?.closeCode == 1001)
        let keys = seen.map(\.maskingKey)
        #expect(keys.allSatisfy { $0 != nil } && Set(keys).count == 4)
        try session.closeAll()
        await session.closed()
    }

    @Test(arguments: [true, false])
    func `a message, or a frame, that is too large`(_ isMessage: Bool) async throws {
        let (isHeard, codes) = (Gate(), Record<Int?>())
        defer { isHeard.open() }
        let server = try ScriptedServer { connection in
            let socket = try connection.acceptWebSocket()
            isHeard.wait()
            // Only the head of the frame: the limit is checked before the payload.
            try connection.send(ServerWebSocket.frameHead(opcode: 2, length: 1001))
            codes.note(try socket.receiveFrame().closeCode)
        }
        let session = try SessionHandle(options: WebSocketTests.patient)
        if isMessage {
            try await session.setOption(.webSocketMaximumMessageSize, to: 1000)
        } else {
            try await session.setOption(.webSocketMaximumFrameSize, to: 1000)
        }
        let socket = try await session.webSocket(server.webSocketURL())
        let events = EventRecorder(of: socket)
        let receiving = Task.immediate { _ = try await socket.receive() }
        // The driver knows of it.
        _ = try await session.option(.connectTimeout)
        isHeard.open()
        let failure = await receiving.failure
        let error = try #require(failure)
        #expect(error.code == .insufficientBuffer && error.operation == .receiveMessage)
        let later = await #expect(throws: HandleError.self) { try await socket.send(.text("x")) }
        #expect(later?.code == .insufficientBuffer)
        // The peer has the code, and closes.
        try await events.first(.connectionClosed)
        #expect(codes.all == [1009])
        try socket.close()
        let kinds = try await events.finish().map(\.kind)
        #expect(
            kinds == [
                .socketFailed(error), .requestError(error), .closingConnection, .connectionClosed, .handleClosing,
            ]
        )
        try session.closeAll()
        await session.closed()
    }

    @Test func `a server that answers no ping`() async throws {
        let wasAsked = Gate()
        let server = try ScriptedServer { connection in
            let socket = try connection.acceptWebSocket()
            guard try socket.receiveFrame().opcode == 9 else { return }
            wasAsked.open()
            connection.waitForClose()
        }
        let session = try SessionHandle(options: [
            .set(.webSocketKeepAliveInterval, to: .seconds(3600)), .set(.webSocketAnswerTimeout, to: .seconds(3600)),
        ])
        let socket = try await session.webSocket(server.webSocketURL())
        let receiving = Task.immediate { _ = try await socket.receive() }
        session.advanceClock(by: .seconds(3601))
        await wasAsked.passed()
        session.advanceClock(by: .seconds(3601))
        let error = await receiving.failure
        #expect(error?.code == .timeout && error?.operation == .receiveMessage)
        #expect(error?.reason == "the server did not answer a ping within \(Duration.seconds(3600))")
        try session.closeAll()
        await session.closed()
    }

    @Test func `pings are switched off on an open socket`() async throws {
        let server = try WebSocketTests.echo()
        let session = try SessionHandle(options: [.set(.webSocketKeepAliveInterval, to: .seconds(3600))])
        let socket = try await session.webSocket(server.webSocketURL())
        try await socket.setOption(.webSocketKeepAliveInterval, to: .zero)
        session.advanceClock(by: .seconds(7200))
        try await socket.send(.text("here"))
        #expect(try await socket.receiveMessage() == .text("here"))
        try session.closeAll()
        await session.closed()
    }

    @Test func `a server that does not close`() async throws {
        let hasClosed = Gate()
        let server = try ScriptedServer { connection in
            let socket = try connection.acceptWebSocket()
            guard try socket.receiveFrame().opcode == 8 else { return }
            hasClosed.open()
            connection.waitForClose()
        }
        let session = try SessionHandle(options: [.set(.webSocketCloseTimeout, to: .seconds(3600))])
        let socket = try await session.webSocket(server.webSocketURL())
        let finishing = Task.immediate { try await socket.finish() }
        await hasClosed.passed()
        session.advanceClock(by: .seconds(3601))
        let error = await finishing.failure
        #expect(error?.code == .timeout && error?.operation == .finish)
        #expect(error?.reason == "the closing handshake was not over within \(Duration.seconds(3600))")
        let status = await #expect(throws: HandleError.self) { try await socket.closeStatus() }
        #expect(status?.code == .incorrectHandleState)
        try session.closeAll()
        await session.closed()
    }

    @Test func `after shutdown the server has all the time`() async throws {
        let (hasClosed, mayEnd) = (Gate(), Gate())
        defer { mayEnd.open() }
        let server = try ScriptedServer { connection in
            let socket = try connection.acceptWebSocket()
            guard try socket.receiveFrame().opcode == 8 else { return }
            hasClosed.open()
            mayEnd.wait()
            try socket.send(.text("late"))
            try socket.sendFrame(opcode: 8, [3, 0xE8])
        }
        let session = try SessionHandle(options: [
            .set(.webSocketCloseTimeout, to: .seconds(1)), .set(.webSocketKeepAliveInterval, to: .zero),
        ])
        let socket = try await session.webSocket(server.webSocketURL())
        try await socket.shutdown()
        await hasClosed.passed()
        session.advanceClock(by: .seconds(3600))
        mayEnd.open()
        #expect(try await socket.receiveMessage() == .text("late"))
        #expect(try await socket.receiveMessage() == nil)
        try session.closeAll()
        await session.closed()
    }
}
