import HTTPTypes

extension OptionRow {
    static let userAgent = OptionRow("userAgent", 41, curl: ["CURLOPT_USERAGENT"])
    static let resolveTimeout = OptionRow("resolveTimeout", 2)
    static let connectTimeout = OptionRow("connectTimeout", 3)
    static let sendTimeout = OptionRow("sendTimeout", 5)
    static let receiveTimeout = OptionRow("receiveTimeout", 6)
    static let responseTimeout = OptionRow("responseTimeout", 7)
    static let queueTimeout = OptionRow("queueTimeout", nil)
    static let totalTimeout = OptionRow("totalTimeout", nil)
    static let decodesContent = OptionRow("decodesContent", 118)
    static let maximumDecodingRatio = OptionRow("maximumDecodingRatio", nil)
    static let redirectPolicy = OptionRow("redirectPolicy", 88)
    static let maximumRedirects = OptionRow("maximumRedirects", 89)
    static let maximumConnectionsPerServer = OptionRow("maximumConnectionsPerServer", 73, levels: [.session])
    static let maximumConnections = OptionRow("maximumConnections", nil, levels: [.session])
    static let certificateAuthorityFile = OptionRow("certificateAuthorityFile", nil, curl: ["CURLOPT_CAINFO"])
    static let verifiesServer = OptionRow(
        "verifiesServer",
        nil,
        curl: ["CURLOPT_SSL_VERIFYPEER", "CURLOPT_SSL_VERIFYHOST"]
    )
    static let httpVersions = OptionRow("httpVersions", 133, curl: ["CURLOPT_HTTP_VERSION"])
    static let url = OptionRow("url", 34, levels: [.request], isSettable: false)
    static let requestTimes = OptionRow(
        "requestTimes",
        142,
        levels: [.request],
        isSettable: false,
        curl: [
            "CURLINFO_NAMELOOKUP_TIME_T", "CURLINFO_CONNECT_TIME_T", "CURLINFO_APPCONNECT_TIME_T",
            "CURLINFO_PRETRANSFER_TIME_T", "CURLINFO_STARTTRANSFER_TIME_T", "CURLINFO_TOTAL_TIME_T",
        ]
    )

    /// Every option there is.
    package static let all: [OptionRow] = [
        .userAgent, .queueTimeout, .resolveTimeout, .connectTimeout, .sendTimeout, .receiveTimeout, .responseTimeout,
        .totalTimeout, .decodesContent, .maximumDecodingRatio, .redirectPolicy, .maximumRedirects,
        .maximumConnectionsPerServer, .maximumConnections,
        .certificateAuthorityFile, .verifiesServer, .httpVersions, .url, .requestTimes,
    ]
}

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

    /// `.zero` is no limit, as in WinHTTP.
    private static func timeout(
        _ row: OptionRow,
        _ path: any WritableKeyPath<OptionValues, Duration> & Sendable
    ) -> Self {
        HandleOption(row, path) { $0 < .zero ? "a time limit is not negative; zero is no limit" : nil }
    }
}

extension HandleOption<String?> {
    /// What the `User-Agent` field says; none is sent by default. (`WINHTTP_OPTION_USER_AGENT`; `CURLOPT_USERAGENT`)
    public static var userAgent: Self {
        HandleOption(.userAgent, \.userAgent) { agent in
            agent.flatMap { HTTPField.isValidValue($0) ? nil : "it contains a control character or outer white space" }
        }
    }

    /// The PEM file of the authorities whose certificates are trusted; the system's by default. (`CURLOPT_CAINFO`)
    public static var certificateAuthorityFile: Self {
        HandleOption(.certificateAuthorityFile, \.certificateAuthorityFile) { file in
            file.flatMap { $0.utf8.contains(0) ? "it contains a NUL" : nil }
        }
    }
}

extension HandleOption<RedirectPolicy> {
    /// Which redirects are followed; all but those from https to http by default. (`WINHTTP_OPTION_REDIRECT_POLICY`)
    public static var redirectPolicy: Self { HandleOption(.redirectPolicy, \.redirectPolicy) }
}

extension HandleOption<Int> {
    /// How many redirects are followed before the request fails with `.redirectFailed`; 10 by default.
    /// (`WINHTTP_OPTION_MAX_HTTP_AUTOMATIC_REDIRECTS`)
    public static var maximumRedirects: Self {
        HandleOption(.maximumRedirects, \.maximumRedirects) {
            $0 < 0 ? "there is no negative number of redirects" : nil
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

    /// How many times its own size a body of more than 16 MiB may decode to before the read fails with
    /// `.insufficientBuffer`; 250 by default, `nil` is no limit. Not in WinHTTP.
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

extension HandleOption<Bool> {
    /// Whether the server has to show a valid certificate for its name; true by default.
    /// (`CURLOPT_SSL_VERIFYPEER`, `CURLOPT_SSL_VERIFYHOST`)
    public static var verifiesServer: Self { HandleOption(.verifiesServer, \.verifiesServer) }

    /// Whether `Accept-Encoding` is sent and the codings of a response body are undone; true by default. A request with
    /// an `Accept-Encoding` field of its own gets the body as it was sent. (`WINHTTP_OPTION_DECOMPRESSION`)
    public static var decodesContent: Self { HandleOption(.decodesContent, \.decodesContent) }
}

extension HandleOption<HTTPVersionPolicy> {
    /// Which versions of HTTP may be used. (`WINHTTP_OPTION_ENABLE_HTTP_PROTOCOL`; `CURLOPT_HTTP_VERSION`)
    public static var httpVersions: Self { HandleOption(.httpVersions, \.httpVersions) }
}

extension HandleOption<String> {
    /// The URL of the exchange: after redirects, the one that answered. (`WINHTTP_OPTION_URL`)
    public static var url: Self { HandleOption(.url, fact: \.effectiveURL) }
}

extension HandleOption<RequestTimes> {
    /// When the phases of the exchange were over. (`WINHTTP_OPTION_REQUEST_TIMES`)
    public static var requestTimes: Self { HandleOption(.requestTimes, fact: \.requestTimes) }
}
