import HTTPHandlesCore
import HTTPHandlesDriver

/// What the exchanges of one session share: connection slots and their queue, the budget of retries, hosts with
/// strict transport, alternative services, and memory.
final class ExchangeResources {
    // Exclusive access to these is not checked at run time: see `HandleObject`.
    @safe @exclusivity(unchecked) private var slots = ConnectionSlots()
    /// The exchanges that wait for a slot.
    @safe @exclusivity(unchecked) private var queue: [ConnectionSlots.Ticket: Exchange] = [:]
    private var isGranting = false
    /// An empty list whose memory is used again.
    @safe @exclusivity(unchecked) private var actions = ExchangeActions()

    /// How many connections there may be.
    @safe @exclusivity(unchecked) var limits: ConnectionSlots.Limits
    /// What is left for retries.
    @safe @exclusivity(unchecked) var retryBalance = RetryBalance()
    /// The hosts that are requested with TLS only.
    @safe @exclusivity(unchecked) var strictTransport = StrictTransport()
    /// Where origins can be had too.
    @safe @exclusivity(unchecked) var alternatives = SessionAlternatives()
    /// What is known of proxies.
    var proxies: SessionProxies
    #if TELEMETRY
    /// `nil` where the session has none.
    var telemetry: SessionTelemetry?
    #endif

    init(_ limits: ConnectionSlots.Limits, _ environment: ProxyEnvironment) {
        proxies = SessionProxies(environment)
        self.limits = limits
    }

    // MARK: Connection slots

    /// Takes a slot for an exchange, or else puts it into the queue and returns its ticket.
    func takeSlot(for exchange: Exchange, to origin: Origin) -> ConnectionSlots.Ticket? {
        let ticket = slots.take(origin, limits)
        if let ticket { queue[ticket] = exchange }
        return ticket
    }

    func releaseSlot(_ origin: Origin) {
        slots.release(origin)
    }

    func leaveQueue(_ ticket: ConnectionSlots.Ticket) {
        slots.leave(ticket)
        queue[ticket] = nil
    }

    func learned(_ origin: Origin, isMultiplexed: Bool) {
        slots.learned(origin, isMultiplexed: isMultiplexed)
    }

    /// Begins the transfers for which there are slots.
    func grantSlots(_ engine: TransferEngine) {
        // An exchange that fails at once releases its slot while this runs; this loop grants it to the next one.
        guard !queue.isEmpty, !isGranting else { return }
        isGranting = true
        while let ticket = slots.next(limits) { queue.removeValue(forKey: ticket)?.slotGranted(engine) }
        isGranting = false
    }

    // MARK: Memory

    func takeActionList(isHeard: Bool) -> ExchangeActions {
        var list = ExchangeActions()
        swap(&list, &actions)
        list.begin(isHeard: isHeard)
        return list
    }

    func returnActionList(_ list: inout ExchangeActions) {
        swap(&list, &actions)
    }
}
