import HTTPHandles

/// A settable option with several values, to be set at any time.
///
/// An option of the library that is not in `all` fails `OptionChangeTests`.
struct OptionChange: Sendable {
    let name: String
    /// The number of values; the first one is the default.
    let count: Int
    private let setValue: @Sendable (any Handle, Int) async throws(HandleError) -> Void
    private let readSetting: @Sendable (any Handle) async throws(HandleError) -> SetBack

    /// Restores the value of a handle.
    typealias SetBack = @Sendable () async throws(HandleError) -> Void

    private init<Value: Sendable>(_ name: String, _ option: HandleOption<Value>, _ values: [Value]) {
        self.name = name
        count = values.count
        setValue = { handle, index async throws(HandleError) in try await handle.setOption(option, to: values[index]) }
        readSetting = { handle async throws(HandleError) in
            let value = try await handle.option(option)
            return { () async throws(HandleError) in try await handle.setOption(option, to: value) }
        }
    }

    /// Sets one of the values.
    func set(_ index: Int, on handle: any Handle) async throws(HandleError) {
        try await setValue(handle, index)
    }

    /// Sets all of the values, one after the other.
    func setAll(on handle: any Handle) async throws(HandleError) {
        for index in 0..<count { try await set(index, on: handle) }
    }

    /// A closure that restores the current value of the handle.
    func setting(of handle: any Handle) async throws(HandleError) -> SetBack {
        try await readSetting(handle)
    }

    /// The connection limits belong to the session, and have an immediate effect.
    var isOnlySessions: Bool { name.hasPrefix("maximumConnections") || limitsIdleConnections || name == "baseURL" }

    /// It closes idle connections, so that the next request has to make one.
    var limitsIdleConnections: Bool { name == "poolLimits" }
}

extension OptionChange {
    /// All settable options. No value causes connections to other machines.
    static let all: [OptionChange] = [
        OptionChange("userAgent", .userAgent, [nil, "", "walker/1", String(repeating: "x", count: 5000)]),
        OptionChange("baseURL", .baseURL, [nil] + HTTPURL.samples),
        OptionChange("headerFields", .headerFields, [[:], [.from: "walker"], [.authorization: "Basic eDp5"]]),
        OptionChange("queryItems", .queryItems, [[:], ["walk": "1", "a": nil]]),
        OptionChange("keepsFacts", .keepsFacts, [false, true]),
        OptionChange("serverTrust", .serverTrust, [.system] + ServerTrust.samples),
        OptionChange("httpVersions", .httpVersions, [.automatic, .http1_1, .http2PriorKnowledge]),
        OptionChange("redirectPolicy", .redirectPolicy, [.refuseDowngrade] + RedirectPolicy.allCases),
        OptionChange("redirectDecider", .redirectDecider, [nil] + RedirectDecider.samples),
        OptionChange("credentials", .credentials, [nil] + Credentials.samples),
        OptionChange("credentialProvider", .credentialProvider, [nil] + CredentialProvider.samples),
        OptionChange("retryPolicy", .retryPolicy, [nil] + RetryPolicy.samples),
        OptionChange("queueTimeout", .queueTimeout, [.zero] + Duration.samples),
        OptionChange("resolveTimeout", .resolveTimeout, [.zero] + Duration.samples),
        OptionChange("connectTimeout", .connectTimeout, [.seconds(60)] + Duration.samples),
        OptionChange("sendTimeout", .sendTimeout, [.seconds(30)] + Duration.samples),
        OptionChange("receiveTimeout", .receiveTimeout, [.seconds(30)] + Duration.samples),
        OptionChange("responseTimeout", .responseTimeout, [.seconds(90)] + Duration.samples),
        OptionChange("totalTimeout", .totalTimeout, [.zero] + Duration.samples),
        OptionChange("maximumRedirects", .maximumRedirects, [10, .max, 1, 0]),
        OptionChange("maximumHeadSize", .maximumHeadSize, [64 * 1024, 300 * 1024, 1]),
        OptionChange("maximumDrainSize", .maximumDrainSize, [64 * 1024, .max, 1, 0]),
        OptionChange("maximumConnectionsPerServer", .maximumConnectionsPerServer, [256, nil, .max, 2, 1]),
        OptionChange("maximumConnections", .maximumConnections, [nil, .max, 2, 1]),
        OptionChange("maximumDecodingRatio", .maximumDecodingRatio, [250, nil, .max, 1]),
        OptionChange("receiveBuffer", .receiveBuffer, [BufferMarks()] + BufferMarks.samples),
        OptionChange("sendBuffer", .sendBuffer, [BufferMarks()] + BufferMarks.samples),
        OptionChange("proxy", .proxy, [.environment] + ProxySetting.samples),
        OptionChange(
            "resolveOverrides",
            .resolveOverrides,
            [[], [ResolveOverride(host: "127.0.0.1", port: 1, address: "127.0.0.1")]]
        ),
        OptionChange(
            "nameResolver",
            .nameResolver,
            [
                .system, NameResolver { _ in ["127.0.0.1"] }, .dnsOverHTTPS("https://127.0.0.1:1/"),
                NameResolver { _ in [] },
            ]
        ),
        OptionChange("resolverCacheTime", .resolverCacheTime, [.seconds(60), .zero, nil]),
        OptionChange("connectionAttemptDelay", .connectionAttemptDelay, [.milliseconds(200), .zero]),
        OptionChange("unixSocket", .unixSocket, [nil, .path("/nowhere/at/all"), .abstract("nothing listens here")]),
        OptionChange("ipVersion", .ipVersion, [.any, .v4, .v6]),
        OptionChange(
            "localAddress",
            .localAddress,
            [nil, .address("127.0.0.1"), .interface("lo"), .interface("nosuch0"), .address("::1")]
        ),
        OptionChange(
            "tcpKeepAlive",
            .tcpKeepAlive,
            [nil, TCPKeepAlive(idle: .seconds(1), interval: .seconds(32_767))]
        ),
        OptionChange(
            "clientIdentity",
            .clientIdentity,
            [
                nil, ClientIdentity(certificate: .file("/nowhere/at/all"), key: .file("/nowhere"), password: "secret"),
                .pkcs12(.bytes([0x30])),
            ]
        ),
        OptionChange("keepAlive", .keepAlive, [true, false]),
        OptionChange("sendsAccept", .sendsAccept, [true, false]),
        OptionChange("redirectsKeepingPost", .redirectsKeepingPost, [[], [301, 302, 303]]),
        OptionChange("pathAsIs", .pathAsIs, [false, true]),
        OptionChange("poolLimits", .poolLimits, [PoolLimits()] + PoolLimits.samples),
        OptionChange("trafficClass", .trafficClass, [nil, TrafficClass(dscp: 46, priority: 6), TrafficClass(dscp: 0)]),
        OptionChange("decodesContent", .decodesContent, [true, false]),
        OptionChange("usesStrictTransport", .usesStrictTransport, [false, true]),
        OptionChange("usesAlternativeServices", .usesAlternativeServices, [false, true]),
        OptionChange("usesCookies", .usesCookies, [true, false]),
        OptionChange("tcpNoDelay", .tcpNoDelay, [true, false]),
        OptionChange("recordsSecurityInfo", .recordsSecurityInfo, [false, true]),
        OptionChange("minimumTLSVersion", .minimumTLSVersion, [.tls1_2, .tls1_3]),
        OptionChange("maximumTLSVersion", .maximumTLSVersion, [nil, .tls1_2, .tls1_3]),
        OptionChange(
            "tlsAlgorithms",
            .tlsAlgorithms,
            [nil, TLSAlgorithms(groups: "X25519"), .init(cipherSuites: "x")]
        ),
    ]
}

extension HTTPURL {
    fileprivate static let samples = [try? HTTPURL("http://127.0.0.1:1/a/b?c"), try? HTTPURL("https://[::1]/")]
}

/// Waits until its task is cancelled.
private func untilCancelled() async {
    try? await Task.sleep(for: .seconds(1_000_000))
}

extension Duration {
    /// Returns as soon as possible.
    fileprivate static let samples: [Duration] = [.zero, .seconds(Int64.max), .milliseconds(3), .nanoseconds(1)]
}

extension PoolLimits {
    fileprivate static let samples = [
        PoolLimits(idleConnections: nil, idleTime: nil), PoolLimits(idleConnections: 0),
        PoolLimits(idleConnections: .max),
        PoolLimits(idleTime: .zero), PoolLimits(idleTime: .seconds(Int64.max)), PoolLimits(idleTime: .nanoseconds(1)),
        PoolLimits(age: .seconds(Int64.max)), PoolLimits(age: .nanoseconds(1)),
    ]
}

extension ServerTrust {
    fileprivate static let samples: [ServerTrust] = [
        .authorities(inFile: "/etc/passwd"), .authorities(inFile: "/nowhere/at/all"), .unverified,
        ServerTrust(.only([.bytes([1, 2, 3])])), ServerTrust(ignored: [.dates, .wrongName]),
        ServerTrust(verdict: CertificateVerdict { _ in .accept }),
    ]
}

extension BufferMarks {
    fileprivate static let samples = [
        BufferMarks(low: 0, high: .max), BufferMarks(low: .max - 1, high: .max), BufferMarks(low: 0, high: 1),
    ]
}

extension Credentials {
    fileprivate static let samples: [Credentials] = [
        .basic(user: "", password: ""), .digest(user: "x", password: "y"), .bearer("token"),
        .ntlm(user: "x", password: "y"),
    ]
}

extension CredentialProvider {
    fileprivate static let samples = [
        CredentialProvider { _ in nil }, CredentialProvider { _ in .basic(user: "other", password: "other") },
        CredentialProvider { _ in
            await untilCancelled()
            return nil
        },
    ]
}

extension RedirectDecider {
    fileprivate static let samples = [
        RedirectDecider { _ in .follow }, RedirectDecider { _ in .stop }, RedirectDecider { _ in .refuse },
        RedirectDecider { _ in
            await untilCancelled()
            return .follow
        },
    ]
}

extension RetryPolicy {
    fileprivate static let samples = [
        RetryPolicy(maximumAttempts: 1),
        RetryPolicy(firstDelay: .zero, jitter: .none, budget: RetryBudget(share: 0, reserve: 0)),
        RetryPolicy(
            maximumAttempts: .max,
            statuses: Set(200..<600),
            errors: Set(HandleErrorCode.allCases),
            firstDelay: .seconds(Int64.max),
            maximumDelay: .seconds(Int64.max),
            jitter: .none,
            budget: nil
        ),
        RetryPolicy(maximumAttempts: 4, statuses: Set(200..<600), firstDelay: .zero, jitter: .seeded(1), budget: nil),
    ]
}

extension ProxySetting {
    fileprivate static let samples: [ProxySetting] = [
        .none, .named(Proxy(.http, host: "127.0.0.1", port: 1)),
        .named(Proxy(.socks5, host: "127.0.0.1", port: 1), bypass: ["*"]),
        .choosing(ProxyChooser { _ in [] }), .choosing(ProxyChooser { _ in [.direct] }),
    ]
}
