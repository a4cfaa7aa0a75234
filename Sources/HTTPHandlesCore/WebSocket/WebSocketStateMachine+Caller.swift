// What the caller does.

extension WebSocketStateMachine {
    /// - Parameters:
    ///   - number: Tells the operation apart from others.
    ///   - sender: Whose message it is: the pieces of one sender make messages, and those of others wait for their end.
    package mutating func sendRequested(
        _ number: Int,
        _ piece: WebSocketPiece,
        of sender: Int = 0,
        _ actions: inout WebSocketActions
    ) -> WebSocketAnswer {
        if let refusal = sendRefusal { return .refused(refusal) }
        let operation = WebSocketOperation.send(number)
        do {
            try outgoing.append(
                OutgoingMessages.Piece(operation: operation, bytes: piece.bytes, kind: piece.kind),
                of: sender
            )
        } catch { return .refused(error) }
        pending.append(operation)
        resumeWriting(&actions)
        return .accepted
    }

    /// The producer of a message has failed: the rest does not come.
    package mutating func messageAbandoned(
        by sender: Int,
        at now: MonotonicTime,
        _ actions: inout WebSocketActions
    ) {
        guard !isOver else { return }
        switch outgoing.abandon(sender) {
        case .unknown: break
        case .removed(let operations):
            for operation in operations { fail(operation, .abandonedMessage, &actions) }
            // What has waited behind it goes out.
            resumeWriting(&actions)
        case .broken: fail(.abandonedMessage, at: now, &actions)
        }
    }

    /// - Parameter whole: Whether to wait for a whole message, or for the next piece of one.
    package mutating func receiveRequested(
        whole: Bool,
        at now: MonotonicTime,
        _ actions: inout WebSocketActions
    ) -> WebSocketAnswer {
        if let refusal = receiveRefusal { return .refused(refusal) }
        read = whole ? .whole : .piece
        pending.append(.receive)
        advance(at: now, &actions)
        return .accepted
    }

    /// Completes when the ping is sent. The answer is not waited for.
    package mutating func pingRequested(
        _ number: Int,
        _ payload: [UInt8],
        _ actions: inout WebSocketActions
    ) -> WebSocketAnswer {
        if let refusal = sendRefusal { return .refused(refusal) }
        guard payload.count <= WebSocketFrameBits.maximumControlLength else {
            let reason = "a ping must have at most \(WebSocketFrameBits.maximumControlLength) bytes"
            return .refused(.invalidParameter(reason))
        }
        pings.append(Ping(payload: payload, operation: .ping(number)))
        pending.append(.ping(number))
        resumeWriting(&actions)
        return .accepted
    }

    /// Completes when the peer has answered a ping.
    package mutating func roundTripRequested(
        _ number: Int,
        at now: MonotonicTime,
        _ actions: inout WebSocketActions
    ) -> WebSocketAnswer {
        if let refusal = sendRefusal { return .refused(refusal) }
        roundTrips.append(RoundTrip(operation: .roundTrip(number)))
        pending.append(.roundTrip(number))
        awaitAnswer(at: now, &actions)
        resumeWriting(&actions)
        return .accepted
    }

    /// Completes when the close frame is sent, after the messages before it.
    package mutating func shutdownRequested(
        _ status: WebSocketCloseStatus,
        _ actions: inout WebSocketActions
    ) -> WebSocketAnswer {
        if let refusal = endRefusal { return .refused(refusal) }
        if hasShutDown { return .refused(.wrongState("the socket was shut down")) }
        if let refusal = status.refusal { return .refused(refusal) }
        pending.append(.shutdown)
        shutDown(status, &actions)
        endShutdown(&actions)
        return .accepted
    }

    /// Completes when both close frames were sent. A pending receive ends, and what still comes is discarded.
    package mutating func finishRequested(
        _ status: WebSocketCloseStatus,
        at now: MonotonicTime,
        _ actions: inout WebSocketActions
    ) -> WebSocketAnswer {
        if let refusal = endRefusal { return .refused(refusal) }
        if isFinishing { return .refused(.wrongState("the socket is being finished")) }
        if let refusal = status.refusal { return .refused(refusal) }
        isFinishing = true
        fail(.receive, .finishing, &actions)
        incoming.removeAll()
        pending.append(.finish)
        if !hasShutDown { shutDown(status, &actions) }
        startCloseTimer(at: now, &actions)
        controlFlow(at: now, &actions)
        endShutdown(&actions)
        return .accepted
    }

    private mutating func shutDown(_ status: WebSocketCloseStatus, _ actions: inout WebSocketActions) {
        hasShutDown = true
        guard sending == .open else { return }
        for operation in outgoing.close() {
            fail(operation, .wrongState("the socket was shut down inside the message before"), &actions)
        }
        sending = .closing(status)
        resumeWriting(&actions)
    }

    /// The handle was closed, its task cancelled, or its last reference dropped.
    package mutating func closed(_ actions: inout WebSocketActions) {
        guard !isOver else { return }
        isOver = true
        failPending(.cancelled, &actions)
        disconnect(&actions)
        actions.append(.endHandle)
    }

    // MARK: Refusals

    private var endRefusal: WebSocketFailure? {
        if isOver { return .closedHandle }
        if case .failed(let failure) = receiving { return failure }
        return nil
    }

    private var sendRefusal: WebSocketFailure? {
        if let refusal = endRefusal { return refusal }
        if hasShutDown { return .wrongState("the socket was shut down") }
        if let closeStatus { return .closedByPeer(closeStatus) }
        return nil
    }

    private var receiveRefusal: WebSocketFailure? {
        if isOver { return .closedHandle }
        if isFinishing { return .wrongState("the socket is being finished") }
        if pending.contains(.receive) { return .wrongState("receive has not finished yet") }
        guard incoming.isDrained else { return nil }
        if let decodingFailure { return decodingFailure }
        switch receiving {
        case .open: return nil
        case .closed(let status): return closeDelivered ? .closedByPeer(status) : nil
        case .failed(let failure): return failure
        }
    }
}
