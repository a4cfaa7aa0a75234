import HTTPHandlesCore
import HTTPHandlesDriver
import HTTPHandlesLock

/// One exchange of a request handle: from `send`, over redirects, retries and credentials, to the end of the response.
///
/// It is made whole, with the options of that moment, and dropped whole, when the handle sends again or is closed; nothing
/// in it is ever reset. What happens goes into its state machine; here the actions are carried out that the machine answers
/// with.
///
/// Calls come as commands on the driver's thread, reports from the driver outside of libcurl's callbacks. Neither ever comes
/// while another is being handled.
final class Exchange: DriverResident {
    /// Has this exchange until it drops it, so that each keeps the other only until then.
    let handle: any ExchangeHandle
    let resources: ExchangeResources
    /// What only the origin of a hop may see is in `request.options`.
    let options: OptionSnapshot
    /// The time limits count from here.
    let startTime: MonotonicTime
    /// Where the request went first.
    let origin: Origin

    // Exclusive access to these is not checked at run time, which costs as much as what they do: what is called while they
    // change is in Core, and calls nothing here.
    @safe @exclusivity(unchecked) var machine: ExchangeStateMachine
    /// The pending operations.
    @safe @exclusivity(unchecked) var sender: OperationContinuation<Void>?
    @safe @exclusivity(unchecked) var receiver: OperationContinuation<ResponseHead>?

    /// What the present transfer sends, or the next one if there is none.
    @safe @exclusivity(unchecked) var request: TransferRequest
    @safe @exclusivity(unchecked) var transfer: Transfer?
    @safe @exclusivity(unchecked) var slot = Slot.none
    @safe @exclusivity(unchecked) var deadlines: ExchangeDeadlines?

    @safe @exclusivity(unchecked) var head: ResponseHead?
    @safe @exclusivity(unchecked) var decoder: BodyDecoder?

    /// What the next transfer sends, after a redirect or with credentials, until the one before it is over.
    @safe @exclusivity(unchecked) var nextHop: TransferRequest?
    @safe @exclusivity(unchecked) var proxySearch = ProxySearch()
    var alternative = AlternativeUse()
    /// After a 101 that was asked for.
    @safe @exclusivity(unchecked) var upgraded: UpgradedExchange?
    /// How many redirects were followed.
    var redirects = 0
    var attempts: Attempts
    /// The handle's credentials, as far as the exchange knows.
    var knownCredentials: Credentials?
    /// How often the caller's provider was asked for credentials.
    var credentialQuestions = 0
    /// How often for a proxy.
    var proxyQuestions = 0
    /// What `machine.awaited` waits for.
    @safe @exclusivity(unchecked) var question: OpenQuestion
    /// What a transfer that connects waits for. The machine has no part in it.
    @safe @exclusivity(unchecked) var certificateQuestion: OpenQuestion
    #if TELEMETRY
    /// `nil` where the session has none.
    var telemetry: ExchangeTelemetry?
    #endif

    /// Checks what is to be sent. Nothing happens before `begin`.
    ///
    /// - Parameters:
    ///   - caller: The task on whose behalf the caller's code runs.
    ///   - thenReceive: Whether `receiveResponse` is to begin as soon as `send` is done.
    init(
        of handle: any ExchangeHandle,
        _ message: RequestMessage,
        _ body: TransferRequest.Body,
        _ options: OptionSnapshot,
        _ resources: ExchangeResources,
        for caller: Caller,
        thenReceive: Bool,
        at now: MonotonicTime
    ) throws(HandleError) {
        if let length = body.length, length < 0 {
            throw .invalidParameter(.sendRequest, "the length of a body must be at least 0, but is \(length)")
        }
        let whole = options.hasDefaults ? message.withDefaults(options.values) : message
        let message = whole.resolved(options.values).upgraded(options.values, resources)
        let framed = try message.framed(
            length: body.length,
            hasTrailers: body.hasTrailers,
            contentType: body.contentType
        )
        self.handle = handle
        self.options = options
        self.resources = resources
        startTime = now
        origin = message.url.origin
        machine = ExchangeStateMachine(body.isStreamed ? .streamed : .upFront, thenReceive: thenReceive)
        request = TransferRequest(framed, body, options)
        attempts = Attempts(options.values.retryPolicy)
        knownCredentials = options.values.credentials
        question = OpenQuestion(for: caller.task)
        certificateQuestion = OpenQuestion(for: caller.task)
    }

    var driver: Driver { handle.driver }

    /// What is known of the exchange.
    var facts: ExchangeFacts {
        var facts = transfer?.facts ?? upgraded?.facts ?? ExchangeFacts()
        if options.values.retryPolicy != nil { facts.retrySummary = attempts.summary }
        return facts
    }

    // MARK: Calls

    func begin(for caller: Caller, _ engine: TransferEngine) {
        beginTelemetry(for: caller, engine)
        resources.retryBalance.deposit(options.values.retryPolicy?.budget)
        openUpload()
        advance(engine) { $0.begin(&$1) }
    }

    func receiveResponse(_ engine: TransferEngine, _ continuation: OperationContinuation<ResponseHead>) {
        advance(engine) { machine, actions in
            switch machine.receiveRequested(&actions) {
            case .accepted: receiver = continuation
            case .refused(let error): continuation.resume(returning: .failure(error), engine)
            }
        }
    }

    /// The handle was closed: pending operations fail, both bodies end, and nothing is left in libcurl.
    func close(_ engine: TransferEngine) {
        advance(engine) { $0.closed(&$1) }
        releaseTransfer(engine)
    }

    /// The request is sent again: another exchange takes the place of this one.
    func end(_ engine: TransferEngine) {
        abandonUpload(engine)
        advance(engine) { $0.replaced(&$1) }
        releaseTransfer(engine)
    }

    /// The driver has failed. The next attempt, or hop, finds that out.
    func engineFailed(_ engine: TransferEngine) {
        switch machine.awaited {
        case .pause: retryIsDue(engine)
        case .decision: decided(.follow, engine)
        case .proxy: chosen(.success([.direct]), engine)
        case .credentials, nil: break
        }
    }

    // MARK: Actions

    /// Tells the machine of something, and carries out its answer.
    @inline(__always)
    func advance(
        _ engine: TransferEngine,
        _ tell: (inout ExchangeStateMachine, inout ExchangeActions) -> Void
    ) {
        var actions = takeActionList()
        tell(&machine, &actions)
        carryOut(&actions, engine)
    }

    func takeActionList() -> ExchangeActions {
        resources.takeActionList(isHeard: handle.isHeard)
    }

    func carryOut(_ actions: inout ExchangeActions, _ engine: TransferEngine) {
        handle.skipEvents(actions.unheardEvents)
        beginRecording()
        actions.carryOut { action in
            record(action, engine)
            switch action {
            case .emit(let kind): handle.emit(kind)
            case .useConnection(let connection): handle.connection = connection
            case .startTransfer: startTransfer(engine)
            case .abandonTransfer: releaseTransfer(engine)
            case .releaseConnection: releaseSlot(engine)
            case .discardBody: transfer?.discardBody(budget: options.values.maximumDrainSize)
            case .wait(let phase): wait(for: phase, engine)
            case .waitForCaller: deadlines?.pause()
            case .stopWaiting: deadlines = nil
            case .waitForRetry(let delay): waitForRetry(delay)
            case .askForCredentials: askForCredentials(engine)
            case .askDecider: askDecider(engine)
            case .succeed(.sendRequest): sender.take()?.resume(returning: .success(()), engine)
            case .succeed: deliverHead(engine)
            case .fail(let error): fail(error, engine)
            case .endUpload(let error): endUpload(error, engine)
            case .endBody(let error): endBody(error, engine)
            case .closeBodies: closeBodies(engine)
            }
        }
        resources.returnActionList(&actions)
        endRecording(engine)
        if question.isOpen, machine.awaited == nil, transfer?.awaitsAddresses != true { question.cancel() }
        setAlarm(engine)
        resources.grantSlots(engine)
    }

    private func fail(_ error: HandleError, _ engine: TransferEngine) {
        if error.operation == .sendRequest, let sender = sender.take() {
            sender.resume(returning: .failure(error), engine)
        } else {
            receiver.take()?.resume(returning: .failure(error), engine)
        }
    }

    // MARK: The transfer

    private func startTransfer(_ engine: TransferEngine) {
        releaseTransfer(engine)
        handle.connection = nil
        if let next = nextHop.take() { request = next }
        if options.proxyUse != .never, !findRoute(engine) { return }
        if takeSlot(engine) { beginTransfer(engine) }
    }

    /// Begins what `startTransfer` has prepared; there is a slot for it.
    func beginTransfer(_ engine: TransferEngine) {
        startBody()
        handle.changeReceived { $0 = ReceivedFields(hops: redirects == 0 ? [] : $0.hops) }
        do {
            let request = options.values.usesAlternativeServices ? requestAtAlternative() : request
            transfer = try engine.start(traced(request, engine), download: handle.download, delegate: self)
        } catch {
            transferFailed(error, engine)
        }
    }

    /// The transfer could not begin, or a time limit ran out.
    func transferFailed(_ error: HandleError, _ engine: TransferEngine) {
        var actions = takeActionList()
        if !goesOn(after: error, [], &actions) {
            let decision = machine.mayRetry ? retry(after: error) : nil
            machine.transferFailed(error, [], decision, &actions)
        }
        carryOut(&actions, engine)
    }

    /// Takes the transfer out of libcurl or out of the queue, or gives up what libcurl still knows of it.
    func releaseTransfer(_ engine: TransferEngine) {
        if let progress { handle.progressed(progress) }
        if certificateQuestion.isOpen { certificateQuestion.cancel() }
        transfer?.release()
        transfer = nil
        request.body.stop()
        releaseSlot(engine)
        endChoosing(engine)
    }

    /// How far the bodies have come; `nil` while there is no transfer.
    var progress: TransferProgress? {
        guard let transfer else { return nil }
        return TransferProgress(
            sent: Int64(transfer.bodyBytesTaken),
            expectedToSend: request.body.length,
            received: Int64(transfer.bodyBytesArrived),
            expectedToReceive: transfer.announcedBodyLength
        )
    }
}
