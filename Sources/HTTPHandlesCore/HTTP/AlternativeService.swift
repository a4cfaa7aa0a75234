/// An alternative service (RFC 7838): a host and a port where the resources of an origin can be had too.
public struct AlternativeService: Sendable, Hashable {
    /// What is connected to, for which origin.
    package struct Place: Sendable, Hashable {
        package let origin: Origin
        package let version: HTTPVersion
        package let host: String
        package let port: Int
    }

    package let place: Place
    /// When this ends, in seconds since 1970.
    public let expires: Int64
    /// Whether it is still right when the client is in another network. Nothing depends on it here.
    public let persists: Bool
    /// Over which version of HTTP the origin has told of it. Only for files: libcurl distinguishes origins by it.
    package let originVersion: HTTPVersion

    /// - Parameters:
    ///   - originHost: The host of the https URLs: a name in ASCII, or an IP address without brackets.
    ///   - originPort: The port of these URLs.
    ///   - version: HTTP/1.1, HTTP/2 or HTTP/3.
    ///   - host: What to connect to: a name in ASCII, or an IP address without brackets.
    ///   - port: The port to connect to.
    ///   - expires: The end, in seconds since 1970.
    ///   - persists: Whether it is still right in another network.
    public init(
        originHost: String,
        originPort: Int = 443,
        version: HTTPVersion = .http2,
        host: String,
        port: Int,
        expires: Int64,
        persists: Bool = false
    ) {
        self.init(
            Place(
                origin: Origin(isSecure: true, host: originHost.asciiLowercased, port: originPort),
                version: version,
                host: host.asciiLowercased,
                port: port
            ),
            expires: expires,
            persists: persists,
            originVersion: version == .http1_1 ? .http1_1 : .http2
        )
    }

    init(_ place: Place, expires: Int64, persists: Bool, originVersion: HTTPVersion) {
        self.place = place
        self.expires = expires
        self.persists = persists
        self.originVersion = originVersion
    }

    /// The host of the origin, in lower case.
    public var originHost: String { place.origin.host }
    /// The port of the origin.
    public var originPort: Int { place.origin.port }
    /// The version of HTTP that is used there.
    public var version: HTTPVersion { place.version }
    /// The host that is connected to, in lower case.
    public var host: String { place.host }
    /// The port that is connected to.
    public var port: Int { place.port }

    package var problem: String? {
        guard AlternativeProtocol(version) != nil else { return "\(version) has no alternative services" }
        return place.override.problem
    }
}

extension AlternativeService.Place {
    /// What leads the connections of requests to the origin there.
    package var override: ResolveOverride {
        ResolveOverride(host: origin.host, port: origin.port, address: host, addressPort: port)
    }

    /// Whether requests go there anyway.
    var isOrigin: Bool { version != .http3 && host == origin.host && port == origin.port }

    /// The versions that a request there may use, if it may use `versions` at the origin.
    package func versions(_ versions: HTTPVersionPolicy) -> HTTPVersionPolicy {
        switch (version, versions) {
        case (.http3, _): .http3Only
        case (.http2, .http3): .automatic
        case (.http2, _): versions
        default: .http1_1
        }
    }

    /// The value of `Alt-Used`.
    package var authority: String {
        host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}

/// How versions of HTTP are named in `Alt-Svc` and in curl's files.
enum AlternativeProtocol: String, CaseIterable {
    case h1, h2, h3

    init?(_ version: HTTPVersion) {
        switch version {
        case .http1_1: self = .h1
        case .http2: self = .h2
        case .http3: self = .h3
        default: return nil
        }
    }

    /// The ALPN protocol ID, percent-encoded as `Alt-Svc` requires.
    init?(field id: String) {
        switch id {
        case "http%2F1.1", "http%2f1.1": self = .h1
        case "h2": self = .h2
        case "h3": self = .h3
        default: return nil
        }
    }

    var version: HTTPVersion {
        switch self {
        case .h1: .http1_1
        case .h2: .http2
        case .h3: .http3
        }
    }
}

extension HTTPVersionPolicy {
    /// Whether a request may use an alternative service with a version.
    func allows(_ version: HTTPVersion) -> Bool {
        switch self {
        case .automatic, .http3: true
        case .http1_1: version == .http1_1
        case .http2Only, .http2PriorKnowledge: version == .http2
        case .http3Only: version == .http3
        }
    }
}
