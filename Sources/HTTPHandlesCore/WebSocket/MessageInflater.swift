/// Inflates messages, in steps of bounded size.
struct MessageInflater {
    struct Limits: Sendable, Hashable {
        var messageSize: Int
        /// The maximum ratio of a message's size to that of its coded data; `nil` for none.
        var ratio: Int?
        /// The size below which the ratio is not limited.
        var unlimitedBytes: Int
    }

    private let engine: any WebSocketInflater
    /// Each message begins with an empty window.
    private let forgetsWindow: Bool
    private let limits: Limits
    private var decodedBytes = 0
    private var codedBytes = 0
    private var validator = UTF8Validator()
    /// What is left of the tail; `nil` before all data of the message are inflated.
    private var tail: ArraySlice<UInt8>?

    init(_ compression: WebSocketCompression, _ limits: Limits) {
        engine = compression.inflater
        forgetsWindow = compression.agreement.serverNoContextTakeover
        self.limits = limits
    }

    /// How many bytes at the end of the text so far are a character that is not complete.
    var unfinishedBytes: Int { validator.unfinishedBytes }

    /// Makes one step.
    ///
    /// - Parameters:
    ///   - coded: Coded bytes of one message; those that were used are removed.
    ///   - endsMessage: Whether the message ends with them.
    ///   - limit: The maximum length of the output.
    /// - Returns: Decoded bytes, and whether the step has used all of `coded` and, at the end of a message, all of that.
    mutating func step(
        _ coded: inout ArraySlice<UInt8>,
        isText: Bool,
        endsMessage: Bool,
        limit: Int
    ) throws(WebSocketFailure) -> (bytes: [UInt8], isDone: Bool) {
        var output: [UInt8] = []
        let before = coded.count
        if !coded.isEmpty || engine.holdsOutput { try engine.inflate(&coded, into: &output, limit: limit) }
        codedBytes += before - coded.count
        if coded.isEmpty, endsMessage, !engine.holdsOutput, output.count < limit {
            var rest = tail ?? deflateTail[...]
            try engine.inflate(&rest, into: &output, limit: limit - output.count)
            tail = rest
        }
        decodedBytes += output.count
        try checkLimits()
        let isDone = coded.isEmpty && !engine.holdsOutput && (!endsMessage || tail?.isEmpty == true)
        if isText { try validate(output, isEnd: isDone && endsMessage) }
        if isDone, endsMessage { endMessage() }
        return (output, isDone)
    }

    private func checkLimits() throws(WebSocketFailure) {
        guard decodedBytes <= limits.messageSize else {
            throw .tooBig("a message has more than \(limits.messageSize) bytes")
        }
        guard let ratio = limits.ratio, decodedBytes > limits.unlimitedBytes, decodedBytes / ratio > codedBytes else {
            return
        }
        throw .tooBig("a message decodes to more than \(ratio) times its size, which is the maximumDecodingRatio")
    }

    private mutating func validate(_ bytes: [UInt8], isEnd: Bool) throws(WebSocketFailure) {
        guard validator.take(bytes[...]) else { throw .invalidPayload("a text is not UTF-8") }
        guard !isEnd || validator.isComplete else {
            throw .invalidPayload("a text ends in the middle of a character")
        }
    }

    private mutating func endMessage() {
        if forgetsWindow { engine.reset() }
        decodedBytes = 0
        codedBytes = 0
        validator = UTF8Validator()
        tail = nil
    }
}
