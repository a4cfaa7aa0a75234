/// Parses the frames that a server sends (RFC 6455, section 5). They may be split into pieces at any byte.
///
/// Each rule is checked at the byte that violates it, and limits before the payload they are about. The payload of data
/// is not copied: it is handed out in slices of the input. After a failure the parser must not be used.
package struct WebSocketFrameParser: Sendable {
    package struct Limits: Sendable, Hashable {
        /// The maximum length of a frame's payload.
        package var frameSize: Int
        /// The maximum length of a message, of all its frames together.
        package var messageSize: Int

        package init(frameSize: Int, messageSize: Int) {
            self.frameSize = frameSize
            self.messageSize = messageSize
        }
    }

    package enum Element: Sendable, Hashable {
        /// The next bytes of a message; of those of a compressed one that is not the text, but the coded data.
        case data(ArraySlice<UInt8>, isText: Bool, isCompressed: Bool, endsMessage: Bool)
        case ping([UInt8])
        case pong([UInt8])
        case close(WebSocketCloseStatus)
    }

    private enum Position {
        case firstByte
        case secondByte
        /// The length has two or eight bytes (`form`) of which some are missing.
        case extendedLength(form: Int, missing: Int)
        case payload
    }

    /// A message whose last frame has not come.
    private struct Message {
        let isText: Bool
        let isCompressed: Bool
        var length = 0
        var validator = UTF8Validator()
    }

    private let limits: Limits
    /// `permessage-deflate` was agreed.
    private let allowsCompression: Bool
    private var position = Position.firstByte
    private var opcode = WebSocketOpcode.continuation
    private var isFinal = false
    /// How much of the payload has not come; while the header comes, the length so far.
    private var length = 0
    private var message: Message?
    private var control: [UInt8] = []

    package init(limits: Limits, allowsCompression: Bool) {
        self.limits = limits
        self.allowsCompression = allowsCompression
    }

    /// Whether the input may end here without a frame that is not complete.
    package var isBetweenFrames: Bool {
        if case .firstByte = position { true } else { false }
    }

    /// How many bytes at the end of the text so far are a character that is not complete.
    package var unfinishedBytes: Int { message?.validator.unfinishedBytes ?? 0 }

    /// Takes bytes from the input until there is an element. `nil` if the input is used up.
    package mutating func next(_ input: inout ArraySlice<UInt8>) throws(WebSocketFailure) -> Element? {
        while let byte = input.first {
            switch position {
            case .firstByte:
                input = input.dropFirst()
                try begin(byte)
                position = .secondByte
            case .secondByte:
                input = input.dropFirst()
                if let element = try takeLength(byte) { return element }
            case .extendedLength(let form, let missing):
                input = input.dropFirst()
                if let element = try takeLength(byte, form, missing) { return element }
            case .payload:
                let piece = input.prefix(length)
                input = input[piece.endIndex...]
                if let element = try takePayload(piece) { return element }
            }
        }
        return nil
    }

    // MARK: The header

    private mutating func begin(_ byte: UInt8) throws(WebSocketFailure) {
        guard let opcode = WebSocketOpcode(rawValue: byte & WebSocketFrameBits.opcode) else {
            throw .protocolError("the opcode \(byte & WebSocketFrameBits.opcode) is reserved")
        }
        self.opcode = opcode
        isFinal = byte & WebSocketFrameBits.fin != 0
        let reserved = byte & WebSocketFrameBits.reserved
        let isCompressed = reserved == WebSocketFrameBits.rsv1 && allowsCompression
        guard reserved == 0 || isCompressed && (opcode == .text || opcode == .binary) else {
            throw .protocolError("a reserved bit is set")
        }
        switch opcode {
        case .text, .binary:
            guard message == nil else { throw .protocolError("a message begins inside another") }
            message = Message(isText: opcode == .text, isCompressed: isCompressed)
        case .continuation:
            guard message != nil else { throw .protocolError("a continuation continues no message") }
        case .close, .ping, .pong:
            guard isFinal else { throw .protocolError("a control frame is fragmented") }
        }
    }

    private mutating func takeLength(_ byte: UInt8) throws(WebSocketFailure) -> Element? {
        guard byte & WebSocketFrameBits.mask == 0 else { throw .protocolError("a frame of the server is masked") }
        length = Int(byte & WebSocketFrameBits.length)
        guard length > WebSocketFrameBits.maximumControlLength else { return try beginPayload() }
        guard !opcode.isControl else {
            throw .protocolError("a control frame has more than \(WebSocketFrameBits.maximumControlLength) bytes")
        }
        position = length == 126 ? .extendedLength(form: 2, missing: 2) : .extendedLength(form: 8, missing: 8)
        length = 0
        return nil
    }

    private mutating func takeLength(_ byte: UInt8, _ form: Int, _ missing: Int) throws(WebSocketFailure) -> Element? {
        if form == 8, missing == 8, byte >= 0x80 { throw .protocolError("the length of a frame exceeds 63 bits") }
        let (high, overflow) = length.multipliedReportingOverflow(by: 0x100)
        length = overflow ? .max : high | Int(byte)
        // A shorter form must be used where it suffices: that of eight bytes needs a number above 0xFFFF.
        let isMinimal =
            switch (form, missing) {
            case (2, 1): length > WebSocketFrameBits.maximumControlLength
            case (8, 3): length > 0
            default: true
            }
        guard isMinimal else { throw .protocolError("the length of a frame is not minimal") }
        guard missing == 1 else {
            position = .extendedLength(form: form, missing: missing - 1)
            return nil
        }
        return try beginPayload()
    }

    // MARK: The payload

    /// The header is complete. A frame without a payload is an element at once.
    private mutating func beginPayload() throws(WebSocketFailure) -> Element? {
        if !opcode.isControl { try checkLimits() }
        if opcode == .close, length == 1 { throw .protocolError("the payload of a close frame has one byte") }
        position = .payload
        return length == 0 ? try takePayload([]) : nil
    }

    private mutating func checkLimits() throws(WebSocketFailure) {
        guard length <= limits.frameSize else {
            throw .tooBig("a frame has \(length) bytes, but the limit is \(limits.frameSize)")
        }
        let (sum, overflow) = (message?.length ?? 0).addingReportingOverflow(length)
        message?.length = overflow ? .max : sum
        // Coded data may be a little longer than what they decode to, which has the same limit.
        let limit = limits.messageSize.addingClamped(message?.isCompressed == true ? limits.messageSize / 256 + 64 : 0)
        guard !overflow, sum <= limit else {
            throw .tooBig("a message has more than \(limits.messageSize) bytes")
        }
    }

    private mutating func takePayload(_ piece: ArraySlice<UInt8>) throws(WebSocketFailure) -> Element? {
        length -= piece.count
        let isFrameOver = length == 0
        if isFrameOver { position = .firstByte }
        if opcode.isControl {
            control += piece
            return isFrameOver ? try takeControl() : nil
        }
        guard let message else { return nil }
        let endsMessage = isFrameOver && isFinal
        if message.isText, !message.isCompressed { try validate(piece, endsMessage) }
        if endsMessage { self.message = nil }
        // An empty piece in the middle of a message says nothing.
        if piece.isEmpty, !endsMessage { return nil }
        return .data(
            piece,
            isText: message.isText,
            isCompressed: message.isCompressed,
            endsMessage: endsMessage
        )
    }

    private mutating func validate(_ piece: ArraySlice<UInt8>, _ endsMessage: Bool) throws(WebSocketFailure) {
        guard message?.validator.take(piece) == true else { throw .invalidPayload("a text is not UTF-8") }
        guard !endsMessage || message?.validator.isComplete == true else {
            throw .invalidPayload("a text ends in the middle of a character")
        }
    }

    private mutating func takeControl() throws(WebSocketFailure) -> Element {
        let payload = control
        control = []
        return switch opcode {
        case .ping: .ping(payload)
        case .pong: .pong(payload)
        default: .close(try WebSocketCloseStatus(payload: payload))
        }
    }
}

extension Int {
    func addingClamped(_ other: Int) -> Int {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other < 0 ? .min : .max) : sum
    }
}
