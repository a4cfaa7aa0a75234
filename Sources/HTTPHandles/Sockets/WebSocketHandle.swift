public import HTTPHandlesCore
import HTTPHandlesDriver
import HTTPHandlesLock

/// A WebSocket (RFC 6455): messages both ways over the connection of a request that was answered with 101.
///
/// A child of the connection handle of that request, which can be closed without an effect on the socket. One task may send
/// while another receives; several may send, whose messages go out whole and in the order of the calls. Pings of the server
/// are answered, whether there is a reader or not.
///
/// Closing the handle, or cancelling a task in one of its operations, ends the connection at once, without the closing
/// handshake: for that there is `finish`. The rules of the protocol: `Docs/WebSockets.md`.
///
/// `WinHttpWebSocketCompleteUpgrade`'s handle.
public actor WebSocketHandle {
    let object: DriverBound<WebSocketObject>
    /// The head of the response by which the server has agreed.
    public nonisolated let head: ResponseHead
    /// The subprotocol that the server has chosen; `nil` for none.
    public nonisolated let subprotocol: String?
    /// Whether compression of messages was agreed.
    public nonisolated let isCompressed: Bool
    private let senders = Atomic(0)

    init(_ object: DriverBound<WebSocketObject>) {
        self.object = object
        head = object.bound.upgraded.head
        subprotocol = object.bound.upgraded.agreement.subprotocol
        isCompressed = object.bound.upgraded.agreement.deflate != nil
    }

    deinit {
        object.closeIfOpen()
    }

    /// The session's driver: calls between the handles of a session do not change threads.
    public nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe object.bound.base.driver.asUnownedSerialExecutor()
    }

    // MARK: Receiving

    /// The messages that the server sends, whole. See `WebSocketMessages`.
    public nonisolated var messages: WebSocketMessages { WebSocketMessages(socket: self) }

    /// Waits for the next piece of a message: what is there, up to the end of the message. `kind` says whether it is the last
    /// piece. `nil` when the server has closed the socket.
    ///
    /// Possible on an open socket, also after `shutdown`, while no other receive is pending; otherwise it throws
    /// `.incorrectHandleState` and changes nothing. Event: `webSocketReadComplete`, or `webSocketCloseReceived` at the end; on
    /// failure `requestError`. A server that violates the protocol makes it throw `.invalidServerResponse`, a message that is
    /// too large `.insufficientBuffer`, a lost connection `.connectionError`, a server that answers no ping `.timeout`.
    ///
    /// Closing the handle or cancelling the task makes it throw `.operationCancelled`; so does `finish`.
    ///
    /// `WinHttpWebSocketReceive`.
    public nonisolated(nonsending) func receive() async throws(HandleError) -> WebSocketPiece? {
        try await next(whole: false)
    }

    /// Waits for the next message as a whole, or for the rest of one whose beginning was received. `nil` when the server has
    /// closed the socket.
    ///
    /// See `receive`. The memory is that of the message, whose size `webSocketMaximumMessageSize` limits.
    public nonisolated(nonsending) func receiveMessage() async throws(HandleError) -> WebSocketMessage? {
        try await next(whole: true).map(WebSocketMessage.init)
    }

    private nonisolated(nonsending) func next(whole: Bool) async throws(HandleError) -> WebSocketPiece? {
        // What is there already needs no asynchronous call.
        if let message = try readyMessage() { return message }
        let received: WebSocketObject.Received = try await object.perform(.receiveMessage) { [object] continuation in
            { engine in object.value.receive(whole: whole, engine, continuation) }
        }
        switch received {
        case .piece(let piece): return piece
        case .closed: return nil
        }
    }

    /// Takes a message that is there whole; `nil` if there is none. A command is submitted only if the driver has something to
    /// do, or if there are listeners to the read.
    private nonisolated func readyMessage() throws(HandleError) -> WebSocketPiece? {
        try object.requireUsable(.receiveMessage)
        let reporting = object.bound.base.tree.isHeard
        guard let (message, isBelowMark) = object.bound.readyMessages.take(reporting: reporting) else { return nil }
        if isBelowMark || reporting {
            object.bound.driver.submit { [object] in object.value.messagesWereRead($0) }
        }
        return message
    }

    // MARK: Sending

    /// Sends a message. Returns when it was handed to the network, which waits while the server is slow.
    ///
    /// Possible until `shutdown` and `finish` and until the server closes the socket; afterwards it throws
    /// `.incorrectHandleState`. Event: `webSocketWriteComplete`; on failure `requestError`. Closing the handle or cancelling
    /// the task makes it throw `.operationCancelled`.
    ///
    /// `WinHttpWebSocketSend`.
    public nonisolated(nonsending) func send(_ message: WebSocketMessage) async throws(HandleError) {
        try await send(message.piece, of: nil)
    }

    /// Sends messages, one after the other, with none of other tasks between them. Returns when the last was handed to the
    /// network.
    ///
    /// See `send(_:)`; the events are the same as for single ones. All of them go to the session's driver in one step, which is
    /// several times faster for small messages. The memory is that of all of them. Without messages it does nothing.
    ///
    /// `WinHttpWebSocketSend`.
    public nonisolated(nonsending) func send(
        contentsOf messages: some Sequence<WebSocketMessage>
    ) async throws(HandleError) {
        let pieces = messages.map(\.piece)
        guard let last = pieces.last else { return try object.requireUsable(.sendMessage) }
        try await object.perform(.sendMessage) { [object] (continuation: OperationContinuation<Void>) in
            { engine in object.value.send(pieces.dropLast(), then: last, engine, continuation) }
        }
    }

    /// Sends a message, or a piece of one: `.binaryFragment` or `.textFragment`, and at the end one of the other kinds.
    ///
    /// See `send(_:)`. The pieces of a message must be of one kind; other messages that are sent meanwhile wait for its end. A
    /// piece of text may end in the middle of a character. Throws `.invalidParameter` for text that is not UTF-8, and for a
    /// piece of the other kind.
    ///
    /// `WinHttpWebSocketSend`.
    ///
    /// - Parameters:
    ///   - bytes: The bytes; UTF-8 for text.
    ///   - kind: Text or bytes, and whether the message ends with them.
    public nonisolated(nonsending) func send(
        _ bytes: some Collection<UInt8>,
        as kind: WebSocketPieceKind
    ) async throws(HandleError) {
        try await send(WebSocketPiece(kind, Array(bytes)), of: 0)
    }

    /// Sends one binary message whose pieces a sequence produces.
    ///
    /// See `send(_:)`. If the sequence throws after a part was sent, the message cannot be completed: the socket fails, and is
    /// closed with 1011. What it throws is the `underlying` error of a `.requestBodyFailed`.
    public nonisolated(nonsending) func send<Pieces: AsyncSequence>(
        binary pieces: Pieces
    ) async throws(HandleError) where Pieces.Element: Collection<UInt8> {
        try await send(all: pieces, isText: false) { Array($0) }
    }

    /// Sends one text message whose pieces a sequence produces. See `send(binary:)`.
    public nonisolated(nonsending) func send<Pieces: AsyncSequence>(
        text pieces: Pieces
    ) async throws(HandleError) where Pieces.Element: StringProtocol {
        try await send(all: pieces, isText: true) { Array($0.utf8) }
    }

    /// A piece was refused. A type of its own, because the sequence may throw this library's errors about other handles.
    private struct Refusal: Error {
        let reason: HandleError
    }

    private nonisolated(nonsending) func send<Pieces: AsyncSequence>(
        all pieces: Pieces,
        isText: Bool,
        _ bytes: (Pieces.Element) -> [UInt8]
    ) async throws(HandleError) {
        // Negative: the positive ones are those of whole messages.
        let sender = -senders.wrappingAdd(1, ordering: .relaxed).newValue
        do {
            for try await piece in pieces {
                let piece = WebSocketPiece(isText ? .textFragment : .binaryFragment, bytes(piece))
                do throws(HandleError) {
                    try await send(piece, of: sender)
                } catch {
                    throw Refusal(reason: error)
                }
            }
        } catch let refusal as Refusal {
            throw refusal.reason
        } catch {
            if Task.isCancelled {
                object.closeIfOpen()
                throw .cancelled(.sendMessage)
            }
            object.bound.driver.submit { [object] in object.value.abandonMessage(of: sender, $0) }
            let reason = "the sequence of a message threw: \(error)"
            throw HandleError(.requestBodyFailed, .sendMessage, reason: reason, underlying: error)
        }
        try await send(WebSocketPiece(isText ? .textMessage : .binaryMessage, []), of: sender)
    }

    private nonisolated(nonsending) func send(_ piece: WebSocketPiece, of sender: Int?) async throws(HandleError) {
        try await object.perform(.sendMessage) { [object] (continuation: OperationContinuation<Void>) in
            { engine in object.value.send(piece, of: sender, engine, continuation) }
        }
    }

    // MARK: Pings

    /// Sends a ping. Returns when it was sent; the answer is not waited for.
    ///
    /// Possible when `send` is. Throws `.invalidParameter` for more than 125 bytes. Not in WinHTTP.
    public nonisolated(nonsending) func ping(_ payload: some Collection<UInt8> = []) async throws(HandleError) {
        let payload = Array(payload)
        try await object.perform(.ping) { [object] (continuation: OperationContinuation<Void>) in
            { engine in object.value.ping(payload, engine, continuation) }
        }
    }

    /// Sends a ping and waits for the answer. Returns how long that took.
    ///
    /// Possible when `send` is. Throws `.timeout` if the answer does not come within `webSocketAnswerTimeout`. It is not seen
    /// while reading is paused because the reader is slow. Not in WinHTTP.
    public nonisolated(nonsending) func roundTrip() async throws(HandleError) -> Duration {
        try await object.perform(.ping) { [object] continuation in
            { engine in object.value.roundTrip(engine, continuation) }
        }
    }

    // MARK: The end

    /// Sends a close frame, after the messages that wait. Receiving goes on, until the server's close frame comes.
    ///
    /// Possible once, while the socket is open. Event: `shutdownComplete`. Throws `.invalidParameter` for a code that must not
    /// be sent, or a reason of more than 123 bytes.
    ///
    /// `WinHttpWebSocketShutdown`.
    public nonisolated(nonsending) func shutdown(
        _ code: WebSocketCloseCode = .normalClosure,
        reason: String = ""
    ) async throws(HandleError) {
        let status = WebSocketCloseStatus(code, reason: reason)
        try await object.perform(.shutdown) { [object] (continuation: OperationContinuation<Void>) in
            { engine in object.value.shutdown(status, engine, continuation) }
        }
    }

    /// The closing handshake: sends a close frame, unless `shutdown` has, and waits for the server's. What still comes is
    /// discarded, and a pending receive ends with `.operationCancelled`.
    ///
    /// Possible once, while the socket is open. Event: `closeComplete`. Throws `.timeout` if it takes longer than
    /// `webSocketCloseTimeout`, and `.invalidParameter` as `shutdown` does. The handle has to be closed afterwards.
    ///
    /// `WinHttpWebSocketClose`.
    public nonisolated(nonsending) func finish(
        _ code: WebSocketCloseCode = .normalClosure,
        reason: String = ""
    ) async throws(HandleError) {
        let status = WebSocketCloseStatus(code, reason: reason)
        try await object.perform(.finish) { [object] (continuation: OperationContinuation<Void>) in
            { engine in object.value.finish(status, engine, continuation) }
        }
    }

    /// The code and the reason of the server's close frame.
    ///
    /// Throws `.incorrectHandleState` as long as it has not come.
    ///
    /// `WinHttpWebSocketQueryCloseStatus`.
    public func closeStatus() throws(HandleError) -> WebSocketCloseStatus {
        try object.value.closeStatus()
    }
}

extension WebSocketHandle: Handle {
    /// The library's own reference to the handle.
    public nonisolated var reference: HandleReference { HandleReference(object.bound) }
}

/// The messages that the server of a WebSocket sends, whole.
///
/// Ends when the server has closed the socket, whatever its code: `WebSocketHandle.closeStatus` has it. A message is
/// received when it is asked for, so a slow reader holds the server up. The socket stays open when the iteration is left.
public struct WebSocketMessages: AsyncSequence, Sendable {
    /// A whole message.
    public typealias Element = WebSocketMessage
    /// What can go wrong: see `WebSocketHandle.receive`.
    public typealias Failure = HandleError

    let socket: WebSocketHandle

    /// Begins to receive.
    public func makeAsyncIterator() -> Iterator { Iterator(socket: socket) }

    /// Receives message by message.
    public struct Iterator: AsyncIteratorProtocol {
        let socket: WebSocketHandle
        private(set) var isOver = false

        /// The next message; `nil` when the server has closed the socket.
        public mutating func next() async throws(HandleError) -> WebSocketMessage? {
            guard !isOver else { return nil }
            let message = try await socket.receiveMessage()
            isOver = message == nil
            return message
        }

        /// The next message; `nil` when the server has closed the socket.
        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(HandleError) -> WebSocketMessage? {
            try await next()
        }
    }
}
