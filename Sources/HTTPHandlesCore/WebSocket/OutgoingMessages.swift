/// The messages that are to be sent, one after the other.
///
/// A message may be sent in pieces, by one sender; meanwhile the messages of others wait. The memory is that of the pieces,
/// whose callers wait until they are sent.
struct OutgoingMessages {
    /// What one operation sends.
    struct Piece {
        let operation: WebSocketOperation
        let bytes: [UInt8]
        let kind: WebSocketPieceKind
        /// How much of it is in frames.
        var offset = 0
    }

    private struct Message {
        let sender: Int
        let isText: Bool
        var pieces = FIFOQueue<Piece>()
        var validator = UTF8Validator()
        /// Its last piece was added.
        var isEnded = false
        /// A frame of it was begun.
        var hasBegun = false
        var isCompressed = false
    }

    /// The next frame of a message.
    struct Frame {
        let opcode: WebSocketOpcode
        let payload: ArraySlice<UInt8>
        let isFinal: Bool
        let isCompressed: Bool
        /// The piece that ends with it.
        let completed: Piece?
    }

    private let frameSize: Int
    private let compressionThreshold: Int
    private let deflater: MessageDeflater?
    private var messages: ArraySlice<Message> = []
    /// How many of the messages have no end yet.
    private var openMessages = 0

    init(frameSize: Int, compressionThreshold: Int, _ deflater: MessageDeflater?) {
        self.frameSize = max(frameSize, 1)
        self.compressionThreshold = compressionThreshold
        self.deflater = deflater
    }

    /// Adds a piece. Its sender's message goes on, or a new one begins behind the others.
    mutating func append(_ piece: Piece, of sender: Int) throws(WebSocketFailure) {
        let index = openIndex(of: sender)
        var message = index.map { messages[$0] } ?? Message(sender: sender, isText: piece.kind.isText)
        guard message.isText == piece.kind.isText else {
            throw .invalidParameter("a message is either text or bytes, and this one was begun as the other")
        }
        if message.isText {
            guard message.validator.take(piece.bytes[...]), !piece.kind.endsMessage || message.validator.isComplete
            else { throw .invalidParameter("the text is not UTF-8") }
        }
        message.pieces.append(piece)
        message.isEnded = piece.kind.endsMessage
        if index != nil, message.isEnded { openMessages -= 1 }
        if index == nil, !message.isEnded { openMessages += 1 }
        if let index { messages[index] = message } else { messages.append(message) }
    }

    private func openIndex(of sender: Int) -> Int? {
        guard openMessages > 0 else { return nil }
        return messages.firstIndex { $0.sender == sender && !$0.isEnded }
    }

    mutating func removeAll() {
        messages = []
        openMessages = 0
    }

    /// No more pieces come: what is behind a message without its end cannot be sent. Returns its operations.
    mutating func close() -> [WebSocketOperation] {
        guard let index = messages.firstIndex(where: { !$0.isEnded }) else { return [] }
        var removed: [WebSocketOperation] = []
        while messages.endIndex > index + 1, var message = messages.popLast() {
            var operations: [WebSocketOperation] = []
            while let piece = message.pieces.removeFirst() { operations.append(piece.operation) }
            removed = operations + removed
        }
        openMessages = 1
        return removed
    }

    /// What becomes of a message that its sender cannot end.
    enum Abandoned {
        /// Nothing of it was sent. These are its operations.
        case removed([WebSocketOperation])
        /// A part of it was sent.
        case broken
        case unknown
    }

    mutating func abandon(_ sender: Int) -> Abandoned {
        guard let index = openIndex(of: sender) else { return .unknown }
        guard !messages[index].hasBegun else { return .broken }
        var message = messages.remove(at: index)
        openMessages -= 1
        var operations: [WebSocketOperation] = []
        while let piece = message.pieces.removeFirst() { operations.append(piece.operation) }
        return .removed(operations)
    }

    /// The next frame, if there is one. A piece may make no frame; then its operation is in `completed`.
    mutating func nextFrame(completed: inout [Piece]) throws(WebSocketFailure) -> Frame? {
        while var piece = messages.first?.pieces.first {
            let head = messages.startIndex
            if !messages[head].hasBegun, !messages[head].isCompressed {
                let isShort = piece.kind.endsMessage && piece.bytes.count < compressionThreshold
                messages[head].isCompressed = deflater != nil && !isShort
            }
            let chunk = piece.bytes[piece.offset...].prefix(frameSize)
            piece.offset = chunk.endIndex
            let endsPiece = piece.offset == piece.bytes.count
            let endsMessage = endsPiece && piece.kind.endsMessage
            let frame = try frame(of: messages[head], chunk, endsPiece ? piece : nil, endsMessage: endsMessage)
            if endsPiece { _ = messages[head].pieces.removeFirst() } else { messages[head].pieces.first = piece }
            // Nothing to say in the middle of a message: an empty piece, or one that the deflater has taken in.
            if frame.payload.isEmpty, !endsMessage {
                if endsPiece { completed.append(piece) }
                continue
            }
            messages[head].hasBegun = true
            if endsMessage {
                messages.removeFirst()
                // Not to keep the memory of messages that are gone.
                if messages.isEmpty { messages = [] }
            }
            return frame
        }
        return nil
    }

    private func frame(
        of message: Message,
        _ chunk: ArraySlice<UInt8>,
        _ completed: Piece?,
        endsMessage: Bool
    ) throws(WebSocketFailure) -> Frame {
        var payload = chunk
        if message.isCompressed, let deflater {
            payload = try deflater.deflate(chunk, flush: completed != nil, endsMessage: endsMessage)[...]
        }
        return Frame(
            opcode: message.hasBegun ? .continuation : message.isText ? .text : .binary,
            payload: payload,
            isFinal: endsMessage,
            isCompressed: message.isCompressed && !message.hasBegun,
            completed: completed
        )
    }
}
