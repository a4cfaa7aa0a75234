#if TELEMETRY
package import HTTPTypes

/// What is to be logged, measured and traced of a request.
package enum TelemetrySignal: Sendable, Hashable {
    case requestBegan(RequestRecord)
    /// How long an attempt has waited for a connection slot, before it begins.
    case queueLeft(Origin, after: Duration)
    case attemptBegan(AttemptRecord)
    case event(TelemetryEvent)
    case attemptEnded(AttemptRecord, after: Duration)
    case requestEnded(RequestRecord, at: MonotonicTime)
    case connection(ConnectionChange)
}

/// Makes signals of what an exchange does: of the actions that its state machine answers with.
///
/// It decides nothing about the exchange. An attempt begins with a transfer, and again where libcurl sends again by itself; it
/// ends with the transfer. What an action means may show only in one of those behind it, so that ends are decided in
/// `settle`, after a whole list.
package struct RequestRecorder {
    private var record: RequestRecord
    private var attempt: AttemptRecord?
    private var attempts = 0
    private var queuedSince: MonotonicTime?
    /// Of the heads whose events are still to be carried out.
    private var versions: [HTTPVersion] = []
    /// That of the events to come.
    private var connection: ConnectionID?
    /// The transfer is over, whole or not.
    private var isTransferOver = false
    private var isAbandoned = false
    private var isUpgraded = false
    package private(set) var isOver = false
    private let knownMethods: Set<HTTPRequest.Method>

    package init(
        _ id: HandleID,
        _ message: RequestMessage,
        knownMethods: Set<HTTPRequest.Method>,
        at time: MonotonicTime,
        _ signals: inout [TelemetrySignal]
    ) {
        self.knownMethods = knownMethods
        let method = TelemetryMethod(message.method, known: knownMethods)
        record = RequestRecord(id, method, message.url.text, message.url.origin, at: time)
        signals.append(.requestBegan(record))
    }

    // MARK: What happens

    /// A transfer begins.
    package mutating func attemptBegins(
        _ message: RequestMessage,
        at time: MonotonicTime,
        _ connections: inout ConnectionCounts,
        _ signals: inout [TelemetrySignal]
    ) {
        // The head of a challenge that libcurl has no answer to comes twice, and is announced once.
        versions = []
        endAttempt(at: time, &connections, &signals)
        if let queuedSince = queuedSince.take() {
            signals.append(.queueLeft(message.url.origin, after: time - queuedSince))
        }
        let method = TelemetryMethod(message.method, known: knownMethods)
        begin(
            AttemptRecord(method, message.url.text, message.url.origin, resendCount: attempts, at: time),
            &signals
        )
    }

    /// The head of a response to be announced has come. What the machine answers, and what happened before, may be carried out later.
    package mutating func headArrives(_ version: HTTPVersion) {
        versions.append(version)
    }

    /// How much of both bodies the transfer has moved, before an action that ends it.
    package mutating func bodiesMoved(sent: Int64, received: Int64) {
        guard !isTransferOver else { return }
        attempt?.bytesSent = sent
        attempt?.bytesReceived = received
    }

    /// The state machine has answered with this action, which will be carried out.
    package mutating func take(
        _ action: borrowing ExchangeAction,
        at time: MonotonicTime,
        _ connections: inout ConnectionCounts,
        _ signals: inout [TelemetrySignal]
    ) {
        switch action {
        case .emit(let kind): happened(kind, at: time, &connections, &signals)
        case .useConnection(let connection): self.connection = connection
        case .releaseConnection: isTransferOver = attempt != nil
        case .abandonTransfer:
            if attempt != nil, !isTransferOver { isAbandoned = true }
            isTransferOver = attempt != nil
        case .fail(let error), .endBody(let error?): failed(error)
        case .closeBodies: if !isOver { isAbandoned = true }
        default: break
        }
    }

    /// The connection is not HTTP any more, and stays in use.
    package mutating func upgraded() {
        isUpgraded = true
    }

    /// Everything that one report or call has led to was carried out.
    ///
    /// - Parameter isOver: Whether nothing is sent any more.
    package mutating func settle(
        isOver: Bool,
        at time: MonotonicTime,
        _ connections: inout ConnectionCounts,
        _ signals: inout [TelemetrySignal]
    ) {
        guard !self.isOver, isOver || isTransferOver else { return }
        endAttempt(at: time, &connections, &signals)
        guard isOver else { return }
        record.isCancelled = isAbandoned && record.error == nil
        self.isOver = true
        if record.isCancelled { signals.append(.event(TelemetryEvent("cancelled", .message, ofRequest: true))) }
        signals.append(.requestEnded(record, at: time))
    }

    // MARK: Attempts

    private mutating func begin(_ next: AttemptRecord, _ signals: inout [TelemetrySignal]) {
        attempts += 1
        isTransferOver = false
        isAbandoned = false
        record.error = nil
        record.last = next
        attempt = next
        signals.append(.attemptBegan(next))
    }

    /// If its connection was not closed in the course of this, it is not in use any more.
    private mutating func endAttempt(
        at time: MonotonicTime,
        _ connections: inout ConnectionCounts,
        _ signals: inout [TelemetrySignal]
    ) {
        if let connection = attempt?.connection, !isUpgraded { connections.release(connection, &signals) }
        endAttempt(at: time, &signals)
    }

    private mutating func endAttempt(at time: MonotonicTime, _ signals: inout [TelemetrySignal]) {
        guard let ended = attempt.take() else { return }
        record.last = ended
        signals.append(.attemptEnded(ended, after: time - ended.startTime))
    }

    private mutating func failed(_ error: HandleError) {
        guard !isOver, !error.isCancellation else {
            isAbandoned = isAbandoned || !isOver
            return
        }
        if record.error == nil { record.error = error }
        attemptFailed(error)
    }

    private mutating func attemptFailed(_ error: HandleError) {
        guard attempt != nil, attempt?.error == nil else { return }
        attempt?.error = error
        attempt?.failure = error.code
    }

    // MARK: Events

    private mutating func happened(
        _ kind: StatusEvent.Kind,
        at time: MonotonicTime,
        _ connections: inout ConnectionCounts,
        _ signals: inout [TelemetrySignal]
    ) {
        guard !isOver else { return closed(kind, at: time, &connections, &signals) }
        switch kind {
        case .queued: queuedSince = time
        case .connectingToServer(let address): attempt?.peer = address
        case .connectedToServer(let address): connected(to: address, isReused: false, at: time, &connections, &signals)
        case .connectionReused(let address): connected(to: address, isReused: true, at: time, &connections, &signals)
        case .sendingRequest:
            if attempt?.isSent == true { sendAgain(at: time, &signals) }
            attempt?.isSent = true
        case .responseReceived(let status, _): responded(status.code, &connections)
        case .tunnelRefused: attempt?.failure = .loginFailure
        case .tunnelEstablished: attempt?.failure = nil
        case .nextProxy(let error), .alternativeServiceFailed(let error): attemptFailed(error)
        case .retry(_, _, .error(let error)): attemptFailed(error)
        default: break
        }
        if let event = TelemetryEvent(kind) { signals.append(.event(event)) }
        closed(kind, at: time, &connections, &signals)
    }

    private mutating func responded(_ status: Int, _ connections: inout ConnectionCounts) {
        attempt?.status = status
        guard !versions.isEmpty else { return }
        let version = versions.removeFirst()
        attempt?.version = version
        if let connection = attempt?.connection { connections.learn(version, of: connection) }
    }

    /// libcurl sends once more: with credentials, or because a connection of the pool was dead.
    private mutating func sendAgain(at time: MonotonicTime, _ signals: inout [TelemetrySignal]) {
        guard let before = attempt else { return }
        if before.status == nil { attempt?.failure = .connectionError }
        endAttempt(at: time, &signals)
        begin(before.sentAgain(at: time), &signals)
    }

    private mutating func connected(
        to address: SocketAddress,
        isReused: Bool,
        at time: MonotonicTime,
        _ connections: inout ConnectionCounts,
        _ signals: inout [TelemetrySignal]
    ) {
        guard let attempt else { return }
        self.attempt?.peer = address
        guard let connection, connection != attempt.connection else { return }
        if let before = attempt.connection { connections.release(before, &signals) }
        self.attempt?.connection = connection
        if isReused {
            connections.reuse(connection, &signals)
        } else {
            connections.open(connection, attempt.origin, at: time, &signals)
        }
    }

    private func closed(
        _ kind: StatusEvent.Kind,
        at time: MonotonicTime,
        _ connections: inout ConnectionCounts,
        _ signals: inout [TelemetrySignal]
    ) {
        guard case .connectionClosed = kind, let connection else { return }
        connections.close(connection, at: time, &signals)
    }
}
#endif
