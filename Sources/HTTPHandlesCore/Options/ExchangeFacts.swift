/// What an exchange has shown so far; read through query-only options.
package struct ExchangeFacts: Sendable, Hashable {
    package var effectiveURL: String?
    package var requestTimes: RequestTimes?

    package init() {}
}

/// When the phases of a request were over, counted from its start (the last hop's, after a redirect).
///
/// A phase that did not happen is `nil`: nothing is resolved or connected where a pooled connection is used.
/// Counterpart of `WINHTTP_REQUEST_TIMES`.
public struct RequestTimes: Sendable, Hashable {
    /// The name was resolved. (`CURLINFO_NAMELOOKUP_TIME_T`)
    public let nameResolved: Duration?
    /// The connection was made. (`CURLINFO_CONNECT_TIME_T`)
    public let connected: Duration?
    /// The TLS handshake was done. (`CURLINFO_APPCONNECT_TIME_T`)
    public let secured: Duration?
    /// The request began to go out. (`CURLINFO_PRETRANSFER_TIME_T`)
    public let sending: Duration?
    /// The first byte of the response came. (`CURLINFO_STARTTRANSFER_TIME_T`)
    public let firstByte: Duration?
    /// The last byte came; until then, the time so far. (`CURLINFO_TOTAL_TIME_T`)
    public let total: Duration

    package init(
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
