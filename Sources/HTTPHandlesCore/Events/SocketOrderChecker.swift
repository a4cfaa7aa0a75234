/// The rules for the order of a socket's events, of a WebSocket or of another upgraded connection.
///
/// What has happened are marks; an event sets at most one, and is not possible after some.
struct SocketOrderChecker {
    private enum Mark: Hashable {
        /// The reader has got the end: of the messages, or of the bytes.
        case end
        /// The end of the sending direction was sent.
        case shutDown
        /// The closing handshake is over.
        case complete
        case failed

        var name: String {
            switch self {
            case .end: "the end of what the server sends"
            case .shutDown: "shutdownComplete"
            case .complete: "closeComplete"
            case .failed: "socketFailed"
            }
        }
    }

    private var marks: Set<Mark> = []

    /// Returns what is wrong with the event, if anything is.
    mutating func take(_ kind: StatusEvent.Kind, of level: HandleLevel) -> String? {
        guard let (impossibleAfter, mark) = rule(for: kind, level) else { return nil }
        if let before = impossibleAfter.first(where: marks.contains) { return "comes after \(before.name)" }
        if let mark { marks.insert(mark) }
        return nil
    }

    private func rule(for kind: StatusEvent.Kind, _ level: HandleLevel) -> (impossibleAfter: [Mark], sets: Mark?)? {
        switch kind {
        // What came before a failure can be read after it.
        case .webSocketReadComplete: ([.end, .complete], nil)
        case .webSocketCloseReceived: ([.end, .complete, .failed], .end)
        // Reading at the end succeeds again and again.
        case .readComplete(bytes: 0): ([.failed], .end)
        case .readComplete: ([.end], nil)
        case .webSocketWriteComplete, .writeComplete: ([.shutDown, .end, .complete, .failed], nil)
        // A WebSocket may answer a close frame that was read already; another connection ends in both directions.
        case .shutdownComplete where level == .webSocket: ([.shutDown, .complete, .failed], .shutDown)
        case .shutdownComplete: ([.shutDown, .end, .failed], .shutDown)
        case .closeComplete: ([.complete, .failed], .complete)
        case .socketFailed: ([.failed, .end, .complete], .failed)
        default: nil
        }
    }
}
