public import HTTPTypes

/// What a proxy is, and where it is.
public struct ProxyAddress: Sendable, Hashable, CustomStringConvertible {
    /// The protocol that is spoken to a proxy; raw values are the schemes of its URL, as in libcurl.
    @nonexhaustive
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        /// An HTTP proxy. (`CURLPROXY_HTTP`)
        case http
        /// An HTTP proxy that is connected to over TLS. (`CURLPROXY_HTTPS`)
        case https
        /// SOCKS 4; the client resolves the server's name, to an IPv4 address. (`CURLPROXY_SOCKS4`)
        case socks4
        /// SOCKS 4 with names, which the proxy resolves. (`CURLPROXY_SOCKS4A`)
        case socks4a
        /// SOCKS 5 (RFC 1928); the client resolves the server's name. (`CURLPROXY_SOCKS5`)
        case socks5
        /// SOCKS 5; the proxy resolves the server's name. (`CURLPROXY_SOCKS5_HOSTNAME`)
        case socks5h

        /// Whether HTTP is spoken to the proxy.
        package var isHTTP: Bool { self == .http || self == .https }
    }

    /// The protocol.
    public let kind: Kind
    /// The proxy's name or address, without brackets.
    public let host: String
    /// The proxy's port.
    public let port: Int

    /// Names a proxy.
    public init(_ kind: Kind, host: String, port: Int) {
        self.kind = kind
        let isBracketed = host.utf8.first == UInt8(ascii: "[") && host.utf8.last == UInt8(ascii: "]")
        self.host = (isBracketed ? String(Substring(host.utf8.dropFirst().dropLast())) : host).asciiLowercased
        self.port = port
    }

    /// The proxy's URL, for example "http://proxy.example:3128".
    public var description: String {
        "\(kind.rawValue)://\(SocketAddress(host: host, port: port))"
    }

    /// The proxy as what connections are made to.
    package var origin: Origin { Origin(isSecure: kind == .https, host: host, port: port) }

    package var problem: String? {
        guard (1...65535).contains(port) else { return "the port must be from 1 to 65535, but is \(port)" }
        guard IPAddress.isAddress(host) || ResolveOverride.isName(host) else {
            // The text may have credentials in it.
            return "its host is neither an ASCII name nor an IP address without zone"
        }
        return nil
    }
}

/// A proxy, with everything that only it may see.
///
///     let proxy = Proxy(.http, host: "proxy.example", port: 3128, credentials: .basic(user: "me", password: "secret"))
///     try await session.setOption(.proxy, to: .named(proxy, bypass: ["localhost", "10.0.0.0/8"]))
///
/// Neither `description` nor an event or error contains its credentials or the values of its header fields.
///
/// Counterpart of `WINHTTP_PROXY_INFO`.
public struct Proxy: Sendable, Hashable {
    /// What and where it is. (`CURLOPT_PROXY`)
    public var address: ProxyAddress
    /// The credentials for the proxy; never sent anywhere else. For SOCKS a user and a password (SOCKS 4: the user alone).
    /// (`WINHTTP_OPTION_PROXY_USERNAME`; `CURLOPT_PROXYAUTH`)
    public var credentials: Credentials?
    /// Header fields for an HTTP proxy alone: of the request that opens a tunnel, or beside those of a request that the proxy
    /// forwards. (`CURLOPT_PROXYHEADER`)
    public var headerFields: HTTPFields
    /// Whether requests without TLS go through a tunnel too, instead of being forwarded by an HTTP proxy. Requests with TLS
    /// always do. (`CURLOPT_HTTPPROXYTUNNEL`)
    public var tunnels: Bool
    /// The options of TLS to an https proxy.
    public var tls: ProxyTLSOptions

    /// Describes a proxy.
    public init(
        _ kind: ProxyAddress.Kind,
        host: String,
        port: Int,
        credentials: Credentials? = nil,
        headerFields: HTTPFields = [:],
        tunnels: Bool = false,
        tls: ProxyTLSOptions = ProxyTLSOptions()
    ) {
        address = ProxyAddress(kind, host: host, port: port)
        self.credentials = credentials
        self.headerFields = headerFields
        self.tunnels = tunnels
        self.tls = tls
    }

    /// A proxy from its URL, as in curl's `--proxy` and in `http_proxy`.
    ///
    /// Without a scheme it is an HTTP proxy; without a port it has 443 for https and 1080 for the others, as in curl. User and
    /// password may be percent-encoded; an HTTP proxy gets them by the scheme Basic. Throws `.unrecognizedScheme` for a scheme
    /// that is not one of `ProxyAddress.Kind` ("socks" is SOCKS 4), `.invalidURL` for any other mistake.
    public init(url: String) throws(HandleError) {
        self = try ProxyURL(url).proxy
    }

    package var problem: String? {
        if let problem = address.problem { return problem }
        if let problem = credentials?.problem { return problem }
        if let problem = tls.problem { return problem }
        guard address.kind.isHTTP else { return socksProblem }
        for field in headerFields {
            guard !field.value.utf8.contains(where: { $0.isControl && $0 != 0x09 }) else {
                return "the value of \(field.name) contains a control character"
            }
            let isReserved = ["connection", "content-length", "host", "proxy-connection", "te", "transfer-encoding"]
                .contains(field.name.canonicalName)
            if isReserved { return "the field \(field.name) is not allowed: libcurl controls the connection" }
        }
        return nil
    }

    private var socksProblem: String? {
        if !headerFields.isEmpty { return "a SOCKS proxy gets no header fields" }
        switch credentials?.secret {
        case .password(let user, let password)?:
            let longest = max(user.utf8.count, password.utf8.count)
            return longest <= 255 ? nil : "SOCKS allows 255 bytes for the user name and for the password"
        case .token?: return "SOCKS has no authentication by token"
        case .ambient?: return address.kind == .socks5 || address.kind == .socks5h ? nil : "SOCKS 4 has no Kerberos"
        case nil: return nil
        }
    }
}

extension Proxy: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The proxy's URL without secrets.
    public var description: String { address.description }

    /// The proxy's URL without secrets.
    public var debugDescription: String { description }

    /// The proxy's URL, never the secrets.
    public var customMirror: Mirror { Mirror(self, children: ["address": address]) }
}

/// The options of TLS to an https proxy. Those of the request are for the server.
public struct ProxyTLSOptions: Sendable, Hashable {
    /// Which proxies are trusted; without a verdict and a stapled status. (`CURLOPT_PROXY_CAINFO`)
    public var trust: ServerTrust
    /// The client's certificate and key for the proxy. (`CURLOPT_PROXY_SSLCERT`)
    public var identity: ClientIdentity?
    /// The oldest allowed version of TLS. (`CURLOPT_PROXY_SSLVERSION`)
    public var minimumTLSVersion: TLSVersion

    /// Sets everything.
    public init(
        trust: ServerTrust = .system,
        identity: ClientIdentity? = nil,
        minimumTLSVersion: TLSVersion = .tls1_2
    ) {
        self.trust = trust
        self.identity = identity
        self.minimumTLSVersion = minimumTLSVersion
    }

    package var problem: String? {
        if trust.verdict != nil || trust.requiresStapledStatus {
            return "there is no verdict and no stapled status for the certificate of a proxy"
        }
        return trust.problem ?? identity?.problem
    }
}
