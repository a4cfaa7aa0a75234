import HTTPHandlesCore
import HTTPHandlesDriver

// Whether a request is sent again is decided here, on the driver's thread and without the user's code: a policy is made of
// values. Only its clock is the user's, and that runs in a task of its own.

/// Which attempt of a request is on its way.
struct Attempts {
    /// The number of the present attempt.
    private(set) var count = 1
    /// Why it is the last one.
    private var refusal: RetryRefusal?
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

    mutating func end(_ refusal: RetryRefusal) { self.refusal = refusal }

    var summary: RetrySummary { RetrySummary(attempts: count, refusal: refusal) }
}

extension RequestObject {
    /// Whether the request is to be sent again after a final head; `nil` if no policy is about its status.
    func retry(after head: HeaderBlock) -> RetryDecision? {
        guard let policy = sentOptions.values.retryPolicy, policy.statuses.contains(head.status) else { return nil }
        let fields = head.fields()
        let now = fields[.date].flatMap { CurlDate.seconds(of: $0) } ?? CurlDate.now
        let wish = fields[values: .retryAfter].first.flatMap {
            RetryAfter.delay($0, now: now, parseDate: CurlDate.seconds)
        }
        return decide(policy, .status(head.status), serverDelay: wish)
    }

    /// Whether the request is to be sent again after its transfer failed; `nil` if no policy is about the error.
    func retry(after error: HandleError) -> RetryDecision? {
        guard let policy = sentOptions.values.retryPolicy, policy.errors.contains(error.code) else { return nil }
        return decide(policy, .error(error), serverDelay: nil)
    }

    private func decide(_ policy: RetryPolicy, _ cause: RetryCause, serverDelay: Duration?) -> RetryDecision {
        let delay = attempts.delay(policy, serverDelay: serverDelay)
        if let refusal = refusal(policy, cause, serverDelay, delay) {
            attempts.end(refusal)
            return .refused(RefusedRetry(refusal, cause))
        }
        let retry = Retry(attempt: attempts.count + 1, delay: delay ?? .zero, cause: cause)
        attempts.begin(retry)
        return .again(retry)
    }

    /// Why not, if the request is not to be sent again; otherwise the attempt is paid for.
    private func refusal(
        _ policy: RetryPolicy,
        _ cause: RetryCause,
        _ serverDelay: Duration?,
        _ delay: Duration?
    ) -> RetryRefusal? {
        guard attempts.count < policy.maximumAttempts else { return .attempts }
        guard let request, policy.methods.contains(request.message.method) else { return .method }
        guard canSendAgain(request) else { return .body }
        guard let delay else { return .serverDelay(serverDelay ?? .zero) }
        guard isInTime(delay, cause) else { return .totalTimeout }
        return session.retryBalance.withdraw(policy.budget) ? nil : .budget
    }

    /// A streamed body can go out late, but not twice.
    private func canSendAgain(_ request: TransferRequest) -> Bool {
        !request.body.isStreamed || machine.isSendPending && transfer?.bodyBytesTaken ?? 0 == 0
    }

    /// No attempt begins when the exchange has to be over.
    private func isInTime(_ delay: Duration, _ cause: RetryCause) -> Bool {
        if case .error(let error) = cause, error.phase == .total { return false }
        let limit = sentOptions.values.limits.total
        return limit == .zero || MonotonicTime.now - exchangeStart + delay < limit
    }

    /// The system's timers drop, and leak, what is to wait for longer than they can count.
    private static let longestPause = Duration.seconds(100 * 365 * 86_400)

    func waitForRetry(_ delay: Duration) {
        guard let policy = sentOptions.values.retryPolicy else { return }
        ask { [clock = policy.clock] in
            _ = try? await clock.sleep(for: min(delay, Self.longestPause))
        } then: { request, _, engine in
            request.retryIsDue(engine)
        }
    }
}
