package import HTTPHandlesCore
import HTTPHandlesLock

/// Undoes the codings of a response body, on the reader's thread and in pieces of bounded size: decoding what a server
/// has packed tightly must not cost the driver, or more memory than a buffer.
///
/// Coded bytes come in under the lock of the download buffer, so they keep their order whoever reads.
package final class BodyDecoder: Sendable {
    private struct Stage {
        let coding: ContentCoding
        let decoder: any ContentDecoder
        var input: [UInt8] = []
        var start = 0

        mutating func decode(into output: inout [UInt8], limit: Int) throws(CodingFailure) {
            start = try decoder.decode(input, from: start, into: &output, limit: limit)
            guard start == input.count else { return }
            input = []
            start = 0
        }
    }

    private struct State {
        /// The first one gets what was sent.
        var stages: [Stage]
        var output: [UInt8] = []
        var codedBytes = 0
        var decodedBytes = 0
        var mayHaveOutput = false
        var error: HandleError?
    }

    /// How much is decoded at a time.
    private static let pieceSize = 128 * 1024
    /// Up to here a body may be packed as tightly as it likes.
    private static let unlimitedBytes = 16 * 1024 * 1024

    private let maximumRatio: Int?
    private let state: Lock<State>

    /// `nil` if there is nothing to undo, or a coding that this build cannot undo: then the body is delivered as it is.
    package init?(_ applied: [ContentCoding], maximumRatio: Int?) {
        var stages: [Stage] = []
        for coding in applied.reversed() {
            guard let decoder = coding.makeDecoder() else { return nil }
            stages.append(Stage(coding: coding, decoder: decoder))
        }
        guard !stages.isEmpty, stages.count <= Self.maximumCodings else { return nil }
        self.maximumRatio = maximumRatio
        state = Lock(State(stages: stages))
    }

    /// Nobody applies more, except to see what happens.
    private static let maximumCodings = 5

    /// Whether there may be something to read without more coded bytes.
    var mayHaveOutput: Bool { state.withLock { $0.mayHaveOutput } }

    package func push(_ coded: [UInt8]) {
        state.withLock { state in
            state.codedBytes += coded.count
            state.mayHaveOutput = true
            if state.stages[0].input.isEmpty { state.stages[0].input = coded } else { state.stages[0].input += coded }
        }
    }

    /// At most `limit` decoded bytes; none if that takes more coded ones.
    package func pull(upTo limit: Int) throws(HandleError) -> [UInt8] {
        try state.withLock { state throws(HandleError) in
            try fill(&state)
            var taken: [UInt8] = []
            if state.output.count <= limit {
                swap(&taken, &state.output)
            } else {
                taken = Array(state.output[..<limit])
                state.output.removeFirst(limit)
            }
            return taken
        }
    }

    /// How many bytes `pull` would return.
    package func available() throws(HandleError) -> Int {
        try state.withLock { state throws(HandleError) in
            try fill(&state)
            return state.output.count
        }
    }

    /// There are no more coded bytes: what is wrong with that, if anything.
    func end() -> HandleError? {
        state.withLock { state in
            if let error = state.error { return error }
            guard let stage = state.stages.first(where: { !$0.decoder.isComplete }) else { return nil }
            let error = Self.failure(stage.coding, "they end too early")
            state.error = error
            return error
        }
    }

    private func fill(_ state: inout State) throws(HandleError) {
        guard state.output.isEmpty else { return }
        if let error = state.error { throw error }
        do throws(HandleError) {
            try decode(state.stages.count - 1, &state.stages, into: &state.output)
            state.decodedBytes += state.output.count
            state.mayHaveOutput = !state.output.isEmpty
            guard let maximumRatio, state.decodedBytes > Self.unlimitedBytes,
                state.decodedBytes / maximumRatio > state.codedBytes
            else { return }
            let reason = "the body decodes to more than \(maximumRatio) times its size"
            throw HandleError(.insufficientBuffer, .readData, reason: reason)
        } catch {
            state.error = error
            // What came out before the damage is the reader's, as it is where a body without a coding breaks off.
            if state.output.isEmpty { throw error }
        }
    }

    /// Has a stage decode, fed by those before it, until it has something or they have nothing more.
    private func decode(
        _ index: Int,
        _ stages: inout [Stage],
        into output: inout [UInt8]
    ) throws(HandleError) {
        while true {
            do {
                try stages[index].decode(into: &output, limit: Self.pieceSize)
            } catch {
                throw Self.failure(stages[index].coding, error.reason)
            }
            guard output.isEmpty, index > 0, stages[index].input.isEmpty else { return }
            var input: [UInt8] = []
            try decode(index - 1, &stages, into: &input)
            guard !input.isEmpty else { return }
            stages[index].input = input
        }
    }

    private static func failure(_ coding: ContentCoding, _ reason: String) -> HandleError {
        HandleError(.invalidServerResponse, .readData, reason: "the \(coding.rawValue) data are damaged: \(reason)")
    }
}
