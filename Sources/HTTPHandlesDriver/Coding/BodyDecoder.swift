package import HTTPHandlesCore
import HTTPHandlesLock

/// Decodes the codings of a response body in the reader's task, in steps of bounded work and memory, so that highly
/// compressed data neither block the driver thread nor fill the memory.
///
/// Between two steps the reader checks for cancellation and whether the handle is open, and the decoder checks the time
/// limits of the exchange. So a reader is not blocked even by data that decode to nothing.
///
/// Coded bytes are pushed under the lock of the download buffer, which preserves their order when several tasks read.
package final class BodyDecoder: Sendable {
    private struct Stage {
        let coding: ContentCoding
        let decoder: any ContentDecoder
        var input: [UInt8] = []
        var start = 0
        /// Decoding has failed or reached a limit: there will be no more output.
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
        /// The first stage decodes the received bytes. While a stage has input, its successor has none left.
        var stages: [Stage] = []
        var output: [UInt8] = []
        /// How much of the output was already read.
        var outputStart = 0
        var codedBytes = 0
        /// The bytes decoded by all stages together.
        var decodedBytes = 0
        /// The error that ends the body after all output was read.
        var error: HandleError?
        /// The time limits since the first step without output; `nil` after output.
        var silence: ExchangeDeadlines?

        var available: Int { output.count - outputStart }
    }

    /// The maximum output of a step, and about the size of its input.
    static let pieceSize = 128 * 1024
    /// The decoded size below which the ratio is not limited.
    private static let unlimitedBytes = 16 * 1024 * 1024
    /// Servers apply one coding; a proxy may add a second one.
    static let maximumCodings = 2

    private let maximumRatio: Int?
    private let limits: TimeoutLimits
    private let exchangeStart: MonotonicTime
    private let now: @Sendable () -> MonotonicTime
    private let state: Lock<State>

    /// `nil` if there is no coding, or one that this build cannot decode: then the body is delivered as received.
    ///
    /// - Parameters:
    ///   - applied: The codings, in the order in which they were applied.
    ///   - maximumRatio: The maximum ratio of decoded to coded size.
    ///   - limits: The time limits; `receive` and `total` apply to decoding without output.
    ///   - exchangeStart: The start of the limit `total`.
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
            let reason = "the body must have at most \(Self.maximumCodings) content codings, but has \(applied.count)"
            initial.error = HandleError(.invalidServerResponse, .readData, reason: reason)
        } else {
            for coding in applied.reversed() {
                guard let decoder = coding.makeDecoder() else { return nil }
                initial.stages.append(Stage(coding: coding, decoder: decoder))
            }
        }
        state = Lock(initial)
    }

    /// Whether there may be output without further input: decoded bytes, an error, or a step to make.
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

    /// Returns at most `limit` decoded bytes. Makes one step, which may have no output: then more coded bytes are needed, or,
    /// if `mayHaveOutput`, another step.
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

    /// How many bytes `pull` would return. Makes one step, like `pull`.
    package func available() throws(HandleError) -> Int {
        try state.withLock { state throws(HandleError) in
            try fill(&state)
            return state.available
        }
    }

    /// Ends the input. Returns an error if the coded data are not complete.
    package func end() -> HandleError? {
        state.withLock { state in
            if let error = state.error { return error }
            guard let stage = state.stages.first(where: { !$0.decoder.isComplete }) else { return nil }
            let error = Self.failure(stage.coding, "they are truncated")
            state.error = error
            return error
        }
    }

    /// Makes one step, unless there is output already.
    private func fill(_ state: inout State) throws(HandleError) {
        guard state.available == 0 else { return }
        // The last stage that can work goes first, so that each stage holds at most one piece.
        guard let index = state.stages.lastIndex(where: \.hasWork) else {
            if let error = state.error { throw error }
            return
        }
        var piece: [UInt8] = []
        do {
            try state.stages[index].decode(into: &piece)
        } catch {
            // Output before the failure is still delivered, as for a truncated body without a coding.
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

    /// The output of every stage counts: a small final output may need much intermediate data.
    private func excess(in state: State) -> HandleError? {
        guard let maximumRatio, state.decodedBytes > Self.unlimitedBytes,
            state.decodedBytes / maximumRatio > state.codedBytes
        else { return nil }
        let reason = "the body decodes to more than \(maximumRatio) times its size, which is the maximumDecodingRatio"
        return HandleError(.insufficientBuffer, .readData, reason: reason)
    }

    /// The time limit that has expired since the last output.
    private func overdue(_ state: inout State) -> HandleError? {
        let now = now()
        guard let silence = state.silence else {
            // A body that arrived in time may be read later: then `total` starts with the decoding.
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
        HandleError(.invalidServerResponse, .readData, reason: "the \(coding.rawValue) data are malformed: \(reason)")
    }
}
