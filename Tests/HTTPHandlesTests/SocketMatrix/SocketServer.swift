import HTTPHandles
import HTTPHandlesTesting

/// The server that brings a socket into a phase, which is the path of the request.
final class SocketServer: Sendable {
    /// It has done its part.
    let hasActed = Gate()
    let server: ScriptedServer
    private let isOver: Gate

    init() throws {
        let (hasActed, isOver) = (hasActed, Gate())
        self.isOver = isOver
        server = try ScriptedServer(limitsReceiveBuffers: true) { connection in
            guard let head = try connection.readHead() else { return }
            let phase = SocketPhase(rawValue: String(head.target.dropFirst())) ?? .idle
            try Self.act(phase, connection, head)
            hasActed.open()
            if phase.isConnected { isOver.wait() }
        }
    }

    deinit {
        isOver.open()
    }

    private static func act(_ phase: SocketPhase, _ connection: ServerConnection, _ head: ReceivedHead) throws {
        guard phase.isWebSocket else {
            try connection.send(UpgradedConnectionTests.answer)
            _ = try connection.read(exactly: 2)
            switch phase {
            case .upgradedWriting, .upgradedBothWays: _ = try connection.read(exactly: 1)
            case .upgradedPaused: try connection.send([UInt8](repeating: 1, count: PhaseServers.bigSize))
            default: break
            }
            return
        }
        let socket = try connection.acceptWebSocket(head)
        _ = try socket.receiveFrame()
        switch phase {
        case .inIncomingMessage: try connection.send(ServerWebSocket.frameHead(opcode: 2, length: 10) + [1])
        case .sending, .bothWays, .shuttingDown: _ = try connection.read(exactly: 1)
        case .measuring, .finishing: _ = try socket.receiveFrame()
        case .paused: try socket.send(.binary([UInt8](repeating: 1, count: PhaseServers.bigSize)))
        case .peerClosing, .peerClosed:
            try socket.close(1001, reason: "tests")
        case .failed:
            try socket.sendFrame(opcode: 3, [])
            while try socket.receiveFrame().opcode != 8 {}
        default: break
        }
    }
}
