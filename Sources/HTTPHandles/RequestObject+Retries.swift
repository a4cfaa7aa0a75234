import HTTPHandlesCore
import HTTPHandlesDriver

// Whether a request is sent again is decided here, on the driver's thread and without the user's code: a policy is made of
// values. Only its clock is the user's, and that runs in a task of its own.

/// Which attempt of a request is on its way.
struct Attempts {
    /// The number of the present attempt.
    private(set) var count = 1
    private var generator: SeededGenerator?

    init() {}

    init(_ jitter: RetryJitter?) {
        if case .seeded(let seed) = jitter { generator = SeededGenerator(seed: seed) }
    }

    mutating func delay(_ policy: RetryPolicy, serverDelay: Duration?) -> Duration? {
        // As an existential it has an address: ThreadSanitizer takes all values without a size for one and the same.
        var system: any RandomNumberGenerator = SystemRandomNumberGenerator()
        guard var generator else {
            return policy.delay(before: count + 1, serverDelay: serverDelay, using: &system)
        }
        defer { self.generator = generator }
        return policy.delay(before: count + 1, serverDelay: serverDelay, using: &generator)
    }

    mutating func begin(_ retry: Retry) { count = retry.attempt }
}

extension RequestObject {
    /// Whether the request is to be sent again after a final head.
    func retry(after head: HeaderBlock) -> Retry? {
        guard let policy = sentOptions.values.retryPolicy, policy.statuses.contains(head.status) else {
            return nil
        }
        let fields = head.fields()
        let now = fields[.date].flatMap { CurlDate.seconds(of: $0) } ?? CurlDate.now
        let wish = fields[values: .retryAfter].first.flatMap {
            RetryAfter.delay($0, now: now, parseDate: CurlDate.seconds)
        }
        return retry(policy, .status(head.status), serverDelay: wish)
    }

    /// Whether the request is to be sent again after its transfer failed.
    func retry(after error: HandleError) -> Retry? {
        guard let policy = sentOptions.values.retryPolicy, policy.errors.contains(error.code) else { return nil }
        return error.phase == .total ? nil : retry(policy, .error(error), serverDelay: nil)
    }

    private func retry(_ policy: RetryPolicy, _ cause: RetryCause, serverDelay: Duration?) -> Retry? {
        guard let request, attempts.count < policy.maximumAttempts, policy.methods.contains(request.message.method),
            canSendAgain(request), let delay = attempts.delay(policy, serverDelay: serverDelay),
            isInTime(delay), session.retryBalance.withdraw(policy.budget)
        else { return nil }
        let retry = Retry(attempt: attempts.count + 1, delay: delay, cause: cause)
        attempts.begin(retry)
        return retry
    }

    /// A streamed body can go out late, but not twice.
    private func canSendAgain(_ request: TransferRequest) -> Bool {
        !request.body.isStreamed || machine.isSendPending && transfer?.bodyBytesTaken ?? 0 == 0
    }

    /// No attempt begins when the exchange has to be over.
    private func isInTime(_ delay: Duration) -> Bool {
        let limit = sentOptions.values.limits.total
        return limit == .zero || MonotonicTime.now - exchangeStart + delay < limit
    }

    func waitForRetry(_ delay: Duration) {
        guard let policy = sentOptions.values.retryPolicy else { return }
        ask { [clock = policy.clock] in
            _ = try? await clock.sleep(for: delay)
        } then: { request, _, engine in
            request.retryIsDue(engine)
        }
    }
}
