/// How many connections a session keeps that no request uses, for how long, and how old connections may become.
public struct PoolLimits: Sendable, Hashable, CustomStringConvertible {
    /// How many connections may be idle; `nil` is no limit. Those that were idle longest are closed, but not within their
    /// first second.
    public let idleConnections: Int?
    /// How long a connection may be idle before it is closed; `nil` is no limit.
    public let idleTime: Duration?
    /// How old a connection may be; `nil` is no limit. An older one is closed when it is idle, and gets no further requests.
    /// Names are resolved again for the next one.
    public let age: Duration?

    /// Sets all limits.
    public init(
        idleConnections: Int? = 100,
        idleTime: Duration? = .seconds(118),
        age: Duration? = nil
    ) {
        self.idleConnections = idleConnections
        self.idleTime = idleTime
        self.age = age
    }

    /// For example "100 idle for 118.0 seconds, of any age".
    public var description: String {
        let count = idleConnections.map { "\($0)" } ?? "any number"
        let time = idleTime.map { "\($0)" } ?? "any time"
        return "\(count) idle for \(time), of \(age.map { "at most \($0)" } ?? "any age")"
    }

    package var problem: String? {
        if let idleConnections, idleConnections < 0 {
            return "the number of idle connections must be 0 or more, but is \(idleConnections)"
        }
        if let idleTime, idleTime < .zero { return "the time must be 0 or more, but is \(idleTime)" }
        if let age, age <= .zero { return "the age must be more than 0, but is \(age)" }
        return nil
    }
}
