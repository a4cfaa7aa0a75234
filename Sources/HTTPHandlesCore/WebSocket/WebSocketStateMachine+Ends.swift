// How operations, sending, receiving and the socket itself end.

extension WebSocketStateMachine {
    // MARK: Operations

    /// The operation is not pending any more. Returns whether it was.
    @discardableResult
    mutating func end(_ operation: WebSocketOperation) -> Bool {
        guard let index = pending.firstIndex(of: operation) else { return false }
        pending.remove(at: index)
        return true
    }

    mutating func fail(
        _ operation: WebSocketOperation,
        _ failure: WebSocketFailure,
        _ actions: inout WebSocketActions
    ) {
        guard end(operation) else { return }
        actions.emit(.requestError(operation, failure))
        actions.append(.fail(operation, failure))
    }

    /// Ends the pending operations, in the order in which they were begun.
    ///
    /// - Parameter isIncluded: Which ones.
    mutating func failPending(
        _ failure: WebSocketFailure,
        where isIncluded: (WebSocketOperation) -> Bool = { _ in true },
        _ actions: inout WebSocketActions
    ) {
        for operation in pending where isIncluded(operation) { fail(operation, failure, &actions) }
    }

    /// Ends `shutdown` and `finish`, if that for which they wait has happened.
    mutating func endShutdown(_ actions: inout WebSocketActions) {
        if isSendingOver, end(.shutdown) {
            actions.emit(.shutdownComplete)
            actions.append(.succeed(.shutdown))
        }
        if isSendingOver, closeStatus != nil, end(.finish) {
            actions.emit(.closeComplete)
            actions.append(.succeed(.finish))
        }
    }

    // MARK: The peer

    /// The close frame of the peer came: it is answered, and nothing more is sent.
    mutating func peerClosed(
        _ status: WebSocketCloseStatus,
        at now: MonotonicTime,
        _ actions: inout WebSocketActions
    ) {
        receiving = .closed(status)
        stopAsking(&actions)
        dropOutput()
        failPending(.closedByPeer(status), where: \.isSending, &actions)
        if sending == .open {
            // The code is enough for an answer.
            sending = .closing(WebSocketCloseStatus(status.code))
            resumeWriting(&actions)
        }
        // The server closes the connection; if not, the timer does.
        startCloseTimer(at: now, &actions)
        endShutdown(&actions)
    }

    /// The peer has violated the protocol, or does not answer.
    mutating func fail(_ failure: WebSocketFailure, at now: MonotonicTime, _ actions: inout WebSocketActions) {
        guard receiving == .open else { return }
        receiving = .failed(failure)
        stopAsking(&actions)
        dropOutput()
        actions.emit(.socketFailed(failure))
        failPending(failure, where: { $0 != .receive }, &actions)
        guard let code = failure.closeCode, isConnected else {
            disconnect(&actions)
            return deliverFailure(at: now, &actions)
        }
        switch sending {
        case .open, .closing:
            sending = .closing(WebSocketCloseStatus(code, reason: failure.reason))
            resumeWriting(&actions)
        case .closed, .off: break
        }
        // Until the peer has read the close frame and closed the connection, what it sends is read: otherwise the close
        // frame could be lost.
        startCloseTimer(at: now, &actions)
        controlFlow(at: now, &actions)
        deliverFailure(at: now, &actions)
    }

    /// A receive that is pending has no more data before the failure, unless there are some to be inflated.
    private mutating func deliverFailure(at now: MonotonicTime, _ actions: inout WebSocketActions) {
        guard case .failed(let failure) = receiving, incoming.isDrained else { return }
        fail(.receive, failure, &actions)
    }

    /// The peer has closed the connection, and the transfer is over.
    package mutating func inputEnded(at now: MonotonicTime, _ actions: inout WebSocketActions) {
        transferEnded(.connectionLost, at: now, &actions)
    }

    /// The transfer has failed, and is over.
    package mutating func transferFailed(
        _ error: HandleError,
        at now: MonotonicTime,
        _ actions: inout WebSocketActions
    ) {
        transferEnded(.transferFailed(error), at: now, &actions)
    }

    private mutating func transferEnded(
        _ failure: WebSocketFailure,
        at now: MonotonicTime,
        _ actions: inout WebSocketActions
    ) {
        guard !isOver, isConnected else { return }
        endSending(&actions)
        fail(failure, at: now, &actions)
        // If the peer has closed the socket, it wanted no answer.
        endShutdown(&actions)
        advance(at: now, &actions)
    }

    // MARK: The connection

    mutating func startCloseTimer(at now: MonotonicTime, _ actions: inout WebSocketActions) {
        guard isConnected, !timers.contains(.close), settings.closeTimeout > .zero else { return }
        setTimer(.close, now + settings.closeTimeout, &actions)
    }

    /// The closing handshake is not over in time, or the peer has not closed the connection after it.
    mutating func closeTimerFired(at now: MonotonicTime, _ actions: inout WebSocketActions) {
        let failure = WebSocketFailure.notClosed(within: settings.closeTimeout)
        if receiving == .open {
            receiving = .failed(failure)
            actions.emit(.socketFailed(failure))
        }
        failPending(failure, where: { $0 != .receive }, &actions)
        disconnect(&actions)
        advance(at: now, &actions)
    }

    /// What was to be sent is not, apart from the rest of the present frame, a pong and the close frame.
    private mutating func dropOutput() {
        outgoing.removeAll()
        pings.removeAll()
        roundTrips = []
        if case .close = completion { return }
        completion = .nothing
    }

    private mutating func stopAsking(_ actions: inout WebSocketActions) {
        askedAt = nil
        stopTimer(.keepAlive, &actions)
        stopTimer(.answer, &actions)
    }

    mutating func disconnect(_ actions: inout WebSocketActions) {
        guard isConnected else { return }
        endSending(&actions)
        actions.append(.disconnect)
    }

    /// There is no transfer any more.
    private mutating func endSending(_ actions: inout WebSocketActions) {
        isConnected = false
        stopAsking(&actions)
        stopTimer(.close, &actions)
        dropOutput()
        if sending != .closed { sending = .off }
    }
}

extension WebSocketOperation {
    /// Whether the operation needs a peer that has not closed the socket.
    var isSending: Bool {
        switch self {
        case .send, .ping, .roundTrip: true
        case .receive, .shutdown, .finish: false
        }
    }
}
