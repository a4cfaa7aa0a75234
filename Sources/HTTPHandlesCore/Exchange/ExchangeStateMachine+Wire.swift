import HTTPTypes

// What the transfer reports, and what becomes of it.

extension ExchangeStateMachine {
    /// There is no connection slot for the transfer yet.
    package mutating func queued(_ actions: inout ExchangeActions) {
        wait(for: .queue, &actions)
        actions.emit(.queued)
    }

    /// The transfer that was queued begins.
    package mutating func slotGranted(_ actions: inout ExchangeActions) {
        wait(for: .connect, &actions)
    }

    /// The transfer came to a milestone.
    package mutating func reached(_ milestone: TransferMilestone, _ actions: inout ExchangeActions) {
        switch milestone {
        case .resolving(let host):
            wait(for: .resolve, &actions)
            actions.emit(.resolvingName(host: host))
        case .resolved(let address):
            wait(for: .connect, &actions)
            actions.emit(.nameResolved(address: address))
        case .connecting(let address, let connection):
            actions.use(connection)
            // A new connection for the answer to a challenge, or for a request that is sent again.
            if phase != .connect { wait(for: .connect, &actions) }
            actions.emit(.connectingToServer(address: address))
        case .connected(let address, let secure, let connection):
            actions.use(connection)
            actions.emit(.connectedToServer(address: address))
            if secure { actions.emit(.securingConnection) }
        case .tunnelRefused(let head):
            actions.emit(.tunnelRefused(status: head.httpStatus, headerFields: head.fields()))
        case .tunnelEstablished(let secure):
            actions.emit(.tunnelEstablished)
            if secure { actions.emit(.securingConnection) }
        case .secured: actions.emit(.connectionSecured)
        case .reused(let address, let connection):
            actions.use(connection)
            actions.emit(.connectionReused(address: address))
        case .sending:
            wire = .sending
            wait(for: .send, &actions)
            actions.emit(.sendingRequest)
        case .headSent(let bytes):
            actions.emit(.requestSent(bytes: bytes))
            completeSend(&actions)
        case .requestSent(let bytes): requestSent(bytes, &actions)
        case .pieceSent(let bytes): actions.emit(.writeComplete(bytes: bytes))
        case .closingConnection: actions.emit(.closingConnection)
        case .connectionClosed: actions.emit(.connectionClosed)
        }
    }

    private mutating func requestSent(_ bytes: Int, _ actions: inout ExchangeActions) {
        uploadEnded = true
        // After an early response the end of the request body changes nothing.
        guard case .sending = wire else { return }
        wire = .awaitingHead
        wait(for: .response, &actions)
        if upload == .upFront {
            actions.emit(.requestSent(bytes: bytes))
            completeSend(&actions)
        }
        actions.emit(.receivingResponse)
    }

    // MARK: Heads

    /// A 1xx response came.
    package func informationalArrived(_ head: HeaderBlock, _ actions: inout ExchangeActions) {
        actions.emit(
            .intermediateResponse(
                status: HTTPResponse.Status(code: head.status, reasonPhrase: head.reasonPhrase),
                headerFields: head.fields()
            )
        )
    }

    /// The head of a 401 came that libcurl may answer.
    package mutating func challengeArrived(_ head: HeaderBlock, _ actions: inout ExchangeActions) {
        announce(head, &actions)
        wire = .challenged
    }

    /// The final head of the transfer came.
    package mutating func headArrived(
        _ head: HeaderBlock,
        _ disposition: HeadDisposition,
        _ actions: inout ExchangeActions
    ) {
        // That of a challenge which libcurl has no answer to was announced before.
        if case .challenged = wire { wait(for: .receive, &actions) } else { announce(head, &actions) }
        // From 300 on libcurl stops sending: the server has decided without the rest of the body.
        if head.status >= 300 { endUpload(nil, &actions) }
        switch disposition {
        case .deliver: deliver(&actions)
        case .upgrade: upgraded(&actions)
        case .giveUp(let refused):
            actions.emit(refused.event)
            deliver(&actions)
        case .follow(let url): follow(url, &actions)
        case .askForCredentials:
            wire = .asking(isTransferOver: false)
            if receive == .pending { actions.append(.askForCredentials) }
        case .askDecider(let url):
            wire = .deciding(url: url, end: nil)
            actions.append(.askDecider)
        case .retry(let retry):
            wire = .discarding(retry)
            actions.append(.discardBody)
        case .refuse(let error):
            actions.append(.abandonTransfer)
            transferFailed(error, [], nil, &actions)
        }
    }

    private mutating func announce(_ head: HeaderBlock, _ actions: inout ExchangeActions) {
        wait(for: .receive, &actions)
        if case .sending = wire {
            // The server answers before it has the whole request.
            completeSend(&actions)
            actions.emit(.receivingResponse)
        }
        actions.emit(.responseReceived(status: head.httpStatus, bytes: head.bytes.count))
    }

    /// The exchange is over with the head. The time of what comes now is not its own, and there is no body.
    private mutating func upgraded(_ actions: inout ExchangeActions) {
        deliver(&actions)
        wire = .finished
        stopWaiting(&actions)
        actions.append(.endBody(nil))
    }

    mutating func deliver(_ actions: inout ExchangeActions) {
        wire = .responding
        if receive == .pending { completeReceive(&actions) }
    }

    mutating func follow(_ url: String, _ actions: inout ExchangeActions) {
        wire = .redirecting(url: url)
        // A streamed body cannot be sent again: whatever the next hop sends is known.
        upload = .upFront
        actions.append(.discardBody)
        if receive == .pending { actions.emit(.redirect(url: url)) }
    }
}
