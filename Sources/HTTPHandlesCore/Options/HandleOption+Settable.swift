public import HTTPTypes

// MARK: - The request

extension HandleOption<String?> {
    /// The value of `User-Agent`; none is sent by default. (`WINHTTP_OPTION_USER_AGENT`; `CURLOPT_USERAGENT`)
    public static var userAgent: Self {
        let requirement = "a field value without control characters and outer white space"
        return HandleOption(.userAgent, \.userAgent, requirement: requirement) {
            $0.map(HTTPField.isValidValue) ?? true
        }
    }
}

extension HandleOption<HTTPURL?> {
    /// What relative URLs of `get`, `fetch`, `download` and `openRequest` are resolved against (RFC 3986, section 5); none by
    /// default. With a base URL the session sends secret `headerFields`, and `queryItems`, to its origin only. Not in WinHTTP.
    public static var baseURL: Self { HandleOption(.baseURL, \.baseURL) }
}

extension HandleOption<HTTPFields> {
    /// Header fields of each request that has none of the same name; none by default. Not in WinHTTP.
    public static var headerFields: Self {
        HandleOption(.headerFields, \.headerFields) { RequestRules.problem(ofDefaults: $0) }
    }
}

extension HandleOption<QueryItems> {
    /// Items at the end of the query of each request that has none of the same name; none by default. Not in WinHTTP.
    public static var queryItems: Self { HandleOption(.queryItems, \.queryItems) }
}

extension HandleOption<HTTPVersionPolicy> {
    /// Which versions of HTTP may be used. (`WINHTTP_OPTION_ENABLE_HTTP_PROTOCOL`; `CURLOPT_HTTP_VERSION`)
    public static var httpVersions: Self { HandleOption(.httpVersions, \.httpVersions) }
}

extension HandleOption<RedirectPolicy> {
    /// Which redirects are followed; all but those from https to http by default. (`WINHTTP_OPTION_REDIRECT_POLICY`)
    public static var redirectPolicy: Self { HandleOption(.redirectPolicy, \.redirectPolicy) }
}

extension HandleOption<RedirectDecider?> {
    /// Decides about each redirect that `redirectPolicy` allows; none by default. (A callback for
    /// `WINHTTP_CALLBACK_STATUS_REDIRECT`)
    public static var redirectDecider: Self { HandleOption(.redirectDecider, \.redirectDecider) }
}

extension HandleOption<Set<Int>> {
    /// The statuses after which a redirected POST stays one and keeps its body, out of 301, 302 and 303; none by default, so
    /// that it becomes a GET, as RFC 9110 describes. Not in WinHTTP; like `CURLOPT_POSTREDIR`.
    public static var redirectsKeepingPost: Self {
        let requirement = "a subset of 301, 302 and 303"
        return HandleOption(.redirectsKeepingPost, \.redirectsKeepingPost, requirement: requirement) {
            $0.isSubset(of: [301, 302, 303])
        }
    }
}

extension HandleOption<Credentials?> {
    /// The credentials for the origin of the request, never sent to another one; none by default. Not used for a request
    /// with an `Authorization` field. (`WinHttpSetCredentials`, `WINHTTP_OPTION_USERNAME`; `CURLOPT_HTTPAUTH`)
    public static var credentials: Self { HandleOption(.credentials, \.credentials) { $0?.problem } }
}

extension HandleOption<CredentialProvider?> {
    /// Provides credentials when a server answers 401 or a proxy 407, while the caller waits; none by default. The answer to a
    /// server becomes the request's `credentials`, unless the caller has set credentials or a provider since it was sent; that
    /// to a proxy is kept for the session's requests with this provider. Not in WinHTTP.
    public static var credentialProvider: Self { HandleOption(.credentialProvider, \.credentialProvider) }
}

extension HandleOption<RetryPolicy?> {
    /// When a request is sent again automatically; never by default. Not in WinHTTP.
    public static var retryPolicy: Self { HandleOption(.retryPolicy, \.retryPolicy) { $0?.problem } }
}

// MARK: - Time

extension HandleOption<Duration> {
    /// How long a request may wait for a connection slot; no limit by default. Not in WinHTTP.
    public static var queueTimeout: Self { .timeout(.queueTimeout, \.limits.queue) }

    /// How long a name may take to resolve; no limit by default. (`WINHTTP_OPTION_RESOLVE_TIMEOUT`)
    public static var resolveTimeout: Self { .timeout(.resolveTimeout, \.limits.resolve) }

    /// How long a connection may take, over all addresses and with the TLS handshake; 60 seconds by default.
    /// (`WINHTTP_OPTION_CONNECT_TIMEOUT`)
    public static var connectTimeout: Self { .timeout(.connectTimeout, \.limits.connect) }

    /// The longest pause between two pieces of the request; 30 seconds by default. (`WINHTTP_OPTION_SEND_TIMEOUT`)
    public static var sendTimeout: Self { .timeout(.sendTimeout, \.limits.send) }

    /// The longest pause between two pieces of the response body; 30 seconds by default. Time during which the buffer is
    /// full does not count. (`WINHTTP_OPTION_RECEIVE_TIMEOUT`)
    public static var receiveTimeout: Self { .timeout(.receiveTimeout, \.limits.receive) }

    /// How long the response head may take after the request was sent; 90 seconds by default.
    /// (`WINHTTP_OPTION_RECEIVE_RESPONSE_TIMEOUT`)
    public static var responseTimeout: Self { .timeout(.responseTimeout, \.limits.response) }

    /// How long the whole exchange may take, its body included; no limit by default. Not in WinHTTP.
    public static var totalTimeout: Self { .timeout(.totalTimeout, \.limits.total) }

    /// How long the addresses of one family (IPv6 or IPv4), those that the resolver puts first, are tried before the other
    /// family is tried at the same time: the Connection Attempt Delay of RFC 8305. Whole milliseconds; 200 by default.
    /// (`WINHTTP_OPTION_IPV6_FAST_FALLBACK`; `CURLOPT_HAPPY_EYEBALLS_TIMEOUT_MS`)
    public static var connectionAttemptDelay: Self {
        let requirement = "whole milliseconds from 0 to 2147483647"
        return HandleOption(.connectionAttemptDelay, \.connectionAttemptDelay, requirement: requirement) { delay in
            let isWhole = delay.components.attoseconds.isMultiple(of: 1_000_000_000_000_000)
            return (.zero ... .milliseconds(Int(Int32.max))).contains(delay) && isWhole
        }
    }

    /// `.zero` means no limit, as in WinHTTP.
    private static func timeout(
        _ row: OptionRow,
        _ path: any WritableKeyPath<OptionValues, Duration> & Sendable
    ) -> Self {
        HandleOption(row, path, requirement: "0 (no limit) or more") { $0 >= .zero }
    }
}

// MARK: - Amounts

extension HandleOption<Int> {
    /// How many redirects are followed before the request fails with `.redirectFailed`; 10 by default.
    /// (`WINHTTP_OPTION_MAX_HTTP_AUTOMATIC_REDIRECTS`)
    public static var maximumRedirects: Self {
        HandleOption(.maximumRedirects, \.maximumRedirects, requirement: "0 or more") { $0 >= 0 }
    }

    /// The maximum size of the response head in bytes, with 1xx responses and trailers; a larger one fails with
    /// `.headerSizeOverflow`. 64 KiB by default; at most libcurl's own limit of 300 KiB.
    /// (`WINHTTP_OPTION_MAX_RESPONSE_HEADER_SIZE`)
    public static var maximumHeadSize: Self {
        HandleOption(.maximumHeadSize, \.maximumHeadSize, requirement: "from 1 to 307200") {
            (1...300 * 1024).contains($0)
        }
    }
}

extension HandleOption<Int> {
    /// How much of the body of a response that is not the caller's (of a redirect, a challenge, a retry) is read to keep the
    /// connection, in bytes; with more the connection is closed. What comes with the head does not count. 64 KiB by default.
    /// (`WINHTTP_OPTION_MAX_RESPONSE_DRAIN_SIZE`)
    public static var maximumDrainSize: Self {
        HandleOption(.maximumDrainSize, \.maximumDrainSize, requirement: "0 or more") { $0 >= 0 }
    }
}

extension HandleOption<Int?> {
    /// How many connections to one origin, or Unix socket, may be in use at a time; 256 by default, so that a burst does not
    /// use up the descriptors of the process, `nil` is no limit. Further requests wait in the order of their start. Requests that share an HTTP/2 connection count as one.
    /// (`WINHTTP_OPTION_MAX_CONNS_PER_SERVER`)
    public static var maximumConnectionsPerServer: Self {
        .connections(.maximumConnectionsPerServer, \.maximumConnectionsPerServer)
    }

    /// How many connections of the session may be in use at a time; no limit by default. Further requests wait in the order
    /// of their start. Not in WinHTTP.
    public static var maximumConnections: Self { .connections(.maximumConnections, \.maximumConnections) }

    /// The maximum ratio of decoded to coded size of a body of more than 16 MiB; above it, reading throws
    /// `.insufficientBuffer`. 250 by default, `nil` is no limit. With two codings the output of both counts. Not in WinHTTP.
    public static var maximumDecodingRatio: Self {
        HandleOption(.maximumDecodingRatio, \.maximumDecodingRatio, requirement: "1 or more, or nil (no limit)") {
            ($0 ?? 1) >= 1
        }
    }

    private static func connections(
        _ row: OptionRow,
        _ path: any WritableKeyPath<OptionValues, Int?> & Sendable
    ) -> Self {
        HandleOption(row, path, requirement: "1 or more, or nil (no limit)") { ($0 ?? 1) >= 1 }
    }
}

extension HandleOption<BufferMarks> {
    /// When receiving is paused because the response body is not read. (`WINHTTP_OPTION_READ_BUFFER_SIZE`)
    public static var receiveBuffer: Self { HandleOption(.receiveBuffer, \.receiveBuffer) { $0.problem } }

    /// When the producer of a streamed request body is suspended because the server does not read.
    /// (`WINHTTP_OPTION_WRITE_BUFFER_SIZE`)
    public static var sendBuffer: Self { HandleOption(.sendBuffer, \.sendBuffer) { $0.problem } }
}

// MARK: - Connections

extension HandleOption<ProxySetting> {
    /// Which proxy requests go through; that of the environment by default. Chosen anew for each redirect. A request never
    /// uses a connection through another proxy, nor a tunnel that was made with other credentials or header fields. Setting a
    /// proxy that cannot be one throws `.invalidParameter`. (`WINHTTP_OPTION_PROXY`; `CURLOPT_PROXY`)
    public static var proxy: Self { HandleOption(.proxy, \.proxy) { $0.problem } }
}

extension HandleOption<[ResolveOverride]> {
    /// Hosts whose requests connect to another name or address; none by default.
    /// (`WINHTTP_OPTION_RESOLUTION_HOSTNAME`; `CURLOPT_CONNECT_TO`)
    public static var resolveOverrides: Self {
        HandleOption(.resolveOverrides, \.resolveOverrides) { overrides in
            overrides.lazy.compactMap(\.problem).first
        }
    }
}

extension HandleOption<NameResolver> {
    /// What resolves the names of hosts; the system's resolver by default. A resolver of the caller's is asked for each
    /// connection that has to be made, and its connections are used with that resolver only. Not in WinHTTP.
    /// (`CURLOPT_DOH_URL`, `CURLOPT_RESOLVE`)
    public static var nameResolver: Self { HandleOption(.nameResolver, \.nameResolver) { $0.problem } }
}

extension HandleOption<Duration?> {
    /// How long the addresses of names are kept that the system's resolver or DNS over HTTPS has found: whole seconds; 60 by
    /// default, `.zero` not at all, `nil` as long as the session. (`WINHTTP_OPTION_RESOLVER_CACHE_CONFIG`;
    /// `CURLOPT_DNS_CACHE_TIMEOUT`)
    public static var resolverCacheTime: Self {
        let requirement = "whole seconds from 0 to 2147483647, or nil (no limit)"
        return HandleOption(.resolverCacheTime, \.resolverCacheTime, requirement: requirement) { time in
            guard let time else { return true }
            return (.zero ... .seconds(Int32.max)).contains(time) && time.components.attoseconds == 0
        }
    }
}

extension HandleOption<UnixSocket?> {
    /// A Unix socket that requests, also those after a redirect, connect to in place of the hosts of their URLs; none by
    /// default. Connections to different sockets, and to hosts, are never mixed. Not in WinHTTP.
    /// (`CURLOPT_UNIX_SOCKET_PATH`, `CURLOPT_ABSTRACT_UNIX_SOCKET`)
    public static var unixSocket: Self { HandleOption(.unixSocket, \.unixSocket) { $0?.problem } }
}

extension HandleOption<IPVersion> {
    /// Which version of the Internet Protocol connections use; both by default. (`CURLOPT_IPRESOLVE`)
    public static var ipVersion: Self { HandleOption(.ipVersion, \.ipVersion) }
}

extension HandleOption<LocalAddress?> {
    /// The local end of connections; chosen by the system by default. A request with this option never uses a connection
    /// with another local end; one without it uses any. (`WINHTTP_OPTION_NETWORK_INTERFACE_AFFINITY`; `CURLOPT_INTERFACE`)
    public static var localAddress: Self { HandleOption(.localAddress, \.localAddress) { $0?.problem } }
}

extension HandleOption<TCPKeepAlive?> {
    /// The times of TCP keep-alive probes; none are sent by default. Applies to connections that the request makes, not to
    /// pooled ones. (`WINHTTP_OPTION_TCP_KEEPALIVE`; `CURLOPT_TCP_KEEPALIVE`)
    public static var tcpKeepAlive: Self { HandleOption(.tcpKeepAlive, \.tcpKeepAlive) { $0?.problem } }
}

extension HandleOption<TrafficClass?> {
    /// The code point and the priority of the packets of connections; those of the system by default. Applies to connections
    /// that the request makes, not to pooled ones. (`WINHTTP_OPTION_DSCP_TAG`, `WINHTTP_OPTION_TCP_PRIORITY_HINT`)
    public static var trafficClass: Self { HandleOption(.trafficClass, \.trafficClass) { $0?.problem } }
}

extension HandleOption<PoolLimits> {
    /// The number, the idle time and the age of the session's connections that no request uses; by default 100, 118 seconds as
    /// in libcurl, and any age. Replaces `CURLMOPT_MAXCONNECTS`, `CURLOPT_MAXAGE_CONN` and `CURLOPT_MAXLIFETIME_CONN`, which
    /// libcurl looks at with the next request only. Not in WinHTTP.
    public static var poolLimits: Self { HandleOption(.poolLimits, \.poolLimits) { $0.problem } }
}

// MARK: - Flags

extension HandleOption<Bool> {
    /// Whether the facts of an exchange are kept when its request is closed, for `Response.fact(_:)`; false by default. Not in
    /// WinHTTP.
    public static var keepsFacts: Self { HandleOption(.keepsFacts, \.keepsFacts) }

    /// Whether the connection is returned to the pool after the response; true by default. If false, the request has
    /// `Connection: close`, but may still use a pooled connection. (`WINHTTP_DISABLE_KEEP_ALIVE`; `CURLOPT_FORBID_REUSE`)
    public static var keepAlive: Self { HandleOption(.keepAlive, \.keepAlive) }

    /// Whether `Accept-Encoding` is sent and response bodies are decoded; true by default. The response to a request with its
    /// own `Accept-Encoding` field is not decoded. (`WINHTTP_OPTION_DECOMPRESSION`)
    public static var decodesContent: Self { HandleOption(.decodesContent, \.decodesContent) }

    /// Whether a request without an `Accept` field is sent with `Accept: */*`; true by default. Not in WinHTTP, which sends
    /// none.
    public static var sendsAccept: Self { HandleOption(.sendsAccept, \.sendsAccept) }

    /// Whether dot segments ("." and "..") in the caller's path are sent as they are, instead of being removed; false by
    /// default. Those of a redirect are always removed. Not in WinHTTP; like `CURLOPT_PATH_AS_IS`.
    public static var pathAsIs: Self { HandleOption(.pathAsIs, \.pathAsIs) }

    /// Whether requests send the session's cookies and responses set them; true by default, as in WinHTTP. A session that
    /// serves several tenants must turn it off: otherwise they share their cookies.
    /// (`WINHTTP_DISABLE_COOKIES`; `CURLOPT_COOKIEFILE`)
    public static var usesCookies: Self { HandleOption(.usesCookies, \.usesCookies) }

    /// Whether `Strict-Transport-Security` (HSTS) is obeyed: requests and redirects to http URLs of a known host use https, and
    /// responses over verified TLS make hosts known; false by default. Not in WinHTTP; like `CURLOPT_HSTS_CTRL`.
    public static var usesStrictTransport: Self { HandleOption(.usesStrictTransport, \.usesStrictTransport) }

    /// Whether the `Alt-Svc` of responses over verified TLS is kept, and requests to their origins connect to these alternative
    /// services (RFC 7838); false by default. Not in WinHTTP; like `CURLOPT_ALTSVC_CTRL`.
    public static var usesAlternativeServices: Self {
        HandleOption(.usesAlternativeServices, \.usesAlternativeServices)
    }

    /// Whether Nagle's algorithm is off, so that small pieces are sent at once; true by default. Applies to connections that
    /// the request makes, not to pooled ones. (`CURLOPT_TCP_NODELAY`)
    public static var tcpNoDelay: Self { HandleOption(.tcpNoDelay, \.tcpNoDelay) }

    /// Whether `securityInfo` is recorded; false by default, because it makes each handshake slightly slower.
    /// (`CURLOPT_CERTINFO`)
    public static var recordsSecurityInfo: Self { HandleOption(.recordsSecurityInfo, \.recordsSecurityInfo) }
}

// MARK: - TLS

extension HandleOption<ServerTrust> {
    /// Which servers are trusted: those with a valid certificate of one of the system's authorities by default. A file or
    /// bytes that are not certificates are `.invalidParameter` when a request is sent, before anything else happens.
    /// (`WINHTTP_OPTION_SECURITY_FLAGS`; `CURLOPT_CAINFO`)
    public static var serverTrust: Self { HandleOption(.serverTrust, \.serverTrust) { $0.problem } }
}

extension HandleOption<ClientIdentity?> {
    /// The client's certificate and key for servers that request them; none by default. Not sent to another origin after a
    /// redirect. Sending throws `.invalidParameter` if it cannot be read, and `.clientCertNoPrivateKey` if the key is
    /// missing, does not fit, or needs another password, before anything else happens.
    /// (`WINHTTP_OPTION_CLIENT_CERT_CONTEXT`; `CURLOPT_SSLCERT`)
    public static var clientIdentity: Self { HandleOption(.clientIdentity, \.clientIdentity) { $0?.problem } }
}

extension HandleOption<TLSVersion> {
    /// The oldest allowed version of TLS; 1.2 by default. (`WINHTTP_OPTION_SECURE_PROTOCOLS`; `CURLOPT_SSLVERSION`)
    public static var minimumTLSVersion: Self { HandleOption(.minimumTLSVersion, \.minimumTLSVersion) }
}

extension HandleOption<TLSVersion?> {
    /// The newest allowed version of TLS; no limit by default. Older than `minimumTLSVersion` is `.invalidParameter` when a
    /// request is sent. (`WINHTTP_OPTION_SECURE_PROTOCOLS`; `CURLOPT_SSLVERSION`)
    public static var maximumTLSVersion: Self { HandleOption(.maximumTLSVersion, \.maximumTLSVersion) }
}

extension HandleOption<TLSAlgorithms?> {
    /// The cipher suites and groups that are offered; the TLS library's by default.
    /// (`CURLOPT_SSL_CIPHER_LIST`, `CURLOPT_TLS13_CIPHERS`, `CURLOPT_SSL_EC_CURVES`)
    public static var tlsAlgorithms: Self { HandleOption(.tlsAlgorithms, \.tlsAlgorithms) { $0?.problem } }
}
