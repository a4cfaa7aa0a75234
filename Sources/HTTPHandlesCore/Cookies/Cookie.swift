/// A cookie as the session's jar keeps it (RFC 6265).
///
/// `description` leaves the value out, so that a cookie in a log gives nothing away.
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
    /// Whether scripts of a web page may not see the cookie; it is kept, and changes nothing here. (`HttpOnly`)
    public var isHTTPOnly: Bool
    /// When the cookie ends, in seconds since 1970; `nil` for one that has no end of its own.
    public var expires: Int64?

    /// Makes a cookie; it goes nowhere before `session.cookies.set`.
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

    /// The same: no value.
    public var debugDescription: String { description }
}

extension Cookie {
    /// What is wrong with a cookie that the caller made; `nil` if nothing is. Never says the value.
    package var problem: String? {
        if name.isEmpty || !Self.isPlain(name) || name.utf8.contains(UInt8(ascii: "=")) {
            return "the name is not one of a cookie"
        }
        if !Self.isPlain(value) { return "the value contains a control character, a semicolon or outer white space" }
        if name.utf8.count + value.utf8.count > Self.maximumSize {
            return "name and value have more than \(Self.maximumSize) bytes"
        }
        let dot = UInt8(ascii: ".")
        let host = Origin(isSecure: false, host: domain, port: 0)
        let isAddress =
            host.isHostLiteral && domain.utf8.allSatisfy { $0.isHexDigit || $0 == UInt8(ascii: ":") || $0 == dot }
        let isName =
            domain.utf8.allSatisfy { Self.isHostByte($0) } && domain.utf8.first != dot && domain.utf8.last != dot
        if domain.isEmpty || !isAddress && !isName { return "\"\(domain)\" is not a host in ASCII" }
        if isAddress && includesSubdomains { return "an address has no subdomains" }
        if path.utf8.first != UInt8(ascii: "/") || !Self.isPlain(path) {
            return "the path does not begin with a slash, or is none"
        }
        if let expires, expires <= 0 { return "the end is a number of seconds since 1970" }
        return prefixProblem
    }

    /// The promises that some names make (RFC 6265bis, section 4.1.3).
    private var prefixProblem: String? {
        let name = name.asciiLowercased
        if name.utf8.starts(with: "__secure-".utf8), !isSecure { return "a __Secure- cookie is sent over https only" }
        if name.utf8.starts(with: "__host-".utf8), !isSecure || includesSubdomains || path != "/" {
            return "a __Host- cookie is sent over https only, to one host and to all of its paths"
        }
        return nil
    }

    /// What a client has to take at least (RFC 6265, section 6.1), and no more.
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
