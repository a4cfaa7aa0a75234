package import HTTPTypes

/// A way to prove who one is (RFC 9110, section 11.1): open, because servers may name any.
public struct AuthenticationScheme: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
    /// The name in lower case; servers may write it in any.
    public let rawValue: String

    /// Wraps a name.
    public init(rawValue: String) {
        self.rawValue = rawValue.asciiLowercased
    }

    /// The password itself (RFC 7617): for connections that nobody else can read.
    public static let basic = AuthenticationScheme(rawValue: "basic")
    /// A proof of the password (RFC 7616).
    public static let digest = AuthenticationScheme(rawValue: "digest")
    /// Windows' own; authenticates a connection.
    public static let ntlm = AuthenticationScheme(rawValue: "ntlm")
    /// Kerberos through SPNEGO (RFC 4559); authenticates a connection.
    public static let negotiate = AuthenticationScheme(rawValue: "negotiate")
    /// A token (RFC 6750).
    public static let bearer = AuthenticationScheme(rawValue: "bearer")

    /// The name in lower case.
    public var description: String { rawValue }
}

/// One way in which a server that answered 401 lets itself be convinced.
///
/// Counterpart of `WinHttpQueryAuthSchemes` and `WinHttpQueryAuthParams`.
public struct AuthenticationChallenge: Sendable, Hashable {
    /// The way.
    public let scheme: AuthenticationScheme
    /// The parameters, their names in lower case and values without quotes; of two of one name, the first.
    public let parameters: [String: String]
    /// What some schemes send in place of parameters, for example NTLM's second message.
    public let token: String?

    /// What the credentials are good for, in words for a person.
    public var realm: String? { parameters["realm"] }

    package init(scheme: AuthenticationScheme, parameters: [String: String] = [:], token: String? = nil) {
        self.scheme = scheme
        self.parameters = parameters
        self.token = token
    }

    /// All challenges of a response, in the order in which they came. What makes no sense is left out.
    package static func all(in fields: HTTPFields) -> [AuthenticationChallenge] {
        fields[values: .wwwAuthenticate].flatMap { all(in: $0) }
    }

    /// The challenges of one field. A comma separates both challenges and parameters, so each piece has to be looked at.
    package static func all(in value: String) -> [AuthenticationChallenge] {
        var scanner = Scanner(rest: Array(value.utf8)[...])
        var challenges: [AuthenticationChallenge] = []
        var scheme: AuthenticationScheme?
        var parameters: [String: String] = [:]
        var token: String?
        func finish() {
            guard let scheme else { return }
            challenges.append(AuthenticationChallenge(scheme: scheme, parameters: parameters, token: token))
        }
        while true {
            scanner.skip { $0 == UInt8(ascii: ",") || Scanner.isBlank($0) }
            guard !scanner.rest.isEmpty else { break }
            if let (name, value) = scanner.parameter() {
                if parameters[name] == nil { parameters[name] = value }
            } else if let name = scanner.word() {
                finish()
                (scheme, parameters, token) = (AuthenticationScheme(rawValue: name), [:], nil)
                scanner.skip(Scanner.isBlank)
                token = scanner.token68()
            } else {
                scanner.skip { $0 != UInt8(ascii: ",") }
            }
        }
        finish()
        return challenges
    }
}

/// Reads the pieces of a challenge (RFC 9110, section 11.2).
private struct Scanner {
    var rest: ArraySlice<UInt8>

    static func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }

    private static func isTokenByte(_ byte: UInt8) -> Bool {
        byte > 0x20 && byte < 0x7F && !"\"(),/:;<=>?@[\\]{}".utf8.contains(byte)
    }

    mutating func skip(_ condition: (UInt8) -> Bool) {
        rest = rest.drop(while: condition)
    }

    mutating func word() -> String? {
        let word = rest.prefix(while: Self.isTokenByte)
        guard !word.isEmpty else { return nil }
        rest = rest[word.endIndex...]
        return String(decoding: word, as: UTF8.self)
    }

    /// A name, an equals sign and a value; nothing is read if it is something else.
    mutating func parameter() -> (name: String, value: String)? {
        var ahead = self
        guard let name = ahead.word() else { return nil }
        ahead.skip(Self.isBlank)
        guard ahead.rest.popFirst() == UInt8(ascii: "=") else { return nil }
        ahead.skip(Self.isBlank)
        guard let value = ahead.rest.first == UInt8(ascii: "\"") ? ahead.quoted() : ahead.word() else { return nil }
        self = ahead
        return (name.asciiLowercased, value)
    }

    private mutating func quoted() -> String {
        var value: [UInt8] = []
        rest = rest.dropFirst()
        while let byte = rest.popFirst(), byte != UInt8(ascii: "\"") {
            value.append(byte == UInt8(ascii: "\\") ? rest.popFirst() ?? byte : byte)
        }
        return String(decoding: value, as: UTF8.self)
    }

    /// Everything up to the next comma, where that is one token and no parameter.
    mutating func token68() -> String? {
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
