import HTTPHandlesCore
import HTTPHandlesDriver

/// What is behind a `SessionHandle`.
final class SessionObject: HandleObject, TransferEngineDelegate {
    // Exclusive access to some of these is not checked at run time: see `HandleObject`.
    /// The connection handles that `get` and `fetch` have made, by server.
    @safe @exclusivity(unchecked) private var ownConnections: [Server: ConnectionObject] = [:]
    private var slots = ConnectionSlots()
    /// The requests that wait for a slot.
    @safe @exclusivity(unchecked) private var queue: [ConnectionSlots.Ticket: RequestObject] = [:]
    private var isGrantingSlots = false
    /// What is left for retries.
    var retryBalance = RetryBalance()
    /// An empty list whose memory requests use for their actions.
    @safe @exclusivity(unchecked) private var actionList = RequestStateMachine.Actions()

    init(_ base: consuming HandleBase, options: OptionValues) {
        super.init(base, options: OptionSnapshot(options))
    }

    // MARK: Connections

    /// The connection handle that requests to a server get which were made without one. It belongs to the session: it is
    /// made for the first of them, and goes when the session closes or has talked to many other servers since.
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
    func open(_ request: RequestObject, _ engine: TransferEngine) -> Result<Void, HandleError> {
        // A request that was cancelled before it got here has shut its door.
        guard base.isOpen, request.base.isOpen else { return .failure(.closed(.openRequest)) }
        ownConnection(to: request.server, engine).adopt(request)
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

    /// Closes the session's network connections, which may still be reported, and then says goodbye.
    override func finish(_ engine: TransferEngine) {
        engine.shutDown()
        super.finish(engine)
        base.driver.retire()
    }

    override var options: OptionSnapshot {
        didSet {
            // The engine can be reached in a command only.
            driver.submit { [object = DriverBound(self)] in object.value.limitsChanged($0) }
        }
    }

    private func limitsChanged(_ engine: TransferEngine) {
        engine.idleLimitsChanged()
        // There may be more connection slots now.
        grantSlots(engine)
    }

    var idleLimits: IdleLimits { options.values.idleLimits }

    func idleConnectionClosed() {
        emit(.closingConnection)
        emit(.connectionClosed)
    }

    /// Nothing can come of any handle of the session any more.
    override func engineFailed(_ engine: TransferEngine) {
        super.engineFailed(engine)
        closeAll(engine)
    }

    // MARK: Connection slots

    var limitsConnections: Bool {
        options.values.maximumConnectionsPerServer != nil || options.values.maximumConnections != nil
    }

    private var slotLimits: ConnectionSlots.Limits {
        let values = options.values
        return ConnectionSlots.Limits(perServer: values.maximumConnectionsPerServer, total: values.maximumConnections)
    }

    /// Takes a slot for the request, or else puts it into the queue.
    func takeSlot(for request: RequestObject, to origin: Origin) -> ConnectionSlots.Ticket? {
        let ticket = slots.take(origin, slotLimits)
        if let ticket { queue[ticket] = request }
        return ticket
    }

    func giveSlotBack(_ origin: Origin) {
        slots.giveBack(origin)
    }

    func leaveQueue(_ ticket: ConnectionSlots.Ticket) {
        slots.leave(ticket)
        queue[ticket] = nil
    }

    func learned(_ origin: Origin, isMultiplexed: Bool) {
        slots.learned(origin, isMultiplexed: isMultiplexed)
    }

    /// Begins the requests for which there are slots.
    func grantSlots(_ engine: TransferEngine) {
        // A request that fails at once gives its slot back while this runs, and is then served by this very loop.
        guard !queue.isEmpty, !isGrantingSlots else { return }
        isGrantingSlots = true
        while let ticket = slots.next(slotLimits) { queue.removeValue(forKey: ticket)?.slotGranted(engine) }
        isGrantingSlots = false
    }

    // MARK: Actions

    func takeActionList() -> RequestStateMachine.Actions {
        var list = RequestStateMachine.Actions()
        swap(&list, &actionList)
        return list
    }

    func putBack(_ list: inout RequestStateMachine.Actions) {
        swap(&list, &actionList)
    }
}

extension OptionValues {
    fileprivate var idleLimits: IdleLimits {
        IdleLimits(count: maximumIdleConnections, time: maximumIdleTime == .zero ? nil : maximumIdleTime)
    }
}
