/// What was received and not read: whole messages and the beginning of one.
///
/// Data that come in order through the parser wait here for the inflater, if they are compressed, and then for the reader.
/// Inflating goes as far ahead as the reader's buffer reaches. The size is bounded by the machine, which pauses reading.
struct IncomingMessages {
    private struct Piece {
        let isText: Bool
        let isCompressed: Bool
        var bytes: ArraySlice<UInt8>
        let endsMessage: Bool
        let unfinishedBytes: Int
    }

    /// A message whose end has not come.
    private struct Entry {
        let isText: Bool
        var bytes: [UInt8]
        /// How many bytes at the end are a character that is not complete.
        var unfinishedBytes: Int
    }

    /// What an entry or a piece costs beside its bytes, about: a peer that sends empty messages must not fill the memory.
    static let overhead = 64
    /// The maximum output of a step of the inflater.
    private static let stepSize = 16 * 1024

    private let capacity: Int
    private var inflater: MessageInflater?
    private var waiting = FIFOQueue<Piece>()
    private var waitingBytes = 0
    /// Whole messages, and the rest of one whose beginning was read.
    private var ready = FIFOQueue<WebSocketPiece>()
    private var readyBytes = 0
    /// The message behind them.
    private var open: Entry?
    /// Those of `ready`, while they are lent; `nil` if they are not.
    private var lentBytes: Int?
    /// The beginning of a message that is read whole.
    private var whole: [UInt8]?

    init(capacity: Int, _ inflater: MessageInflater?) {
        self.capacity = capacity
        self.inflater = inflater
    }

    /// What is kept for the reader, apart from a message that is being read whole.
    var bytes: Int { readyBytes + openBytes + waitingBytes + (lentBytes ?? 0) }

    /// What a reader could have of the open message. What it could not must not hold up the rest, which it waits for.
    private var openBytes: Int { open.map { max($0.bytes.count - $0.unfinishedBytes, 0) } ?? 0 }

    /// Nothing is left that a read could return, or that would become so.
    var isDrained: Bool {
        ready.isEmpty && waiting.isEmpty && !areLent && openBytes == 0
    }

    /// Compressed data wait.
    var hasWaiting: Bool { !waiting.isEmpty }

    /// Whether `decode` would do something.
    var canDecode: Bool { !waiting.isEmpty && readyBytes + openBytes < capacity }

    /// What is not inflated is not readable.
    mutating func removeWaiting() {
        waiting.removeAll()
        waitingBytes = 0
    }

    mutating func removeAll() {
        waiting.removeAll()
        ready.removeAll()
        open = nil
        whole = nil
        (waitingBytes, readyBytes) = (0, 0)
    }

    /// - Parameter unfinishedBytes: How many bytes at the end of a text are a character that is not complete.
    mutating func append(
        _ bytes: ArraySlice<UInt8>,
        isText: Bool,
        isCompressed: Bool,
        endsMessage: Bool,
        unfinishedBytes: Int
    ) {
        guard isCompressed || !waiting.isEmpty else {
            return appendReady(bytes, isText: isText, endsMessage: endsMessage, unfinishedBytes)
        }
        waitingBytes += bytes.count + Self.overhead
        waiting.append(
            Piece(
                isText: isText,
                isCompressed: isCompressed,
                // A copy: the slice would keep all that came with it.
                bytes: Array(bytes)[...],
                endsMessage: endsMessage,
                unfinishedBytes: unfinishedBytes
            )
        )
    }

    /// Inflates one step. Returns about how much work it was, in bytes.
    mutating func decode() throws(WebSocketFailure) -> Int {
        guard canDecode, var piece = waiting.first else { return 0 }
        guard piece.isCompressed else {
            _ = waiting.removeFirst()
            waitingBytes -= piece.bytes.count + Self.overhead
            appendReady(piece.bytes, isText: piece.isText, endsMessage: piece.endsMessage, piece.unfinishedBytes)
            return 0
        }
        let before = piece.bytes.count
        guard
            let (decoded, isDone) = try inflater?.step(
                &piece.bytes,
                isText: piece.isText,
                endsMessage: piece.endsMessage,
                limit: Self.stepSize
            )
        else { throw .protocolError("a message is compressed") }
        let used = before - piece.bytes.count
        waitingBytes -= used
        if isDone {
            _ = waiting.removeFirst()
            waitingBytes -= Self.overhead
        } else {
            waiting.first = piece
        }
        appendReady(
            decoded[...],
            isText: piece.isText,
            endsMessage: isDone && piece.endsMessage,
            inflater?.unfinishedBytes ?? 0
        )
        return used + decoded.count
    }

    private mutating func appendReady(
        _ bytes: ArraySlice<UInt8>,
        isText: Bool,
        endsMessage: Bool,
        _ unfinishedBytes: Int
    ) {
        if open == nil {
            open = Entry(isText: isText, bytes: Array(bytes), unfinishedBytes: 0)
        } else {
            open?.bytes += bytes
        }
        open?.unfinishedBytes = unfinishedBytes
        guard endsMessage, let entry = open.take() else { return }
        readyBytes += entry.bytes.count + Self.overhead
        ready.append(WebSocketPiece(WebSocketPieceKind(isText: entry.isText, endsMessage: true), entry.bytes))
    }

    // MARK: Reading

    /// The next piece, if there is one.
    mutating func nextPiece() -> WebSocketPiece? {
        if let piece = ready.removeFirst() {
            readyBytes -= piece.bytes.count + Self.overhead
            return piece
        }
        guard var entry = open, entry.bytes.count > entry.unfinishedBytes else { return nil }
        // A text is cut between characters.
        let kept = Array(entry.bytes.suffix(entry.unfinishedBytes))
        entry.bytes.removeLast(kept.count)
        open?.bytes = kept
        return WebSocketPiece(WebSocketPieceKind(isText: entry.isText, endsMessage: false), entry.bytes)
    }

    /// The next message, or what is left of it, if it is there whole. What is there of it is moved aside, so that the rest is
    /// received.
    mutating func nextMessage() -> WebSocketPiece? {
        if let piece = ready.removeFirst() {
            readyBytes -= piece.bytes.count + Self.overhead
            guard var message = whole.take() else { return piece }
            message += piece.bytes
            return WebSocketPiece(piece.kind, message)
        }
        guard let bytes = open?.bytes, !bytes.isEmpty else { return nil }
        open?.bytes = []
        if whole == nil { whole = bytes } else { whole? += bytes }
        return nil
    }

    // MARK: Lending

    /// The messages are lent: until they are taken back, there are none here.
    var areLent: Bool { lentBytes != nil }

    /// Lends the messages that a reader can have as they are; `nil` if there are none.
    ///
    /// - Parameter mark: At how many bytes that are left the reader's progress matters, if it does.
    mutating func lend(mark: Int?) -> LentMessages? {
        guard !ready.isEmpty, whole == nil, !areLent else { return nil }
        let bytes = readyBytes
        readyBytes = 0
        lentBytes = bytes
        var lent = LentMessages(messages: FIFOQueue(), bytes: bytes, mark: mark.map { max($0 - openBytes, 0) })
        swap(&lent.messages, &ready)
        return lent
    }

    mutating func takeBack(_ lent: consuming LentMessages) {
        lentBytes = nil
        readyBytes += lent.bytes
        ready = lent.messages
    }
}

/// Whole messages that a `WebSocketStateMachine` has lent: a reader takes them in their order, without the machine.
package struct LentMessages: Sendable {
    fileprivate var messages: FIFOQueue<WebSocketPiece>
    /// What is left, as `IncomingMessages` counts it.
    fileprivate var bytes: Int
    /// With this number of bytes left the machine has something to do; `nil` if it has not, or knows.
    fileprivate var mark: Int?

    fileprivate init(messages: FIFOQueue<WebSocketPiece>, bytes: Int, mark: Int?) {
        self.messages = messages
        self.bytes = bytes
        self.mark = mark
    }

    /// The next message, and whether the machine is to be told that messages were read.
    package mutating func next() -> (message: WebSocketPiece, isBelowMark: Bool)? {
        guard let message = messages.removeFirst() else { return nil }
        bytes -= message.bytes.count + IncomingMessages.overhead
        guard let mark, bytes <= mark else { return (message, false) }
        self.mark = nil
        return (message, true)
    }
}
