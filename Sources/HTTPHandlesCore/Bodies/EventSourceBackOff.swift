/// How long an event source waits before it connects again.
///
/// The delay is the server's reconnection time (`retry`), or `delay` if the server gave none, and doubles with each attempt
/// that did not end in a stream, up to `maximumDelay`. To that a random time of up to half of it is added, so that clients
/// that lost their connections at the same time do not come back at the same time.
public struct EventSourceBackOff: Sendable {
    /// The delay as long as the server gives none; 3 seconds by default.
    public var delay: Duration
    /// The longest delay to which attempts that fail lead; a longer one of the server's is kept. 2 minutes by default.
    public var maximumDelay: Duration
    /// How the delays are spread; `.none` adds nothing.
    public var jitter: RetryJitter
    /// What the delays are measured with.
    public var clock: any Clock<Duration>

    /// Sets everything.
    public init(
        delay: Duration = .seconds(3),
        maximumDelay: Duration = .seconds(120),
        jitter: RetryJitter = .random,
        clock: any Clock<Duration> = ContinuousClock()
    ) {
        self.delay = delay
        self.maximumDelay = maximumDelay
        self.jitter = jitter
        self.clock = clock
    }

    package var problem: String? {
        delay < .zero || maximumDelay < .zero ? "delay and maximumDelay must not be negative" : nil
    }

    /// - Parameters:
    ///   - failures: How many attempts have ended since the last one that led to a stream, that one included; from 1.
    ///   - reconnectionTime: What the server has given.
    package func delay(
        after failures: Int,
        _ reconnectionTime: Duration?,
        using generator: inout some RandomNumberGenerator
    ) -> Duration {
        let base = max((reconnectionTime ?? delay).nanosecondsClamped, 0)
        let (grown, overflow) = base.multipliedReportingOverflow(by: 1 << min(max(failures - 1, 0), 62))
        let limit = max(maximumDelay.nanosecondsClamped, base)
        let whole = min(overflow || grown < 0 ? limit : min(grown, limit), Self.longest)
        let extra =
            switch jitter {
            case .none: Int64(0)
            case .random, .seeded: Int64.random(in: 0...(whole / 2), using: &generator)
            }
        return .nanoseconds(whole + extra)
    }

    /// A hundred years: timers cannot count much further.
    private static let longest: Int64 = 100 * 365 * 86_400 * 1_000_000_000 / 2
}
