/// The shutdown of a session: no new requests, a grace period for those in flight, then the end of everything.
///
/// In flight are request handles that were sent and not closed yet, and open WebSockets and upgraded connections. Whichever
/// comes first ends the shutdown: the last of them, the end of the period, the cancellation of a task that waits for it, or the
/// close of the session by its owner. Only the first of these has an effect.
package struct ShutdownStateMachine: ~Copyable {
    private enum State {
        /// Requests are accepted. Can transition to: draining, over.
        case accepting
        /// What is in flight may finish. Can transition to: draining (one less, or an earlier end), over.
        case draining(inFlight: Set<HandleID>, until: MonotonicTime)
        /// Everything is closed, or about to be. Final.
        case over
    }

    package enum Action: Equatable {
        case doNothing
        /// Call `alarm` at this time, and at no other.
        case setAlarm(MonotonicTime)
        /// Cancel the alarm, if there is one, and close the session and everything below it.
        case closeAll
        /// Cancel the alarm.
        case cancelAlarm
    }

    private var state = State.accepting

    package init() {}

    package var acceptsRequests: Bool {
        if case .accepting = state { true } else { false }
    }

    /// A task begins to wait for the end. If others do already, the earliest end of all periods counts.
    package mutating func begin(
        _ gracePeriod: Duration,
        at now: MonotonicTime,
        inFlight: @autoclosure () -> Set<HandleID>
    ) -> Action {
        let end = now + gracePeriod
        switch state {
        case .accepting:
            let inFlight = inFlight()
            guard !inFlight.isEmpty, end > now else { return closeAll() }
            state = .draining(inFlight: inFlight, until: end)
            return .setAlarm(end)
        case .draining(let inFlight, let until):
            guard end < until else { return .doNothing }
            guard end > now else { return closeAll() }
            state = .draining(inFlight: inFlight, until: end)
            return .setAlarm(end)
        case .over: return .doNothing
        }
    }

    /// A request in flight has become a socket, which takes its place.
    package mutating func upgraded(to socket: HandleID) {
        guard case .draining(var inFlight, let until) = state else { return }
        inFlight.insert(socket)
        state = .draining(inFlight: inFlight, until: until)
    }

    /// A handle was closed.
    package mutating func closed(_ handle: HandleID) -> Action {
        guard case .draining(var inFlight, let until) = state else { return .doNothing }
        guard inFlight.remove(handle) != nil else { return .doNothing }
        if inFlight.isEmpty { return closeAll() }
        state = .draining(inFlight: inFlight, until: until)
        return .doNothing
    }

    /// The time that was asked for has come.
    package mutating func alarm(at now: MonotonicTime) -> Action {
        switch state {
        case .draining(_, let until) where now < until: .setAlarm(until)
        case .draining: closeAll()
        case .accepting, .over: .doNothing
        }
    }

    /// A task that waits, or was about to, was cancelled: the period ends at once, also for others.
    package mutating func cancelled() -> Action {
        if case .over = state { .doNothing } else { closeAll() }
    }

    /// The session is gone, for whatever reason.
    package mutating func sessionEnded() -> Action {
        defer { state = .over }
        return if case .draining = state { .cancelAlarm } else { .doNothing }
    }

    private mutating func closeAll() -> Action {
        state = .over
        return .closeAll
    }
}
