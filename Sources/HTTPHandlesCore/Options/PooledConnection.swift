/// The identity of a network connection: unique among those of its session, in the order in which they were begun.
///
/// Counterpart of `WINHTTP_OPTION_CONNECTION_GUID`.
public struct ConnectionID: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The connection's number, from 1.
    public let number: UInt64

    /// Makes one, for tests.
    public init(_ number: UInt64) {
        self.number = number
    }

    /// The number with a "#", for example "#7".
    public var description: String { "#\(number)" }

    /// Whether the left connection was begun first.
    public static func < (left: ConnectionID, right: ConnectionID) -> Bool { left.number < right.number }
}

/// A network connection of a session, in use or idle.
///
/// Counterpart of `WINHTTP_CONNECTION_GROUP`.
public struct PooledConnection: Sendable, Hashable {
    /// The connection.
    public let id: ConnectionID
    /// Scheme, host and port of the URLs that it was made for, for example "https://example.com". Of the first one, where a
    /// proxy forwards requests: such a connection is for all servers.
    public let origin: String
    /// The proxy that it is to, or that has made the tunnel; `nil` without one.
    public let proxy: ProxyAddress?
    /// The local end.
    public let local: SocketAddress
    /// The end of the server or of the proxy, or the Unix socket.
    public let peer: SocketAddress
    /// The version of HTTP that it carries: one of `http1_1` (also for HTTP/1.0) and `http2`.
    public let version: HTTPVersion
    /// The version of TLS; `nil` without TLS, or if libcurl does not use OpenSSL.
    public let tlsVersion: String?
    /// The cipher of TLS; `nil` in the same cases.
    public let cipher: String?
    /// How many requests use it now; more than one only over HTTP/2. It is idle if there are none.
    public let activeRequests: Int
    /// How many requests have used it, those that use it now included.
    public let requests: Int
    /// The time since it was begun.
    public let age: Duration
    /// The time since it became idle; `nil` while it is in use.
    public let idleTime: Duration?
    /// What the system knows of it; `nil` for Unix sockets, and on systems other than Linux.
    public let statistics: ConnectionStatistics?

    package init(
        id: ConnectionID,
        origin: String,
        proxy: ProxyAddress?,
        local: SocketAddress,
        peer: SocketAddress,
        version: HTTPVersion,
        tlsVersion: String?,
        cipher: String?,
        activeRequests: Int,
        requests: Int,
        age: Duration,
        idleTime: Duration?,
        statistics: ConnectionStatistics?
    ) {
        self.id = id
        self.origin = origin
        self.proxy = proxy
        self.local = local
        self.peer = peer
        self.version = version
        self.tlsVersion = tlsVersion
        self.cipher = cipher
        self.activeRequests = activeRequests
        self.requests = requests
        self.age = age
        self.idleTime = idleTime
        self.statistics = statistics
    }
}

/// What the system knows of a TCP connection (`TCP_INFO`), over all of its requests.
///
/// Counterpart of `TCP_INFO_v0` and its successors.
public struct ConnectionStatistics: Sendable, Hashable {
    /// The smoothed time from a packet to its acknowledgement.
    public let roundTripTime: Duration
    /// The shortest such time.
    public let minimumRoundTripTime: Duration
    /// Bytes that the server has acknowledged, those of TLS included.
    public let bytesSent: Int64
    /// Bytes that were received, those of TLS included.
    public let bytesReceived: Int64
    /// How many packets were sent again.
    public let retransmissions: Int
    /// How many packets may be on their way at a time.
    public let congestionWindow: Int
    /// The size of the largest packet, in bytes.
    public let maximumSegmentSize: Int

    package init(
        roundTripTime: Duration,
        minimumRoundTripTime: Duration,
        bytesSent: Int64,
        bytesReceived: Int64,
        retransmissions: Int,
        congestionWindow: Int,
        maximumSegmentSize: Int
    ) {
        self.roundTripTime = roundTripTime
        self.minimumRoundTripTime = minimumRoundTripTime
        self.bytesSent = bytesSent
        self.bytesReceived = bytesReceived
        self.retransmissions = retransmissions
        self.congestionWindow = congestionWindow
        self.maximumSegmentSize = maximumSegmentSize
    }
}
