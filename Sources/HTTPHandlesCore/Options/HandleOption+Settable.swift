import HTTPTypes

// MARK: - Who asks for what

extension HandleOption<String?> {
    /// What the `User-Agent` field says; none is sent by default. (`WINHTTP_OPTION_USER_AGENT`; `CURLOPT_USERAGENT`)
    public static var userAgent: Self {
        HandleOption(.userAgent, \.userAgent) { agent in
            agent.flatMap { HTTPField.isValidValue($0) ? nil : "it contains a control character or outer white space" }
        }
    }

    /// The PEM file of the authorities whose certificates are trusted; the system's by default. A regular file of at most
    /// 4 MiB, or sending throws `.invalidParameter`. (`CURLOPT_CAINFO`)
    public static var certificateAuthorityFile: Self {
        HandleOption(.certificateAuthorityFile, \.certificateAuthorityFile) { file in
            file.flatMap { $0.isEmpty || $0.utf8.contains(0) ? "that is not the name of a file" : nil }
        }
    }
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
    /// Who is asked about each redirect that `redirectPolicy` allows; nobody by default. (What is done in the callback of
    /// `WINHTTP_CALLBACK_STATUS_REDIRECT`)
    public static var redirectDecider: Self { HandleOption(.redirectDecider, \.redirectDecider) }
}

extension HandleOption<Credentials?> {
    /// Who the client says it is, to the server that the request is made to and to no other; nobody by default. A request
    /// with an `Authorization` field of its own does without. (`WinHttpSetCredentials`, `WINHTTP_OPTION_USERNAME`;
    /// `CURLOPT_HTTPAUTH`)
    public static var credentials: Self { HandleOption(.credentials, \.credentials) { $0?.problem } }
}

extension HandleOption<CredentialProvider?> {
    /// Who is asked for credentials when a server answers 401, as long as the caller waits for the response; nobody by
    /// default. What is answered becomes the request's `credentials`, unless the caller has set credentials or a provider
    /// since it was sent. Not in WinHTTP.
    public static var credentialProvider: Self { HandleOption(.credentialProvider, \.credentialProvider) }
}

extension HandleOption<RetryPolicy?> {
    /// When a request is sent again by itself; never by default. Not in WinHTTP.
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

    /// The longest pause between two pieces of the response body; 30 seconds by default. The time that the reader takes
    /// does not count. (`WINHTTP_OPTION_RECEIVE_TIMEOUT`)
    public static var receiveTimeout: Self { .timeout(.receiveTimeout, \.limits.receive) }

    /// How long the response head may take once the request is sent; 90 seconds by default.
    /// (`WINHTTP_OPTION_RECEIVE_RESPONSE_TIMEOUT`)
    public static var responseTimeout: Self { .timeout(.responseTimeout, \.limits.response) }

    /// How long the whole exchange may take, its body included; no limit by default. Not in WinHTTP.
    public static var totalTimeout: Self { .timeout(.totalTimeout, \.limits.total) }

    /// How long a connection of the session may be idle before it is closed; 118 seconds by default, as in libcurl, whose
    /// `CURLOPT_MAXAGE_CONN` closes it only when the next request comes. Not in WinHTTP.
    public static var maximumIdleTime: Self { .timeout(.maximumIdleTime, \.maximumIdleTime) }

    /// `.zero` is no limit, as in WinHTTP.
    private static func timeout(
        _ row: OptionRow,
        _ path: any WritableKeyPath<OptionValues, Duration> & Sendable
    ) -> Self {
        HandleOption(row, path) { $0 < .zero ? "a time limit is not negative; zero is no limit" : nil }
    }
}

// MARK: - Amounts

extension HandleOption<Int> {
    /// How many redirects are followed before the request fails with `.redirectFailed`; 10 by default.
    /// (`WINHTTP_OPTION_MAX_HTTP_AUTOMATIC_REDIRECTS`)
    public static var maximumRedirects: Self {
        HandleOption(.maximumRedirects, \.maximumRedirects) {
            $0 < 0 ? "there is no negative number of redirects" : nil
        }
    }

    /// How many bytes the response head may have, 1xx responses and trailers included, before the request fails with
    /// `.headerSizeOverflow`; 64 KiB by default, and no more than libcurl's own limit of 300 KiB.
    /// (`WINHTTP_OPTION_MAX_RESPONSE_HEADER_SIZE`)
    public static var maximumHeadSize: Self {
        HandleOption(.maximumHeadSize, \.maximumHeadSize) {
            (1...300 * 1024).contains($0) ? nil : "it is from 1 to 307200"
        }
    }
}

extension HandleOption<Int?> {
    /// How many connections to one server (scheme, host and port) may be in use at a time; no limit by default. Further
    /// requests wait, first come, first served. Requests that share an HTTP/2 connection count as one.
    /// (`WINHTTP_OPTION_MAX_CONNS_PER_SERVER`)
    public static var maximumConnectionsPerServer: Self {
        .connections(.maximumConnectionsPerServer, \.maximumConnectionsPerServer)
    }

    /// How many connections of the session may be in use at a time; no limit by default. Further requests wait, first
    /// come, first served. Not in WinHTTP.
    public static var maximumConnections: Self { .connections(.maximumConnections, \.maximumConnections) }

    /// How many connections of the session may be idle; 100 by default, `nil` is no limit. Those that have been idle for
    /// longest are closed, each after a second at the earliest. In place of libcurl's
    /// `CURLMOPT_MAXCONNECTS`. Not in WinHTTP.
    public static var maximumIdleConnections: Self {
        HandleOption(.maximumIdleConnections, \.maximumIdleConnections) {
            ($0 ?? 0) < 0 ? "there is no negative number of connections" : nil
        }
    }

    /// How many times its own size a body of more than 16 MiB may decode to before the read fails with
    /// `.insufficientBuffer`; 250 by default, `nil` is no limit. Where two codings were applied, the bytes of both count.
    /// Not in WinHTTP.
    public static var maximumDecodingRatio: Self {
        HandleOption(.maximumDecodingRatio, \.maximumDecodingRatio) {
            ($0 ?? 1) < 1 ? "nothing could be decoded with it; nil is no limit" : nil
        }
    }

    private static func connections(
        _ row: OptionRow,
        _ path: any WritableKeyPath<OptionValues, Int?> & Sendable
    ) -> Self {
        HandleOption(row, path) { ($0 ?? 1) < 1 ? "nothing could be sent with it; nil is no limit" : nil }
    }
}

extension HandleOption<BufferMarks> {
    /// When a response body that nobody reads makes the server wait. (`WINHTTP_OPTION_READ_BUFFER_SIZE`)
    public static var receiveBuffer: Self { HandleOption(.receiveBuffer, \.receiveBuffer) { $0.problem } }

    /// When a server that takes nothing makes the producer of a streamed request body wait.
    /// (`WINHTTP_OPTION_WRITE_BUFFER_SIZE`)
    public static var sendBuffer: Self { HandleOption(.sendBuffer, \.sendBuffer) { $0.problem } }
}

// MARK: - The way to the server

extension HandleOption<[ResolveOverride]> {
    /// Hosts whose requests connect to another name or address; none by default.
    /// (`WINHTTP_OPTION_RESOLUTION_HOSTNAME`; `CURLOPT_CONNECT_TO`)
    public static var resolveOverrides: Self {
        HandleOption(.resolveOverrides, \.resolveOverrides) { overrides in
            overrides.lazy.compactMap(\.problem).first
        }
    }
}

extension HandleOption<IPVersion> {
    /// Which version of the Internet Protocol connections use; both by default. (`CURLOPT_IPRESOLVE`)
    public static var ipVersion: Self { HandleOption(.ipVersion, \.ipVersion) }
}

extension HandleOption<LocalAddress?> {
    /// Where connections start; where the system thinks best by default. A request with an address never uses a connection
    /// that starts elsewhere; one without uses any. (`WINHTTP_OPTION_NETWORK_INTERFACE_AFFINITY`; `CURLOPT_INTERFACE`)
    public static var localAddress: Self { HandleOption(.localAddress, \.localAddress) { $0?.problem } }
}

extension HandleOption<TCPKeepAlive?> {
    /// When the system asks whether a silent server is still there; never by default. For connections that the request
    /// makes; a pooled one stays as it is. (`WINHTTP_OPTION_TCP_KEEPALIVE`; `CURLOPT_TCP_KEEPALIVE`)
    public static var tcpKeepAlive: Self { HandleOption(.tcpKeepAlive, \.tcpKeepAlive) { $0?.problem } }
}

extension HandleOption<ClientCertificate?> {
    /// What the client shows to servers that ask who it is; nothing by default. A request never uses a connection that was
    /// made with another certificate. A file that is not regular or has more than 4 MiB is `.invalidParameter` when the
    /// request is sent, a key that cannot be used without a password `.clientCertNoPrivateKey`. (`WINHTTP_OPTION_CLIENT_CERT_CONTEXT`; `CURLOPT_SSLCERT`)
    public static var clientCertificate: Self {
        HandleOption(.clientCertificate, \.clientCertificate) { $0?.problem }
    }
}

// MARK: - Switches, and TLS

extension HandleOption<Bool> {
    /// Whether the connection goes back to the pool after the response; true by default. Without it the request says
    /// `Connection: close`; it may still use a connection of the pool. (`WINHTTP_DISABLE_KEEP_ALIVE`;
    /// `CURLOPT_FORBID_REUSE`)
    public static var keepAlive: Self { HandleOption(.keepAlive, \.keepAlive) }

    /// Whether `Accept-Encoding` is sent and the codings of a response body are undone; true by default. A request with
    /// an `Accept-Encoding` field of its own gets the body as it was sent. (`WINHTTP_OPTION_DECOMPRESSION`)
    public static var decodesContent: Self { HandleOption(.decodesContent, \.decodesContent) }

    /// Whether the steps "." and ".." in the path that the caller gives are sent as they are, in place of being taken; false
    /// by default. A redirect's are always taken. Not in WinHTTP; what `CURLOPT_PATH_AS_IS` does.
    public static var pathAsIs: Self { HandleOption(.pathAsIs, \.pathAsIs) }

    /// Whether requests send the session's cookies and responses set them; true by default, as in WinHTTP. Where one
    /// session works for several tenants, turn it off, or each gets the cookies of the others.
    /// (`WINHTTP_DISABLE_COOKIES`; `CURLOPT_COOKIEFILE`)
    public static var usesCookies: Self { HandleOption(.usesCookies, \.usesCookies) }

    /// Whether small pieces are sent at once, in place of waiting to be joined; true by default. For connections that the
    /// request makes; a pooled one stays as it is. (`CURLOPT_TCP_NODELAY`)
    public static var tcpNoDelay: Self { HandleOption(.tcpNoDelay, \.tcpNoDelay) }

    /// Whether the server has to show a valid certificate for its name; true by default. A request never uses a
    /// connection, nor resumes a TLS session, that was made with another answer.
    /// (`WINHTTP_OPTION_SECURITY_FLAGS`; `CURLOPT_SSL_VERIFYPEER`, `CURLOPT_SSL_VERIFYHOST`)
    public static var verifiesServer: Self { HandleOption(.verifiesServer, \.verifiesServer) }

    /// Whether the server's certificate has to be for its name, where it has to be valid at all; true by default. A
    /// request never uses a connection, nor resumes a TLS session, that was made with another answer.
    /// (`SECURITY_FLAG_IGNORE_CERT_CN_INVALID`; `CURLOPT_SSL_VERIFYHOST`)
    public static var verifiesServerName: Self { HandleOption(.verifiesServerName, \.verifiesServerName) }

    /// Whether `securityInfo` can be asked after the request; false by default, because it costs a little for each
    /// handshake. (`CURLOPT_CERTINFO`)
    public static var recordsSecurityInfo: Self { HandleOption(.recordsSecurityInfo, \.recordsSecurityInfo) }
}

extension HandleOption<TLSVersion> {
    /// The oldest version of TLS that is good enough; 1.2 by default. (`WINHTTP_OPTION_SECURE_PROTOCOLS`;
    /// `CURLOPT_SSLVERSION`)
    public static var minimumTLSVersion: Self { HandleOption(.minimumTLSVersion, \.minimumTLSVersion) }
}
