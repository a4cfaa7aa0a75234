package import HTTPTypes

/// An authentication scheme (RFC 9110, section 11.1). Not an enumeration, because servers may name any scheme.
public struct AuthenticationScheme: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
    /// The name in lower case; its case is ignored in fields.
    public let rawValue: String

    /// Makes a scheme from its name, in any case.
    public init(rawValue: String) {
        self.rawValue = rawValue.asciiLowercased
    }

    /// Sends the password itself (RFC 7617); use it over TLS only.
    public static let basic = AuthenticationScheme(rawValue: "basic")
    /// Sends a hash of the password (RFC 7616).
    public static let digest = AuthenticationScheme(rawValue: "digest")
    /// NTLM of Windows; authenticates a connection.
    public static let ntlm = AuthenticationScheme(rawValue: "ntlm")
    /// Kerberos through SPNEGO (RFC 4559); authenticates a connection.
    public static let negotiate = AuthenticationScheme(rawValue: "negotiate")
    /// Sends a token (RFC 6750).
    public static let bearer = AuthenticationScheme(rawValue: "bearer")

    /// The name in lower case.
    public var description: String { rawValue }
}

/// A challenge of a 401 or 407 response: one authentication scheme that the server accepts, with its parameters.
///
/// Counterpart of `WinHttpQueryAuthSchemes` and `WinHttpQueryAuthParams`.
public struct AuthenticationChallenge: Sendable, Hashable {
    /// The authentication scheme.
    public let scheme: AuthenticationScheme
    /// The parameters, names in lower case, values without quotes. Of two with the same name the first is used.
    public let parameters: [String: String]
    /// The token68 that some schemes have in place of parameters, for example NTLM's second message.
    public let token: String?

    /// The protection space, as text for users; `nil` if the server gives none.
    public var realm: String? { parameters["realm"] }

    package init(scheme: AuthenticationScheme, parameters: [String: String] = [:], token: String? = nil) {
        self.scheme = scheme
        self.parameters = parameters
        self.token = token
    }

    /// All challenges of a response, in order. Malformed parts are skipped.
    ///
    /// - Parameter name: `Proxy-Authenticate` for those of a 407.
    package static func all(
        in fields: HTTPFields,
        of name: HTTPField.Name = .wwwAuthenticate
    ) -> [AuthenticationChallenge] {
        fields[values: name].flatMap { all(in: $0) }
    }

    /// The challenges of one field. Commas separate both challenges and parameters, so each part has to be examined.
    package static func all(in value: String) -> [AuthenticationChallenge] {
        var scanner = FieldScanner(value)
        var challenges: [AuthenticationChallenge] = []
        var scheme: AuthenticationScheme?
        var parameters: [String: String] = [:]
        var token: String?
        func finish() {
            guard let scheme else { return }
            challenges.append(AuthenticationChallenge(scheme: scheme, parameters: parameters, token: token))
        }
        while true {
            scanner.skip { $0 == UInt8(ascii: ",") || FieldScanner.isBlank($0) }
            guard !scanner.rest.isEmpty else { break }
            if let (name, value) = scanner.parameter() {
                let name = name.asciiLowercased
                if parameters[name] == nil { parameters[name] = value }
            } else if let name = scanner.nextToken() {
                finish()
                (scheme, parameters, token) = (AuthenticationScheme(rawValue: name), [:], nil)
                scanner.skip(FieldScanner.isBlank)
                token = scanner.token68()
            } else {
                scanner.skip { $0 != UInt8(ascii: ",") }
            }
        }
        finish()
        return challenges
    }
}

extension FieldScanner {
    /// The text up to the next comma, if it is a token68.
    fileprivate mutating func token68() -> String? {
        let token = rest.prefix { $0 != UInt8(ascii: ",") && !Self.isBlank($0) }
        let after = rest[token.endIndex...].drop(while: Self.isBlank)
        let isWhole = after.first.map { $0 == UInt8(ascii: ",") } ?? true
        let bare = token.prefix { Self.isTokenByte($0) || $0 == UInt8(ascii: "/") }
        let padding = token[bare.endIndex...]
        guard !bare.isEmpty, isWhole, padding.allSatisfy({ $0 == UInt8(ascii: "=") }) else { return nil }
        rest = after
        return String(decoding: token, as: UTF8.self)
    }
}
