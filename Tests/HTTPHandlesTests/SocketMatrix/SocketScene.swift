import HTTPHandles
import HTTPHandlesLock
import HTTPHandlesTesting
import Testing
import TransfersInEveryPhase

/// A socket in a phase, with everything that its end must not affect or has to release.
final class SocketScene: Sendable {
    /// Of one of the two kinds.
    enum Socket: Sendable {
        case webSocket(WebSocketHandle)
        case upgraded(UpgradedHandle)

        var handle: any Handle {
            switch self {
            case .webSocket(let handle): handle
            case .upgraded(let handle): handle
            }
        }
    }

    let cell: SocketCell
    let servers: PhaseServers
    let server: SocketServer
    let session: SessionHandle
    let connection: ConnectionHandle
    let socketID: HandleID
    let contextReleased = Gate()
    let neighbour: Neighbour
    let recorder: EventRecorder
    let treeRecorder: EventRecorder
    private let sparedQueues: Set<UInt>
    private let hasCome = Gate()
    /// The only references to the socket, except those of operations and loops over events.
    private let references: Lock<(socket: Socket?, pending: [Scene.Pending])>

    static func options(_ way: WayToEnd) -> [OptionSetting] {
        // Nothing expires, however slow the machine is.
        [
            .set(.maximumConnections, to: way.endsSession ? 1 : 2), .set(.webSocketCloseTimeout, to: .zero),
            .set(.webSocketKeepAliveInterval, to: .zero), .set(.webSocketAnswerTimeout, to: .zero),
        ] + [.connectTimeout, .sendTimeout, .responseTimeout, .receiveTimeout].map { .set($0, to: .zero) }
    }

    init(_ cell: SocketCell, _ servers: PhaseServers, in session: SessionHandle) async throws {
        self.cell = cell
        self.servers = servers
        self.session = session
        server = try SocketServer()
        treeRecorder = EventRecorder(of: session, scope: .tree)
        neighbour = try await Neighbour(in: cell.way.endsSession ? SessionHandle() : session, servers)
        sparedQueues = cell.way == .driverDeath ? DriverKiller.queues : []
        connection = try await session.connect(to: "127.0.0.1", port: server.server.port)
        let request = try await connection.openRequest(.get, "/\(cell.phase.rawValue)")
        if cell.phase.isWebSocket {
            try await request.setOption(.upgradesToWebSocket, to: true)
        } else {
            try await request.setOption(.upgradesToProtocol, to: "tcp")
        }
        try await request.send()
        #expect(try await request.receiveResponse().status == .switchingProtocols)
        let context = Scene.Context(contextReleased)
        let socket: Socket
        if cell.phase.isWebSocket {
            socket = .webSocket(try await request.completeWebSocketUpgrade(context: context))
        } else {
            socket = .upgraded(try await request.completeUpgrade(context: context))
        }
        recorder = EventRecorder(of: socket.handle)
        socketID = socket.handle.id
        references = Lock((socket, []))
        try request.close()
        await request.closed()
    }

    /// The socket, until its reference was released.
    func socket() throws -> Socket {
        try #require(references.withLock { $0.socket })
    }

    // MARK: Reaching the phase

    func play() async throws {
        let loop = try cell.way == .closeInItsOwnEvents ? closeInOwnEvents(socket().handle) : nil
        switch try socket() {
        case .webSocket(let socket): try await come(socket)
        case .upgraded(let socket): try await come(socket)
        }
        let count = cell.phase.events.count
        try await recorder.first { $0.sequence >= count }
        if cell.phase.needsServer { await server.hasActed.passed() }
        // Each call is a turn of the driver, which knows of the operations then, and has looked at all ready sockets.
        for _ in 0..<(cell.phase.needsServer ? 100 : 1) { _ = try await session.option(.connectTimeout) }
        hasCome.open()
        try await loop?.value
    }

    private func come(_ socket: WebSocketHandle) async throws {
        try await socket.send(.text("go"))
        switch cell.phase {
        case .inIncomingMessage: #expect(try await socket.receive()?.bytes == [1])
        case .inOutgoingMessage: try await socket.send([1], as: .binaryFragment)
        case .shutDown: try await socket.shutdown()
        case .peerClosed: #expect(try await socket.receive() == nil)
        default: break
        }
        for operation in cell.phase.operations {
            begin(operation) {
                switch operation {
                case .receiveMessage: _ = try await socket.receiveMessage()
                // More than all buffers of the system.
                case .sendMessage: try await socket.send(.binary([UInt8](repeating: 0, count: 8 << 20)))
                case .ping: _ = try await socket.roundTrip()
                case .shutdown: try await socket.shutdown()
                default: try await socket.finish()
                }
            }
        }
    }

    private func come(_ socket: UpgradedHandle) async throws {
        try await socket.write("go".utf8)
        switch cell.phase {
        case .upgradedHalfClosed: try await socket.shutdown()
        case .upgradedEnded: #expect(try await socket.read() == [])
        default: break
        }
        for operation in cell.phase.operations {
            begin(operation) {
                if operation == .readData {
                    _ = try await socket.read()
                } else {
                    try await socket.write([UInt8](repeating: 0, count: 8 << 20))
                }
            }
        }
    }

    private func begin(_ operation: HandleOperation, _ body: @escaping @Sendable () async throws -> Void) {
        let task = Task.immediate { try await body() }
        references.withLock { $0.pending.append(Scene.Pending(operation: operation, task: task)) }
    }

    // MARK: The end

    /// Ends the socket; a scope is ended by its own task.
    func end() async throws {
        switch cell.way {
        case .closeWithOtherOptions:
            for seconds in [0, 1000, 100_000] {
                for option in [HandleOption<Duration>.webSocketCloseTimeout, .webSocketKeepAliveInterval] {
                    try await socket().handle.setOption(option, to: .seconds(seconds))
                }
                try await socket().handle.setOption(.webSocketAnswerTimeout, to: .seconds(seconds))
            }
            try socket().handle.close()
        case .close: try socket().handle.close()
        case .closeInAnotherTask:
            let handle = try socket().handle
            try await Task.detached { try handle.close() }.value
        case .closeInItsOwnEvents: break
        case .closeInEventsOfAnotherHandle:
            let other = try await connection.openRequest(.get, "/")
            let events = other.statusEvents()
            try other.close()
            for await _ in events { try socket().handle.close() }
        case .cancel(let operation):
            let pending = references.withLock { $0.pending }
            try #require(pending.first { $0.operation == operation }).task.cancel()
        case .drop: references.withLock { $0.socket = nil }
        case .closeAllOfItsConnection: try connection.closeAll()
        case .closeAllOfItsSession: try session.closeAll()
        case .driverDeath: await DriverKiller.killDriver(of: session, sparing: sparedQueues)
        case .leaveTheScope, .leaveTheScopeByError, .leaveTheScopeByCancellation: break
        }
    }

    /// A loop that closes the socket while it handles the last event of the phase.
    private func closeInOwnEvents(_ handle: any Handle) -> Task<Void, any Error> {
        let last = cell.phase.events.count
        let events = handle.statusEvents()
        return Task { [hasCome] in
            for await event in events where event.sequence == last {
                await hasCome.passed()
                try handle.close()
            }
        }
    }

    /// The errors of the pending operations.
    func outcomes() async throws -> [(operation: HandleOperation, error: HandleError?)] {
        var outcomes: [(HandleOperation, HandleError?)] = []
        for pending in references.withLock({ $0.pending }) {
            outcomes.append((pending.operation, await pending.task.failure))
        }
        return outcomes
    }
}
