/// How networks and the system treat the packets of connections.
///
/// Counterpart of `WINHTTP_OPTION_DSCP_TAG` and `WINHTTP_OPTION_TCP_PRIORITY_HINT`.
public struct TrafficClass: Sendable, Hashable {
    /// The Differentiated Services code point in the headers of IP (RFC 2474), from 0 to 63; `nil` is the system's.
    public let dscp: Int?
    /// The priority in the queues of this machine (`SO_PRIORITY` of Linux), from 0 to 6; `nil` is the system's.
    public let priority: Int?

    /// Sets both.
    public init(dscp: Int? = nil, priority: Int? = nil) {
        self.dscp = dscp
        self.priority = priority
    }

    package var problem: String? {
        if let dscp, !(0...63).contains(dscp) { return "the code point must be from 0 to 63, but is \(dscp)" }
        if let priority, !(0...6).contains(priority) { return "the priority must be from 0 to 6, but is \(priority)" }
        return nil
    }
}
