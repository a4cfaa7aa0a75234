// What the caller does: its calls, and the answers of its code.

extension ExchangeStateMachine {
    /// The answer to a call.
    package enum Answer: Hashable {
        case accepted
        /// The call is not possible now; nothing has changed.
        case refused(HandleError)
    }

    /// What `receiveResponse` throws where there is no exchange, or none whose outcome is not known.
    package static let nothingSent = HandleError.wrongState(.receiveResponse, "no request was sent")

    /// Why the request cannot be sent again now; `nil` if it can.
    package var sendRefusal: HandleError? {
        if send == .pending { return .wrongState(.sendRequest, "sendRequest has not finished yet") }
        if receive == .pending { return .wrongState(.sendRequest, "receiveResponse has not finished yet") }
        return nil
    }

    /// In a wrong state the refusal is also an event, as in WinHTTP, and leaves the exchange as it is.
    package mutating func receiveRequested(_ actions: inout ExchangeActions) -> Answer {
        if let refusal = receiveRefusal {
            actions.emit(.requestError(refusal))
            return .refused(refusal)
        }
        switch wire {
        case .starting, .choosingProxy, .tunnelChallenged, .sending, .awaitingHead, .challenged, .deciding, .discarding,
            .pausing, .over:
            receive = .pending
        case .asking:
            receive = .pending
            actions.append(.askForCredentials)
        case .redirecting(let url):
            receive = .pending
            if let url { actions.emit(.redirect(url: url)) }
        case .redirected(let url):
            receive = .pending
            actions.emit(.redirect(url: url))
            startTransfer(&actions)
        case .responding, .finished:
            completeReceive(&actions)
        case .failed(let error):
            // A failure that came while no operation was pending belongs to the next one.
            wire = .over
            fail(.receiveResponse, error, &actions)
        }
        return .accepted
    }

    private var receiveRefusal: HandleError? {
        if case .over = wire { return Self.nothingSent }
        return switch receive {
        case .pending: .wrongState(.receiveResponse, "receiveResponse has not finished yet")
        case .done: .wrongState(.receiveResponse, "the response was already received")
        case .notAsked: nil
        }
    }

    // MARK: Answers

    /// The caller's provider was asked for credentials. The exchange may be over, and the answer of no use.
    package mutating func answered(_ answer: CredentialAnswer, _ actions: inout ExchangeActions) {
        if case .tunnelChallenged(let error) = wire { return tunnelAnswered(answer, to: error, &actions) }
        guard case .asking(let isTransferOver) = wire, receive == .pending else { return }
        switch answer {
        case .deliver:
            wire = isTransferOver ? .finished : .responding
            if isTransferOver { stopWaiting(&actions) }
            completeReceive(&actions)
        case .sendAgain:
            // A streamed body is not sent again: whatever the next transfer sends is known.
            upload = .upFront
            actions.append(.discardBody)
            if isTransferOver { startTransfer(&actions) } else { wire = .redirecting(url: nil) }
        case .refuse(let error):
            if !isTransferOver { actions.append(.abandonTransfer) }
            wire = .over
            failPending(error, &actions)
            endBodies(error, &actions)
        }
    }

    /// The caller's decider was asked about a redirect. The exchange may be over, and the decision of no use.
    package mutating func decided(_ decision: RedirectDecision, _ actions: inout ExchangeActions) {
        guard case .deciding(let url, let end) = wire else { return }
        switch decision {
        case .follow: follow(url, &actions)
        case .stop: deliver(&actions)
        case .refuse:
            let reason = "the caller refuses the redirect to \(url)"
            actions.append(.abandonTransfer)
            wire = .awaitingHead
            return transferFailed(HandleError(.redirectFailed, .receiveResponse, reason: reason), [], nil, &actions)
        }
        switch end {
        case nil: break
        case .finished: transferEnded(&actions)
        case .failed(let error): transferFailed(error, [], nil, &actions)
        }
    }

    /// The pause before the next attempt is over.
    package mutating func retryDue(_ actions: inout ExchangeActions) {
        guard case .pausing = wire else { return }
        startTransfer(&actions)
    }
}
