package import HTTPHandlesCore
import HTTPHandlesLock

/// The response body between libcurl, which fills it on the driver's thread, and the reader, on any thread.
///
/// It holds up to the high-water mark, and at most one more piece of libcurl's. When it is full, libcurl pauses the
/// connection; a read that empties it makes the driver resume. So a slow reader costs memory for one buffer, and a fast
/// one gets everything that is there at once, without a change of threads.
package final class DownloadBuffer: Sendable {
    /// What a reader gets.
    package enum Outcome: Sendable {
        case bytes([UInt8])
        #if NIO
        case sink(any BodySink)
        #endif
        /// The reader gets the bytes from the decoder; if it has none, the reader asks again.
        case decode(BodyDecoder)
        /// So many bytes can be read at once; 0 at the end.
        case available(Int)
        case end
        case failed(HandleError)

        static func unreadable(_ readRequest: ReadRequest) -> Outcome {
            .failed(.wrongState(readRequest.operation, "no response was received"))
        }
    }

    package typealias Attempt = BufferAttempt<Outcome>
    package typealias Delivery = BufferDelivery<Outcome>
    private typealias Waiter = BufferWaiter<ReadRequest, Outcome>

    private enum Phase {
        /// The caller has no response yet. Can transition to: readable, closed.
        case unreadable
        /// Can transition to: ended, failed, unreadable (sent again), closed.
        case readable
        /// The handle is closed: what was buffered is gone. Final.
        case closed
    }

    private enum Source {
        case flowing
        case ended
        /// `isUnreported` until a reader has been told.
        case failed(HandleError, isUnreported: Bool)
    }

    /// A read that ended on the reader's thread, to be told to the listeners from the driver's.
    package enum Report: Sendable {
        /// 0 is the end of the body.
        case read(bytes: Int)
        /// 0 is the end of the body.
        case available(bytes: Int)
        case failed(HandleError)
    }

    /// What a reader wants.
    package enum ReadRequest: Sendable {
        case bytes(upTo: Int)
        #if NIO
        /// Everything that is there, in memory of the type of this, which is empty.
        case sink(any BodySink)
        #endif
        /// To know how many there are, without taking them.
        case count

        package var operation: HandleOperation {
            switch self {
            case .bytes: .readData
            #if NIO
            case .sink: .readData
            #endif
            case .count: .queryDataAvailable
            }
        }
    }

    /// For how much of an announced body memory is reserved at most.
    private static let largestReservation = 1 << 20

    private struct State {
        var phase = Phase.unreadable
        var source = Source.flowing
        var marks = BufferMarks()
        var bytes: [UInt8] = []
        /// How many bytes there are going to be, if that is known.
        var expected: Int?
        /// How many came.
        var arrived = 0
        /// How many of the bytes were read already.
        var start = 0
        /// libcurl was told to pause.
        var isPaused = false
        var waiter: Waiter?
        /// Between what arrives and what is read, where the body is coded.
        var decoder: BodyDecoder?
        /// In the order of the reads, whichever thread they ended on.
        var reports: [Report] = []

        #if NIO
        /// Where bytes arrive, from the first read of that kind to the next of another one. Then there are none in `bytes`.
        var sink: (any BodySink)?

        var unread: Int { bytes.count - start + (sink?.count ?? 0) }

        /// Takes everything that is there. What arrives from now on is copied once.
        private mutating func take(into empty: any BodySink) -> any BodySink {
            var taken = empty
            if let sink {
                taken = sink
            } else {
                taken.append(bytes[start...])
                bytes = []
                start = 0
            }
            sink = empty
            return taken
        }

        /// The next read is of another kind.
        mutating func leaveSink() {
            guard let sink = sink.take() else { return }
            bytes = sink.array
        }
        #else
        var unread: Int { bytes.count - start }
        #endif

        /// What a reader gets now; `nil` if there is nothing yet.
        mutating func next(_ readRequest: ReadRequest, reporting: Bool) -> Attempt? {
            switch phase {
            case .closed: return .now(.failed(.closed(readRequest.operation)), mustResume: false)
            case .unreadable:
                return .now(.unreadable(readRequest), mustResume: false)
            case .readable: break
            }
            #if NIO
            if case .sink(let empty) = readRequest, decoder == nil {
                if unread > 0 {
                    let taken = take(into: empty)
                    if reporting { reports.append(.read(bytes: taken.count)) }
                    return .now(.sink(taken), mustResume: resumed())
                }
                sink = empty
            } else {
                leaveSink()
            }
            #endif
            if let decoder {
                let isFed = unread > 0 && !decoder.mayHaveOutput
                if isFed { decoder.push(take(upTo: Self.codedPieceSize)) }
                if isFed || decoder.mayHaveOutput { return .now(.decode(decoder), mustResume: resumed()) }
                if case .ended = source, let error = decoder.end() { source = .failed(error, isUnreported: true) }
            }
            if unread > 0 {
                switch readRequest {
                case .count:
                    if reporting { reports.append(.available(bytes: unread)) }
                    return .now(.available(unread), mustResume: false)
                case .bytes(let limit):
                    let taken = take(upTo: limit)
                    if reporting { reports.append(.read(bytes: taken.count)) }
                    return .now(.bytes(taken), mustResume: resumed())
                #if NIO
                case .sink: break
                #endif
                }
            }
            switch source {
            case .flowing: return nil
            case .ended:
                switch readRequest {
                case .count:
                    if reporting { reports.append(.available(bytes: 0)) }
                    return .now(.available(0), mustResume: false)
                default:
                    if reporting { reports.append(.read(bytes: 0)) }
                    return .now(.end, mustResume: false)
                }
            case .failed(let failure, let isUnreported):
                let error = failure.seen(by: readRequest.operation)
                if reporting, isUnreported { reports.append(.failed(error)) }
                source = .failed(failure, isUnreported: false)
                return .now(.failed(error), mustResume: false)
            }
        }

        private static let codedPieceSize = 64 * 1024

        private mutating func take(upTo limit: Int) -> [UInt8] {
            var taken: [UInt8] = []
            if start == 0, bytes.count <= limit {
                swap(&taken, &bytes)
                return taken
            }
            let end = start + min(limit, unread)
            taken = Array(bytes[start..<end])
            move(to: end)
            return taken
        }

        /// The bytes up to `end` were read.
        private mutating func move(to end: Int) {
            start = end
            // Moving the rest forward costs its length, so only when at least as much was read since.
            if start * 2 >= bytes.count {
                bytes.removeFirst(start)
                start = 0
            }
        }

        /// Bytes were copied. Returns whether the driver has to let libcurl go on.
        mutating func advance(by count: Int) -> Bool {
            move(to: start + count)
            return resumed()
        }

        #if NIO
        /// Takes a piece from libcurl. The same memory is reserved as for an array.
        mutating func appendToSink(_ piece: UnsafeRawBufferPointer) {
            let reservation = reservation(for: piece.count)
            if sink?.count == 0 { sink?.reserve(reservation) }
            unsafe sink?.append(piece)
            arrived += piece.count
        }
        #endif

        /// What is going to be here before the reader comes, in one allocation. A mark may be any number, and the announced
        /// length is the server's: neither alone decides how much memory is taken.
        func reservation(for piece: Int) -> Int {
            guard let expected else { return 0 }
            return max(min(expected - arrived, min(marks.high, DownloadBuffer.largestReservation) + piece), 0)
        }

        private mutating func resumed() -> Bool {
            guard isPaused, unread <= marks.low else { return false }
            isPaused = false
            return true
        }
    }

    private let state = Lock(State())

    package init() {}

    // MARK: The reader, on any thread

    /// Takes what is there. Where `reporting`, the driver finds a report of it.
    package func take(_ readRequest: ReadRequest, reporting: Bool) -> Attempt {
        state.withLock { $0.next(readRequest, reporting: reporting) ?? .mustWait }
    }

    /// Takes what is there; if there is nothing, calls `resume` once, as soon as there is, from the driver's thread.
    ///
    /// The look and the registration are one step: between two steps the driver could fill the buffer and find no waiter.
    package func take(
        _ readRequest: ReadRequest,
        reporting: Bool,
        whenReady resume: @escaping @Sendable (Outcome) -> Void
    ) -> Attempt {
        state.withLock { state in
            if let attempt = state.next(readRequest, reporting: reporting) { return attempt }
            if let waiter = state.waiter {
                let reason = "\(waiter.request.operation) has not finished yet"
                return .now(.failed(.wrongState(readRequest.operation, reason)), mustResume: false)
            }
            state.waiter = Waiter(request: readRequest, resume: resume)
            return .mustWait
        }
    }

    /// Appends what is there to an array of the reader's; `nil` if there is nothing, or it is coded, or cannot be read.
    package func append(
        to target: inout [UInt8],
        upTo limit: Int,
        reporting: Bool
    ) -> (count: Int, mustResume: Bool)? {
        state.withLock { state in
            guard case .readable = state.phase, state.decoder == nil, state.unread > 0, state.waiter == nil else {
                return nil
            }
            #if NIO
            state.leaveSink()
            #endif
            let count = min(limit, state.unread)
            target.append(contentsOf: state.bytes[state.start..<(state.start + count)])
            if reporting { state.reports.append(.read(bytes: count)) }
            return (count, state.advance(by: count))
        }
    }

    /// As `append(to:upTo:reporting:)`, to the beginning of memory of the reader's.
    package func copy(
        to target: inout MutableSpan<UInt8>,
        reporting: Bool
    ) -> (count: Int, mustResume: Bool)? {
        unsafe target.withUnsafeMutableBytes { target in
            state.withLock { state in
                guard case .readable = state.phase, state.decoder == nil, state.unread > 0, state.waiter == nil else {
                    return nil
                }
                #if NIO
                state.leaveSink()
                #endif
                let count = min(target.count, state.unread)
                unsafe target.copyBytes(from: state.bytes[state.start..<(state.start + count)])
                if reporting { state.reports.append(.read(bytes: count)) }
                return (count, state.advance(by: count))
            }
        }
    }

    /// Whether a read waits for bytes.
    package var hasReader: Bool { state.withLock { $0.waiter != nil } }

    /// Whether there is a decoder, whose window may be large.
    package var hasDecoder: Bool { state.withLock { $0.decoder != nil } }

    /// How many bytes the body is going to have, as far as that is known.
    package var expectedCount: Int? { state.withLock { $0.expected } }

    // MARK: The driver

    /// The response says how long its body is.
    func expect(_ count: Int64) {
        state.withLock { $0.expected = Int(clamping: count) }
    }

    /// Takes a piece from libcurl; `false` if the buffer is full and libcurl has to pause.
    func append(_ piece: UnsafeRawBufferPointer) -> Bool {
        state.withLock { state in
            guard state.unread < state.marks.high else {
                state.isPaused = true
                return false
            }
            #if NIO
            if state.sink != nil {
                unsafe state.appendToSink(piece)
                return true
            }
            #endif
            if state.bytes.isEmpty { state.bytes.reserveCapacity(state.reservation(for: piece.count)) }
            unsafe state.bytes.append(contentsOf: piece)
            state.arrived += piece.count
            return true
        }
    }

    /// A new exchange begins, with marks of its own, or with those of the one before. Returns the reads that listeners have
    /// not been told of, and a read that has just begun to wait: it ends as if it had begun after the reset.
    ///
    /// One step: a read that began between a look and the reset would never end.
    @discardableResult
    package func reset(_ marks: BufferMarks? = nil) -> (reports: [Report], waiter: Delivery?) {
        state.withLock { state in
            if case .closed = state.phase { return ([], nil) }
            let left = state
            state = State()
            state.marks = marks ?? left.marks
            return (left.reports, left.waiter.map { Delivery(resume: $0.resume, outcome: .unreadable($0.request)) })
        }
    }

    /// The response was handed to the caller: from now on its body can be read.
    package func open(_ decoder: BodyDecoder?) {
        state.withLock { state in
            guard case .unreadable = state.phase else { return }
            state.phase = .readable
            state.decoder = decoder
        }
    }

    /// A read that went through `decoder` ends. Returns the error that it ends with instead, where the handle was closed or
    /// the request was sent again in the meantime: its listeners must not hear of it in the middle of something else.
    package func decoded(
        _ report: Report,
        of readRequest: ReadRequest,
        by decoder: BodyDecoder,
        reporting: Bool
    ) -> HandleError? {
        state.withLock { state in
            if case .closed = state.phase { return .closed(readRequest.operation) }
            guard state.decoder === decoder else {
                return .wrongState(readRequest.operation, "the request was sent again")
            }
            if reporting { state.reports.append(report) }
            return nil
        }
    }

    /// The body ends here, whole or with an error; what is in the buffer can still be read.
    package func end(_ error: HandleError?) {
        state.withLock { state in
            guard case .flowing = state.source else { return }
            state.source = error.map { .failed($0, isUnreported: true) } ?? .ended
        }
    }

    /// The handle is closed: the buffer is emptied, and a read that waits ends.
    package func close() -> Delivery? {
        state.withLock { state in
            state.phase = .closed
            state.bytes = []
            state.start = 0
            #if NIO
            state.sink = nil
            #endif
            state.decoder = nil
            guard let waiter = state.waiter.take() else { return nil }
            let error = HandleError.cancelled(waiter.request.operation)
            state.reports.append(.failed(error))
            return Delivery(resume: waiter.resume, outcome: .failed(error))
        }
    }

    /// The read that waits and what it gets, if there is something for it.
    package func takeWaiter() -> Delivery? {
        state.withLock { state in
            guard let waiter = state.waiter,
                case .now(let outcome, let mustResume)? = state.next(waiter.request, reporting: true)
            else { return nil }
            state.waiter = nil
            return Delivery(resume: waiter.resume, outcome: outcome, mustResume: mustResume)
        }
    }

    /// The reads that listeners have not been told of.
    package func takeReports() -> [Report] {
        state.withLock { state in
            guard !state.reports.isEmpty else { return [] }
            defer { state.reports.removeAll(keepingCapacity: true) }
            return state.reports
        }
    }
}
