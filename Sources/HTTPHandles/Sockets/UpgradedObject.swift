import HTTPHandlesCore
import HTTPHandlesDriver

/// The object of an `UpgradedHandle`.
final class UpgradedObject: SocketObject {
    private var machine: UpgradedStateMachine
    /// What `takeOutput` has led to, from inside libcurl.
    private var recorded = UpgradedActions()
    /// The sending direction is to be ended when libcurl has no more bytes.
    private var endsSending = false

    // The pending operations.
    private var reader: OperationContinuation<[UInt8]>?
    private var waiters: [UpgradedOperation: OperationContinuation<Void>] = [:]

    init(_ base: consuming HandleBase, _ upgraded: UpgradedConnection, _ marks: BufferMarks) {
        machine = UpgradedStateMachine(marks)
        super.init(base, upgraded)
    }

    // MARK: Calls

    func read(upTo limit: Int, _ engine: TransferEngine, _ continuation: OperationContinuation<[UInt8]>) {
        advance(engine) { machine, actions in
            switch machine.readRequested(upTo: limit, &actions) {
            case .accepted: reader = continuation
            case .refused(let error): continuation.resume(returning: .failure(error), engine)
            }
        }
    }

    func write(_ bytes: [UInt8], _ engine: TransferEngine, _ continuation: OperationContinuation<Void>) {
        let number = nextNumber()
        begin(.write(number), engine, continuation) { $0.writeRequested(number, bytes, &$1) }
    }

    func shutdown(_ engine: TransferEngine, _ continuation: OperationContinuation<Void>) {
        guard upgraded.canEndSending else {
            let reason = "libcurl cannot end one direction of TLS that is inside of the TLS of a proxy"
            let error = HandleError(.notSupported, .shutdown, reason: reason)
            return continuation.resume(returning: .failure(error), engine)
        }
        begin(.shutdown, engine, continuation) { $0.shutdownRequested(&$1) }
    }

    private func begin(
        _ operation: UpgradedOperation,
        _ engine: TransferEngine,
        _ continuation: OperationContinuation<Void>,
        _ ask: (inout UpgradedStateMachine, inout UpgradedActions) -> UpgradedAnswer
    ) {
        advance(engine) { machine, actions in
            switch ask(&machine, &actions) {
            case .accepted: waiters[operation] = continuation
            case .refused(let error): continuation.resume(returning: .failure(error), engine)
            }
        }
    }

    // MARK: The connection

    override func received(_ bytes: [UInt8], _ engine: TransferEngine) {
        advance(engine) { $0.received(bytes, &$1) }
    }

    override func transferEnded(_ error: HandleError?, _ engine: TransferEngine) {
        endsSending = false
        advance(engine) { $0.transferEnded(error?.seen(by: .readData), &$1) }
    }

    override func takeOutput(upTo limit: Int, at now: MonotonicTime) -> [UInt8] {
        machine.takeOutput(upTo: limit, &recorded)
    }

    override func outputTaken(_ engine: TransferEngine) {
        var actions = UpgradedActions()
        swap(&actions, &recorded)
        carryOut(&actions, engine)
        if endsSending { endSending(engine) }
    }

    override func endAll(_ engine: TransferEngine) {
        advance(engine) { $0.closed(&$1) }
    }

    /// At once, or after the next bytes that libcurl could send. Returns whether to look again in a moment.
    @discardableResult
    private func endSending(_ engine: TransferEngine) -> Bool {
        let end = upgraded.endSending()
        endsSending = end != .done
        guard endsSending else {
            advance(engine) { $0.sendingEnded(&$1) }
            return false
        }
        guard end == .noRoom else { return false }
        upgraded.setAlarm(at: engine.now + Self.moment, engine)
        return true
    }

    /// A server that reads makes room in about that time.
    private static let moment = Duration.milliseconds(20)

    override func timersDue(_ engine: TransferEngine) -> MonotonicTime? {
        endsSending && endSending(engine) ? engine.now + Self.moment : nil
    }

    // MARK: Actions

    private func advance(
        _ engine: TransferEngine,
        _ tell: (inout UpgradedStateMachine, inout UpgradedActions) -> Void
    ) {
        // First, because it was first.
        if !recorded.list.isEmpty { outputTaken(engine) }
        var actions = UpgradedActions()
        tell(&machine, &actions)
        carryOut(&actions, engine)
    }

    private func carryOut(_ actions: inout UpgradedActions, _ engine: TransferEngine) {
        actions.carryOut { action in
            switch action {
            case .emit(let kind): emit(kind)
            case .deliver(let bytes): reader.take()?.resume(returning: .success(bytes), engine)
            case .succeed(let operation):
                waiters.removeValue(forKey: operation)?.resume(returning: .success(()), engine)
            case .fail(.read, let error): reader.take()?.resume(returning: .failure(error), engine)
            case .fail(let operation, let error):
                waiters.removeValue(forKey: operation)?.resume(returning: .failure(error), engine)
            case .resumeWriting: upgraded.resumeWriting()
            case .endSending: endSending(engine)
            case .pauseReading: upgraded.holdReading()
            case .resumeReading: upgraded.resumeReading()
            case .disconnect: upgraded.release(engine)
            }
        }
    }
}
