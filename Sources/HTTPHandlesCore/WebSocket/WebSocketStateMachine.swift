/// The life of an open socket, from the answer to the handshake to the end of its handle: what each call, each piece from
/// the network and each timer has as its consequence, and in which order.
///
/// Sending and receiving move at their own pace, and end separately; the machine keeps a state for each. Its owner gives it
/// what comes from the network, fetches what is to be sent, and carries out the actions in their order.
///
/// In four parts: `+Caller` is what the caller does, `+Receiving` and `+Sending` what the network does, `+Ends` how things
/// end.
package struct WebSocketStateMachine: ~Copyable {
    /// Where sending stands.
    enum Sending: Hashable {
        /// Messages are sent. Can transition to: closing, off.
        case open
        /// A close frame is sent as soon as the messages before it are. Can transition to: closed, off.
        case closing(WebSocketCloseStatus)
        /// The close frame was sent: only pings and pongs follow. Can transition to: off.
        case closed
        /// Nothing can be sent any more. Final.
        case off
    }

    /// Where receiving stands.
    enum Receiving: Hashable {
        /// Messages come. Can transition to: closed, failed.
        case open
        /// The close frame of the peer came; what follows is ignored. Final.
        case closed(WebSocketCloseStatus)
        /// The peer has violated the protocol, the connection was lost, or a time limit ran out; what follows is ignored.
        /// Final.
        case failed(WebSocketFailure)
    }

    /// How much of a message the pending receive wants.
    enum Read { case piece, whole }

    /// A round trip that was asked for.
    struct RoundTrip {
        let operation: WebSocketOperation
        /// The payload of its ping, and when that was sent; `nil` if it was not.
        var ping: (payload: [UInt8], time: MonotonicTime)?
    }

    /// A ping that was asked for.
    struct Ping {
        let payload: [UInt8]
        /// `nil` for those of the machine itself.
        let operation: WebSocketOperation?
    }

    /// What the present frame completes.
    enum Completion {
        case nothing
        case piece(OutgoingMessages.Piece)
        case operation(WebSocketOperation)
        case close
    }

    private(set) var settings: WebSocketSettings
    var sending = Sending.open
    var receiving = Receiving.open
    /// There is a transfer.
    var isConnected = true
    /// The handle was closed.
    var isOver = false
    /// The caller has called `shutdown` or `finish`.
    var hasShutDown = false
    /// The caller has called `finish`: what comes is discarded.
    var isFinishing = false
    /// Why what was received before the end of receiving cannot be read: it does not inflate.
    var decodingFailure: WebSocketFailure?
    /// A receive has ended with the peer's close frame.
    var closeDelivered = false
    /// The operations that have not ended, in the order in which they were begun.
    var pending: [WebSocketOperation] = []

    var parser: WebSocketFrameParser
    var incoming: IncomingMessages
    var read = Read.piece
    var isPaused = false

    var writer = WebSocketFrameWriter()
    var outgoing: OutgoingMessages
    var completion = Completion.nothing
    /// The payload of the last ping that was not answered. Only the last has to be (RFC 6455, section 5.5.3).
    var pong: [UInt8]?
    var pings = FIFOQueue<Ping>()
    var roundTrips: [RoundTrip] = []
    /// The owner has got no output, and waits for `resumeWriting`.
    var isWriterIdle = true

    var lastReceived: MonotonicTime
    /// The last moment at which there was a sign of the peer or none was to be expected: bytes came or went, or reading was
    /// resumed.
    var lastSign: MonotonicTime
    /// When reading was resumed.
    var resumedAt: MonotonicTime
    /// When a ping was asked for that was not answered.
    var askedAt: MonotonicTime?
    var timers: Set<WebSocketTimer> = []

    /// - Parameter compression: The engines, if `permessage-deflate` was agreed.
    package init(_ settings: WebSocketSettings, _ compression: WebSocketCompression?, at now: MonotonicTime) {
        self.settings = settings
        parser = WebSocketFrameParser(limits: settings.limits, allowsCompression: compression != nil)
        let limits = MessageInflater.Limits(
            messageSize: settings.limits.messageSize,
            ratio: settings.maximumDecodingRatio,
            unlimitedBytes: 16 << 20
        )
        incoming = IncomingMessages(
            capacity: settings.receiveBuffer,
            compression.map { MessageInflater($0, limits) }
        )
        outgoing = OutgoingMessages(
            frameSize: settings.sentFrameSize,
            compressionThreshold: settings.compressionThreshold,
            compression.flatMap { MessageDeflater($0) }
        )
        lastReceived = now
        lastSign = now
        resumedAt = now
    }

    /// The socket is open.
    package mutating func begin(at now: MonotonicTime, _ actions: inout WebSocketActions) {
        lastReceived = now
        lastSign = now
        if settings.keepAliveInterval > .zero { setTimer(.keepAlive, now + settings.keepAliveInterval, &actions) }
    }

    /// The close frame of the peer, if it came.
    package var closeStatus: WebSocketCloseStatus? {
        if case .closed(let status) = receiving { status } else { nil }
    }

    /// How many received bytes are kept for the reader.
    package var bufferedBytes: Int { incoming.bytes }

    /// The close frame was sent, or a peer that has closed the socket is gone.
    var isSendingOver: Bool { sending == .closed || sending == .off && closeStatus != nil }

    /// The options of the handle were changed. `timersChanged` is called soon.
    package mutating func timesChanged(_ times: WebSocketSettings) {
        settings.closeTimeout = times.closeTimeout
        settings.keepAliveInterval = times.keepAliveInterval
        settings.answerTimeout = times.answerTimeout
    }

    // MARK: Timers

    mutating func setTimer(_ timer: WebSocketTimer, _ time: MonotonicTime, _ actions: inout WebSocketActions) {
        timers.insert(timer)
        actions.append(.setTimer(timer, time))
    }

    mutating func stopTimer(_ timer: WebSocketTimer, _ actions: inout WebSocketActions) {
        if timers.remove(timer) != nil { actions.append(.stopTimer(timer)) }
    }
}

/// A list of actions, in memory that is used again and again.
package struct WebSocketActions {
    package private(set) var list: [WebSocketAction] = []
    /// Whether there are listeners to the events to come. Without any they are counted and not built.
    package var isHeard = true
    package private(set) var unheardEvents = 0

    package init() {}

    package var isEmpty: Bool { list.isEmpty && unheardEvents == 0 }

    /// Hands out the number of events that were not built.
    package mutating func takeUnheardEvents() -> Int {
        defer { unheardEvents = 0 }
        return unheardEvents
    }

    /// Hands out the actions in their order, and leaves the list empty.
    package mutating func carryOut(_ body: (consuming WebSocketAction) -> Void) {
        if list.count > 1 { list.reverse() }
        while let action = list.popLast() { body(action) }
    }

    mutating func append(_ action: WebSocketAction) {
        list.append(action)
    }

    mutating func emit(_ event: @autoclosure () -> WebSocketEvent) {
        if isHeard { list.append(.emit(event())) } else { unheardEvents += 1 }
    }
}
