import Testing

@testable import HTTPHandlesCore

extension MonotonicTime {
    static func seconds(_ seconds: Int64) -> MonotonicTime { MonotonicTime(nanoseconds: seconds * 1_000_000_000) }
}

@Suite("Deadline heap")
struct DeadlineHeapTests {
    /// A reference to a heap: expectations do not support noncopyable values.
    final class Heap {
        private var heap = DeadlineHeap()

        func insert(_ time: MonotonicTime) -> DeadlineToken { heap.insert(time) }
        func move(_ token: DeadlineToken, to time: MonotonicTime) { heap.move(token, to: time) }
        func bringForward(_ token: DeadlineToken, to time: MonotonicTime) { heap.bringForward(token, to: time) }
        func remove(_ token: DeadlineToken) { heap.remove(token) }
        var time: MonotonicTime? { heap.nearest?.time }
        var token: DeadlineToken? { heap.nearest?.token }
        var isEmpty: Bool { heap.isEmpty }
    }

    @Test func `the earliest deadline comes first, for any order of insertion`() {
        let heap = Heap()
        let tokens = [5, 1, 4, 2, 3].map { heap.insert(.seconds($0)) }
        #expect(heap.time == .seconds(1))
        #expect(heap.token == tokens[1])
        heap.remove(tokens[1])
        #expect(heap.token == tokens[3])
        heap.move(tokens[0], to: .seconds(0))
        #expect(heap.token == tokens[0])
        heap.bringForward(tokens[0], to: .seconds(9))
        #expect(heap.time == .seconds(0))
        heap.bringForward(tokens[2], to: .seconds(-1))
        #expect(heap.token == tokens[2])
    }

    @Test func `ten thousand random steps agree with a list`() {
        var random = SystemRandomNumberGenerator()
        let heap = Heap()
        var model: [DeadlineToken: MonotonicTime] = [:]
        for _ in 0..<10_000 {
            let time = MonotonicTime.seconds(Int64.random(in: 0..<1000, using: &random))
            let token = model.keys.randomElement(using: &random)
            switch (Int.random(in: 0..<3, using: &random), token) {
            case (1, let token?):
                heap.move(token, to: time)
                model[token] = time
            case (2, let token?):
                heap.remove(token)
                model[token] = nil
            default:
                model[heap.insert(time)] = time
            }
            #expect(heap.time == model.values.min())
            #expect(heap.isEmpty == model.isEmpty)
        }
    }

    @Test func `tokens are small numbers and reused`() {
        let heap = Heap()
        let first = heap.insert(.seconds(1))
        heap.remove(first)
        #expect(heap.insert(.seconds(2)) == first)
    }
}

@Suite("Exchange deadlines")
struct ExchangeDeadlinesTests {
    let limits = TimeLimits(
        TimeoutLimits(
            resolve: .seconds(5),
            connect: .seconds(60),
            send: .seconds(30),
            response: .seconds(90),
            receive: .seconds(10),
            total: .seconds(100)
        )
    )

    func deadlines(_ phase: TimeoutPhase) -> ExchangeDeadlines {
        ExchangeDeadlines(limits: limits, startedAt: .seconds(0), phase: phase, since: .seconds(0))
    }

    @Test func `each phase has its own limit`() {
        var deadlines = deadlines(.resolve)
        #expect(deadlines.next == .seconds(5))
        #expect(deadlines.expired(at: .seconds(4)) == nil)
        #expect(deadlines.expired(at: .seconds(5)) == .resolve)
        deadlines.wait(for: .connect, since: .seconds(3))
        #expect(deadlines.next == .seconds(63))
        #expect(deadlines.expired(at: .seconds(63)) == .connect)
    }

    @Test func `the total limit ends every phase`() {
        var deadlines = deadlines(.response)
        deadlines.wait(for: .response, since: .seconds(50))
        #expect(deadlines.next == .seconds(100))
        #expect(deadlines.expired(at: .seconds(100)) == .total)
    }

    @Test func `progress restarts the limits of pauses between pieces`() {
        var deadlines = deadlines(.receive)
        deadlines.progressed(at: .seconds(7))
        #expect(deadlines.next == .seconds(17))
        deadlines.progressed(at: .seconds(5))
        #expect(deadlines.next == .seconds(17))
        deadlines.wait(for: .response, since: .seconds(0))
        deadlines.progressed(at: .seconds(7))
        #expect(deadlines.next == .seconds(90))
    }

    @Test func `only the total limit runs while the reader or the producer is slow`() {
        var deadlines = deadlines(.receive)
        deadlines.pause()
        #expect(deadlines.next == .seconds(100))
        #expect(deadlines.expired(at: .seconds(50)) == nil)
        deadlines.resume(at: .seconds(50))
        #expect(deadlines.next == .seconds(60))
    }

    @Test func `zero is no limit`() {
        let deadlines = ExchangeDeadlines(
            limits: TimeLimits(TimeoutLimits()),
            startedAt: .seconds(0),
            phase: .connect,
            since: .seconds(0)
        )
        #expect(deadlines.next == nil)
        #expect(deadlines.expired(at: .seconds(1_000_000)) == nil)
    }

    @Test func `durations beyond 292 years are clamped`() {
        #expect(Duration.seconds(Int64.max).nanosecondsClamped == .max)
        #expect(Duration.seconds(Int64.min).nanosecondsClamped == .min)
        #expect(MonotonicTime.seconds(1).advanced(by: .max).nanoseconds == .max)
        // Durations whose seconds exceed an `Int64`.
        let (longest, shortest) = (Duration(attoseconds: .max), Duration(attoseconds: .min))
        #expect(longest.nanosecondsClamped == .max)
        #expect(shortest.nanosecondsClamped == .min)
        #expect((MonotonicTime.seconds(1) + longest).nanoseconds == .max)
        #expect(Duration.nanoseconds(Int64.max).nanosecondsClamped == .max)
        #expect(Duration.nanoseconds(Int64.max - 1).nanosecondsClamped == .max - 1)
        #expect(Duration.nanoseconds(-1).nanosecondsClamped == -1)
        let (first, last) = (MonotonicTime(nanoseconds: .min), MonotonicTime(nanoseconds: .max))
        #expect(last - first == .nanoseconds(Int64.max))
        #expect(first - last == .nanoseconds(Int64.min))
    }
}
