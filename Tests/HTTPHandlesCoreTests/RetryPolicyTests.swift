import Testing

@testable import HTTPHandlesCore

@Suite("Retry policy")
struct RetryPolicyTests {
    private func delays(_ policy: RetryPolicy, serverDelay: Duration? = nil) -> [Duration?] {
        var generator = SeededGenerator(seed: 1)
        return (2...6).map { policy.delay(before: $0, serverDelay: serverDelay, using: &generator) }
    }

    @Test func `the maximum delay doubles up to its limit`() {
        let policy = RetryPolicy(firstDelay: .seconds(1), maximumDelay: .seconds(5), jitter: .none)
        #expect(delays(policy) == [.seconds(1), .seconds(2), .seconds(4), .seconds(5), .seconds(5)])
        #expect(
            delays(policy, serverDelay: .seconds(3)) == [
                .seconds(3), .seconds(3), .seconds(4), .seconds(5), .seconds(5),
            ]
        )
        #expect(delays(policy, serverDelay: .seconds(6)) == [nil, nil, nil, nil, nil])
        let endless = RetryPolicy(firstDelay: .seconds(Int64.max), maximumDelay: .seconds(Int64.max), jitter: .none)
        var generator = SeededGenerator(seed: 1)
        #expect(endless.delay(before: 1000, serverDelay: nil, using: &generator) == .nanoseconds(Int64.max))
        // A clock can add it to the current time.
        let longest = Duration.seconds(Int64.max)
        #expect(endless.delay(before: .max, serverDelay: longest, using: &generator) == .nanoseconds(Int64.max))
    }

    @Test func `a random delay is from zero to the maximum`() {
        let policy = RetryPolicy(firstDelay: .seconds(1), maximumDelay: .seconds(4))
        var generator = SeededGenerator(seed: 7)
        let delays = (0..<1000).compactMap { _ in policy.delay(before: 3, serverDelay: nil, using: &generator) }
        #expect(delays.allSatisfy { $0 >= .zero && $0 <= .seconds(2) })
        #expect(delays.contains { $0 < .milliseconds(100) } && delays.contains { $0 > .milliseconds(1900) })
        let none = RetryPolicy(firstDelay: .zero)
        #expect(none.delay(before: 2, serverDelay: nil, using: &generator) == .zero)
    }

    @Test func `a budget is a reserve, refilled by requests`() {
        var balance = RetryBalance()
        let budget = RetryBudget(share: 0.5, reserve: 2)
        func withdraw() -> Bool { balance.withdraw(budget) }
        let first = [withdraw(), withdraw(), withdraw()]
        balance.deposit(budget)
        let half = withdraw()
        balance.deposit(budget)
        let whole = [withdraw(), withdraw()]
        for _ in 0..<100 { balance.deposit(budget) }
        let full = [withdraw(), withdraw(), withdraw()]
        let unlimited = balance.withdraw(nil)
        #expect(first == [true, true, false])
        #expect(!half)
        #expect(whole == [true, false])
        #expect(full == [true, true, false])
        #expect(unlimited)
    }

    @Test func `Retry-After is seconds or a date`() {
        func delay(_ value: String) -> Duration? {
            RetryAfter.delay(value, now: 100) { $0 == "date" ? 107 : $0 == "past" ? 99 : nil }
        }
        #expect(delay("0") == .zero)
        #expect(delay("120") == .seconds(120))
        #expect(delay("date") == .seconds(7))
        #expect(delay("past") == .zero)
        for text in ["", "-1", "1.5", "1 s", "\u{0661}"] { #expect(delay(text) == nil) }
        #expect(delay("99999999999999999999") == .seconds(Int64.max))
        #expect(RetryAfter.delay("x", now: .min) { _ in .max } == .seconds(Int64.max))
        #expect(RetryAfter.delay("x", now: .max) { _ in .min } == .zero)
    }

    @Test func `the equality of policies ignores their clocks`() {
        #expect(RetryPolicy() == RetryPolicy(clock: SuspendingClock()))
        #expect(RetryPolicy() != RetryPolicy(maximumAttempts: 4))
        #expect(Set([RetryPolicy(), RetryPolicy(statuses: [])]).count == 2)
    }
}
