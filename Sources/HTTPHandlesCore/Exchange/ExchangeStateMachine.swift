/// The life of one exchange, from `send` to the end of the response: what each call and each report of the transfer has
/// as its consequence, and in which order.
///
/// Two things move at their own pace: the caller (send, receive) and the transfer (connect, send, head, body). The machine
/// keeps a state for each. Everything that can race is an input here, and the answer is a list of actions that the owner
/// carries out in order: an order that is right here is right everywhere. The bytes of both bodies pass beside the
/// machine, through buffers (`DownloadBuffer`, `UploadBuffer`) that it opens and ends. Time belongs to the machine: it says
/// for what the exchange waits, and the owner measures.
///
/// In three parts: `+Caller` is what the caller does, `+Wire` what the transfer reports, `+Ends` how things end.
package struct ExchangeStateMachine: ~Copyable {
    /// Where the transfer stands. From each state an exchange can also be closed or replaced by another: then it is `over`.
    enum Wire {
        /// Waiting for a slot, a name, a connection. Can transition to: choosingProxy, tunnelChallenged, sending, pausing,
        /// failed, over.
        case starting
        /// The caller's closure is asked for proxies. Can transition to: starting, pausing, failed, over.
        case choosingProxy
        /// A proxy has refused a tunnel with a 407, and the caller's provider is asked for credentials. Can transition to:
        /// starting, failed, over.
        case tunnelChallenged(HandleError)
        /// The request is going out. Can transition to: awaitingHead, challenged, redirecting, deciding, discarding,
        /// asking, responding, pausing, failed, over.
        case sending
        /// The request is out; the head has not come. Can transition to: sending (libcurl sends again), challenged,
        /// redirecting, deciding, discarding, asking, responding, pausing, failed, over.
        case awaitingHead
        /// The head of a 401 came, and libcurl has credentials. Can transition to: sending (libcurl sends again),
        /// redirecting, deciding, discarding, asking, responding, failed, over.
        case challenged
        /// The head of a 401 came, and the caller's provider is asked for credentials as soon as the caller asks for the
        /// response. Can transition to: asking, redirecting, starting, responding, finished, failed, over.
        case asking(isTransferOver: Bool)
        /// A head came that is followed, or a 401 that is answered, without a URL; the body is being discarded. Can
        /// transition to: starting, redirected, over.
        case redirecting(url: String?)
        /// As redirecting, but the transfer is over and the caller has not asked for the response. Can transition to:
        /// starting, over.
        case redirected(url: String)
        /// A head came that may be followed, and the caller has not decided yet; the body is kept until then. Can
        /// transition to: redirecting, redirected, starting, responding, finished, failed, over.
        case deciding(url: String, end: TransferEnd?)
        /// A head came after which the request is sent again; its body is being discarded. Can transition to: pausing.
        case discarding(Retry)
        /// There is no transfer until the pause before the next attempt is over. Can transition to: starting.
        case pausing
        /// The final head came; the body is coming. Can transition to: finished.
        case responding
        /// The transfer is over, and the head came. Final.
        case finished
        /// The transfer failed while no operation was pending: the next one gets the error. Can transition to: over.
        case failed(HandleError)
        /// The failure was reported, or the exchange was closed or replaced. Final.
        case over
    }

    /// How a transfer ended before the caller has decided what becomes of its head.
    enum TransferEnd {
        case finished
        case failed(HandleError)
    }

    /// Where an operation of the caller's stands.
    enum Step { case notAsked, pending, done }

    var wire = Wire.starting
    var send = Step.pending
    var receive = Step.notAsked
    /// `receiveResponse` begins by itself when `send` is done.
    let receivesAtOnce: Bool
    var upload: RequestUpload
    /// The request body is out, or its end was announced.
    var uploadEnded: Bool
    /// Whose time limit runs.
    var phase: TimeoutPhase?

    /// The machine of an exchange whose `send` is pending, and that begins with `begin`.
    ///
    /// - Parameter thenReceive: Whether `receiveResponse` is to begin as soon as `send` is done.
    package init(_ upload: RequestUpload, thenReceive: Bool) {
        self.upload = upload
        uploadEnded = upload == .upFront
        receivesAtOnce = thenReceive
    }

    package mutating func begin(_ actions: inout ExchangeActions) {
        startTransfer(&actions)
    }

    /// Whether `send` is not done.
    package var isSendPending: Bool { send == .pending }

    /// Whether a failure of the transfer would be the end of the exchange, so that another attempt could help.
    package var mayRetry: Bool {
        switch wire {
        case .starting, .choosingProxy, .sending, .awaitingHead: true
        default: false
        }
    }

    /// `receiveResponse` has succeeded, and nothing of the exchange is pending.
    package var isReceived: Bool { receive == .done && send == .done }

    /// No transfer is to come, and none is running.
    package var isOver: Bool {
        switch wire {
        case .finished, .failed, .over: true
        default: false
        }
    }

    package var awaited: AwaitedAnswer? {
        switch wire {
        case .asking, .tunnelChallenged: .credentials
        case .choosingProxy: .proxy
        case .deciding: .decision
        case .pausing: .pause
        default: nil
        }
    }

    /// There is a transfer, or the pause before one, to be abandoned.
    var isTransferRunning: Bool {
        switch wire {
        case .starting, .sending, .awaitingHead, .challenged, .redirecting, .deciding: true
        case .discarding, .pausing, .responding: true
        case .asking(let isTransferOver): !isTransferOver
        case .choosingProxy, .tunnelChallenged, .redirected, .finished, .failed, .over: false
        }
    }

    mutating func startTransfer(_ actions: inout ExchangeActions) {
        wire = .starting
        // First, because a transfer may fail as soon as it is started.
        wait(for: .connect, &actions)
        actions.append(.startTransfer)
    }

    // MARK: Time

    mutating func wait(for phase: TimeoutPhase, _ actions: inout ExchangeActions) {
        self.phase = phase
        actions.append(.wait(for: phase))
    }

    mutating func waitForCaller(_ actions: inout ExchangeActions) {
        phase = nil
        actions.append(.waitForCaller)
    }

    mutating func stopWaiting(_ actions: inout ExchangeActions) {
        phase = nil
        actions.append(.stopWaiting)
    }
}
