/// Why a request is not sent again, though its retry policy is about what happened to it.
///
/// Of several reasons it is the first one in this order.
@nonexhaustive
public enum RetryRefusal: Sendable, Hashable {
    /// This was the last of `maximumAttempts`.
    case attempts
    /// The policy does not have the method.
    case method
    /// A streamed body was sent, and cannot be sent again.
    case body
    /// The server asks for a longer pause than `maximumDelay`.
    case serverDelay(Duration)
    /// The pause would not be over before the `maximumTime`.
    case maximumTime
    /// The pause would not be over before the `totalTimeout`, or that has run out.
    case totalTimeout
    /// The session's `budget` is used up.
    case budget
}

/// How often a request was sent under a retry policy, and why not once more.
public struct RetrySummary: Sendable, Hashable {
    /// How often the request was sent in this exchange, the first time included; what libcurl sends again by itself on a
    /// new connection, and what follows a redirect or a 401, does not count.
    public let attempts: Int
    /// Why the last attempt was the last one; `nil` as long as that is open, and where the policy is not about its result.
    public let refusal: RetryRefusal?

    /// Makes one, for tests.
    public init(attempts: Int, refusal: RetryRefusal?) {
        self.attempts = attempts
        self.refusal = refusal
    }
}

/// Whether there is another attempt after a result that the policy covers.
package enum RetryDecision: Sendable, Hashable {
    case again(Retry)
    case refused(RefusedRetry)
}

/// An attempt that is not made.
package struct RefusedRetry: Sendable, Hashable {
    package let refusal: RetryRefusal
    package let cause: RetryCause

    package init(_ refusal: RetryRefusal, _ cause: RetryCause) {
        self.refusal = refusal
        self.cause = cause
    }

    package var event: StatusEvent.Kind { .retryRefused(refusal, cause: cause) }
}
