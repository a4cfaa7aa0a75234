import HTTPHandles
import HTTPHandlesTesting
import Testing

/// The time limits of a request that asks for an upgrade count until the 101, and none of them afterwards.
@Suite("Time limits of upgrades", .timeLimit(.minutes(5)))
struct UpgradeTimeTests {
    private static let limit = Duration.seconds(3600)

    /// The limits of requests, `option` or all of them, and that of idle connections.
    private static func limits(_ option: HandleOption<Duration>? = nil) -> [OptionSetting] {
        let options: [HandleOption<Duration>] = [
            .queueTimeout, .resolveTimeout, .connectTimeout, .sendTimeout, .responseTimeout, .receiveTimeout,
            .totalTimeout,
        ]
        let limits: [OptionSetting] = options.map { other in
            let isLimited = option.map { $0.row.name == other.row.name } ?? true
            return .set(other, to: isLimited ? limit : .zero)
        }
        return WebSocketTests.patient + limits + [.set(.poolLimits, to: PoolLimits(idleTime: limit))]
    }

    // MARK: Before the 101

    /// Opens a WebSocket, and sets the clock ahead when the request is there.
    private static func check(
        _ url: String,
        _ option: HandleOption<Duration>,
        _ more: [OptionSetting] = [],
        throws error: HandleError,
        when isThere: (EventRecorder) async throws -> Void
    ) async throws {
        let session = try SessionHandle(options: limits(option) + more)
        let recorder = EventRecorder(of: session, scope: .tree)
        let opening = Task { try await session.webSocket(url) }
        try await isThere(recorder)
        session.advanceClock(by: limit)
        #expect(await opening.failure == error)
        try session.closeAll()
        await session.closed()
    }

    @Test func `choosing a proxy, and resolving a name`() async throws {
        let (isChoosing, isResolving) = (Gate(), Gate())
        let chooser = ProxyChooser { _ in
            isChoosing.open()
            try await Task.sleep(for: .seconds(1_000_000))
            return [.direct]
        }
        try await Self.check(
            "ws://name.invalid/",
            .connectTimeout,
            [.set(.proxy, to: .choosing(chooser))],
            throws: .timeout(.proxy, after: Self.limit, .sendRequest)
        ) { _ in await isChoosing.passed() }
        let resolver = NameResolver { _ in
            isResolving.open()
            try await Task.sleep(for: .seconds(1_000_000))
            return []
        }
        try await Self.check(
            "ws://name.invalid/",
            .resolveTimeout,
            [.set(.nameResolver, to: resolver)],
            throws: .timeout(.resolve, after: Self.limit, .sendRequest)
        ) { _ in await isResolving.passed() }
    }

    @Test func `connecting, and the TLS handshake`() async throws {
        let unreachable = try UnreachablePort()
        let error = HandleError.timeout(.connect, after: Self.limit, .sendRequest)
        try await Self.check("ws://127.0.0.1:\(unreachable.port)/", .connectTimeout, throws: error) { recorder in
            try await recorder.first { $0.kind.name == "connectingToServer" }
        }
        let isSecuring = Gate()
        let server = try ScriptedServer { connection in
            _ = try connection.read(exactly: 1)
            isSecuring.open()
            connection.waitForClose()
        }
        try await Self.check("wss://127.0.0.1:\(server.port)/", .connectTimeout, throws: error) { _ in
            await isSecuring.passed()
        }
    }

    @Test func `the whole request, before the head and in the middle of it`() async throws {
        let server = try ScriptedServer { connection in
            guard let head = try connection.readHead() else { return }
            if head.target == "/half" { try connection.send(PhaseServers.earlyHints + "HTTP/1.1 101 Switching Pro") }
            connection.waitForClose()
        }
        let error = HandleError.timeout(.total, after: Self.limit, .receiveResponse)
        try await Self.check(server.webSocketURL("/silent"), .totalTimeout, throws: error) { recorder in
            try await recorder.first(.receivingResponse)
        }
        try await Self.check(server.webSocketURL("/half"), .totalTimeout, throws: error) { recorder in
            try await recorder.first { $0.kind.name == "intermediateResponse" }
        }
    }

    @Test func `waiting for the slot of another socket`() async throws {
        let server = try WebSocketTests.echo()
        let session = try SessionHandle(options: Self.limits(.queueTimeout) + [.set(.maximumConnections, to: 1)])
        let socket = try await session.webSocket(server.webSocketURL())
        let recorder = EventRecorder(of: session, scope: .tree)
        let opening = Task { try await session.webSocket(server.webSocketURL()) }
        try await recorder.first(.queued)
        session.advanceClock(by: Self.limit)
        #expect(await opening.failure == .timeout(.queue, after: Self.limit, .sendRequest))
        // The socket has its own times.
        try await socket.send(.text("here"))
        #expect(try await socket.receiveMessage() == .text("here"))
        try session.closeAll()
        await session.closed()
    }

    // MARK: After it

    /// More than is kept of a connection that was not taken over, so that reading is paused.
    private static let behind = [UInt8](repeating: 1, count: 300_000)

    /// Sends `behind` with the head, and then everything back.
    private static func server() throws -> ScriptedServer {
        try ScriptedServer { connection in
            guard let head = try connection.readHead() else { return }
            guard head["upgrade"] == "websocket" else {
                try connection.send(Array(UpgradedConnectionTests.answer.utf8) + behind)
                while true { try connection.send(try connection.read(exactly: 1)) }
            }
            let frame = ServerWebSocket.frameHead(opcode: 2, length: behind.count) + behind
            let socket = try connection.acceptWebSocket(head, followedBy: frame)
            while let message = try socket.receive() { try socket.send(message) }
        }
    }

    private static func upgraded(_ session: SessionHandle, _ server: ScriptedServer, toWebSocket: Bool) async throws
        -> RequestHandle
    {
        let request = try await session.openRequest(.get, server.url())
        if toWebSocket {
            try await request.setOption(.upgradesToWebSocket, to: true)
        } else {
            try await request.setOption(.upgradesToProtocol, to: "tcp")
        }
        try await request.send()
        #expect(try await request.receiveResponse().status == .switchingProtocols)
        return request
    }

    /// More than all limits; then the driver has looked at its timers.
    private static func letTimePass(_ session: SessionHandle) async throws {
        session.advanceClock(by: limit * 2)
        for _ in 0..<20 { _ = try await session.option(.connectTimeout) }
    }

    @Test func `a WebSocket: not taken over, not read, idle, and in a receive`() async throws {
        let server = try Self.server()
        let session = try SessionHandle(options: Self.limits())
        let request = try await Self.upgraded(session, server, toWebSocket: true)
        try await Self.letTimePass(session)
        let socket = try await request.completeWebSocketUpgrade()
        try await Self.letTimePass(session)
        #expect(try await socket.receiveMessage() == .binary(Self.behind))
        try await Self.letTimePass(session)
        let receiving = Task.immediate { try await socket.receiveMessage() }
        try await Self.letTimePass(session)
        try await socket.send(.text("still there"))
        #expect(try await receiving.value == .text("still there"))
        try session.closeAll()
        await session.closed()
    }

    @Test func `another protocol: not taken over, not read, idle, and in a read`() async throws {
        let server = try Self.server()
        let session = try SessionHandle(options: Self.limits())
        let request = try await Self.upgraded(session, server, toWebSocket: false)
        try await Self.letTimePass(session)
        let attached = try await request.completeUpgrade()
        try await Self.letTimePass(session)
        #expect(try await UpgradedConnectionTests.readAll(attached, Self.behind.count) == Self.behind)
        try await Self.letTimePass(session)
        let reading = Task.immediate { try await attached.read() }
        try await Self.letTimePass(session)
        try await attached.write([7])
        #expect(try await reading.value == [7])
        try session.closeAll()
        await session.closed()
    }
}
