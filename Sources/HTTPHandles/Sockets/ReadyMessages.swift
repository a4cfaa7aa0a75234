import HTTPHandlesCore
import HTTPHandlesLock

/// The messages of a WebSocket that are there whole: the reader takes them on its own thread, without the driver's.
///
/// The driver lends them at the end of each step, and takes back what is left before the next one. A reader that comes in
/// between finds none, and asks the driver.
final class ReadyMessages: Sendable {
    /// What the listeners are told of a read.
    struct Read: Sendable {
        let bytes: Int
        let kind: WebSocketPieceKind
    }

    private struct State {
        var lent: LentMessages?
        /// In their order; only those that listeners are to be told of.
        var reads: [Read] = []
    }

    private let state = Lock(State())

    // MARK: The reader, on any thread

    /// Takes a message; `nil` if there is none. Where `reporting`, the driver finds a record of it.
    func take(reporting: Bool) -> (message: WebSocketPiece, isBelowMark: Bool)? {
        state.withLock { state in
            guard let next = state.lent?.next() else { return nil }
            if reporting { state.reads.append(Read(bytes: next.message.bytes.count, kind: next.message.kind)) }
            return next
        }
    }

    // MARK: The driver

    /// There are none.
    func lend(_ messages: LentMessages) {
        state.withLock { $0.lent = messages }
    }

    /// What is left of those that were lent, and what was read.
    func takeBack() -> (lent: LentMessages, reads: [Read])? {
        state.withLock { state in
            guard let lent = state.lent.take() else { return nil }
            defer { state.reads = [] }
            return (lent, state.reads)
        }
    }
}
