// How transfers, operations, bodies and the exchange itself end.

extension ExchangeStateMachine {
    // MARK: The exchange

    /// The handle was closed, its task cancelled, or its last reference dropped.
    package mutating func closed(_ actions: inout ExchangeActions) {
        if isTransferRunning { actions.append(.abandonTransfer) }
        failPending(.cancelled(.closeHandle), &actions)
        wire = .over
        stopWaiting(&actions)
        actions.append(.closeBodies)
    }

    /// The request is sent again: another exchange takes the place of this one, which has no pending operation.
    package mutating func replaced(_ actions: inout ExchangeActions) {
        if isTransferRunning { actions.append(.abandonTransfer) }
        wire = .over
        stopWaiting(&actions)
    }

    // MARK: The transfer

    /// The transfer is over, and everything came.
    package mutating func transferEnded(_ actions: inout ExchangeActions) {
        actions.append(.releaseConnection)
        // The end may come together with a head that was refused, which was the end already.
        if isTransferRunning { proceed(&actions) }
    }

    /// What follows a transfer that is over.
    private mutating func proceed(_ actions: inout ExchangeActions) {
        switch wire {
        case .discarding(let retry): pause(before: retry, &actions)
        case .deciding(let url, _):
            wire = .deciding(url: url, end: .finished)
            waitForCaller(&actions)
        case .redirecting(let url?) where receive != .pending:
            wire = .redirected(url: url)
            stopWaiting(&actions)
        case .redirecting: startTransfer(&actions)
        case .asking:
            wire = .asking(isTransferOver: true)
            waitForCaller(&actions)
            endUpload(nil, &actions)
            actions.append(.endBody(nil))
        default:
            wire = .finished
            stopWaiting(&actions)
            endUpload(nil, &actions)
            actions.append(.endBody(nil))
        }
    }

    /// The transfer failed or could not begin, or a time limit ran out.
    ///
    /// - Parameter retry: What the retry policy says to it, where `mayRetry`.
    package mutating func transferFailed(
        _ error: HandleError,
        _ secureFailure: SecureFailure,
        _ retry: RetryDecision?,
        _ actions: inout ExchangeActions
    ) {
        actions.append(.releaseConnection)
        switch wire {
        case .redirecting, .discarding:
            // The body is discarded anyway, and where to go next is known.
            proceed(&actions)
        case .redirected, .pausing, .finished, .failed, .over: break
        // A failure of the transfer is only the end of a body that is maybe not read. But time limits run out while the
        // caller's code is asked, and a driver that has failed cannot carry out the answer.
        case .deciding(let url, nil) where !error.endsQuestions:
            wire = .deciding(url: url, end: .failed(error))
            waitForCaller(&actions)
        case .asking where !error.endsQuestions:
            wire = .asking(isTransferOver: true)
            waitForCaller(&actions)
            endUpload(error, &actions)
            actions.append(.endBody(error.seen(by: .readData)))
        case .responding:
            wire = .finished
            failPending(error, &actions)
            endBodies(error, &actions)
        case .starting, .choosingProxy, .tunnelChallenged, .sending, .awaitingHead, .challenged, .asking, .deciding:
            if mayRetry, let retry, attemptFailed(secureFailure, retry, &actions) { return }
            if !secureFailure.isEmpty { actions.emit(.secureFailure(secureFailure)) }
            let isAwaited = send == .pending || receive == .pending
            wire = isAwaited ? .over : .failed(error)
            failPending(error, &actions)
            endBodies(error, &actions)
        }
    }

    /// Whether there is another attempt.
    private mutating func attemptFailed(
        _ secureFailure: SecureFailure,
        _ decision: RetryDecision,
        _ actions: inout ExchangeActions
    ) -> Bool {
        switch decision {
        case .again(let retry):
            if !secureFailure.isEmpty { actions.emit(.secureFailure(secureFailure)) }
            pause(before: retry, &actions)
            return true
        case .refused(let refused):
            actions.emit(refused.event)
            return false
        }
    }

    private mutating func pause(before retry: Retry, _ actions: inout ExchangeActions) {
        wire = .pausing
        stopWaiting(&actions)
        actions.append(.abandonTransfer)
        actions.emit(.retry(attempt: retry.attempt, after: retry.delay, cause: retry.cause))
        actions.append(.waitForRetry(retry.delay))
    }

    // MARK: Operations

    /// `send` is done; on a later hop it was done before.
    mutating func completeSend(_ actions: inout ExchangeActions) {
        guard send == .pending else { return }
        send = .done
        if receivesAtOnce { receive = .pending }
        actions.emit(.sendRequestComplete)
        actions.append(.succeed(.sendRequest))
    }

    mutating func completeReceive(_ actions: inout ExchangeActions) {
        receive = .done
        actions.emit(.headersAvailable)
        actions.append(.succeed(.receiveResponse))
    }

    /// Ends each pending operation with `error`, in the order in which they were begun. Without one no error is made.
    mutating func failPending(_ error: @autoclosure () -> HandleError, _ actions: inout ExchangeActions) {
        if send == .pending {
            send = .done
            fail(.sendRequest, error(), &actions)
        }
        if receive == .pending {
            receive = .done
            fail(.receiveResponse, error(), &actions)
        }
    }

    func fail(_ operation: HandleOperation, _ error: HandleError, _ actions: inout ExchangeActions) {
        let error = error.seen(by: operation)
        actions.emit(.requestError(error))
        actions.append(.fail(error))
    }

    // MARK: Bodies

    /// Nothing more of the request body is sent.
    mutating func endUpload(_ error: HandleError?, _ actions: inout ExchangeActions) {
        guard !uploadEnded else { return }
        uploadEnded = true
        actions.append(.endUpload(error?.seen(by: .writeData)))
    }

    mutating func endBodies(_ error: HandleError, _ actions: inout ExchangeActions) {
        stopWaiting(&actions)
        endUpload(error, &actions)
        actions.append(.endBody(error.seen(by: .readData)))
    }
}

extension HandleError {
    /// Whether it ends an exchange that waits for the caller's code.
    fileprivate var endsQuestions: Bool { code == .timeout || code == .shutdown }
}
