extension OptionRow {
    // The request
    static let userAgent = OptionRow("userAgent", 41, curl: ["CURLOPT_USERAGENT"])
    static let baseURL = OptionRow("baseURL", nil, levels: [.session])
    static let headerFields = OptionRow("headerFields", nil)
    static let queryItems = OptionRow("queryItems", nil)
    static let keepsFacts = OptionRow("keepsFacts", nil)
    static let keepAlive = OptionRow("keepAlive", 63, curl: ["CURLOPT_FORBID_REUSE"])
    static let httpVersions = OptionRow("httpVersions", 133, curl: ["CURLOPT_HTTP_VERSION"])
    static let decodesContent = OptionRow("decodesContent", 118)
    static let credentials = OptionRow(
        "credentials",
        4096,
        curl: ["CURLOPT_HTTPAUTH", "CURLOPT_USERNAME", "CURLOPT_PASSWORD", "CURLOPT_XOAUTH2_BEARER"]
    )
    static let credentialProvider = OptionRow("credentialProvider", nil)
    static let usesCookies = OptionRow("usesCookies", nil, curl: ["CURLOPT_SHARE", "CURLOPT_COOKIEFILE"])
    static let usesStrictTransport = OptionRow("usesStrictTransport", nil)
    static let usesAlternativeServices = OptionRow("usesAlternativeServices", nil)
    static let sendsAccept = OptionRow("sendsAccept", nil)
    static let pathAsIs = OptionRow("pathAsIs", nil)
    static let redirectPolicy = OptionRow("redirectPolicy", 88)
    static let redirectsKeepingPost = OptionRow("redirectsKeepingPost", nil)
    static let redirectDecider = OptionRow("redirectDecider", nil)
    static let retryPolicy = OptionRow("retryPolicy", nil)
    static let maximumRedirects = OptionRow("maximumRedirects", 89, unit: "redirects")

    // Time
    static let queueTimeout = OptionRow("queueTimeout", nil)
    static let resolveTimeout = OptionRow("resolveTimeout", 2)
    static let connectTimeout = OptionRow("connectTimeout", 3, curl: ["CURLOPT_CONNECTTIMEOUT_MS"])
    static let sendTimeout = OptionRow("sendTimeout", 5)
    static let receiveTimeout = OptionRow("receiveTimeout", 6)
    static let responseTimeout = OptionRow("responseTimeout", 7)
    static let totalTimeout = OptionRow("totalTimeout", nil)

    // Amounts
    static let maximumConnectionsPerServer = OptionRow(
        "maximumConnectionsPerServer",
        73,
        levels: [.session],
        unit: "connections"
    )
    static let maximumConnections = OptionRow("maximumConnections", nil, levels: [.session], unit: "connections")
    static let poolLimits = OptionRow("poolLimits", nil, levels: [.session])
    static let maximumDecodingRatio = OptionRow("maximumDecodingRatio", nil, unit: "times")
    static let maximumHeadSize = OptionRow("maximumHeadSize", 91, unit: "bytes")
    static let maximumDrainSize = OptionRow("maximumDrainSize", 92, unit: "bytes")
    static let receiveBuffer = OptionRow("receiveBuffer", 12, unit: "bytes")
    static let sendBuffer = OptionRow("sendBuffer", 13, unit: "bytes")

    // Connections
    static let proxy = OptionRow(
        "proxy",
        38,
        curl: [
            "CURLOPT_PROXY", "CURLOPT_HTTPPROXYTUNNEL", "CURLOPT_HEADEROPT", "CURLOPT_PROXYHEADER", "CURLOPT_PROXYAUTH",
            "CURLOPT_PROXYUSERNAME", "CURLOPT_PROXYPASSWORD", "CURLOPT_SOCKS5_AUTH", "CURLOPT_PROXY_CAINFO",
            "CURLOPT_PROXY_SSL_VERIFYPEER", "CURLOPT_PROXY_SSL_VERIFYHOST", "CURLOPT_PROXY_SSLVERSION",
            "CURLOPT_PROXY_PINNEDPUBLICKEY",
        ]
    )
    static let resolveOverrides = OptionRow("resolveOverrides", 165, curl: ["CURLOPT_CONNECT_TO"])
    static let nameResolver = OptionRow("nameResolver", nil, curl: ["CURLOPT_DOH_URL", "CURLOPT_RESOLVE"])
    static let resolverCacheTime = OptionRow("resolverCacheTime", 170, curl: ["CURLOPT_DNS_CACHE_TIMEOUT"])
    static let connectionAttemptDelay = OptionRow(
        "connectionAttemptDelay",
        140,
        curl: ["CURLOPT_HAPPY_EYEBALLS_TIMEOUT_MS"]
    )
    static let unixSocket = OptionRow(
        "unixSocket",
        nil,
        curl: ["CURLOPT_UNIX_SOCKET_PATH", "CURLOPT_ABSTRACT_UNIX_SOCKET"]
    )
    static let ipVersion = OptionRow("ipVersion", nil, curl: ["CURLOPT_IPRESOLVE"])
    static let localAddress = OptionRow("localAddress", 105, curl: ["CURLOPT_INTERFACE"])
    static let tcpKeepAlive = OptionRow(
        "tcpKeepAlive",
        152,
        curl: ["CURLOPT_TCP_KEEPALIVE", "CURLOPT_TCP_KEEPIDLE", "CURLOPT_TCP_KEEPINTVL"]
    )
    static let trafficClass = OptionRow("trafficClass", 210)
    static let tcpNoDelay = OptionRow("tcpNoDelay", nil, curl: ["CURLOPT_TCP_NODELAY"])

    // TLS
    static let serverTrust = OptionRow(
        "serverTrust",
        31,
        curl: [
            "CURLOPT_CAINFO", "CURLOPT_SSL_VERIFYPEER", "CURLOPT_SSL_VERIFYHOST", "CURLOPT_PINNEDPUBLICKEY",
            "CURLOPT_SSL_VERIFYSTATUS", "CURLOPT_SSL_CTX_FUNCTION",
        ]
    )
    static let clientIdentity = OptionRow(
        "clientIdentity",
        47,
        curl: ["CURLOPT_SSLCERT", "CURLOPT_SSLKEY", "CURLOPT_KEYPASSWD", "CURLOPT_SSL_CTX_FUNCTION"]
    )
    static let minimumTLSVersion = OptionRow("minimumTLSVersion", 84, curl: ["CURLOPT_SSLVERSION"])
    static let maximumTLSVersion = OptionRow("maximumTLSVersion", nil, curl: ["CURLOPT_SSLVERSION"])
    static let tlsAlgorithms = OptionRow(
        "tlsAlgorithms",
        nil,
        curl: ["CURLOPT_SSL_CIPHER_LIST", "CURLOPT_TLS13_CIPHERS", "CURLOPT_SSL_EC_CURVES"]
    )
    static let recordsSecurityInfo = OptionRow("recordsSecurityInfo", nil, curl: ["CURLOPT_CERTINFO"])

    // Upgrades and WebSockets
    static let upgradesToWebSocket = OptionRow("upgradesToWebSocket", 114, levels: [.request])
    static let upgradesToProtocol = OptionRow("upgradesToProtocol", 207, levels: [.request])
    static let webSocketSubprotocols = OptionRow("webSocketSubprotocols", nil)
    static let webSocketCompression = OptionRow("webSocketCompression", nil)
    static let webSocketCloseTimeout = OptionRow("webSocketCloseTimeout", 115, levels: withWebSockets)
    static let webSocketKeepAliveInterval = OptionRow("webSocketKeepAliveInterval", 116, levels: withWebSockets)
    static let webSocketAnswerTimeout = OptionRow("webSocketAnswerTimeout", nil, levels: withWebSockets)
    static let webSocketMaximumMessageSize = OptionRow("webSocketMaximumMessageSize", nil, unit: "bytes")
    static let webSocketMaximumFrameSize = OptionRow("webSocketMaximumFrameSize", nil, unit: "bytes")
    static let webSocketReceiveBuffer = OptionRow("webSocketReceiveBuffer", 122, unit: "bytes")
    static let webSocketSendBuffer = OptionRow("webSocketSendBuffer", 123, unit: "bytes")

    private static let withWebSockets: Set<HandleLevel> = [.session, .connection, .request, .webSocket]

    // Facts of an exchange
    static let url = OptionRow(fact: "url", 34)
    static let status = OptionRow(fact: "status", nil, curl: ["CURLINFO_RESPONSE_CODE"])
    static let httpVersion = OptionRow(fact: "httpVersion", 134, curl: ["CURLINFO_HTTP_VERSION"])
    static let requestTimes = OptionRow(
        fact: "requestTimes",
        142,
        curl: [
            "CURLINFO_NAMELOOKUP_TIME_T", "CURLINFO_CONNECT_TIME_T", "CURLINFO_APPCONNECT_TIME_T",
            "CURLINFO_PRETRANSFER_TIME_T", "CURLINFO_STARTTRANSFER_TIME_T", "CURLINFO_TOTAL_TIME_T",
        ]
    )
    static let requestStatistics = OptionRow(
        fact: "requestStatistics",
        146,
        unit: "bytes",
        curl: [
            "CURLINFO_REQUEST_SIZE", "CURLINFO_SIZE_UPLOAD_T", "CURLINFO_HEADER_SIZE", "CURLINFO_SIZE_DOWNLOAD_T",
            "CURLINFO_NUM_CONNECTS",
        ]
    )
    static let connectionInfo = OptionRow(
        fact: "connectionInfo",
        93,
        curl: [
            "CURLINFO_LOCAL_IP", "CURLINFO_LOCAL_PORT", "CURLINFO_PRIMARY_IP", "CURLINFO_PRIMARY_PORT",
            "CURLINFO_NUM_CONNECTS",
        ]
    )
    static let securityInfo = OptionRow(
        fact: "securityInfo",
        151,
        curl: ["CURLINFO_TLS_SSL_PTR", "CURLINFO_SSL_VERIFYRESULT", "CURLINFO_CERTINFO"]
    )
    static let connectionStatistics = OptionRow(fact: "connectionStatistics", 141)
    static let clientCertificateIssuers = OptionRow(
        fact: "clientCertificateIssuers",
        94,
        curl: ["CURLOPT_SSL_CTX_FUNCTION"]
    )
    static let retrySummary = OptionRow(fact: "retrySummary", nil)

    // Facts of a handle
    static let parentHandle = OptionRow(
        fact: "parentHandle",
        21,
        levels: Set(HandleLevel.allCases).subtracting([.session])
    )
    static let linkedLibrary = OptionRow(fact: "linkedLibrary", 184, levels: Set(HandleLevel.allCases))

    private init(
        fact name: String,
        _ number: Int?,
        levels: Set<HandleLevel> = [.request],
        unit: String? = nil,
        curl curlNames: [String] = []
    ) {
        self.init(name, number, levels: levels, isSettable: false, unit: unit, curl: curlNames)
    }
}

/// A row of the table in `Docs/Options.md`.
package struct OptionEntry: Sendable, Hashable {
    package let row: OptionRow
    /// The type of the value.
    package let type: String
    /// The default value; `nil` for facts.
    package let initial: String?

    fileprivate init<Value: Sendable>(_ option: HandleOption<Value>) {
        row = option.row
        type = typeText(of: "\(Value.self)")
        initial =
            switch option.source {
            case .value(let path): optionText(of: OptionValues()[keyPath: path])
            case .fact: nil
            }
    }

    /// All options.
    package static let all: [OptionEntry] = [
        OptionEntry(.userAgent), OptionEntry(.baseURL), OptionEntry(.headerFields), OptionEntry(.queryItems),
        OptionEntry(.keepsFacts), OptionEntry(.keepAlive), OptionEntry(.httpVersions), OptionEntry(.decodesContent),
        OptionEntry(.credentials), OptionEntry(.credentialProvider),
        OptionEntry(.redirectPolicy), OptionEntry(.maximumRedirects), OptionEntry(.queueTimeout),
        OptionEntry(.resolveTimeout),
        OptionEntry(.connectTimeout), OptionEntry(.sendTimeout), OptionEntry(.responseTimeout),
        OptionEntry(.receiveTimeout), OptionEntry(.totalTimeout), OptionEntry(.maximumConnectionsPerServer),
        OptionEntry(.maximumConnections), OptionEntry(.poolLimits),
        OptionEntry(.maximumDecodingRatio), OptionEntry(.maximumHeadSize), OptionEntry(.maximumDrainSize),
        OptionEntry(.receiveBuffer),
        OptionEntry(.sendBuffer), OptionEntry(.proxy),
        OptionEntry(.resolveOverrides), OptionEntry(.ipVersion), OptionEntry(.localAddress),
        OptionEntry(.tcpKeepAlive), OptionEntry(.tcpNoDelay), OptionEntry(.serverTrust),
        OptionEntry(.clientIdentity), OptionEntry(.minimumTLSVersion), OptionEntry(.maximumTLSVersion),
        OptionEntry(.tlsAlgorithms), OptionEntry(.clientCertificateIssuers), OptionEntry(.recordsSecurityInfo),
        OptionEntry(.url), OptionEntry(.status),
        OptionEntry(.httpVersion), OptionEntry(.requestTimes), OptionEntry(.requestStatistics),
        OptionEntry(.connectionInfo), OptionEntry(.securityInfo), OptionEntry(.parentHandle),
        OptionEntry(.linkedLibrary), OptionEntry(.usesCookies), OptionEntry(.usesStrictTransport),
        OptionEntry(.usesAlternativeServices), OptionEntry(.retryPolicy),
        OptionEntry(.redirectDecider), OptionEntry(.pathAsIs), OptionEntry(.retrySummary),
        OptionEntry(.nameResolver), OptionEntry(.resolverCacheTime), OptionEntry(.connectionAttemptDelay),
        OptionEntry(.unixSocket), OptionEntry(.trafficClass), OptionEntry(.connectionStatistics),
        OptionEntry(.upgradesToWebSocket), OptionEntry(.upgradesToProtocol), OptionEntry(.webSocketSubprotocols),
        OptionEntry(.webSocketCompression), OptionEntry(.webSocketCloseTimeout),
        OptionEntry(.webSocketKeepAliveInterval), OptionEntry(.webSocketAnswerTimeout),
        OptionEntry(.webSocketMaximumMessageSize), OptionEntry(.webSocketMaximumFrameSize),
        OptionEntry(.webSocketReceiveBuffer), OptionEntry(.webSocketSendBuffer),
        OptionEntry(.sendsAccept), OptionEntry(.redirectsKeepingPost),
    ]
}

/// A type as it is written in Swift.
private func typeText(of name: String) -> String {
    for (prefix, opening, closing) in [("Optional<", "", "?"), ("Array<", "[", "]")]
    where name.utf8.starts(with: prefix.utf8) {
        return opening + typeText(of: String(name.dropFirst(prefix.count).dropLast())) + closing
    }
    return name
}

/// A value as it is written in Swift, without the optional around it.
func optionText<Value>(of value: Value) -> String {
    if let optional = value as? any OptionalValue { return optional.text }
    if let text = value as? String { return text.debugDescription }
    return "\(value)"
}

private protocol OptionalValue {
    var text: String { get }
}

extension Optional: OptionalValue {
    fileprivate var text: String { map { optionText(of: $0) } ?? "nil" }
}
