package import HTTPTypes

/// The values of all settable options of a handle, with their defaults.
///
/// A child starts with a copy of its parent's values. Later changes to the parent do not affect it.
package struct OptionValues: Sendable, Hashable {
    package var userAgent: String?
    package var limits = TimeoutLimits(
        connect: .seconds(60),
        send: .seconds(30),
        response: .seconds(90),
        receive: .seconds(30)
    )

    package var baseURL: HTTPURL?
    package var headerFields = HTTPFields()
    package var queryItems = QueryItems()
    package var keepsFacts = false

    package var keepAlive = true
    package var httpVersions = HTTPVersionPolicy.automatic

    package var maximumHeadSize = 64 * 1024
    package var maximumDrainSize = 64 * 1024
    package var receiveBuffer = BufferMarks()
    package var sendBuffer = BufferMarks()

    package var proxy = ProxySetting.environment
    package var resolveOverrides: [ResolveOverride] = []
    package var nameResolver = NameResolver.system
    package var resolverCacheTime: Duration? = .seconds(60)
    package var ipVersion = IPVersion.any
    package var connectionAttemptDelay = Duration.milliseconds(200)
    package var unixSocket: UnixSocket?
    package var localAddress: LocalAddress?
    package var tcpKeepAlive: TCPKeepAlive?
    package var tcpNoDelay = true
    package var trafficClass: TrafficClass?

    package var serverTrust = ServerTrust.system
    package var clientIdentity: ClientIdentity?
    package var minimumTLSVersion = TLSVersion.tls1_2
    package var maximumTLSVersion: TLSVersion?
    package var tlsAlgorithms: TLSAlgorithms?
    package var recordsSecurityInfo = false

    package var decodesContent = true
    package var maximumDecodingRatio: Int? = 250

    package var credentials: Credentials?
    package var credentialProvider: CredentialProvider?
    package var usesCookies = true
    package var usesStrictTransport = false
    package var usesAlternativeServices = false

    package var sendsAccept = true
    package var pathAsIs = false
    package var redirectPolicy = RedirectPolicy.refuseDowngrade
    package var maximumRedirects = 10
    package var redirectsKeepingPost: Set<Int> = []
    package var redirectDecider: RedirectDecider?
    package var retryPolicy: RetryPolicy?

    package var maximumConnectionsPerServer: Int? = 256
    package var maximumConnections: Int?
    package var poolLimits = PoolLimits()

    package var upgrade = UpgradeOptions()
    package var webSocket = WebSocketSettings()

    package init() {}

    fileprivate var readsCertificateFiles: Bool {
        if let identity = clientIdentity, identity.sources.contains(where: { $0.path != nil }) { return true }
        return serverTrust.needsStore
            && (serverTrust.ownAuthorities + serverTrust.revocationLists).contains { $0.path != nil }
    }

    /// Whether an exchange with these values calls the caller's code: a decider, a provider, a chooser, a resolver, a verdict
    /// or a custom clock.
    package var runsCallersCode: Bool {
        let hasClock = retryPolicy.map { !($0.clock is ContinuousClock) } ?? false
        var hasChooser: Bool { if case .choosing = proxy { true } else { false } }
        return redirectDecider != nil || credentialProvider != nil || hasClock || hasChooser
            || nameResolver.custom != nil
            || serverTrust.verdict != nil
    }
}

/// Immutable option values, shared by reference.
///
/// What each request asks for is beside the values: other modules copy all of them to read one.
package final class OptionSnapshot: Sendable {
    package let values: OptionValues
    package let httpVersions: HTTPVersionPolicy
    package let maximumHeadSize: Int
    package let keepAlive: Bool
    package let decodesContent: Bool
    package let sendsAccept: Bool
    package let recordsSecurityInfo: Bool
    package let limits: TimeLimits
    /// Whether the caller has a resolver.
    package let asksForAddresses: Bool
    package let hasUnixSocket: Bool
    /// Whether requests ask for another protocol than HTTP.
    package let asksForUpgrade: Bool
    package let keepsFacts: Bool
    /// Whether there are default header fields or query items.
    package let hasDefaults: Bool
    /// Whether certificates are read from files, which may have changed since the last request.
    package let readsCertificateFiles: Bool
    /// Whether it depends on the environment, or not even on that, that there is no proxy.
    package let proxyUse: ProxyUse

    package enum ProxyUse { case never, byEnvironment, bySetting }

    package init(_ values: OptionValues) {
        self.values = values
        httpVersions = values.httpVersions
        maximumHeadSize = values.maximumHeadSize
        keepAlive = values.keepAlive
        decodesContent = values.decodesContent
        sendsAccept = values.sendsAccept
        recordsSecurityInfo = values.recordsSecurityInfo
        proxyUse =
            switch values.proxy {
            // A Unix socket takes the place of the proxy too.
            case _ where values.unixSocket != nil: .never
            case .none: .never
            case .environment: .byEnvironment
            default: .bySetting
            }
        limits = TimeLimits(values.limits)
        asksForAddresses = values.nameResolver.custom != nil
        hasUnixSocket = values.unixSocket != nil
        asksForUpgrade = values.asksForUpgrade
        keepsFacts = values.keepsFacts
        hasDefaults = !values.headerFields.isEmpty || !values.queryItems.isEmpty
        readsCertificateFiles = values.readsCertificateFiles
    }

    /// The same without credentials and client identity, which are for one origin only.
    package var forAnotherOrigin: OptionSnapshot {
        guard values.clientIdentity != nil || values.credentials != nil else { return self }
        var values = values
        values.clientIdentity = nil
        values.credentials = nil
        return OptionSnapshot(values)
    }

    /// The same with other credentials.
    package func with(_ credentials: Credentials) -> OptionSnapshot {
        var values = values
        values.credentials = credentials
        return OptionSnapshot(values)
    }

    /// The same for requests that connect to an alternative service.
    package func at(_ place: AlternativeService.Place) -> OptionSnapshot {
        var values = values
        values.resolveOverrides.insert(place.override, at: 0)
        values.httpVersions = place.versions(values.httpVersions)
        return OptionSnapshot(values)
    }

    /// The defaults: the values of a handle until it is added to its parent.
    package static let none = OptionSnapshot(OptionValues())
}

/// Which versions of HTTP a request may use.
@nonexhaustive
public enum HTTPVersionPolicy: Sendable, Hashable, CaseIterable {
    /// HTTP/2 if the server offers it over TLS, else HTTP/1.1.
    case automatic
    /// HTTP/1.1 only.
    case http1_1
    /// HTTP/2 without negotiation, also without TLS: the server must support it. (Before libcurl 8.0 each request without TLS
    /// uses a separate connection.)
    case http2PriorKnowledge
    /// HTTP/2 over TLS; a server that does not offer it is `.httpProtocolMismatch`, before anything is sent.
    case http2Only
    /// HTTP/3 if it can be reached, else as `automatic`. `.notSupported` if the linked libcurl does not have HTTP/3.
    case http3
    /// HTTP/3. `.notSupported` if the linked libcurl does not have it.
    case http3Only
}

/// Which redirects are followed.
///
/// Raw values are WinHTTP's.
public enum RedirectPolicy: Int, Sendable, Hashable, CaseIterable {
    /// None: the caller gets the redirect as the response.
    case never = 0
    /// All but those from https to http, which fail with `.redirectFailed`.
    case refuseDowngrade = 1
    /// All.
    case always = 2
}
