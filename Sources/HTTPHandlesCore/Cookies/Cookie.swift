/// A cookie as the session's jar keeps it (RFC 6265).
///
/// `description` omits the value, so that a logged cookie does not reveal it.
public struct Cookie: Sendable, Hashable {
    /// The name.
    public var name: String
    /// The value.
    public var value: String
    /// The host that the cookie is sent to, in ASCII and without a leading dot.
    public var domain: String
    /// Whether the cookie is also sent to the subdomains of the host.
    public var includesSubdomains: Bool
    /// The path below which the cookie is sent.
    public var path: String
    /// Whether the cookie is sent over https only. (`Secure`)
    public var isSecure: Bool
    /// Whether the cookie is hidden from scripts of a web page; stored, but without effect here. (`HttpOnly`)
    public var isHTTPOnly: Bool
    /// When the cookie expires, in seconds since 1970; `nil` for a session cookie.
    public var expires: Int64?

    /// Makes a cookie. `session.cookies.set` adds it to a jar.
    public init(
        name: String,
        value: String,
        domain: String,
        includesSubdomains: Bool = false,
        path: String = "/",
        isSecure: Bool = false,
        isHTTPOnly: Bool = false,
        expires: Int64? = nil
    ) {
        self.name = name
        self.value = value
        self.domain = domain
        self.includesSubdomains = includesSubdomains
        self.path = path
        self.isSecure = isSecure
        self.isHTTPOnly = isHTTPOnly
        self.expires = expires
    }
}

extension Cookie: CustomStringConvertible, CustomDebugStringConvertible {
    /// The name and where the cookie is sent, for example "id for example.com/".
    public var description: String { "\(name) for \(domain)\(path)" }

    /// The same as `description`.
    public var debugDescription: String { description }
}

extension Cookie {
    /// What is wrong with a cookie that the caller made; `nil` for a valid one. Never contains the value.
    package var problem: String? {
        if name.isEmpty || !Self.isPlain(name) || name.utf8.contains(UInt8(ascii: "=")) {
            return "the name is empty, or contains a control character, a semicolon, \"=\" or outer white space"
        }
        if !Self.isPlain(value) { return "the value contains a control character, a semicolon or outer white space" }
        if name.utf8.count + value.utf8.count > Self.maximumSize {
            return "name and value must not exceed \(Self.maximumSize) bytes together"
        }
        let dot = UInt8(ascii: ".")
        let host = Origin(isSecure: false, host: domain, port: 0)
        let isAddress =
            host.isHostLiteral && domain.utf8.allSatisfy { $0.isHexDigit || $0 == UInt8(ascii: ":") || $0 == dot }
        let isName =
            domain.utf8.allSatisfy { Self.isHostByte($0) } && domain.utf8.first != dot && domain.utf8.last != dot
        if domain.isEmpty || !isAddress && !isName {
            return
                "the domain must be an IP address or an ASCII name without a leading or trailing dot, but is \"\(domain)\""
        }
        if isAddress && includesSubdomains {
            return "includesSubdomains must be false, because the domain is an IP address"
        }
        if path.utf8.first != UInt8(ascii: "/") || !Self.isPlain(path) {
            return "the path must begin with \"/\", without control characters, semicolons or trailing white space"
        }
        if let expires, expires <= 0 { return "expires must be greater than 0, but is \(expires)" }
        return prefixProblem
    }

    /// The requirements of cookie name prefixes (RFC 6265bis, section 4.1.3).
    private var prefixProblem: String? {
        let name = name.asciiLowercased
        if name.utf8.starts(with: "__secure-".utf8), !isSecure { return "a __Secure- cookie must have isSecure" }
        if name.utf8.starts(with: "__host-".utf8), !isSecure || includesSubdomains || path != "/" {
            return "a __Host- cookie must have isSecure, must not include subdomains, and its path must be \"/\""
        }
        return nil
    }

    /// The minimum that a client has to support (RFC 6265, section 6.1), and the limit here.
    private static let maximumSize = 4096

    private static func isPlain(_ text: String) -> Bool {
        let isVisible = text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F && $0 != UInt8(ascii: ";") }
        return isVisible && text.utf8.first != 0x20 && text.utf8.last != 0x20
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_")
        }
    }
}
