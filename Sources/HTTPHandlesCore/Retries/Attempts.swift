package import HTTPTypes

/// The attempts of one exchange: which one is being made, and whether there is another after it.
package struct Attempts: Sendable {
    /// The number of the present attempt.
    private(set) var count = 1
    /// Why it is the last one.
    private var refusal: RetryRefusal?
    private var generator: SeededGenerator?

    package init(_ policy: RetryPolicy?) {
        if case .seeded(let seed) = policy?.jitter { generator = SeededGenerator(seed: seed) }
    }

    package var summary: RetrySummary { RetrySummary(attempts: count, refusal: refusal) }

    /// What is known of an exchange when an attempt has failed, or was answered with a status of the policy.
    package struct Context {
        package let method: HTTPRequest.Method
        /// The body of the request can be had again.
        package let canSendBodyAgain: Bool
        /// How long the exchange has taken so far.
        package let elapsed: Duration
        /// `totalTimeout`; `.zero` is no limit.
        package let totalTimeout: Duration

        package init(method: HTTPRequest.Method, canSendBodyAgain: Bool, elapsed: Duration, totalTimeout: Duration) {
            self.method = method
            self.canSendBodyAgain = canSendBodyAgain
            self.elapsed = elapsed
            self.totalTimeout = totalTimeout
        }

        /// No attempt begins when the exchange has to be over.
        fileprivate func isInTime(_ delay: Duration, _ cause: RetryCause) -> Bool {
            if case .error(let error) = cause, error.phase == .total { return false }
            return totalTimeout == .zero || elapsed + delay < totalTimeout
        }
    }

    /// Decides whether there is another attempt. If so, it counts, and is paid for from `balance`.
    ///
    /// - Parameters:
    ///   - cause: What has happened to the present attempt; the policy is about it.
    ///   - serverDelay: For how long the server asks to wait.
    package mutating func decide(
        _ cause: RetryCause,
        _ policy: RetryPolicy,
        _ context: Context,
        serverDelay: Duration?,
        _ balance: inout RetryBalance
    ) -> RetryDecision {
        let delay = delay(policy, serverDelay)
        if let refusal = refuses(cause, policy, context, serverDelay, delay, &balance) {
            self.refusal = refusal
            return .refused(RefusedRetry(refusal, cause))
        }
        count += 1
        return .again(Retry(attempt: count, delay: delay ?? .zero, cause: cause))
    }

    private func refuses(
        _ cause: RetryCause,
        _ policy: RetryPolicy,
        _ context: Context,
        _ serverDelay: Duration?,
        _ delay: Duration?,
        _ balance: inout RetryBalance
    ) -> RetryRefusal? {
        guard count < policy.maximumAttempts else { return .attempts }
        guard policy.methods.contains(context.method) else { return .method }
        guard context.canSendBodyAgain else { return .body }
        guard let delay else { return .serverDelay(serverDelay ?? .zero) }
        if let maximumTime = policy.maximumTime, context.elapsed + delay >= maximumTime { return .maximumTime }
        guard context.isInTime(delay, cause) else { return .totalTimeout }
        return balance.withdraw(policy.budget) ? nil : .budget
    }

    private mutating func delay(_ policy: RetryPolicy, _ serverDelay: Duration?) -> Duration? {
        guard var generator else {
            var system = SystemRandomNumberGenerator.system
            return policy.delay(before: count + 1, serverDelay: serverDelay, using: &system)
        }
        defer { self.generator = generator }
        return policy.delay(before: count + 1, serverDelay: serverDelay, using: &generator)
    }
}
