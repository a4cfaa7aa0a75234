public import HTTPTypes

/// When a request that failed, or got a status such as 503, is sent again without the caller.
///
///     let policy = RetryPolicy(maximumAttempts: 4, firstDelay: .milliseconds(500))
///     try await session.setOption(.retryPolicy, to: policy)
///
/// A request is sent again if its method, the error or status, the number of attempts, the budget of the session and the
/// total time limit allow it; else the caller gets the error or the response of the last attempt, and the event
/// `retryRefused` says why. The pause before an attempt is random, up to a length that doubles from one attempt to the
/// next, and at least what the server asks for in `Retry-After`.
/// Two policies are equal if all but their clocks are.
///
/// All of it: `Docs/Retries.md`. Not in WinHTTP.
public struct RetryPolicy: Sendable {
    /// How often the request is sent at most, the first time included.
    public var maximumAttempts: Int
    /// The methods whose requests are sent again. Others may do twice what was asked for once.
    public var methods: Set<HTTPRequest.Method>
    /// The statuses after which the request is sent again.
    public var statuses: Set<Int>
    /// The errors after which the request is sent again, unless the response was already delivered. The total time limit
    /// is never one of them.
    public var errors: Set<HandleErrorCode>
    /// The longest pause before the second attempt; it doubles with each further one.
    public var firstDelay: Duration
    /// The longest pause of all. If a server asks for a longer one, the request is not sent again.
    public var maximumDelay: Duration
    /// How long after its beginning an exchange may still begin an attempt; `nil` for any time. (`totalTimeout` ends the attempt
    /// that is being made, too.)
    public var maximumTime: Duration?
    /// How the pauses are spread.
    public var jitter: RetryJitter
    /// How many requests of a session may be sent again; `nil` for all.
    public var budget: RetryBudget?
    /// What the pauses are measured with. It sleeps in a task of its own, with the priority and the task-local values of the
    /// task that called `send` or `fetch`.
    public var clock: any Clock<Duration>

    /// Sets everything; the defaults are three attempts, of idempotent methods.
    public init(
        maximumAttempts: Int = 3,
        methods: Set<HTTPRequest.Method> = Self.idempotentMethods,
        statuses: Set<Int> = [408, 429, 502, 503, 504],
        errors: Set<HandleErrorCode> = [.nameNotResolved, .cannotConnect, .connectionError, .timeout],
        firstDelay: Duration = .milliseconds(200),
        maximumDelay: Duration = .seconds(30),
        maximumTime: Duration? = nil,
        jitter: RetryJitter = .random,
        budget: RetryBudget? = RetryBudget(),
        clock: any Clock<Duration> = ContinuousClock()
    ) {
        self.maximumAttempts = maximumAttempts
        self.methods = methods
        self.statuses = statuses
        self.errors = errors
        self.firstDelay = firstDelay
        self.maximumDelay = maximumDelay
        self.maximumTime = maximumTime
        self.jitter = jitter
        self.budget = budget
        self.clock = clock
    }

    /// The methods that do no more when they are sent twice (RFC 9110, section 9.2.2).
    public static let idempotentMethods: Set<HTTPRequest.Method> = [.get, .head, .options, .trace, .put, .delete]

    package var problem: String? {
        if maximumAttempts < 1 { return "maximumAttempts is at least 1" }
        if firstDelay < .zero || maximumDelay < .zero { return "firstDelay and maximumDelay are not negative" }
        if let maximumTime, maximumTime < .zero { return "maximumTime is not negative" }
        guard let budget else { return nil }
        let isRight = budget.reserve >= 0 && budget.share >= 0 && budget.share.isFinite
        return isRight ? nil : "share and reserve of a budget are not negative, and share is finite"
    }
}

extension RetryPolicy: Hashable {
    /// Compares everything but the clocks.
    public static func == (left: RetryPolicy, right: RetryPolicy) -> Bool {
        left.maximumAttempts == right.maximumAttempts && left.methods == right.methods
            && left.statuses == right.statuses && left.errors == right.errors && left.firstDelay == right.firstDelay
            && left.maximumDelay == right.maximumDelay && left.maximumTime == right.maximumTime
            && left.jitter == right.jitter && left.budget == right.budget
    }

    /// Hashes the numbers.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(maximumAttempts)
        hasher.combine(firstDelay)
        hasher.combine(maximumDelay)
        hasher.combine(maximumTime)
    }
}

/// How the pauses between attempts are spread, so that clients that failed at the same time do not retry at the same time.
public enum RetryJitter: Sendable, Hashable {
    /// Anywhere between zero and the longest, by the system's random numbers.
    case random
    /// The same, but always the same pauses for the same number: for tests.
    case seeded(UInt64)
    /// Always the longest.
    case none
}

/// How many requests of a session may be sent again: a reserve, refilled by a share of the requests that are made.
///
/// Where a server fails for all requests, retries multiply its load; with a budget they add at most the share.
public struct RetryBudget: Sendable, Hashable {
    /// How many retries each new request adds to the reserve, for example 0.1 for one in ten.
    public var share: Double
    /// How many retries there are at first, and at most at any time.
    public var reserve: Int

    /// Sets both.
    public init(share: Double = 0.1, reserve: Int = 100) {
        self.share = share
        self.reserve = reserve
    }
}

/// Why a request is sent again.
public enum RetryCause: Sendable, Hashable {
    /// The response had this status.
    case status(Int)
    /// The attempt failed.
    case error(HandleError)
}
