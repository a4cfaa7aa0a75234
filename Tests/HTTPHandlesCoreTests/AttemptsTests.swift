import HTTPTypes
import Testing

@testable import HTTPHandlesCore

@Suite("Attempts")
struct AttemptsTests {
    static let cause = RetryCause.status(503)
    static let policy = RetryPolicy(firstDelay: .seconds(1), maximumDelay: .seconds(8), jitter: .none)

    static func decide(
        _ attempts: inout Attempts,
        _ cause: RetryCause = Self.cause,
        _ policy: RetryPolicy = Self.policy,
        method: HTTPRequest.Method = .get,
        canSendBodyAgain: Bool = true,
        elapsed: Duration = .zero,
        totalTimeout: Duration = .zero,
        serverDelay: Duration? = nil,
        reserve: Int = 100
    ) -> RetryDecision {
        var policy = policy
        policy.budget = RetryBudget(share: 0, reserve: reserve)
        var balance = RetryBalance()
        let context = Attempts.Context(
            method: method,
            canSendBodyAgain: canSendBodyAgain,
            elapsed: elapsed,
            totalTimeout: totalTimeout
        )
        return attempts.decide(cause, policy, context, serverDelay: serverDelay, &balance)
    }

    @Test func `attempts are counted, and their delays double`() {
        var attempts = Attempts(Self.policy)
        #expect(attempts.summary == RetrySummary(attempts: 1, refusal: nil))
        for (attempt, seconds) in [(2, 1), (3, 2)] {
            #expect(
                Self.decide(&attempts)
                    == .again(Retry(attempt: attempt, delay: .seconds(seconds), cause: Self.cause))
            )
        }
        #expect(Self.decide(&attempts) == .refused(RefusedRetry(.attempts, Self.cause)))
        #expect(attempts.summary == RetrySummary(attempts: 3, refusal: .attempts))
    }

    /// One attempt that a rule refuses.
    static func refusal(_ decide: (inout Attempts) -> RetryDecision) -> RetryRefusal? {
        var attempts = Attempts(policy)
        guard case .refused(let refused) = decide(&attempts) else { return nil }
        #expect(attempts.summary == RetrySummary(attempts: 1, refusal: refused.refusal))
        return refused.refusal
    }

    @Test func `the first rule that refuses is the reason`() {
        #expect(Self.refusal { Self.decide(&$0, method: .post, canSendBodyAgain: false) } == .method)
        #expect(Self.refusal { Self.decide(&$0, canSendBodyAgain: false, serverDelay: .seconds(9)) } == .body)
        #expect(Self.refusal { Self.decide(&$0, serverDelay: .seconds(9), reserve: 0) } == .serverDelay(.seconds(9)))
        #expect(Self.refusal { Self.decide(&$0, totalTimeout: .seconds(1), reserve: 0) } == .totalTimeout)
        #expect(Self.refusal { Self.decide(&$0, reserve: 0) } == .budget)
        #expect(Self.refusal { Self.decide(&$0) } == nil)
    }

    @Test func `a delay has to end before the total time limit`() {
        func refusal(_ elapsed: Duration, _ total: Duration) -> RetryRefusal? {
            Self.refusal { Self.decide(&$0, elapsed: elapsed, totalTimeout: total) }
        }
        #expect(refusal(.seconds(3), .seconds(4)) == .totalTimeout)
        #expect(refusal(.seconds(3), .seconds(5)) == nil)
        #expect(refusal(.seconds(3), .zero) == nil)
        let total = HandleError.timeout(.total, after: .seconds(1), .receiveResponse)
        #expect(Self.refusal { Self.decide(&$0, .error(total)) } == .totalTimeout)
        let response = HandleError.timeout(.response, after: .seconds(1), .receiveResponse)
        #expect(Self.refusal { Self.decide(&$0, .error(response)) } == nil)
    }

    @Test func `no attempt begins after the maximum time`() {
        func refusal(_ elapsed: Duration, _ maximum: Duration) -> RetryRefusal? {
            var policy = Self.policy
            policy.maximumTime = maximum
            return Self.refusal { [policy] in Self.decide(&$0, Self.cause, policy, elapsed: elapsed) }
        }
        #expect(refusal(.seconds(3), .seconds(4)) == .maximumTime)
        #expect(refusal(.seconds(3), .seconds(5)) == nil)
        #expect(refusal(.zero, .zero) == .maximumTime)
        #expect(RetryPolicy(maximumTime: .seconds(-1)).problem == "maximumTime is not negative")
        #expect(RetryPolicy(maximumTime: .zero).problem == nil)
        #expect(RetryPolicy(maximumTime: .zero) != RetryPolicy())
    }

    @Test func `the delay of a server is used`() {
        var attempts = Attempts(Self.policy)
        #expect(
            Self.decide(&attempts, serverDelay: .seconds(5))
                == .again(Retry(attempt: 2, delay: .seconds(5), cause: Self.cause))
        )
    }

    @Test func `the same seed gives the same delays`() {
        var policy = Self.policy
        policy.jitter = .seeded(7)
        func pauses() -> [RetryDecision] {
            var attempts = Attempts(policy)
            return (0..<3).map { _ in Self.decide(&attempts, Self.cause, policy) }
        }
        #expect(pauses() == pauses())
    }
}
