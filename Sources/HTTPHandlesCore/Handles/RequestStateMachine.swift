import HTTPTypes

/// The life of one request handle: which call is possible when, what each call and each milestone of the transfer leads
/// to, and in which order.
///
/// Two things move at their own pace: the caller (send, receive) and the wire (connect, send, head, body). The machine
/// keeps a cursor for each. Everything that can race is an input here, and the answer is a list of actions that the owner
/// carries out in order: an order that is right here is right everywhere. The bytes of both bodies pass beside the
/// machine, through buffers (`DownloadBuffer`, `UploadBuffer`) that it opens and ends.
///
package struct RequestStateMachine: ~Copyable {
    /// What the owner has to do, in this order.
    package enum Action: Hashable {
        /// Tell the listeners. Indirect, because most lists have none and all the other actions are small.
        indirect case emit(StatusEvent.Kind)
        /// Begin a transfer: the first, the next hop of a redirect, or the same with credentials.
        case startTransfer
        /// Ask the caller's provider for credentials; the answer comes as `answered`.
        case askForCredentials
        /// The rest of the response body is of no use.
        case discardBody
        /// Take the transfer out of libcurl.
        case abandonTransfer
        /// Call `retryDue` after this time.
        case waitForRetry(Duration)
        /// The request body ends here: the server does not want the rest (no error), or the transfer failed.
        case endUpload(HandleError?)
        /// The pending operation, `sendRequest` or `receiveResponse`, succeeded.
        case succeed(HandleOperation)
        /// The pending operation that the error names failed.
        case fail(HandleError)
        /// The response body ends here, whole or with an error; what is buffered can still be read.
        case endBody(HandleError?)
        /// Nothing of either body is kept; whoever waits for one is told that the operation was cancelled.
        case closeBodies
        /// Nothing of the request is left in libcurl: the handle may go.
        case finish
    }

    /// The answer of the machine, in the owner's memory, which is used again and again.
    package struct Actions {
        package private(set) var list: [Action] = []
        /// How many events there would have been, had anybody listened. They are counted and not built.
        package private(set) var unheardEvents = 0
        private var isHeard = true

        package init() {}

        /// Begins a list; the one before was carried out.
        ///
        /// - Parameter isHeard: Whether anybody listens to the events to come.
        package mutating func begin(isHeard: Bool) {
            unheardEvents = 0
            self.isHeard = isHeard
        }

        /// Hands out the actions in their order. They are moved out of the list, not copied, and leave it empty.
        package mutating func carryOut(_ body: (consuming Action) -> Void) {
            list.reverse()
            while let action = list.popLast() { body(action) }
        }

        fileprivate mutating func emit(_ kind: @autoclosure () -> StatusEvent.Kind) {
            if isHeard { list.append(.emit(kind())) } else { unheardEvents += 1 }
        }

        fileprivate mutating func append(_ action: Action) {
            list.append(action)
        }
    }

    /// The answer to a call of the user's.
    package enum Answer: Hashable {
        case accepted
        /// The call is not possible now; nothing has changed.
        case refused(HandleError)
    }

    /// How the request body reaches libcurl.
    package enum Upload: Hashable {
        /// Known when the request is sent, or none: `send` is done when all of it is out.
        case upFront
        /// Written piece by piece after `send`, which is done when the head is out.
        case streamed
    }

    /// What becomes of a final head.
    package enum HeadDisposition: Hashable {
        case deliver
        case follow(url: String)
        /// A 401, for which the caller may have credentials.
        case askForCredentials
        /// The caller is asked whether to follow, and tells `decided`.
        case askAboutRedirect(url: String)
        case retry(Retry)
        /// The caller gets it, because there is no further attempt.
        case giveUp(RefusedRetry)
        case refuse(HandleError)
    }

    /// What came of asking for credentials.
    package enum CredentialAnswer: Hashable {
        /// There are none: the caller gets the 401.
        case deliver
        /// There are, and the next transfer is ready to be started with them.
        case sendAgain
        case refuse(HandleError)
    }

    /// Where the transfer stands.
    private enum Wire {
        /// Nothing was sent, or the failure of what was sent has been reported. Can transition to: starting, closed.
        case idle
        /// Waiting for a slot, a name, a connection. Can transition to: sending, pausing, failed, idle, closed.
        case starting
        /// The request is going out. Can transition to: awaitingHead, redirecting, discarding, responding, pausing,
        /// failed, idle, closed.
        case sending
        /// The request is out; the head has not come. Can transition to: sending (libcurl sends again), challenged,
        /// redirecting, discarding, asking, responding, pausing, failed, idle, closed.
        case awaitingHead
        /// The head of a 401 came, and libcurl has credentials. Can transition to: sending (libcurl sends again), asking,
        /// responding, failed, idle, closed.
        case challenged
        /// The head of a 401 came, and the caller is asked for credentials as soon as he asks for the response. Can
        /// transition to: asking, redirecting, starting, responding, finished, failed, idle, closed.
        case asking(isTransferOver: Bool)
        /// A head came that is to be followed, or a 401 that is answered, without a URL; the body is being discarded. Can
        /// transition to: starting, redirected, closed.
        case redirecting(url: String?)
        /// As redirecting, but the transfer is over and the caller has not asked for the response. Can transition to:
        /// starting, closed.
        case redirected(url: String)
        /// A head came that may be followed, and the caller has not decided yet; the body is kept until then. Can
        /// transition to: redirecting, redirected, starting, responding, finished, failed, idle, closed.
        case deciding(url: String, end: TransferEnd?)
        /// A head came after which the request is sent again; its body is being discarded. Can transition to: pausing,
        /// starting (sent again), closed.
        case discarding(Retry)
        /// There is no transfer until the pause before the next attempt is over. Can transition to: starting, closed.
        case pausing
        /// The final head came; the body is coming. Can transition to: finished, starting (sent again), closed.
        case responding
        /// The transfer is over, and the head came. Can transition to: starting (sent again), closed.
        case finished
        /// The transfer failed while nobody waited: the next operation gets the error. Can transition to: idle,
        /// starting (sent again), closed.
        case failed(HandleError)
        /// Closed by its owner. Final.
        case closed
    }

    /// How a transfer ended that was not asked for yet.
    private enum TransferEnd {
        case finished
        case failed(HandleError)
    }

    /// Where an operation of the caller's stands.
    private enum Step { case notAsked, pending, done }

    private var wire = Wire.idle
    private var send = Step.notAsked
    private var receive = Step.notAsked
    /// `receiveResponse` begins by itself when `send` is done.
    private var receivesAtOnce = false
    private var upload = Upload.upFront
    /// The request body is out, or its end was announced.
    private var uploadEnded = true

    package init() {}

    package var isClosed: Bool {
        if case .closed = wire { true } else { false }
    }

    /// Whether `send` is not done.
    package var isSendPending: Bool { send == .pending }

    /// Whether a failure of the transfer would be the end of the exchange, so that another attempt could help.
    package var mayRetry: Bool {
        switch wire {
        case .starting, .sending, .awaitingHead: true
        default: false
        }
    }

    /// Whether something was sent whose outcome the caller does not know in full.
    private var isExchanging: Bool {
        switch wire {
        case .idle, .closed: false
        case .starting, .sending, .awaitingHead, .challenged, .asking, .redirecting, .redirected, .responding: true
        case .deciding, .discarding, .pausing, .finished, .failed: true
        }
    }

    /// There is a transfer, or the pause before one, to be abandoned.
    private var isTransferRunning: Bool {
        switch wire {
        case .starting, .sending, .awaitingHead, .challenged, .redirecting, .deciding: true
        case .discarding, .pausing, .responding: true
        case .asking(let isTransferOver): !isTransferOver
        case .idle, .redirected, .finished, .failed, .closed: false
        }
    }

    /// What of the caller's the exchange waits for, or will as soon as he asks for the response.
    package enum Awaited {
        case credentials
        case decision
        case pause
    }

    package var awaited: Awaited? {
        switch wire {
        case .asking: .credentials
        case .deciding: .decision
        case .pausing: .pause
        default: nil
        }
    }
}

// MARK: - What the caller does

extension RequestStateMachine {
    /// - Parameter thenReceive: Whether `receiveResponse` is to begin as soon as `send` is done.
    package mutating func sendRequested(_ upload: Upload, thenReceive: Bool, _ actions: inout Actions) -> Answer {
        if isClosed { return .refused(.closed(.sendRequest)) }
        if send == .pending { return refuse(.sendRequest, "sendRequest is not over yet") }
        if receive == .pending { return refuse(.sendRequest, "receiveResponse is not over yet") }
        if isTransferRunning { actions.append(.abandonTransfer) }
        actions.append(.startTransfer)
        wire = .starting
        send = .pending
        receive = .notAsked
        receivesAtOnce = thenReceive
        self.upload = upload
        uploadEnded = upload == .upFront
        return .accepted
    }

    /// In a wrong state the refusal is also an event, as in WinHTTP, and leaves the request as it is.
    package mutating func receiveRequested(_ actions: inout Actions) -> Answer {
        let refusal: String? =
            switch receive {
            case _ where !isExchanging: "no request was sent"
            case .pending: "receiveResponse is not over yet"
            case .done: "the response was already received"
            case .notAsked: nil
            }
        if let refusal {
            let answer = refuse(.receiveResponse, refusal)
            if !isClosed, case .refused(let error) = answer { actions.emit(.requestError(error)) }
            return answer
        }
        switch wire {
        case .idle, .closed, .starting, .sending, .awaitingHead, .challenged, .deciding, .discarding, .pausing:
            receive = .pending
        case .asking:
            receive = .pending
            actions.append(.askForCredentials)
        case .redirecting(let url):
            receive = .pending
            if let url { actions.emit(.redirect(url: url)) }
        case .redirected(let url):
            receive = .pending
            wire = .starting
            actions.emit(.redirect(url: url))
            actions.append(.startTransfer)
        case .responding, .finished:
            completeReceive(&actions)
        case .failed(let error):
            // A failure that came while nobody waited belongs to the first operation that asks.
            wire = .idle
            fail(.receiveResponse, error, &actions)
        }
        return .accepted
    }

    /// The handle was closed, its task cancelled, or its last reference dropped.
    package mutating func closeRequested(_ actions: inout Actions) {
        guard !isClosed else { return }
        if isTransferRunning { actions.append(.abandonTransfer) }
        if send == .pending || receive == .pending { failPending(.cancelled(.closeHandle), &actions) }
        wire = .closed
        actions.append(.closeBodies)
        actions.append(.finish)
    }

    /// Somebody has answered the question for credentials. Nobody may want to know any more.
    package mutating func answered(_ answer: CredentialAnswer, _ actions: inout Actions) {
        guard case .asking(let isTransferOver) = wire, receive == .pending else { return }
        switch answer {
        case .deliver:
            wire = isTransferOver ? .finished : .responding
            completeReceive(&actions)
        case .sendAgain:
            // A streamed body is not sent again: whatever the next transfer sends is known.
            upload = .upFront
            actions.append(.discardBody)
            wire = isTransferOver ? .starting : .redirecting(url: nil)
            if isTransferOver { actions.append(.startTransfer) }
        case .refuse(let error):
            if !isTransferOver { actions.append(.abandonTransfer) }
            wire = .idle
            failPending(error, &actions)
            endBodies(error, &actions)
        }
    }

    private func refuse(_ operation: HandleOperation, _ reason: String) -> Answer {
        .refused(isClosed ? .closed(operation) : .wrongState(operation, reason))
    }
}

// MARK: - What the wire does

extension RequestStateMachine {
    /// The transfer came to a milestone.
    package mutating func reached(_ milestone: TransferMilestone, _ actions: inout Actions) {
        switch milestone {
        case .queued: actions.emit(.queued)
        case .resolving(let host): actions.emit(.resolvingName(host: host))
        case .resolved(let address): actions.emit(.nameResolved(address: address))
        case .connecting(let address): actions.emit(.connectingToServer(address: address))
        case .connected(let address, let secure):
            actions.emit(.connectedToServer(address: address))
            if secure { actions.emit(.securingConnection) }
        case .secured: actions.emit(.connectionSecured)
        case .reused(let address): actions.emit(.connectionReused(address: address))
        case .sending:
            wire = .sending
            actions.emit(.sendingRequest)
        case .headSent(let bytes):
            actions.emit(.requestSent(bytes: bytes))
            completeSend(&actions)
        case .requestSent(let bytes): requestSent(bytes, &actions)
        case .pieceSent(let bytes): actions.emit(.writeComplete(bytes: bytes))
        case .informational(let head):
            actions.emit(
                .intermediateResponse(
                    status: HTTPResponse.Status(code: head.status, reasonPhrase: head.reasonPhrase),
                    headerFields: head.fields()
                )
            )
        case .challenge(let head):
            announce(head, &actions)
            wire = .challenged
        case .head(let head): headArrived(head, .deliver, &actions)
        case .trailers: break
        case .closingConnection: actions.emit(.closingConnection)
        case .connectionClosed: actions.emit(.connectionClosed)
        case .finished: transferEnded(&actions)
        case .failed(let error, let secureFailure): transferFailed(error, secureFailure, &actions)
        }
    }

    /// The transfer failed, or could not begin.
    ///
    /// - Parameter decision: What the retry policy says to it, where `mayRetry`.
    package mutating func failed(
        _ error: HandleError,
        _ secureFailure: SecureFailure,
        _ decision: RetryDecision?,
        _ actions: inout Actions
    ) {
        switch decision {
        case .again(let retry) where mayRetry:
            if !secureFailure.isEmpty { actions.emit(.secureFailure(secureFailure)) }
            return pause(before: retry, &actions)
        case .refused(let refused) where mayRetry: actions.emit(refused.event)
        case .again, .refused, nil: break
        }
        transferFailed(error, secureFailure, &actions)
    }

    private mutating func pause(before retry: Retry, _ actions: inout Actions) {
        wire = .pausing
        actions.append(.abandonTransfer)
        actions.emit(.retry(attempt: retry.attempt, after: retry.delay, cause: retry.cause))
        actions.append(.waitForRetry(retry.delay))
    }

    /// The pause is over.
    package mutating func retryDue(_ actions: inout Actions) {
        guard case .pausing = wire else { return }
        wire = .starting
        actions.append(.startTransfer)
    }

    private mutating func requestSent(_ bytes: Int, _ actions: inout Actions) {
        uploadEnded = true
        // After an early response the rest of the body is no news to anybody.
        guard case .sending = wire else { return }
        wire = .awaitingHead
        if upload == .upFront {
            actions.emit(.requestSent(bytes: bytes))
            completeSend(&actions)
        }
        actions.emit(.receivingResponse)
    }

    private mutating func announce(_ head: HeaderBlock, _ actions: inout Actions) {
        if case .sending = wire {
            // The server answers before it has the whole request.
            completeSend(&actions)
            actions.emit(.receivingResponse)
        }
        actions.emit(.responseReceived(bytes: head.bytes.count))
    }

    /// The final head of the transfer came.
    package mutating func headArrived(_ head: HeaderBlock, _ disposition: HeadDisposition, _ actions: inout Actions) {
        // That of a challenge which libcurl has no answer to is here already.
        if case .challenged = wire {} else { announce(head, &actions) }
        // From 300 on libcurl stops sending: the server has decided without the rest of the body.
        if head.status >= 300 { endUpload(nil, &actions) }
        switch disposition {
        case .deliver: deliver(&actions)
        case .giveUp(let refused):
            actions.emit(refused.event)
            deliver(&actions)
        case .follow(let url): follow(url, &actions)
        case .askForCredentials:
            wire = .asking(isTransferOver: false)
            if receive == .pending { actions.append(.askForCredentials) }
        case .askAboutRedirect(let url): wire = .deciding(url: url, end: nil)
        case .retry(let retry): wire = .discarding(retry)
        case .refuse(let error):
            actions.append(.abandonTransfer)
            transferFailed(error, [], &actions)
        }
    }

    private mutating func deliver(_ actions: inout Actions) {
        wire = .responding
        if receive == .pending { completeReceive(&actions) }
    }

    private mutating func follow(_ url: String, _ actions: inout Actions) {
        wire = .redirecting(url: url)
        // A streamed body cannot be sent again: whatever the next hop sends is known.
        upload = .upFront
        if receive == .pending { actions.emit(.redirect(url: url)) }
    }

    /// The caller has decided about a redirect.
    package mutating func decided(_ decision: RedirectDecision, _ actions: inout Actions) {
        guard case .deciding(let url, let end) = wire else { return }
        switch decision {
        case .follow: follow(url, &actions)
        case .stop: deliver(&actions)
        case .refuse:
            let reason = "the caller refuses the redirect to \(url)"
            actions.append(.abandonTransfer)
            wire = .awaitingHead
            return transferFailed(HandleError(.redirectFailed, .receiveResponse, reason: reason), [], &actions)
        }
        switch end {
        case nil: break
        case .finished: transferEnded(&actions)
        case .failed(let error): transferFailed(error, [], &actions)
        }
    }

    private mutating func transferEnded(_ actions: inout Actions) {
        // The end may come in one batch with a head that was refused, which was the end already.
        guard isTransferRunning else { return }
        switch wire {
        case .discarding(let retry): pause(before: retry, &actions)
        case .deciding(let url, _): wire = .deciding(url: url, end: .finished)
        case .redirecting(let url?) where receive != .pending:
            wire = .redirected(url: url)
        case .redirecting:
            wire = .starting
            actions.append(.startTransfer)
        default:
            wire = awaited == .credentials ? .asking(isTransferOver: true) : .finished
            endUpload(nil, &actions)
            actions.append(.endBody(nil))
        }
    }

    private mutating func transferFailed(
        _ error: HandleError,
        _ secureFailure: SecureFailure,
        _ actions: inout Actions
    ) {
        switch wire {
        case .redirecting, .discarding:
            // The body is discarded anyway, and where to go next is known.
            transferEnded(&actions)
        // Time limits go on while the caller decides, and a driver that has failed can do nothing for him.
        case .deciding(let url, nil) where error.code != .timeout && error.code != .shutdown:
            wire = .deciding(url: url, end: .failed(error))
        case .idle, .redirected, .pausing, .finished, .failed, .closed:
            break
        // While the caller is asked, the driver may fail and time run out. All else is only the end of a body that maybe
        // nobody wants.
        case .asking where error.code != .timeout && error.code != .shutdown:
            wire = .asking(isTransferOver: true)
            endBodies(error, &actions)
        case .responding:
            wire = .finished
            failPending(error, &actions)
            endBodies(error, &actions)
        case .starting, .sending, .awaitingHead, .challenged, .asking, .deciding:
            if !secureFailure.isEmpty { actions.emit(.secureFailure(secureFailure)) }
            let somebodyWaits = send == .pending || receive == .pending
            wire = somebodyWaits ? .idle : .failed(error)
            failPending(error, &actions)
            endBodies(error, &actions)
        }
    }

    /// `send` is done; on a later hop it was done before.
    private mutating func completeSend(_ actions: inout Actions) {
        guard send == .pending else { return }
        send = .done
        if receivesAtOnce { receive = .pending }
        actions.emit(.sendRequestComplete)
        actions.append(.succeed(.sendRequest))
    }

    private mutating func completeReceive(_ actions: inout Actions) {
        receive = .done
        actions.emit(.headersAvailable)
        actions.append(.succeed(.receiveResponse))
    }

    private mutating func endUpload(_ error: HandleError?, _ actions: inout Actions) {
        guard !uploadEnded else { return }
        uploadEnded = true
        actions.append(.endUpload(error?.seen(by: .writeData)))
    }

    private mutating func endBodies(_ error: HandleError, _ actions: inout Actions) {
        endUpload(error, &actions)
        actions.append(.endBody(error.seen(by: .readData)))
    }

    /// Ends each pending operation with `error`, in the order in which they were begun.
    private mutating func failPending(_ error: HandleError, _ actions: inout Actions) {
        if send == .pending {
            send = .done
            fail(.sendRequest, error, &actions)
        }
        if receive == .pending {
            receive = .done
            fail(.receiveResponse, error, &actions)
        }
    }

    private func fail(_ operation: HandleOperation, _ error: HandleError, _ actions: inout Actions) {
        let error = error.seen(by: operation)
        actions.emit(.requestError(error))
        actions.append(.fail(error))
    }
}
