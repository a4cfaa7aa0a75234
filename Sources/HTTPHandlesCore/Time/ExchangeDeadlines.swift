/// The time limits of a handle as they are set; `.zero` means no limit.
package struct TimeoutLimits: Sendable, Hashable {
    package var queue: Duration
    package var resolve: Duration
    package var connect: Duration
    package var send: Duration
    package var response: Duration
    package var receive: Duration
    package var total: Duration

    package init(
        queue: Duration = .zero,
        resolve: Duration = .zero,
        connect: Duration = .zero,
        send: Duration = .zero,
        response: Duration = .zero,
        receive: Duration = .zero,
        total: Duration = .zero
    ) {
        self.queue = queue
        self.resolve = resolve
        self.connect = connect
        self.send = send
        self.response = response
        self.receive = receive
        self.total = total
    }

    package subscript(phase: TimeoutPhase) -> Duration {
        switch phase {
        case .queue: queue
        case .resolve: resolve
        case .connect, .proxy: connect
        case .send: send
        case .response: response
        case .receive: receive
        case .total: total
        }
    }
}

/// The time limits of an exchange in nanoseconds, so that deadlines are cheap to compute; 0 means no limit.
package struct TimeLimits: Sendable, Hashable {
    fileprivate let queue, resolve, connect, send, response, receive, total: Int64

    package init(_ limits: TimeoutLimits) {
        queue = limits.queue.nanosecondsClamped
        resolve = limits.resolve.nanosecondsClamped
        connect = limits.connect.nanosecondsClamped
        send = limits.send.nanosecondsClamped
        response = limits.response.nanosecondsClamped
        receive = limits.receive.nanosecondsClamped
        total = limits.total.nanosecondsClamped
    }

    /// When the limit on `phase` runs out; `nil` if it has none.
    fileprivate func deadline(of phase: TimeoutPhase, since start: MonotonicTime) -> MonotonicTime? {
        let limit =
            switch phase {
            case .queue: queue
            case .resolve: resolve
            case .connect, .proxy: connect
            case .send: send
            case .response: response
            case .receive: receive
            case .total: total
            }
        return limit > 0 ? start.advanced(by: limit) : nil
    }
}

/// Which time limit of an exchange runs out next.
///
/// An exchange waits for one thing at a time; apart from that only the total limit runs. What happens often (bytes are sent
/// or received) only sets the moment: when the timer fires, `next` is computed again.
package struct ExchangeDeadlines: Sendable {
    private let limits: TimeLimits
    private let totalDeadline: MonotonicTime?
    /// What is being waited for.
    package private(set) var phase: TimeoutPhase
    private var since: MonotonicTime
    /// The exchange waits for a reader, a producer or the caller's code. That counts for the total limit only.
    private var isPaused = false

    package init(limits: TimeLimits, startedAt start: MonotonicTime, phase: TimeoutPhase, since now: MonotonicTime) {
        self.limits = limits
        totalDeadline = limits.deadline(of: .total, since: start)
        self.phase = phase
        since = now
    }

    /// From now on the exchange waits for something else.
    package mutating func wait(for phase: TimeoutPhase, since now: MonotonicTime) {
        self.phase = phase
        since = now
        isPaused = false
    }

    /// Bytes have moved: the limits on the pauses between pieces begin again.
    package mutating func progressed(at moment: MonotonicTime) {
        if phase == .send || phase == .receive { since = max(since, moment) }
    }

    package mutating func pause() {
        isPaused = true
    }

    package mutating func resume(at now: MonotonicTime) {
        guard isPaused else { return }
        isPaused = false
        since = now
    }

    /// When to look again; `nil` if nothing can run out at the moment.
    package var next: MonotonicTime? {
        guard let phaseDeadline else { return totalDeadline }
        guard let totalDeadline else { return phaseDeadline }
        return min(phaseDeadline, totalDeadline)
    }

    /// The limit that has run out, if one has.
    package func expired(at now: MonotonicTime) -> TimeoutPhase? {
        if let phaseDeadline, now >= phaseDeadline { return phase }
        if let totalDeadline, now >= totalDeadline { return .total }
        return nil
    }

    private var phaseDeadline: MonotonicTime? {
        isPaused ? nil : limits.deadline(of: phase, since: since)
    }
}
