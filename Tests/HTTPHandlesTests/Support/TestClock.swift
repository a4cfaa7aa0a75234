import HTTPHandlesLock

/// A clock without real time: each sleep is recorded and returns at once, or never.
final class TestClock: Clock {
    struct Instant: InstantProtocol {
        let offset: Duration

        func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
        func duration(to other: Instant) -> Duration { other.offset - offset }
        static func < (one: Instant, other: Instant) -> Bool { one.offset < other.offset }
    }

    private let isStopped: Bool
    private let state = Lock((now: Instant(offset: .zero), sleeps: [Duration]()))

    /// - Parameter isStopped: Whether sleeps end only by cancellation.
    init(isStopped: Bool = false) {
        self.isStopped = isStopped
    }

    var now: Instant { state.withLock { $0.now } }
    var minimumResolution: Duration { .nanoseconds(1) }
    /// The durations of all sleeps.
    var sleeps: [Duration] { state.withLock { $0.sleeps } }

    func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        state.withLock { state in
            state.sleeps.append(state.now.duration(to: deadline))
            state.now = deadline
        }
        if isStopped { try await Task.sleep(for: .seconds(1_000_000)) }
    }
}
