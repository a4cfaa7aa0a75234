import Testing

@testable import HTTPHandlesCore

@Suite("Event backlog")
struct EventBacklogTests {
    func event(_ number: Int) -> StatusEvent {
        let session = HandleID(level: .session, number: 1)
        return StatusEvent(handle: session, context: nil, time: .now, sequence: number, kind: .connectionClosed)
    }

    @Test func `without reads the newest events are kept`() {
        var backlog = EventBacklog()
        for number in 0..<5000 { backlog.append(event(number)) }
        var read: [Int] = []
        while let event = backlog.popFirst() { read.append(event.sequence) }
        #expect(read == Array(5000 - StatusEvent.bufferedEvents..<5000))
    }

    @Test(arguments: [(1, 1), (10, 3), (3, 10), (700, 500), (1500, 1400)])
    func `occasional reads return the events in order`(arriving: Int, read: Int) {
        var backlog = EventBacklog()
        var expected: [Int] = []
        var next = 0
        for _ in 0..<50 {
            for _ in 0..<arriving {
                backlog.append(event(next))
                expected.append(next)
                next += 1
            }
            expected = expected.suffix(StatusEvent.bufferedEvents)
            for _ in 0..<read {
                #expect(backlog.popFirst()?.sequence == expected.first)
                expected = Array(expected.dropFirst())
            }
        }
    }
}
