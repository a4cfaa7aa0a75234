import HTTPHandlesCore
import HTTPHandlesDriver
import HTTPHandlesLock
import HTTPTypes

/// What is behind a `RequestHandle`: it asks the state machine and does what the machine answers.
///
/// Calls come as commands on the driver's thread, milestones from the driver outside of libcurl's callbacks. Neither
/// ever comes while another is being handled.
final class RequestObject: HandleObject {
    let session: SessionObject
    let message: RequestMessage
    /// Also the reader's, on any thread.
    let download = DownloadBuffer()
    /// Also the reader's, on any thread.
    let received = Lock(ReceivedFields())
    // Not checked for exclusive access, which costs as much as what they do: what is called while they change is all in
    // Core, and leads nowhere.
    @safe @exclusivity(unchecked) private(set) var machine = RequestStateMachine()
    @safe @exclusivity(unchecked) var deadlines: ExchangeDeadlines?
    @safe @exclusivity(unchecked) private(set) var transfer: Transfer?
    @safe @exclusivity(unchecked) private(set) var request: TransferRequest?
    @safe @exclusivity(unchecked) private(set) var head: ResponseHead?
    @safe @exclusivity(unchecked) private var decoder: BodyDecoder?
    @safe @exclusivity(unchecked) private var sender: OperationContinuation<Void>?
    @safe @exclusivity(unchecked) private var receiver: OperationContinuation<ResponseHead>?
    @safe @exclusivity(unchecked) var progress = ProgressReport()
    /// The permission to use a connection.
    @safe @exclusivity(unchecked) var slot = Slot.none

    /// What `machine.awaited` waits for.
    @safe @exclusivity(unchecked) var question = OpenQuestion()
    /// How often credentials were asked for in this exchange.
    var credentialQuestions = 0
    /// The next transfer, after a redirect or with credentials, until the body before it is over.
    var nextHop: TransferRequest?
    var redirects = 0
    var attempts = Attempts(nil)
    private(set) var exchangeStart = MonotonicTime(nanoseconds: 0)
    /// The options that the exchange was sent with. Nothing of an exchange reads `options`, which are for the next one; what
    /// only the origin of a hop may see is in `request.options`.
    @safe @exclusivity(unchecked) private(set) var sentOptions = OptionSnapshot.none

    init(_ base: consuming HandleBase, _ message: RequestMessage, of session: SessionObject) {
        self.session = session
        self.message = message
        super.init(base, options: .none)
    }

    var server: Server { Server(host: message.url.origin.host, port: message.url.origin.port) }

    /// What is known of the exchange.
    override var facts: ExchangeFacts {
        var facts = transfer?.facts ?? ExchangeFacts()
        if sentOptions.values.retryPolicy != nil { facts.retrySummary = attempts.summary }
        return facts
    }

    // MARK: Calls

    func send(
        _ body: TransferRequest.Body,
        for caller: CallingTask?,
        _ engine: TransferEngine,
        _ continuation: OperationContinuation<Void>
    ) {
        var actions = takeActionList()
        if let refusal = begin(body, for: caller, engine, thenReceive: false, &actions) {
            continuation.resume(returning: .failure(refusal), engine)
        } else {
            sender = continuation
        }
        run(&actions, engine)
    }

    /// Sends, and receives as soon as that is done.
    func exchange(
        _ body: TransferRequest.Body,
        for caller: CallingTask?,
        _ engine: TransferEngine,
        _ continuation: OperationContinuation<ResponseHead>
    ) {
        var actions = takeActionList()
        if let refusal = begin(body, for: caller, engine, thenReceive: true, &actions) {
            continuation.resume(returning: .failure(refusal), engine)
        } else {
            receiver = continuation
        }
        run(&actions, engine)
    }

    func receiveResponse(_ engine: TransferEngine, _ continuation: OperationContinuation<ResponseHead>) {
        var actions = takeActionList()
        switch machine.receiveRequested(&actions) {
        case .accepted: receiver = continuation
        case .refused(let error): continuation.resume(returning: .failure(error), engine)
        }
        run(&actions, engine)
    }

    override func engineFailed(_ engine: TransferEngine) {
        // The next attempt, or hop, finds out what has happened.
        switch machine.awaited {
        case .pause: retryIsDue(engine)
        case .decision: decided(.follow, engine)
        case .credentials, nil: break
        }
    }

    override func close(_ engine: TransferEngine) {
        var actions = takeActionList()
        machine.closeRequested(&actions)
        run(&actions, engine)
    }

    /// The reader has taken something on his own thread.
    func bodyWasRead(_ engine: TransferEngine, mustResume: Bool) {
        guard !machine.isClosed else { return }
        reportReads()
        if mustResume { resumeReceiving(engine) }
    }

    /// The producer has written something, or everything, on his own thread.
    func bodyWasWritten(_ engine: TransferEngine) {
        resumeWaiting(engine)
        transfer?.resumeSending()
    }

    // MARK: Sending

    /// Returns why not, if the request cannot be sent now.
    private func begin(
        _ body: TransferRequest.Body,
        for caller: CallingTask?,
        _ engine: TransferEngine,
        thenReceive: Bool,
        _ actions: inout RequestStateMachine.Actions
    ) -> HandleError? {
        guard !download.hasReader else { return .wrongState(.sendRequest, "readData is not over yet") }
        if let length = body.length, length < 0 {
            return .invalidParameter(.sendRequest, "a body cannot have \(length) bytes")
        }
        let sent: RequestMessage
        do {
            sent = try message.resolved(options.values).framed(
                length: body.length,
                hasTrailers: body.hasTrailers,
                contentType: body.stored?.contentType
            )
            if body.hasTrailers {
                let versions = options.values.httpVersions
                try TrailerRules.check(versions: versions, isSecure: message.url.isSecure, for: .sendRequest)
            }
        } catch {
            return error
        }
        let upload: RequestStateMachine.Upload = body.isStreamed ? .streamed : .upFront
        if case .refused(let error) = machine.sendRequested(upload, thenReceive: thenReceive, &actions) { return error }
        engine.setDelegate(session)
        question.caller = caller
        exchangeStart = engine.now
        sentOptions = options
        head = nil
        nextHop = nil
        redirects = 0
        credentialQuestions = 0
        let retryPolicy = sentOptions.values.retryPolicy
        attempts = Attempts(retryPolicy)
        session.retryBalance.deposit(retryPolicy?.budget)
        // A read that has just ended on the reader's thread may not have been heard of yet.
        let left = download.reset(sentOptions.values.receiveBuffer)
        report(left.reports)
        if let waiter = left.waiter { pass(waiter, engine) }
        if let delivery = request?.body.upload?.abandon() { pass(delivery, engine) }
        request?.body.stored?.stop()
        if case .stream(let upload, let length, let hasTrailers) = body {
            upload.open(length: length, hasTrailers: hasTrailers, sentOptions.values.sendBuffer)
        }
        request = TransferRequest(sent, body, sentOptions)
        return nil
    }

    /// Credentials that the caller's provider gave to the request's own server are the handle's from now on, unless the
    /// caller has meanwhile set credentials or a provider: that is the later word, and may be about another user.
    func keep(_ credentials: Credentials) {
        let (sent, present) = (sentOptions.values, options.values)
        guard present.credentials == sent.credentials, present.credentialProvider == sent.credentialProvider else {
            return
        }
        options = options.with(credentials)
        sentOptions = sentOptions.with(credentials)
    }

    // MARK: Actions

    private func takeActionList() -> RequestStateMachine.Actions {
        var actions = session.takeActionList()
        actions.begin(isHeard: base.tree.hasListeners)
        return actions
    }

    private func run(_ actions: inout RequestStateMachine.Actions, _ engine: TransferEngine) {
        skipEvents(actions.unheardEvents)
        actions.carryOut { action in
            switch action {
            case .emit(let kind): emit(kind)
            case .startTransfer: startTransfer(engine)
            case .askForCredentials: askForCredentials(engine)
            case .discardBody: transfer?.discardBody(budget: Self.discardedBytes)
            case .abandonTransfer: releaseTransfer(engine)
            case .waitForRetry(let delay): waitForRetry(delay)
            case .succeed(.sendRequest): sender.take()?.resume(returning: .success(()), engine)
            case .succeed:
                download.open(decoder)
                if let head { receiver.take()?.resume(returning: .success(head), engine) }
            case .fail(let error): fail(error, engine)
            case .endUpload(let error): endUpload(error, engine)
            case .endBody(let error): endBody(error, engine)
            case .closeBodies: closeBodies(engine)
            case .finish: finishClosing(engine)
            }
        }
        session.putBack(&actions)
        if question.isOpen, machine.awaited == nil { question.cancel() }
        session.grantSlots(engine)
    }

    private func fail(_ error: HandleError, _ engine: TransferEngine) {
        if error.operation == .sendRequest, let sender = sender.take() {
            sender.resume(returning: .failure(error), engine)
        } else {
            receiver.take()?.resume(returning: .failure(error), engine)
        }
    }

    private func startTransfer(_ engine: TransferEngine) {
        releaseTransfer(engine)
        if let next = nextHop.take() { request = next }
        if takeSlot(engine) { beginTransfer(engine) }
    }

    /// Begins what `startTransfer` has prepared; there is a slot for it.
    func beginTransfer(_ engine: TransferEngine) {
        // `begin` has set it before the machine says to start a transfer, and nothing takes it away.
        guard let request else { preconditionFailure("A transfer is started by send.") }
        request.body.stored?.start { [driver = base.driver, object = DriverBound(self)] in
            driver.submit { object.value.bodyWasWritten($0) }
        }
        do {
            received.withLock { $0 = ReceivedFields(hops: redirects == 0 ? [] : $0.hops) }
            transfer = try engine.start(request, download: download, delegate: self)
            startWaiting(for: .connect, engine)
        } catch {
            reach(.failed(error, []), engine)
        }
    }

    /// Takes the transfer out of libcurl or out of the queue, or gives up what libcurl still knows of it.
    private func releaseTransfer(_ engine: TransferEngine) {
        deadlines = nil
        updateProgress()
        transfer?.release()
        transfer = nil
        request?.body.stored?.stop()
        giveSlotBack(engine)
    }

    private func finishClosing(_ engine: TransferEngine) {
        releaseTransfer(engine)
        question.caller = nil
        progress.end()
        super.close(engine)
    }

    func reach(_ milestone: TransferMilestone, _ engine: TransferEngine) {
        var actions = takeActionList()
        advance(to: milestone, &actions)
        run(&actions, engine)
    }

    private func advance(to milestone: TransferMilestone, _ actions: inout RequestStateMachine.Actions) {
        if case .failed(let error, let secureFailure) = milestone {
            machine.failed(error, secureFailure, machine.mayRetry ? retry(after: error) : nil, &actions)
        } else {
            machine.reached(milestone, &actions)
        }
    }

    func decided(_ decision: RedirectDecision, _ engine: TransferEngine) {
        var actions = takeActionList()
        if decision == .follow {
            transfer?.discardBody(budget: Self.discardedBytes)
        } else {
            nextHop = nil
        }
        machine.decided(decision, &actions)
        run(&actions, engine)
    }

    func retryIsDue(_ engine: TransferEngine) {
        var actions = takeActionList()
        machine.retryDue(&actions)
        run(&actions, engine)
    }

    /// The caller has answered a question, or was cancelled.
    func answered(_ answer: RequestStateMachine.CredentialAnswer, _ engine: TransferEngine) {
        var actions = takeActionList()
        machine.answered(answer, &actions)
        run(&actions, engine)
    }

    // MARK: Bodies

    private func endUpload(_ error: HandleError?, _ engine: TransferEngine) {
        request?.body.upload?.end(error)
        wakeProducer(engine)
        // libcurl does not end a transfer whose upload is paused.
        transfer?.resumeSending()
    }

    private func wakeProducer(_ engine: TransferEngine) {
        if let delivery = request?.body.upload?.takeWaiter() { pass(delivery, engine) }
    }

    private func pass(_ delivery: UploadBuffer.Delivery, _ engine: TransferEngine) {
        if case .failed(let error) = delivery.outcome { emit(.requestError(error)) }
        if delivery.mustResume { bodyWasWritten(engine) }
        delivery.resume(delivery.outcome)
    }

    private func endBody(_ error: HandleError?, _ engine: TransferEngine) {
        // Where the caller is asked for credentials only the limit on everything goes on.
        if machine.awaited == .credentials { deadlines?.pause() } else { deadlines = nil }
        download.end(error)
        wakeReader(engine)
    }

    private func wakeReader(_ engine: TransferEngine) {
        if let delivery = download.takeWaiter() { pass(delivery, engine) }
    }

    private func pass(_ delivery: DownloadBuffer.Delivery, _ engine: TransferEngine) {
        reportReads()
        if delivery.mustResume { resumeReceiving(engine) }
        delivery.resume(delivery.outcome)
    }

    private func closeBodies(_ engine: TransferEngine) {
        if let delivery = request?.body.upload?.close() { pass(delivery, engine) }
        let delivery = download.close()
        reportReads()
        if let delivery { pass(delivery, engine) }
    }

    private func resumeReceiving(_ engine: TransferEngine) {
        resumeWaiting(engine)
        transfer?.resumeReceiving()
    }

    private func reportReads() {
        report(download.takeReports())
    }

    private func report(_ reads: [DownloadBuffer.Report]) {
        for read in reads {
            switch read {
            case .read(let bytes): emit(.readComplete(bytes: bytes))
            case .available(let bytes): emit(.dataAvailable(bytes: bytes))
            case .failed(let error): emit(.requestError(error))
            }
        }
    }
}

// MARK: - What the driver reports

extension RequestObject: TransferDelegate {
    func transfer(_ transfer: Transfer, reached milestones: [TransferMilestone], _ engine: TransferEngine) {
        guard transfer === self.transfer else { return }
        var actions = takeActionList()
        for milestone in milestones {
            noteTime(of: milestone, engine)
            note(milestone)
            switch milestone {
            case .challenge(let block): learnFromHead(block)
            case .head(let block):
                machine.headArrived(block, headArrived(block), &actions)
                continue
            case .finished where machine.awaited == .decision:
                // Only the total limit goes on.
                deadlines?.pause()
                giveSlotBack(engine)
            case .finished, .failed: giveSlotBack(engine)
            default: break
            }
            advance(to: milestone, &actions)
        }
        setAlarm(engine)
        if progress.isWatched { updateProgress() }
        run(&actions, engine)
    }

    /// Decides what becomes of a final head, and prepares it.
    private func headArrived(_ block: HeaderBlock) -> RequestStateMachine.HeadDisposition {
        learnFromHead(block)
        let disposition = disposition(of: block)
        switch disposition {
        case .deliver, .giveUp, .askForCredentials, .askAboutRedirect:
            let head = ResponseHead(block, url: request?.message.url.text ?? "")
            self.head = head
            received.withLock { $0.head = head }
            if redirects > 0 { keepHop(head) }
            decoder = nil
            if let request, let transfer, transfer.isCoded {
                decoder = BodyDecoder(of: block, to: request, exchangeStart)
            }
            if case .askAboutRedirect = disposition { ask(about: block) }
        case .follow:
            keepHop(ResponseHead(block, url: request?.message.url.text ?? ""))
            transfer?.discardBody(budget: Self.discardedBytes)
        case .retry: transfer?.discardBody(budget: Self.discardedBytes)
        case .refuse: break
        }
        return disposition
    }

    func transferMovedBody(_ transfer: Transfer, _ engine: TransferEngine) {
        guard transfer === self.transfer else { return }
        if progress.isWatched { updateProgress() }
        wakeReader(engine)
        wakeProducer(engine)
    }
}

// MARK: - Time limits

extension RequestObject {
    func startWaiting(for phase: TimeoutPhase, _ engine: TransferEngine) {
        deadlines = ExchangeDeadlines(
            limits: sentOptions.limits,
            startedAt: exchangeStart,
            phase: phase,
            since: engine.now
        )
        setAlarm(engine)
    }

    private func setAlarm(_ engine: TransferEngine) {
        if let next = deadlines?.next { transfer?.setAlarm(at: next, engine) }
    }

    private func wait(for phase: TimeoutPhase, _ engine: TransferEngine) {
        deadlines?.wait(for: phase, since: engine.now)
    }

    /// Our own side has moved again.
    private func resumeWaiting(_ engine: TransferEngine) {
        guard deadlines != nil else { return }
        deadlines?.resume(at: engine.now)
        setAlarm(engine)
    }

    private func noteTime(of milestone: TransferMilestone, _ engine: TransferEngine) {
        switch milestone {
        case .resolving: wait(for: .resolve, engine)
        case .resolved: wait(for: .connect, engine)
        // A new connection for the answer to a challenge, or for a request that is sent again.
        case .connecting where deadlines?.phase != .connect: wait(for: .connect, engine)
        case .sending: wait(for: .send, engine)
        case .requestSent where deadlines?.phase == .send: wait(for: .response, engine)
        case .head, .challenge: wait(for: .receive, engine)
        default: break
        }
    }

    func transferAlarm(_ transfer: Transfer, _ engine: TransferEngine) -> MonotonicTime? {
        deadlines?.progressed(at: transfer.lastProgress)
        switch deadlines?.phase {
        case .send where transfer.isSendingPaused, .receive where transfer.isReceivingPaused: deadlines?.pause()
        default: break
        }
        return failIfExpired(engine)
    }

    /// Ends the exchange if one of its limits has run out. Returns when to look again, if at all.
    func failIfExpired(_ engine: TransferEngine) -> MonotonicTime? {
        guard let deadlines, let phase = deadlines.expired(at: engine.now) else { return deadlines?.next }
        if phase == .receive, let transfer, transfer.isBodyComplete {
            // Only the server's taking the request has not come to its end.
            engine.giveUpUpload(of: transfer)
            return nil
        }
        let limit = sentOptions.values.limits[phase]
        releaseTransfer(engine)
        reach(.failed(.timeout(phase, after: limit, .sendRequest), []), engine)
        return nil
    }
}

extension BodyDecoder {
    /// What undoes the codings of a response; `nil` if there is nothing to undo, or nobody wants it undone.
    fileprivate convenience init?(of head: HeaderBlock, to request: TransferRequest, _ start: MonotonicTime) {
        let values = request.options.values
        guard values.decodesContent, request.message.method != .head, head.status != 204, head.status != 304,
            !request.message.headerFields.contains(.acceptEncoding), let codings = ContentCoding.applied(head.fields())
        else { return nil }
        let ratio = values.maximumDecodingRatio
        self.init(codings, maximumRatio: ratio, limits: values.limits, exchangeStart: start)
    }
}
