import HTTPHandlesCore
import HTTPHandlesDriver

/// The object of a `WebSocketHandle`. What happens goes into its state machine; here the actions are carried out that the
/// machine answers with.
final class WebSocketObject: SocketObject {
    /// How a receive ends, if it does not fail.
    enum Received: Sendable {
        case piece(WebSocketPiece)
        case closed
    }

    /// Those that a reader can take without this object.
    let readyMessages = ReadyMessages()

    // Exclusive access to these is not checked at run time: what is called while they change is in Core, and calls nothing
    // here.
    @safe @exclusivity(unchecked) private var machine: WebSocketStateMachine
    /// That of the driver.
    @safe @exclusivity(unchecked) private var random: RandomPool
    /// What `takeOutput` has led to, from inside libcurl.
    @safe @exclusivity(unchecked) private var recorded = WebSocketActions()
    /// A list whose memory is used again.
    @safe @exclusivity(unchecked) private var spare = WebSocketActions()
    @safe @exclusivity(unchecked) private var timers: [WebSocketTimer: MonotonicTime] = [:]

    // The pending operations.
    @safe @exclusivity(unchecked) private var receiver: OperationContinuation<Received>?
    @safe @exclusivity(unchecked) private var waiters: [WebSocketOperation: OperationContinuation<Void>] = [:]
    private var measurers: [WebSocketOperation: OperationContinuation<Duration>] = [:]
    #if TELEMETRY
    /// Messages may be reported after the end of the connection.
    private var origin: Origin?
    #endif

    init(
        _ base: consuming HandleBase,
        _ upgraded: UpgradedConnection,
        _ settings: WebSocketSettings,
        _ random: RandomPool,
        at now: MonotonicTime
    ) {
        self.random = random
        let compression = upgraded.agreement.deflate.map { WebSocketCompression($0) }
        machine = WebSocketStateMachine(settings, compression, at: now)
        super.init(base, upgraded)
    }

    override var options: OptionSnapshot {
        didSet {
            guard options.values.webSocket != oldValue.values.webSocket else { return }
            machine.timesChanged(options.values.webSocket)
            // The engine can be reached in a command only.
            driver.submit { [object = DriverBound(self)] engine in
                object.value.advance(engine) { $0.timersChanged(at: engine.now, &$1) }
            }
        }
    }

    // MARK: Calls

    func receive(whole: Bool, _ engine: TransferEngine, _ continuation: OperationContinuation<Received>) {
        advance(engine) { machine, actions in
            switch machine.receiveRequested(whole: whole, at: engine.now, &actions) {
            case .accepted: receiver = continuation
            case .refused(let failure): refuse(failure, .receiveMessage, continuation, engine)
            }
        }
    }

    /// A reader has taken messages on its own thread.
    func messagesWereRead(_ engine: TransferEngine) {
        advance(engine) { $0.messagesRead(at: engine.now, &$1) }
    }

    /// - Parameter sender: Whose message it is; `nil` for one that is whole.
    func send(
        _ piece: WebSocketPiece,
        of sender: Int?,
        _ engine: TransferEngine,
        _ continuation: OperationContinuation<Void>
    ) {
        let number = nextNumber()
        begin(.send(number), engine, continuation) { machine, actions in
            machine.sendRequested(number, piece, of: sender ?? number, &actions)
        }
    }

    /// Sends whole messages. Only the last has a waiter: what lets one before it fail lets the last fail, too.
    func send(
        _ messages: ArraySlice<WebSocketPiece>,
        then last: WebSocketPiece,
        _ engine: TransferEngine,
        _ continuation: OperationContinuation<Void>
    ) {
        advance(engine) { machine, actions in
            for message in messages {
                let number = nextNumber()
                _ = machine.sendRequested(number, message, of: number, &actions)
            }
        }
        send(last, of: nil, engine, continuation)
    }

    /// The rest of a message does not come.
    func abandonMessage(of sender: Int, _ engine: TransferEngine) {
        advance(engine) { $0.messageAbandoned(by: sender, at: engine.now, &$1) }
    }

    func ping(_ payload: [UInt8], _ engine: TransferEngine, _ continuation: OperationContinuation<Void>) {
        let number = nextNumber()
        begin(.ping(number), engine, continuation) { $0.pingRequested(number, payload, &$1) }
    }

    func roundTrip(_ engine: TransferEngine, _ continuation: OperationContinuation<Duration>) {
        let number = nextNumber()
        advance(engine) { machine, actions in
            switch machine.roundTripRequested(number, at: engine.now, &actions) {
            case .accepted: measurers[.roundTrip(number)] = continuation
            case .refused(let failure): refuse(failure, .ping, continuation, engine)
            }
        }
    }

    func shutdown(_ status: WebSocketCloseStatus, _ engine: TransferEngine, _ continuation: OperationContinuation<Void>)
    {
        begin(.shutdown, engine, continuation) { $0.shutdownRequested(status, &$1) }
    }

    func finish(_ status: WebSocketCloseStatus, _ engine: TransferEngine, _ continuation: OperationContinuation<Void>) {
        begin(.finish, engine, continuation) { $0.finishRequested(status, at: engine.now, &$1) }
    }

    /// That of the server.
    func closeStatus() throws(HandleError) -> WebSocketCloseStatus {
        try base.requireOpen(.queryCloseStatus)
        guard let status = machine.closeStatus else {
            throw .wrongState(.queryCloseStatus, "the server has not closed the socket")
        }
        return status
    }

    private func begin(
        _ operation: WebSocketOperation,
        _ engine: TransferEngine,
        _ continuation: OperationContinuation<Void>,
        _ ask: (inout WebSocketStateMachine, inout WebSocketActions) -> WebSocketAnswer
    ) {
        advance(engine) { machine, actions in
            switch ask(&machine, &actions) {
            case .accepted: waiters[operation] = continuation
            case .refused(let failure): refuse(failure, operation.handleOperation, continuation, engine)
            }
        }
    }

    private func refuse<Success>(
        _ failure: WebSocketFailure,
        _ operation: HandleOperation,
        _ continuation: OperationContinuation<Success>,
        _ engine: TransferEngine
    ) {
        continuation.resume(returning: .failure(failure.error(in: operation)), engine)
    }

    // MARK: The connection

    override func started(_ engine: TransferEngine) {
        #if TELEMETRY
        if let connection { origin = upgraded.telemetry?.connections.origin(of: connection) }
        #endif
        advance(engine) { $0.begin(at: engine.now, &$1) }
    }

    override func received(_ bytes: [UInt8], _ engine: TransferEngine) {
        advance(engine) { $0.received(bytes[...], at: engine.now, &$1) }
    }

    override func transferEnded(_ error: HandleError?, _ engine: TransferEngine) {
        advance(engine) { machine, actions in
            if let error {
                machine.transferFailed(error, at: engine.now, &actions)
            } else {
                machine.inputEnded(at: engine.now, &actions)
            }
        }
    }

    override func takeOutput(upTo limit: Int, at now: MonotonicTime) -> [UInt8] {
        recorded.isHeard = base.tree.isHeard
        return machine.takeOutput(upTo: limit, at: now, using: &random, &recorded)
    }

    override func outputTaken(_ engine: TransferEngine) {
        guard !recorded.isEmpty else { return }
        var actions = takeList()
        swap(&actions, &recorded)
        carryOut(&actions, engine)
    }

    override func timersDue(_ engine: TransferEngine) -> MonotonicTime? {
        for timer in WebSocketTimer.allCases {
            guard let time = timers[timer], time <= engine.now else { continue }
            timers[timer] = nil
            advance(engine) { $0.timerFired(timer, at: engine.now, &$1) }
        }
        return timers.values.min()
    }

    override func endAll(_ engine: TransferEngine) {
        advance(engine) { $0.closed(&$1) }
    }

    // MARK: Actions

    private func advance(
        _ engine: TransferEngine,
        _ tell: (inout WebSocketStateMachine, inout WebSocketActions) -> Void
    ) {
        // First, because it was first.
        outputTaken(engine)
        takeBackMessages()
        var actions = takeList()
        tell(&machine, &actions)
        carryOut(&actions, engine)
        if let messages = machine.lendMessages() { readyMessages.lend(messages) }
    }

    private func takeBackMessages() {
        guard machine.hasLentMessages, let (lent, reads) = readyMessages.takeBack() else { return }
        machine.takeBack(lent)
        for read in reads { tell(.readComplete(bytes: read.bytes, kind: read.kind)) }
    }

    private func tell(_ event: WebSocketEvent) {
        emit(event.kind)
        #if TELEMETRY
        switch event {
        case .readComplete(let bytes, let kind): upgraded.telemetry?.moved(bytes, kind, isSent: false, origin)
        case .writeComplete(let bytes, let kind): upgraded.telemetry?.moved(bytes, kind, isSent: true, origin)
        default: break
        }
        #endif
    }

    private func takeList() -> WebSocketActions {
        var list = WebSocketActions()
        swap(&list, &spare)
        list.isHeard = base.tree.isHeard
        return list
    }

    private func carryOut(_ actions: inout WebSocketActions, _ engine: TransferEngine) {
        skipEvents(actions.takeUnheardEvents())
        actions.carryOut { action in
            switch action {
            case .emit(let event): tell(event)
            case .deliver(let piece): receiver.take()?.resume(returning: .success(.piece(piece)), engine)
            case .deliverClose: receiver.take()?.resume(returning: .success(.closed), engine)
            case .succeed(let operation):
                waiters.removeValue(forKey: operation)?.resume(returning: .success(()), engine)
            case .measured(let operation, let time):
                measurers.removeValue(forKey: operation)?.resume(returning: .success(time), engine)
            case .fail(let operation, let failure): fail(operation, failure, engine)
            case .resumeWriting: upgraded.resumeWriting()
            case .pauseReading: upgraded.holdReading()
            case .resumeReading: upgraded.resumeReading()
            case .decodeLater:
                driver.submit { [object = DriverBound(self)] engine in
                    object.value.advance(engine) { $0.decodeDue(at: engine.now, &$1) }
                }
            case .setTimer(let timer, let time):
                timers[timer] = time
                upgraded.setAlarm(at: time, engine)
            case .stopTimer(let timer): timers[timer] = nil
            case .disconnect: upgraded.release(engine)
            // `close` does that.
            case .endHandle: break
            }
        }
        swap(&actions, &spare)
    }

    private func fail(_ operation: WebSocketOperation, _ failure: WebSocketFailure, _ engine: TransferEngine) {
        let error = failure.error(in: operation.handleOperation)
        switch operation {
        case .receive: receiver.take()?.resume(returning: .failure(error), engine)
        case .roundTrip: measurers.removeValue(forKey: operation)?.resume(returning: .failure(error), engine)
        default: waiters.removeValue(forKey: operation)?.resume(returning: .failure(error), engine)
        }
    }
}

extension WebSocketOperation {
    var handleOperation: HandleOperation {
        switch self {
        case .receive: .receiveMessage
        case .send: .sendMessage
        case .ping, .roundTrip: .ping
        case .shutdown: .shutdown
        case .finish: .finish
        }
    }
}

extension WebSocketEvent {
    var kind: StatusEvent.Kind {
        switch self {
        case .readComplete(let bytes, let kind): .webSocketReadComplete(bytes: bytes, kind: kind)
        case .closeReceived(let status): .webSocketCloseReceived(status)
        case .writeComplete(let bytes, let kind): .webSocketWriteComplete(bytes: bytes, kind: kind)
        case .shutdownComplete: .shutdownComplete
        case .closeComplete: .closeComplete
        case .requestError(let operation, let failure): .requestError(failure.error(in: operation.handleOperation))
        case .socketFailed(let failure): .socketFailed(failure.error(in: .receiveMessage))
        }
    }
}
