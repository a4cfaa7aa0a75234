package import HTTPHandlesCore
import HTTPHandlesLock
package import HTTPTypes

/// A streamed request body between the producer, which writes pieces on any thread, and libcurl, which takes them on the
/// driver's.
///
/// The counterpart of `DownloadBuffer`: when it is full, a write waits; when it is empty, libcurl pauses until the next
/// write.
package final class UploadBuffer: Sendable {
    /// What becomes of a piece.
    package enum Outcome: Sendable {
        case accepted
        /// The server has answered and does not want the rest: the piece is dropped, and that is no error.
        case unwanted
        case failed(HandleError)
    }

    package typealias Attempt = BufferAttempt<Outcome>
    package typealias Delivery = BufferDelivery<Outcome>
    /// A write that waits, with its piece.
    private typealias Waiter = BufferWaiter<BodyBytes, Outcome>

    /// What libcurl gets.
    enum Supply {
        case bytes(Int)
        /// Nothing at the moment: libcurl pauses until the next write.
        case nothingYet
        case end
        /// The body failed, or the exchange is over.
        case abort
    }

    private enum Phase {
        /// No request with a streamed body is on its way. Can transition to: open, closed.
        case unopened
        /// Can transition to: complete, unwanted, failed, unopened (sent again), closed.
        case open
        /// The producer has written everything. Can transition to: unopened (sent again), closed.
        case complete
        /// Can transition to: unopened (sent again), closed.
        case unwanted
        /// Can transition to: unopened (sent again), closed.
        case failed(HandleError)
        /// The handle is closed. Final.
        case closed
    }

    private struct State {
        var phase = Phase.unopened
        /// How many bytes of the announced length are still to be written; `nil` if no length was announced.
        var owed: Int64?
        /// Whether trailer fields may follow.
        var hasTrailers = false
        /// The connection is one of HTTP/2, over which libcurl sends none.
        var dropsTrailers = false
        var trailers = HTTPFields()
        var marks = BufferMarks()
        var pieces: [BodyBytes] = []
        /// How much of the first piece libcurl has.
        var offset = 0
        var buffered = 0
        /// libcurl was told to pause.
        var needsInput = false
        var waiter: Waiter?
        /// Told when nothing more is to be written, for whatever reason.
        var watcher: (@Sendable (Outcome) -> Void)?
        /// A producer runs whose end is reported, also if nothing of it waits at the moment.
        var hasProducer = false
        /// Why the producer has failed. The handle is about to be closed for that.
        var failure: HandleError?

        static let sentAgain = Outcome.failed(.wrongState(.writeData, "the request was sent again"))

        /// What has become of the body; `nil` while it is being written.
        var verdict: Outcome? {
            switch phase {
            case .open: nil
            case .unopened: Self.sentAgain
            case .complete: .accepted
            case .unwanted: .unwanted
            case .failed(let error): .failed(error)
            case .closed: .failed(failure ?? .cancelled(.writeData))
            }
        }

        /// Why a write is refused; `nil` if it is not.
        var refusal: Outcome? {
            switch phase {
            case .open: nil
            case .unopened: .failed(.wrongState(.writeData, "no request with a streamed body was sent"))
            case .complete: .failed(.wrongState(.writeData, "the request body is complete"))
            case .unwanted: .unwanted
            case .failed(let error): .failed(error)
            case .closed: .failed(.closed(.writeData))
            }
        }

        /// The operations that wait, once there is a verdict: it ends the write that waits, and tells the watcher.
        mutating func takeVerdict() -> Delivery? {
            if case .complete = phase { return nil }
            return verdict.flatMap { end($0) }
        }

        /// Takes the operations that wait, which end with what has become of the body.
        mutating func end(_ verdict: Outcome) -> Delivery? {
            guard waiter != nil || watcher != nil || hasProducer else { return nil }
            hasProducer = false
            let (waiter, watcher) = (waiter.take(), watcher.take())
            let resume: @Sendable (Outcome) -> Void = { outcome in
                waiter?.resume(outcome)
                watcher?(outcome)
            }
            return Delivery(resume: resume, outcome: verdict, mustResume: false)
        }

        mutating func discard() {
            pieces = []
            offset = 0
            buffered = 0
        }

        mutating func resumed() -> Bool {
            defer { needsInput = false }
            return needsInput
        }

        /// What becomes of a piece at this moment; `nil` if it has to wait.
        mutating func accept(_ piece: BodyBytes, below mark: Int) -> Attempt? {
            if let refusal { return .now(refusal, mustResume: false) }
            guard buffered < mark || piece.isEmpty else { return nil }
            if let owed {
                let excess = Int64(piece.count) - owed
                guard excess <= 0 else {
                    let error = HandleError.invalidParameter(
                        .writeData,
                        "\(excess) bytes more than the length announced"
                    )
                    return .now(.failed(error), mustResume: false)
                }
                self.owed = -excess
            }
            guard !piece.isEmpty else { return .now(.accepted, mustResume: false) }
            pieces.append(piece)
            buffered += piece.count
            return .now(.accepted, mustResume: resumed())
        }
    }

    private let state = Lock(State())
    /// Whether the caller writes to it, piece by piece.
    package let isCallers: Bool

    package init(isCallers: Bool = false) {
        self.isCallers = isCallers
    }

    // MARK: The producer, on any thread

    /// Takes a piece over if there is room.
    package func write(_ piece: BodyBytes) -> Attempt {
        state.withLock { $0.accept(piece, below: $0.marks.high) ?? .mustWait }
    }

    /// Takes a piece over; if there is no room, later, and then calls `resume` once from the driver's thread.
    package func write(_ piece: BodyBytes, whenDone resume: @escaping @Sendable (Outcome) -> Void) -> Attempt {
        state.withLock { state in
            if let attempt = state.accept(piece, below: state.marks.high) { return attempt }
            guard state.waiter == nil else {
                return .now(.failed(.wrongState(.writeData, "writeData has not finished yet")), mustResume: false)
            }
            state.waiter = Waiter(request: piece, resume: resume)
            return .mustWait
        }
    }

    /// The producer has written everything but the trailer fields, which were checked.
    package func finish(trailers: HTTPFields = HTTPFields()) -> Attempt {
        let (attempt, watcher): (Attempt, (@Sendable (Outcome) -> Void)?) = state.withLock { state in
            if let refusal = state.refusal { return (.now(refusal, mustResume: false), nil) }
            if let owed = state.owed, owed > 0 {
                let error = HandleError.invalidParameter(.writeData, "\(owed) bytes fewer than the length announced")
                return (.now(.failed(error), mustResume: false), nil)
            }
            guard state.hasTrailers || trailers.isEmpty else {
                let error = HandleError.invalidParameter(.writeData, "trailer fields were not announced to send")
                return (.now(.failed(error), mustResume: false), nil)
            }
            if state.dropsTrailers, !trailers.isEmpty {
                return (.now(.failed(TrailerRules.unsupported(.writeData)), mustResume: false), nil)
            }
            state.phase = .complete
            state.trailers = trailers
            state.hasProducer = false
            return (.now(.accepted, mustResume: state.resumed()), state.watcher.take())
        }
        watcher?(.accepted)
        return attempt
    }

    /// Calls `resume` once, as soon as nothing more is to be written: everything was, or the server does not want the rest,
    /// or the exchange failed, or the handle was closed. Returns that at once where it is so already.
    package func watch(_ resume: @escaping @Sendable (Outcome) -> Void) -> Outcome? {
        state.withLock { state in
            if let verdict = state.verdict { return verdict }
            state.watcher = resume
            return nil
        }
    }

    /// A producer begins, for which it is reported what becomes of the body, if that is not known already.
    package func beginProducing() {
        state.withLock { $0.hasProducer = $0.verdict == nil }
    }

    /// The producer has failed, and the handle is about to be closed. `false` if it is known already what has become of the
    /// body.
    package func fail(_ error: HandleError) -> Bool {
        state.withLock { state in
            guard state.verdict == nil else { return false }
            state.failure = error
            return true
        }
    }

    // MARK: The driver

    /// A new exchange begins.
    package func open(length: Int64?, hasTrailers: Bool = false, _ marks: BufferMarks = BufferMarks()) {
        state.withLock { state in
            if case .closed = state.phase { return }
            state = State()
            state.phase = .open
            state.owed = length
            state.hasTrailers = hasTrailers
            state.marks = marks
        }
    }

    /// The request is being sent again, and this body is not for it; a write that waits ends.
    package func abandon() -> Delivery? {
        state.withLock { state in
            if case .closed = state.phase { return nil }
            let delivery = state.end(State.sentAgain)
            state = State()
            return delivery
        }
    }

    /// The exchange wants no more: because the server has answered (no error) or because it failed.
    package func end(_ error: HandleError?) {
        state.withLock { state in
            guard case .open = state.phase, state.failure == nil else { return }
            state.phase = error.map(Phase.failed) ?? .unwanted
            state.discard()
        }
    }

    /// The handle is closed; a write that waits ends.
    package func close() -> Delivery? {
        state.withLock { state in
            state.phase = .closed
            state.discard()
            return state.takeVerdict()
        }
    }

    /// Whether something is still to be written.
    package var isOpen: Bool {
        state.withLock { if case .open = $0.phase { true } else { false } }
    }

    /// Which connection the body goes out on is known.
    func connectionReady(dropsTrailers: Bool) {
        state.withLock { $0.dropsTrailers = dropsTrailers }
    }

    /// The trailer fields that are there cannot be sent.
    var losesTrailers: Bool { state.withLock { $0.dropsTrailers && !$0.trailers.isEmpty } }

    /// Hands libcurl what fits into `target`. `taken` is called with the length of each piece that libcurl now has whole.
    func supply(_ target: UnsafeMutableRawBufferPointer, taken: (Int) -> Void) -> Supply {
        state.withLock { state in
            guard state.buffered > 0 else {
                switch state.phase {
                case .open:
                    state.needsInput = true
                    return .nothingYet
                case .complete, .unwanted: return .end
                case .unopened, .failed, .closed: return .abort
                }
            }
            var filled = 0
            var finished = 0
            for piece in state.pieces {
                let room = unsafe UnsafeMutableRawBufferPointer(rebasing: target[filled...])
                let count = unsafe piece.copy(from: state.offset, to: room)
                filled += count
                state.offset += count
                guard state.offset == piece.count else { break }
                taken(piece.count)
                finished += 1
                state.offset = 0
            }
            state.pieces.removeFirst(finished)
            state.buffered -= filled
            return .bytes(filled)
        }
    }

    /// What follows the body, once `supply` has said that it is over.
    package var trailers: HTTPFields { state.withLock { $0.trailers } }

    /// Takes everything that is there, for a body that is collected and not sent.
    package func takeAll() -> (bytes: [UInt8], isOver: Bool) {
        state.withLock { state in
            let bytes = state.pieces.count == 1 ? state.pieces[0].array : state.pieces.flatMap(\.array)
            state.discard()
            if case .open = state.phase {
                state.needsInput = true
                return (bytes, false)
            }
            return (bytes, true)
        }
    }

    /// The write that waits and what has become of its piece, if that is known.
    package func takeWaiter() -> Delivery? {
        state.withLock { state in
            if let delivery = state.takeVerdict() { return delivery }
            guard let waiter = state.waiter,
                case .now(let outcome, let mustResume)? = state.accept(waiter.request, below: state.marks.low)
            else { return nil }
            state.waiter = nil
            return Delivery(resume: waiter.resume, outcome: outcome, mustResume: mustResume)
        }
    }
}
