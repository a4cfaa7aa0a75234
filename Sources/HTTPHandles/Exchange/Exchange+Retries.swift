import HTTPHandlesCore
import HTTPHandlesDriver

// Whether a request is sent again is decided by `Attempts`, on the driver's thread and without the caller's code: a policy
// is made of values. Only its clock is the caller's, and that runs in a task of its own.

extension Exchange {
    /// Whether the request is sent again after a final head that the policy is about.
    func retry(after head: HeaderBlock, _ policy: RetryPolicy) -> RetryDecision {
        let fields = head.fields()
        let now = fields[.date].flatMap { CurlDate.seconds(of: $0) } ?? CurlDate.now
        let serverDelay = fields[values: .retryAfter].first.flatMap {
            RetryAfter.delay($0, now: now, parseDate: CurlDate.seconds)
        }
        return decide(.status(head.status), policy, serverDelay: serverDelay)
    }

    /// Whether the request is sent again after its transfer failed; `nil` if no policy is about the error.
    func retry(after error: HandleError) -> RetryDecision? {
        guard let policy = options.values.retryPolicy, policy.errors.contains(error.code) else { return nil }
        return decide(.error(error), policy, serverDelay: nil)
    }

    private func decide(_ cause: RetryCause, _ policy: RetryPolicy, serverDelay: Duration?) -> RetryDecision {
        let context = Attempts.Context(
            method: request.message.method,
            canSendBodyAgain: canSendBodyAgain,
            elapsed: MonotonicTime.now - startTime,
            totalTimeout: options.values.limits.total
        )
        return attempts.decide(cause, policy, context, serverDelay: serverDelay, &resources.retryBalance)
    }

    /// A streamed body can be sent late, but not twice.
    private var canSendBodyAgain: Bool {
        !request.body.isStreamed || machine.isSendPending && transfer?.bodyBytesTaken ?? 0 == 0
    }

    /// The system's timers drop, and leak, what is to wait for longer than they can count.
    private static let longestPause = Duration.seconds(100 * 365 * 86_400)

    func waitForRetry(_ delay: Duration) {
        guard let policy = options.values.retryPolicy else { return }
        ask { [clock = policy.clock] in
            _ = try? await clock.sleep(for: min(delay, Self.longestPause))
        } then: { exchange, _, engine in
            exchange.retryIsDue(engine)
        }
    }

    func retryIsDue(_ engine: TransferEngine) {
        advance(engine) { $0.retryDue(&$1) }
    }
}
