import HTTPHandlesCore
import HTTPHandlesDriver
import HTTPHandlesLock

// What comes from the transfer on its way to the caller: reports, heads, the body.

extension Exchange: TransferDelegate {
    func transfer(_ transfer: Transfer, reported reports: [TransferReport], _ engine: TransferEngine) {
        guard transfer === self.transfer else { return }
        var actions = takeActionList()
        for report in reports { take(report, &actions, engine) }
        if handle.isProgressWatched, let progress { handle.progressed(progress) }
        carryOut(&actions, engine)
    }

    private func take(_ report: TransferReport, _ actions: inout ExchangeActions, _ engine: TransferEngine) {
        switch report {
        case .milestone(let milestone):
            if case .sending = milestone { learnSharing() }
            machine.reached(milestone, &actions)
        case .addressesNeeded(let host): askForAddresses(of: host)
        case .informational(let head):
            // As many as fit into the largest head that is allowed: the limit is on all heads together.
            handle.changeReceived { $0.informational.append(ResponseHead(head, url: request.message.url.text)) }
            machine.informationalArrived(head, &actions)
        case .challenge(let head):
            learnVersion(of: head)
            machine.challengeArrived(head, &actions)
        case .head(let head):
            learnVersion(of: head)
            if options.values.usesStrictTransport { learnStrictTransport(of: head) }
            if options.values.usesAlternativeServices { learnAlternatives(of: head) }
            let disposition = disposition(of: head)
            machine.headArrived(head, disposition, &actions)
            if head.status >= 300 { endSource(engine) } else if request.body.isStreamed { endBodyEarly() }
        case .trailers(let fields): handle.changeReceived { $0.trailers = fields.fields() }
        case .certificateQuestion(let certificate): askForVerdict(certificate, engine)
        case .finished:
            upgradedEnded(.finished)
            machine.transferEnded(&actions)
        case .failed(let error, let secureFailure):
            upgradedEnded(.failed(error))
            if goesOn(after: error, secureFailure, &actions) { return }
            let decision = machine.mayRetry ? retry(after: error) : nil
            machine.transferFailed(error, secureFailure, decision, &actions)
        }
    }

    // MARK: Heads

    /// Decides what becomes of a final head, and carries it out as far as the machine has no part in it.
    private func disposition(of head: HeaderBlock) -> HeadDisposition {
        if head.status == 101, options.asksForUpgrade { return dispositionOfUpgrade(head) }
        let context = HeadContext(
            message: request.message,
            isBodyStreamed: request.body.isStreamed,
            options: options,
            redirects: redirects,
            credentialQuestions: credentialQuestions,
            proxyQuestions: request.isForwarded ? proxyQuestions : nil
        )
        let decision = HeadDecision(head, context) {
            $0.fields().bytes(of: .location)
        } resolve: { reference, base throws(HandleError) in
            let isWebSocket = request.body.upgrade?.value.upgrade.isWebSocket == true
            let reference = isWebSocket ? UpgradeRequest.httpReference(reference) : reference
            let url = try RequestURL(reference, relativeTo: base, for: .receiveResponse)
            return options.values.usesStrictTransport ? resources.strictTransport.upgraded(url, at: CurlDate.now) : url
        }
        switch decision {
        case .deliver:
            keep(head)
            return .deliver
        case .askForCredentials:
            keep(head)
            return .askForCredentials
        case .follow(let next):
            keepHop(ResponseHead(head, url: request.message.url.text))
            return .follow(url: redirect(next))
        case .askDecider(let next):
            // First, because a redirect is a hop whatever is decided.
            let url = redirect(next)
            keep(head)
            return .askDecider(url: url)
        case .retry(let policy):
            switch retry(after: head, policy) {
            case .again(let retry): return .retry(retry)
            case .refused(let refused):
                keep(head)
                return .giveUp(refused)
            }
        case .refuse(let error): return .refuse(error)
        }
    }

    /// Keeps a head that may be the caller's.
    func keep(_ block: HeaderBlock) {
        let head = ResponseHead(block, url: request.message.url.text)
        self.head = head
        handle.changeReceived { $0.head = head }
        if redirects > 0 { keepHop(head) }
        decoder = transfer?.isCoded == true ? BodyDecoder(of: block, to: request, startTime) : nil
    }

    /// `receiveResponse` is done.
    func deliverHead(_ engine: TransferEngine) {
        handle.download.open(decoder)
        if let head { receiver.take()?.resume(returning: .success(head), engine) }
    }

    // MARK: The body

    func transferMovedBody(_ transfer: Transfer, _ engine: TransferEngine) {
        guard transfer === self.transfer else { return }
        if handle.isProgressWatched, let progress { handle.progressed(progress) }
        if request.body.isStreamed { endBodyEarly() }
        wakeReader(engine)
        wakeProducer(engine)
    }

    /// The reader has taken something on its own thread.
    func bodyWasRead(_ engine: TransferEngine, mustResume: Bool) {
        reportReads()
        if mustResume { resumeReceiving(engine) }
    }

    func endBody(_ error: HandleError?, _ engine: TransferEngine) {
        handle.download.end(error)
        wakeReader(engine)
    }

    /// Ends a body that is complete although the caller has not written the whole request, which it may do only when it has
    /// read to the end. libcurl reports the end of both.
    private func endBodyEarly() {
        guard let transfer, request.body.upload?.isOpen == true, transfer.isBodyComplete else { return }
        if let trailers = transfer.trailerFields { handle.changeReceived { $0.trailers = trailers } }
        handle.download.end(nil)
    }

    private func wakeReader(_ engine: TransferEngine) {
        if let delivery = handle.download.takeWaiter() { pass(delivery, engine) }
    }

    private func pass(_ delivery: DownloadBuffer.Delivery, _ engine: TransferEngine) {
        reportReads()
        if delivery.mustResume { resumeReceiving(engine) }
        delivery.resume(delivery.outcome)
    }

    private func resumeReceiving(_ engine: TransferEngine) {
        resumeWaiting(engine)
        transfer?.resumeReceiving()
    }

    private func reportReads() {
        handle.report(handle.download.takeReports())
    }

    /// Both bodies end with the handle.
    func closeBodies(_ engine: TransferEngine) {
        closeUpload(engine)
        let delivery = handle.download.close()
        reportReads()
        if let delivery { pass(delivery, engine) }
    }
}

extension ExchangeHandle {
    /// Tells the listeners of reads that ended on the reader's thread.
    func report(_ reads: [DownloadBuffer.Report]) {
        for read in reads {
            switch read {
            case .read(let bytes): emit(.readComplete(bytes: bytes))
            case .available(let bytes): emit(.dataAvailable(bytes: bytes))
            case .failed(let error): emit(.requestError(error))
            }
        }
    }
}

extension BodyDecoder {
    /// What undoes the codings of a response; `nil` if there is nothing to undo, or the caller does not want it undone.
    fileprivate convenience init?(of head: HeaderBlock, to request: TransferRequest, _ start: MonotonicTime) {
        let values = request.options.values
        guard values.decodesContent, request.message.method != .head, head.status != 204, head.status != 304,
            !request.message.knownFields.contains(.acceptEncoding), let codings = ContentCoding.applied(head.fields())
        else { return nil }
        let ratio = values.maximumDecodingRatio
        self.init(codings, maximumRatio: ratio, limits: values.limits, exchangeStart: start)
    }
}
