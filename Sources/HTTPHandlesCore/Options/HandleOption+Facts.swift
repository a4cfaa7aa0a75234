// Options that can be read but not set. Reading a fact that is not known yet throws `.incorrectHandleState`.

extension HandleOption<String> {
    /// The URL of the exchange; after redirects, that of the last hop. (`WINHTTP_OPTION_URL`)
    public static var url: Self { HandleOption(.url, fact: \.effectiveURL) }
}

extension HandleOption<Int> {
    /// The status code of the response, or of the last 1xx response if there is no other yet.
    /// (`WINHTTP_QUERY_STATUS_CODE`; `CURLINFO_RESPONSE_CODE`)
    public static var status: Self { HandleOption(.status, fact: \.status) }
}

extension HandleOption<HTTPVersion> {
    /// The version of HTTP that the exchange uses. (`WINHTTP_OPTION_HTTP_PROTOCOL_USED`; `CURLINFO_HTTP_VERSION`)
    public static var httpVersion: Self { HandleOption(.httpVersion, fact: \.httpVersion) }
}

extension HandleOption<RequestTimes> {
    /// The end times of the phases of the exchange. (`WINHTTP_OPTION_REQUEST_TIMES`)
    public static var requestTimes: Self { HandleOption(.requestTimes, fact: \.requestTimes) }
}

extension HandleOption<RequestStatistics> {
    /// The bytes that the exchange has sent and received so far. (`WINHTTP_OPTION_REQUEST_STATS`)
    public static var requestStatistics: Self { HandleOption(.requestStatistics, fact: \.requestStatistics) }
}

extension HandleOption<ConnectionInfo> {
    /// The network connection of the exchange. (`WINHTTP_OPTION_CONNECTION_INFO`)
    public static var connectionInfo: Self { HandleOption(.connectionInfo, fact: \.connectionInfo) }
}

extension HandleOption<ConnectionStatistics> {
    /// What the system knows of the connection, as long as it is open. (`WINHTTP_OPTION_CONNECTION_STATS_V0` and later)
    public static var connectionStatistics: Self {
        HandleOption(.connectionStatistics, fact: \.connectionStatistics)
    }
}

extension HandleOption<SecurityInfo> {
    /// What TLS agreed on; only for requests that were sent with `recordsSecurityInfo`. (`WINHTTP_OPTION_SECURITY_INFO`,
    /// `WINHTTP_OPTION_SERVER_CERT_CHAIN_CONTEXT`)
    public static var securityInfo: Self { HandleOption(.securityInfo, fact: \.securityInfo) }
}

extension HandleOption<[CertificateIssuer]> {
    /// The authorities from which the server accepts client certificates, also after a failure; empty if it named none. Only
    /// for requests that were sent with `recordsSecurityInfo`, or with a `clientIdentity`, and made a connection whose
    /// server requested a certificate. (`WINHTTP_OPTION_CLIENT_CERT_ISSUER_LIST`)
    public static var clientCertificateIssuers: Self {
        HandleOption(.clientCertificateIssuers, fact: \.clientCertificateIssuers)
    }
}

extension HandleOption<RetrySummary> {
    /// The number of attempts, and why there was not another one; only for requests that were sent with a `retryPolicy`. Not
    /// in WinHTTP.
    public static var retrySummary: Self { HandleOption(.retrySummary, fact: \.retrySummary) }
}

extension HandleOption<HandleID> {
    /// The parent of this handle. (`WINHTTP_OPTION_PARENT_HANDLE`)
    public static var parentHandle: Self { HandleOption(.parentHandle, fact: \.parent) }
}

extension HandleOption<LinkedLibrary> {
    /// Version and features of the linked libcurl. (`WINHTTP_OPTION_FEATURE_SUPPORTED`; `curl_version_info`)
    public static var linkedLibrary: Self { HandleOption(.linkedLibrary, fact: \.library) }
}
