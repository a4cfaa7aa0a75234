/// The facts of a handle and its exchange that query-only options return. Collected on demand.
package struct ExchangeFacts: Sendable, Hashable {
    package var effectiveURL: String?
    package var status: Int?
    package var httpVersion: HTTPVersion?
    package var requestTimes: RequestTimes?
    package var requestStatistics: RequestStatistics?
    package var connectionInfo: ConnectionInfo?
    package var connectionStatistics: ConnectionStatistics?
    package var securityInfo: SecurityInfo?
    package var clientCertificateIssuers: [CertificateIssuer]?
    package var retrySummary: RetrySummary?
    package var parent: HandleID?
    package var library: LinkedLibrary?

    package init() {}
}

/// The end times of the phases of a request, from its start (after a redirect, from the start of the last hop).
///
/// A phase that did not happen is `nil`: nothing is resolved or connected if a pooled connection is used, and nothing is
/// resolved if the URL has an address.
///
/// Counterpart of `WINHTTP_REQUEST_TIMES`.
public struct RequestTimes: Sendable, Hashable {
    /// The name was resolved. (`CURLINFO_NAMELOOKUP_TIME_T`)
    public let nameResolved: Duration?
    /// The connection was made. (`CURLINFO_CONNECT_TIME_T`)
    public let connected: Duration?
    /// The TLS handshake was done. (`CURLINFO_APPCONNECT_TIME_T`)
    public let secured: Duration?
    /// Sending of the request began. (`CURLINFO_PRETRANSFER_TIME_T`)
    public let sending: Duration?
    /// The first byte of the response arrived. (`CURLINFO_STARTTRANSFER_TIME_T`)
    public let firstByte: Duration?
    /// The last byte arrived; until then, the time so far. (`CURLINFO_TOTAL_TIME_T`)
    public let total: Duration

    /// Makes one, for tests.
    public init(
        nameResolved: Duration?,
        connected: Duration?,
        secured: Duration?,
        sending: Duration?,
        firstByte: Duration?,
        total: Duration
    ) {
        self.nameResolved = nameResolved
        self.connected = connected
        self.secured = secured
        self.sending = sending
        self.firstByte = firstByte
        self.total = total
    }
}

/// The bytes that a request has sent and received so far (after a redirect, those of the last hop).
///
/// Counterpart of `WINHTTP_REQUEST_STATS`.
public struct RequestStatistics: Sendable, Hashable {
    /// Bytes of the request head, including repetitions by libcurl. (`CURLINFO_REQUEST_SIZE`)
    public let requestHeadBytes: Int64
    /// Bytes of the request body. (`CURLINFO_SIZE_UPLOAD_T`)
    public let requestBodyBytes: Int64
    /// Bytes of the response head, 1xx responses included. (`CURLINFO_HEADER_SIZE`)
    public let responseHeadBytes: Int64
    /// Bytes of the response body. (`CURLINFO_SIZE_DOWNLOAD_T`)
    public let responseBodyBytes: Int64
    /// The number of connections made for the request; 0 if a pooled one was used. (`CURLINFO_NUM_CONNECTS`)
    public let connectionsMade: Int

    /// Makes one, for tests.
    public init(
        requestHeadBytes: Int64,
        requestBodyBytes: Int64,
        responseHeadBytes: Int64,
        responseBodyBytes: Int64,
        connectionsMade: Int
    ) {
        self.requestHeadBytes = requestHeadBytes
        self.requestBodyBytes = requestBodyBytes
        self.responseHeadBytes = responseHeadBytes
        self.responseBodyBytes = responseBodyBytes
        self.connectionsMade = connectionsMade
    }
}

/// The network connection of a request.
///
/// Counterpart of `WINHTTP_CONNECTION_INFO`.
public struct ConnectionInfo: Sendable, Hashable {
    /// The connection; `nil` if the library does not know it. (`WINHTTP_OPTION_CONNECTION_GUID`)
    public let id: ConnectionID?
    /// The local end. (`CURLINFO_LOCAL_IP`, `CURLINFO_LOCAL_PORT`)
    public let local: SocketAddress
    /// The other end: the server's, or that of the proxy. (`CURLINFO_PRIMARY_IP`, `CURLINFO_PRIMARY_PORT`)
    public let peer: SocketAddress
    /// Whether the connection came from the pool. (`CURLINFO_NUM_CONNECTS`)
    public let isReused: Bool
    /// The proxy that the connection is made to; `nil` for a direct connection. (`CURLINFO_USED_PROXY`)
    public let proxy: ProxyAddress?
    /// Whether the connection is a tunnel through the proxy, which sees nothing of the request.
    public let isTunnel: Bool

    /// Makes one, for tests.
    public init(
        id: ConnectionID?,
        local: SocketAddress,
        peer: SocketAddress,
        isReused: Bool,
        proxy: ProxyAddress? = nil,
        isTunnel: Bool = false
    ) {
        self.id = id
        self.local = local
        self.peer = peer
        self.isReused = isReused
        self.proxy = proxy
        self.isTunnel = isTunnel
    }
}
