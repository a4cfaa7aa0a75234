/// One more attempt of a request.
package struct Retry: Sendable, Hashable {
    /// The number of the attempt, from 2.
    package let attempt: Int
    package let delay: Duration
    package let cause: RetryCause

    package init(attempt: Int, delay: Duration, cause: RetryCause) {
        self.attempt = attempt
        self.delay = delay
        self.cause = cause
    }
}

extension RetryPolicy {
    /// How long to wait before an attempt; `nil` if the server asks for more than is allowed.
    ///
    /// - Parameters:
    ///   - attempt: The number of the attempt, from 2.
    ///   - serverDelay: What the server asks for.
    package func delay(
        before attempt: Int,
        serverDelay: Duration?,
        using generator: inout some RandomNumberGenerator
    ) -> Duration? {
        if let serverDelay, serverDelay > maximumDelay { return nil }
        let longest = longestDelay(before: attempt)
        let own =
            switch jitter {
            case .none: longest
            case .random, .seeded: Int64.random(in: 0...longest, using: &generator)
            }
        return max(.nanoseconds(own), .nanoseconds((serverDelay ?? .zero).nanosecondsClamped))
    }

    /// In nanoseconds.
    private func longestDelay(before attempt: Int) -> Int64 {
        let maximum = maximumDelay.nanosecondsClamped
        let (longest, overflow) = firstDelay.nanosecondsClamped
            .multipliedReportingOverflow(by: 1 << min(max(attempt - 2, 0), 62))
        return overflow ? maximum : min(longest, maximum)
    }
}

/// What is left of a session's budget for retries.
package struct RetryBalance: Sendable {
    private var spent = 0.0

    package init() {}

    /// A request was made.
    package mutating func deposit(_ budget: RetryBudget?) {
        if let budget { spent = max(0, spent - budget.share) }
    }

    /// Takes one retry out; `false` if there is none left.
    package mutating func withdraw(_ budget: RetryBudget?) -> Bool {
        guard let budget else { return true }
        guard spent + 1 <= Double(budget.reserve) else { return false }
        spent += 1
        return true
    }
}

extension SystemRandomNumberGenerator {
    /// The system's generator. As an existential it has an address: ThreadSanitizer takes all values without a size for one
    /// and the same.
    package static var system: any RandomNumberGenerator { SystemRandomNumberGenerator() }
}

/// Pseudo-random numbers that are the same for the same seed (SplitMix64).
package struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    package init(seed: UInt64) {
        state = seed
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// The value of a `Retry-After` field (RFC 9110, section 10.2.3).
package enum RetryAfter {
    /// How long to wait; `nil` if the value is neither seconds nor a date.
    ///
    /// - Parameters:
    ///   - now: The time to compare a date with, in seconds since 1970.
    ///   - parseDate: Makes such seconds of a date.
    package static func delay(_ value: String, now: Int64, parseDate: (String) -> Int64?) -> Duration? {
        if !value.isEmpty, value.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
            return .seconds(Int64(value) ?? .max)
        }
        return parseDate(value).map { date in
            let (difference, overflow) = date.subtractingReportingOverflow(now)
            return .seconds(overflow ? (date < now ? 0 : .max) : max(0, difference))
        }
    }
}
