import HTTPHandles

/// What a socket is doing when it is ended.
enum SocketPhase: String, CaseIterable, Sendable, Codable {
    // WebSockets
    case idle, receiving, inIncomingMessage, sending, inOutgoingMessage, bothWays, measuring, paused
    case shuttingDown, shutDown, finishing, peerClosing, peerClosed, failed, lost
    // Other protocols
    case upgradedIdle, upgradedReading, upgradedWriting, upgradedBothWays, upgradedPaused
    case upgradedHalfClosed, upgradedEnded

    var isWebSocket: Bool { !rawValue.hasPrefix("upgraded") }

    /// The pending operations, in the order in which they were begun.
    var operations: [HandleOperation] {
        switch self {
        case .idle, .inOutgoingMessage, .paused, .peerClosing, .peerClosed, .failed, .lost: []
        case .upgradedIdle, .upgradedPaused, .upgradedEnded: []
        case .receiving, .inIncomingMessage, .shutDown: [.receiveMessage]
        case .sending: [.sendMessage]
        case .bothWays: [.receiveMessage, .sendMessage]
        case .measuring: [.ping]
        case .shuttingDown: [.sendMessage, .shutdown]
        case .finishing: [.finish]
        case .upgradedReading, .upgradedHalfClosed: [.readData]
        case .upgradedWriting: [.writeData]
        case .upgradedBothWays: [.readData, .writeData]
        }
    }

    /// Whether the network connection is still there.
    var isConnected: Bool { self != .lost && self != .upgradedEnded }

    /// Whether it is known already how receiving has ended.
    var hasEnded: Bool {
        switch self {
        case .peerClosing, .peerClosed, .failed, .lost, .upgradedEnded: true
        default: false
        }
    }

    /// The server acts after the client's first message, and no operation waits for that.
    var needsServer: Bool {
        switch self {
        case .sending, .bothWays, .measuring, .paused, .shuttingDown, .finishing, .peerClosing, .failed: true
        case .upgradedWriting, .upgradedBothWays, .upgradedPaused: true
        default: false
        }
    }

    /// The events after the creation of the handle up to this phase.
    var events: [StatusEvent.Kind] {
        let closed: [StatusEvent.Kind] = [.closingConnection, .connectionClosed]
        guard isWebSocket else {
            let begun: [StatusEvent.Kind] = [.writeComplete(bytes: 2)]
            return switch self {
            case .upgradedHalfClosed: begun + [.shutdownComplete]
            case .upgradedEnded: begun + closed + [.readComplete(bytes: 0)]
            default: begun
            }
        }
        let begun: [StatusEvent.Kind] = [.webSocketWriteComplete(bytes: 2, kind: .textMessage)]
        return switch self {
        case .inIncomingMessage: begun + [.webSocketReadComplete(bytes: 1, kind: .binaryFragment)]
        case .inOutgoingMessage: begun + [.webSocketWriteComplete(bytes: 1, kind: .binaryFragment)]
        case .shutDown: begun + [.shutdownComplete]
        case .peerClosed: begun + [.webSocketCloseReceived(WebSocketCloseStatus(.goingAway, reason: "tests"))]
        case .failed:
            begun + [
                .socketFailed(HandleError(.invalidServerResponse, .receiveMessage, reason: "the opcode 3 is reserved"))
            ]
        case .lost:
            begun + closed + [
                .socketFailed(
                    HandleError(
                        .connectionError,
                        .receiveMessage,
                        reason: "the server closed the connection without a close frame"
                    )
                )
            ]
        default: begun
        }
    }
}
