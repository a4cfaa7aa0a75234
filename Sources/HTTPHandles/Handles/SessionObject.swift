import HTTPHandlesCore
import HTTPHandlesDriver
import HTTPHandlesLock

/// The object of a `SessionHandle`.
final class SessionObject: HandleObject, TransferEngineDelegate {
    // Exclusive access to some of these is not checked at run time: see `HandleObject`.
    /// The connection handles that `get` and `fetch` have made, by server.
    @safe @exclusivity(unchecked) private var ownConnections: [Server: ConnectionObject] = [:]
    /// What the exchanges of the session share.
    let exchangeResources: ExchangeResources
    /// The option `baseURL`, for calls on any thread.
    let baseURL: Lock<HTTPURL?>
    @safe @exclusivity(unchecked) var shutdown = ShutdownStateMachine()
    /// The end of the grace period.
    var shutdownAlarm: DeadlineToken?

    init(_ base: consuming HandleBase, options: OptionValues) {
        baseURL = Lock(options.baseURL)
        exchangeResources = ExchangeResources(options.slotLimits, .ofProcess)
        #if TELEMETRY
        exchangeResources.telemetry = base.tree.telemetry.map(SessionTelemetry.init)
        #endif
        super.init(base, options: OptionSnapshot(options))
    }

    // MARK: Connections

    /// The connection handle of requests to a server that were made without one. It belongs to the session: it is made for
    /// the first of them, and closed with the session, or after requests to many other servers.
    func ownConnection(to server: Server, _ engine: TransferEngine) -> ConnectionObject {
        if let connection = ownConnections[server], connection.options === options { return connection }
        if ownConnections.count >= Self.maximumOwnConnections { closeOwnConnections(engine) }
        let base = HandleBase(.connection, in: base.tree, context: base.context)
        let connection = ConnectionObject(base, to: server, of: self)
        ownConnections[server]?.closeOwn(engine)
        ownConnections[server] = connection
        adopt(connection)
        return connection
    }

    /// Opens a request that was made without a connection handle.
    func open(
        _ request: RequestObject,
        _ settings: [OptionSetting],
        _ engine: TransferEngine
    ) -> Result<Void, HandleError> {
        // The request may have been cancelled before this command.
        guard base.isOpen, request.base.isOpen else { return .failure(.closed(.openRequest)) }
        do throws(HandleError) {
            try requireAccepting(.openRequest)
        } catch {
            return .failure(error)
        }
        ownConnection(to: request.server, engine).adopt(request)
        request.apply(settings)
        return .success(())
    }

    private static let maximumOwnConnections = 256

    private func closeOwnConnections(_ engine: TransferEngine) {
        let connections = ownConnections.values.sorted { $0.base.id < $1.base.id }
        ownConnections = [:]
        for connection in connections { connection.closeOwn(engine) }
    }

    override func close(_ engine: TransferEngine) {
        closeOwnConnections(engine)
        super.close(engine)
    }

    /// Closes the session's network connections, whose end may still be reported, before the last event.
    override func finish(_ engine: TransferEngine) {
        carryOut(shutdown.sessionEnded(), engine)
        engine.shutDown()
        super.finish(engine)
        base.driver.retire()
    }

    override var options: OptionSnapshot {
        didSet {
            exchangeResources.limits = options.values.slotLimits
            baseURL.withLock { $0 = options.values.baseURL }
            // The engine can be reached in a command only.
            driver.submit { [object = DriverBound(self)] in object.value.limitsChanged($0) }
        }
    }

    private func limitsChanged(_ engine: TransferEngine) {
        engine.idleLimitsChanged()
        // There may be more connection slots now.
        exchangeResources.grantSlots(engine)
    }

    var idleLimits: IdleLimits { options.values.idleLimits }

    func idleConnectionClosed(_ connection: ConnectionID) {
        self.connection = connection
        emit(.closingConnection)
        emit(.connectionClosed)
        self.connection = nil
        #if TELEMETRY
        exchangeResources.telemetry?.closed(connection, at: .now)
        #endif
    }

    /// No handle of the session can do anything any more.
    override func engineFailed(_ engine: TransferEngine) {
        super.engineFailed(engine)
        closeAll(engine)
    }
}

extension OptionValues {
    fileprivate var slotLimits: ConnectionSlots.Limits {
        ConnectionSlots.Limits(perServer: maximumConnectionsPerServer, total: maximumConnections)
    }

    fileprivate var idleLimits: IdleLimits {
        IdleLimits(count: poolLimits.idleConnections, time: poolLimits.idleTime, age: poolLimits.age)
    }
}
