package import HTTPHandlesCore
import HTTPHandlesLock

/// Undoes the codings of a response body, on the reader's thread and in steps of bounded work: decoding what a server has
/// packed tightly must not cost the driver, or more memory than a buffer.
///
/// Between two steps the reader looks whether it is cancelled and whether the handle is open; the decoder looks whether
/// decoding has taken longer than the limits of the exchange allow. So nothing that a server sends can hold a reader: also
/// not data that decode to nothing for as long as they last.
///
/// Coded bytes come in under the lock of the download buffer, so they keep their order whichever task reads.
package final class BodyDecoder: Sendable {
    private struct Stage {
        let coding: ContentCoding
        let decoder: any ContentDecoder
        var input: [UInt8] = []
        var start = 0
        /// It is damaged, or has come to a limit: it gives nothing more.
        var isStopped = false

        var hasWork: Bool { !isStopped && (start < input.count || decoder.holdsOutput) }

        mutating func decode(into output: inout [UInt8]) throws(CodingFailure) {
            start = try decoder.decode(input, from: start, into: &output, limit: BodyDecoder.pieceSize)
            guard start == input.count else { return }
            input = []
            start = 0
        }

        mutating func stop() {
            isStopped = true
            input = []
            start = 0
        }
    }

    private struct State {
        /// The first one gets what was sent. A stage with input has given its successor nothing that is not decoded.
        var stages: [Stage] = []
        var output: [UInt8] = []
        /// How much of the output was read already.
        var outputStart = 0
        var codedBytes = 0
        /// What has come out of all stages together.
        var decodedBytes = 0
        /// What ends the body once everything before it was read.
        var error: HandleError?
        /// Runs from the first step that gave nothing until the reader gets something.
        var silence: ExchangeDeadlines?

        var available: Int { output.count - outputStart }
    }

    /// How much a step decodes at most, and about how much it takes in.
    static let pieceSize = 128 * 1024
    /// Up to here a body may be packed as tightly as it likes.
    private static let unlimitedBytes = 16 * 1024 * 1024
    /// One is what servers apply; two happen where a proxy adds its own.
    static let maximumCodings = 2

    private let maximumRatio: Int?
    private let limits: TimeoutLimits
    private let exchangeStart: MonotonicTime
    private let now: @Sendable () -> MonotonicTime
    private let state: Lock<State>

    /// `nil` if there is nothing to undo, or a coding that this build cannot undo: then the body is delivered as it is.
    ///
    /// - Parameters:
    ///   - applied: The codings, in the order in which they were applied.
    ///   - maximumRatio: How many times its size a body may decode to.
    ///   - limits: How long decoding may take without giving anything, by the limits `receive` and `total`.
    ///   - exchangeStart: Since when `total` runs.
    package init?(
        _ applied: [ContentCoding],
        maximumRatio: Int?,
        limits: TimeoutLimits = TimeoutLimits(),
        exchangeStart: MonotonicTime = MonotonicTime(nanoseconds: 0),
        now: @escaping @Sendable () -> MonotonicTime = { .now }
    ) {
        guard !applied.isEmpty else { return nil }
        self.maximumRatio = maximumRatio
        self.limits = limits
        self.exchangeStart = exchangeStart
        self.now = now
        var initial = State()
        if applied.count > Self.maximumCodings {
            let reason = "the body has \(applied.count) content codings; at most \(Self.maximumCodings) are undone"
            initial.error = HandleError(.invalidServerResponse, .readData, reason: reason)
        } else {
            for coding in applied.reversed() {
                guard let decoder = coding.makeDecoder() else { return nil }
                initial.stages.append(Stage(coding: coding, decoder: decoder))
            }
        }
        state = Lock(initial)
    }

    /// Whether there may be something to read without more coded bytes: decoded bytes, an error, or work to do.
    package var mayHaveOutput: Bool {
        state.withLock { $0.available > 0 || $0.error != nil || $0.stages.contains(where: \.hasWork) }
    }

    package func push(_ coded: [UInt8]) {
        state.withLock { state in
            guard let first = state.stages.first, !first.isStopped else { return }
            state.codedBytes += coded.count
            if state.silence != nil { state.silence?.progressed(at: now()) }
            if first.input.isEmpty { state.stages[0].input = coded } else { state.stages[0].input += coded }
        }
    }

    /// At most `limit` decoded bytes. It takes one step, which may give none: then there are coded bytes missing, or
    /// `mayHaveOutput` says that another step is to be made.
    package func pull(upTo limit: Int) throws(HandleError) -> [UInt8] {
        try state.withLock { state throws(HandleError) in
            try fill(&state)
            var taken: [UInt8] = []
            if state.outputStart == 0, state.output.count <= limit {
                swap(&taken, &state.output)
                return taken
            }
            let end = state.outputStart + min(limit, state.available)
            taken = Array(state.output[state.outputStart..<end])
            state.outputStart = end
            if state.available == 0 {
                state.output = []
                state.outputStart = 0
            }
            return taken
        }
    }

    /// How many bytes `pull` would return. It takes one step, as `pull` does.
    package func available() throws(HandleError) -> Int {
        try state.withLock { state throws(HandleError) in
            try fill(&state)
            return state.available
        }
    }

    /// There are no more coded bytes: what is wrong with that, if anything.
    package func end() -> HandleError? {
        state.withLock { state in
            if let error = state.error { return error }
            guard let stage = state.stages.first(where: { !$0.decoder.isComplete }) else { return nil }
            let error = Self.failure(stage.coding, "they end too early")
            state.error = error
            return error
        }
    }

    /// Makes one step, unless there is something to read already.
    private func fill(_ state: inout State) throws(HandleError) {
        guard state.available == 0 else { return }
        // The stage nearest to the reader goes first, so that each holds one piece at most.
        guard let index = state.stages.lastIndex(where: \.hasWork) else {
            if let error = state.error { throw error }
            return
        }
        var piece: [UInt8] = []
        do {
            try state.stages[index].decode(into: &piece)
        } catch {
            // What came out before the damage goes on to the reader, as where a body without a coding breaks off.
            state.error = Self.failure(state.stages[index].coding, error.reason)
            for index in 0...index { state.stages[index].stop() }
        }
        state.decodedBytes += piece.count
        if index + 1 < state.stages.count { state.stages[index + 1].input = piece } else { state.output = piece }
        let error = excess(in: state) ?? (state.available == 0 ? overdue(&state) : nil)
        if state.available > 0 { state.silence = nil }
        guard let error else { return }
        state.error = error
        for index in state.stages.indices { state.stages[index].stop() }
        if state.available == 0 { throw error }
    }

    /// Every layer counts: what the inner one takes in is work as well, whatever comes out of it.
    private func excess(in state: State) -> HandleError? {
        guard let maximumRatio, state.decodedBytes > Self.unlimitedBytes,
            state.decodedBytes / maximumRatio > state.codedBytes
        else { return nil }
        let reason = "the body decodes to more than \(maximumRatio) times its size"
        return HandleError(.insufficientBuffer, .readData, reason: reason)
    }

    /// The limit that has run out since decoding last gave something.
    private func overdue(_ state: inout State) -> HandleError? {
        let now = now()
        guard let silence = state.silence else {
            // A body that has arrived in time may be read later: then the limit on everything begins with its decoding.
            let isLate = limits.total > .zero && now >= exchangeStart + limits.total
            state.silence = ExchangeDeadlines(
                limits: TimeLimits(limits),
                startedAt: isLate ? now : exchangeStart,
                phase: .receive,
                since: now
            )
            return nil
        }
        guard let phase = silence.expired(at: now) else { return nil }
        return .timeout(phase, after: limits[phase], .readData)
    }

    private static func failure(_ coding: ContentCoding, _ reason: String) -> HandleError {
        HandleError(.invalidServerResponse, .readData, reason: "the \(coding.rawValue) data are damaged: \(reason)")
    }
}
