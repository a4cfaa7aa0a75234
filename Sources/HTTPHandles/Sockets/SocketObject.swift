import HTTPHandlesCore
import HTTPHandlesDriver

/// What the objects of a `WebSocketHandle` and of an `UpgradedHandle` have in common: a connection that is theirs alone,
/// and what it reports. What that means is decided by their state machines.
class SocketObject: HandleObject, TransferDelegate, UpgradedOutput {
    final let upgraded: UpgradedConnection
    private var numbers = 0
    private var session: SessionObject?

    init(_ base: consuming HandleBase, _ upgraded: UpgradedConnection) {
        self.upgraded = upgraded
        super.init(base, options: .none)
    }

    /// The handle is in its tree: what comes from the connection is from now on its own.
    final func begin(
        in session: SessionObject,
        _ options: OptionSnapshot,
        _ connection: ConnectionID?,
        _ engine: TransferEngine
    ) {
        self.session = session
        session.shutdown.upgraded(to: base.id)
        self.options = options
        self.connection = connection
        upgraded.begin(self)
        started(engine)
    }

    /// Tells operations of one kind apart.
    final func nextNumber() -> Int {
        numbers += 1
        return numbers
    }

    // MARK: What a subclass does

    func started(_ engine: TransferEngine) {}
    func received(_ bytes: [UInt8], _ engine: TransferEngine) {}
    /// Actions were recorded in `takeOutput`.
    func outputTaken(_ engine: TransferEngine) {}
    func transferEnded(_ error: HandleError?, _ engine: TransferEngine) {}
    func takeOutput(upTo limit: Int, at now: MonotonicTime) -> [UInt8] { [] }
    /// When the next timer is due, after those that are.
    func timersDue(_ engine: TransferEngine) -> MonotonicTime? { nil }
    /// Pending operations fail.
    func endAll(_ engine: TransferEngine) {}

    // MARK: What the transfer reports

    final func transfer(_ transfer: Transfer, reported reports: [TransferReport], _ engine: TransferEngine) {
        guard upgraded.isOf(transfer) else { return }
        for report in reports {
            switch report {
            case .milestone(.closingConnection): emit(.closingConnection)
            case .milestone(.connectionClosed):
                emit(.connectionClosed)
                #if TELEMETRY
                if let connection { upgraded.telemetry?.closed(connection, at: engine.now) }
                #endif
            case .finished: end(.finished, engine)
            case .failed(let error, _): end(.failed(error), engine)
            default: break
            }
        }
    }

    final func transferMovedBody(_ transfer: Transfer, _ engine: TransferEngine) {
        guard upgraded.isOf(transfer) else { return }
        // First: what comes may be the answer to it.
        outputTaken(engine)
        takeIn(engine)
        if let end = upgraded.stream.end.take() { self.end(end, engine) }
    }

    final func transferAlarm(_ transfer: Transfer, _ engine: TransferEngine) -> MonotonicTime? {
        guard upgraded.isOf(transfer) else { return nil }
        return timersDue(engine)
    }

    private func takeIn(_ engine: TransferEngine) {
        let bytes = upgraded.stream.takeReceived()
        if !bytes.isEmpty { received(bytes, engine) }
        upgraded.readOn()
    }

    private func end(_ end: UpgradedStream.End, _ engine: TransferEngine) {
        outputTaken(engine)
        takeIn(engine)
        switch end {
        case .finished: transferEnded(nil, engine)
        case .failed(let error): transferEnded(error, engine)
        }
        // It is of no more use.
        upgraded.release(engine)
    }

    // MARK: The end

    final override var isInFlight: Bool { !isClosed }

    final override func close(_ engine: TransferEngine) {
        guard !isClosed else { return }
        outputTaken(engine)
        // First: when an operation ends, libcurl has nothing of it any more.
        upgraded.release(engine)
        endAll(engine)
        super.close(engine)
        session?.noteClosed(base.id, engine)
    }
}

// MARK: - Operations

extension DriverBound where Value: SocketObject {
    /// Lets an operation begin, like `RequestHandle.requireUsable`.
    func requireUsable(_ operation: HandleOperation) throws(HandleError) {
        if Task.isCancelled {
            closeIfOpen()
            throw .cancelled(operation)
        }
        try bound.base.requireOpen(operation)
    }

    /// Runs one operation of a socket, like `RequestHandle.perform`.
    @inline(__always)
    nonisolated(nonsending) func perform<Success: Sendable>(
        _ operation: HandleOperation,
        _ begin: (OperationContinuation<Success>) -> @Sendable (TransferEngine) -> Void
    ) async throws(HandleError) -> Success {
        try requireUsable(operation)
        let result = await withTaskCancellationHandler {
            await self.result(of: begin)
        } onCancel: {
            closeIfOpen()
        }
        switch result {
        case .success(let value): return value
        case .failure(let error): throw error.asSeenByTask(operation)
        }
    }
}
