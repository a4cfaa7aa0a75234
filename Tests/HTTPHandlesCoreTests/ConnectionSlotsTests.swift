import HTTPHandlesCore
import Testing

@Suite("Connection slots")
struct ConnectionSlotsTests {
    let a = Origin(isSecure: false, host: "a", port: 80)
    let b = Origin(isSecure: false, host: "b", port: 80)

    @Test func `a server has a limited number of slots, and further requests wait for a free one`() throws {
        let slots = Slots()
        let limits = ConnectionSlots.Limits(perServer: 2, total: nil)
        #expect(slots.take(a, limits) == nil)
        #expect(slots.take(a, limits) == nil)
        let ticket = try #require(slots.take(a, limits))
        #expect(slots.next(limits) == nil)
        slots.release(a)
        #expect(slots.next(limits) == ticket)
        #expect(slots.next(limits) == nil)
    }

    @Test func `a full server does not delay the others`() {
        let slots = Slots()
        let limits = ConnectionSlots.Limits(perServer: 1, total: nil)
        #expect(slots.take(a, limits) == nil)
        #expect(slots.take(a, limits) != nil)
        #expect(slots.take(b, limits) == nil)
    }

    @Test func `first come, first served, over all servers`() throws {
        let slots = Slots()
        let limits = ConnectionSlots.Limits(perServer: nil, total: 1)
        #expect(slots.take(a, limits) == nil)
        let first = try #require(slots.take(b, limits))
        let second = try #require(slots.take(a, limits))
        let third = try #require(slots.take(b, limits))
        slots.release(a)
        #expect(slots.next(limits) == first)
        #expect(slots.next(limits) == nil)
        slots.release(b)
        #expect(slots.next(limits) == second)
        slots.release(a)
        #expect(slots.next(limits) == third)
    }

    @Test func `a later request does not overtake waiting ones`() throws {
        let slots = Slots()
        let limits = ConnectionSlots.Limits(perServer: 1, total: nil)
        #expect(slots.take(a, limits) == nil)
        let waiting = try #require(slots.take(a, limits))
        slots.release(a)
        let late = try #require(slots.take(a, limits))
        #expect(slots.next(limits) == waiting)
        slots.release(a)
        #expect(slots.next(limits) == late)
    }

    @Test func `a request that leaves the queue gets no slot`() throws {
        let slots = Slots()
        let limits = ConnectionSlots.Limits(perServer: 1, total: nil)
        #expect(slots.take(a, limits) == nil)
        let leaving = try #require(slots.take(a, limits))
        let staying = try #require(slots.take(a, limits))
        slots.leave(leaving)
        slots.leave(leaving)
        slots.release(a)
        #expect(slots.next(limits) == staying)
    }

    @Test func `transfers that share an HTTP/2 connection share its slot`() throws {
        let slots = Slots()
        let limits = ConnectionSlots.Limits(perServer: 1, total: 2)
        #expect(slots.take(a, limits) == nil)
        let waiting = try #require(slots.take(a, limits))
        slots.learned(a, isMultiplexed: true)
        #expect(slots.next(limits) == waiting)
        #expect(slots.take(a, limits) == nil)
        // Three transfers, one connection: the total leaves one for another server.
        #expect(slots.take(b, limits) == nil)
        for _ in 0..<3 { slots.release(a) }
        #expect(slots.take(a, limits) == nil)
    }

    @Test func `a server whose transfers are all over may use HTTP 1 the next time`() {
        let slots = Slots()
        let limits = ConnectionSlots.Limits(perServer: 1, total: nil)
        #expect(slots.take(a, limits) == nil)
        slots.learned(a, isMultiplexed: true)
        #expect(slots.take(a, limits) == nil)
        for _ in 0..<2 { slots.release(a) }
        // Too late.
        slots.learned(a, isMultiplexed: true)
        #expect(slots.take(a, limits) == nil)
        #expect(slots.take(a, limits) != nil)
    }

    @Test func `many servers, of which most are unused`() throws {
        let slots = Slots()
        let limits = ConnectionSlots.Limits(perServer: 1, total: 2)
        #expect(slots.take(a, limits) == nil)
        let waiting = try #require(slots.take(a, limits))
        for number in 0..<300 {
            let server = Origin(isSecure: false, host: "h\(number)", port: 80)
            #expect(slots.take(server, limits) == nil)
            #expect(slots.take(b, limits).map { slots.leave($0) } != nil)
            slots.release(server)
        }
        #expect(slots.next(limits) == nil)
        slots.release(a)
        #expect(slots.next(limits) == waiting)
        #expect(slots.take(a, limits) != nil)
    }

    @Test func `a higher limit gives slots to waiting requests`() throws {
        let slots = Slots()
        #expect(slots.take(a, ConnectionSlots.Limits(perServer: 1, total: nil)) == nil)
        let waiting = try #require(slots.take(a, ConnectionSlots.Limits(perServer: 1, total: nil)))
        #expect(slots.next(ConnectionSlots.Limits(perServer: nil, total: nil)) == waiting)
    }
}

/// The expectation macros do not support mutating calls on noncopyable values.
private final class Slots {
    private var base = ConnectionSlots()

    func take(_ origin: Origin, _ limits: ConnectionSlots.Limits) -> ConnectionSlots.Ticket? {
        base.take(origin, limits)
    }
    func release(_ origin: Origin) { base.release(origin) }
    func leave(_ ticket: ConnectionSlots.Ticket) { base.leave(ticket) }
    func learned(_ origin: Origin, isMultiplexed: Bool) { base.learned(origin, isMultiplexed: isMultiplexed) }
    func next(_ limits: ConnectionSlots.Limits) -> ConnectionSlots.Ticket? { base.next(limits) }
}
