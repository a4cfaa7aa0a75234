package import HTTPTypes

/// Hides secrets in errors, HAR files and printed events.
///
/// Hidden are the values of header fields with secret names, the values of fields whose indexing strategy is `disallow`
/// (RFC 7541, section 7.1.3), and in URLs the credentials, the values of the query and the fragment. Names stay visible.
/// Secrets in a path are not recognized.
package struct Redaction: Sendable {
    package static let standard = Redaction(hidesSecrets: true)
    /// Hides nothing.
    package static let none = Redaction(hidesSecrets: false)

    /// Replaces a hidden value.
    package static let mark = "(redacted)"

    package let hidesSecrets: Bool

    // MARK: Header fields

    package func isHidden(_ field: HTTPField) -> Bool {
        hidesSecrets && (field.indexingStrategy == .disallow || Self.isSecret(field.name))
    }

    package func value(of field: HTTPField) -> String {
        guard hidesSecrets else { return field.value }
        if isHidden(field) { return Self.mark }
        switch field.name.canonicalName {
        case "location", "content-location", "referer": return url(field.value)
        case "link", "refresh": return text(field.value)
        default: return field.value
        }
    }

    package func fields(_ fields: HTTPFields) -> HTTPFields {
        guard hidesSecrets else { return fields }
        return HTTPFields(
            fields.map { field in
                var shown = field
                shown.value = value(of: field)
                return shown
            }
        )
    }

    /// Whether a field name contains a word that stands for a secret, as in `X-Vault-Token` and `Set-Cookie`, or two such
    /// words, as in `X-Api-Key`.
    package static func isSecret(_ name: HTTPField.Name) -> Bool {
        // A token is ASCII.
        let parts = name.canonicalName.split { "-_.".contains($0) }
        return parts.contains { secretWords.contains($0) }
            || zip(parts, parts.dropFirst()).contains { secretKeys.contains($0) && $1 == "key" }
    }

    private static let secretWords: Set<Substring> = [
        "accesskey", "accesstoken", "apikey", "apitoken", "auth", "authentication", "authkey", "authorization",
        "authtoken", "bearer", "cookie",
        "cookie2", "credential", "credentials", "csrf", "csrftoken", "dpop", "jwt", "passphrase", "passwd", "password",
        "pwd",
        "secret", "secretkey", "session", "sessionid", "sid", "signature", "token", "xsrf",
    ]

    /// The words before "key" that make it a secret. Cache keys, idempotency keys and WebSocket keys are not secret.
    private static let secretKeys: Set<Substring> = [
        "access", "account", "admin", "api", "app", "application", "auth", "client", "customer", "encryption",
        "function",
        "functions", "license", "master", "private", "rapidapi", "secret", "service", "shared", "subscription", "user",
    ]

    // MARK: URLs

    /// A URL, or a reference to one.
    package func url(_ text: String) -> String {
        guard hidesSecrets else { return text }
        let end = Self.endOfAuthority(in: text)
        let tail = text[end...].utf8.firstIndex(where: Self.endsPath) ?? text.endIndex
        return "\(Self.hidingCredentials(text[..<end]))\(text[end..<tail])\(Self.hidingValues(text[tail...]))"
    }

    /// A malformed URL. Its parts cannot be identified reliably, so more is hidden.
    package func malformedURL(_ text: String) -> String {
        guard hidesSecrets else { return text }
        let tail = text.utf8.firstIndex(where: Self.endsPath) ?? text.endIndex
        guard let credentials = text.utf8.lastIndex(of: UInt8(ascii: "@")) else {
            return "\(text[..<tail])\(Self.hidingValues(text[tail...]))"
        }
        if credentials < tail { return Self.hidingCredentials(text[..<tail]) + Self.hidingValues(text[tail...]) }
        // The text after a question mark: a query, or the rest of a password that contains one.
        let start = text.utf8.firstRange(of: "://".utf8)?.upperBound ?? text.startIndex
        return "\(text[..<min(start, tail)])\(Self.mark)"
    }

    /// A decoded query parameter. A part without "=" is a value.
    package func parameter(_ name: String, _ value: String?) -> (name: String, value: String) {
        guard hidesSecrets else { return (name, value ?? "") }
        guard let value else { return (name.isEmpty ? "" : Self.mark, "") }
        return (name, value.isEmpty ? "" : Self.mark)
    }

    /// A text that contains URLs.
    private func text(_ text: String) -> String {
        var shown = ""
        var rest = text[...]
        while let start = rest.utf8.firstIndex(where: Self.endsPath) {
            let end = rest[start...].utf8.firstIndex(of: UInt8(ascii: ">")) ?? rest.endIndex
            shown += "\(rest[...start])\(Self.mark)"
            rest = rest[end...]
        }
        return "\(shown)\(rest)"
    }

    private static func endsPath(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "?") || byte == UInt8(ascii: "#") }

    /// By bytes: a delimiter followed by a combining mark is a different `Character`.
    private static func endOfAuthority(in text: String) -> String.Index {
        let bytes = text.utf8
        let delimiter = bytes.firstIndex { $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: "/") || endsPath($0) }
        var start = delimiter ?? bytes.endIndex
        if start < bytes.endIndex, bytes[start] == UInt8(ascii: ":") { start = bytes.index(after: start) }
        guard bytes[start...].starts(with: "//".utf8) else { return bytes.startIndex }
        start = bytes.index(start, offsetBy: 2)
        return bytes[start...].firstIndex { $0 == UInt8(ascii: "/") || endsPath($0) } ?? bytes.endIndex
    }

    /// The text before the path, without user and password.
    private static func hidingCredentials(_ text: Substring) -> String {
        guard let end = text.utf8.lastIndex(of: UInt8(ascii: "@")) else { return String(text) }
        let start = text.utf8.firstRange(of: "//".utf8)?.upperBound ?? text.startIndex
        return start < end ? "\(text[..<start])\(mark)\(text[end...])" : String(text)
    }

    /// A query and a fragment, either with its delimiter.
    private static func hidingValues(_ text: Substring) -> String {
        guard let hash = text.utf8.firstIndex(of: UInt8(ascii: "#")) else { return hidingQuery(text) }
        let fragment = text[hash...].utf8.count > 1 ? "#" + mark : "#"
        return hidingQuery(text[..<hash]) + fragment
    }

    private static func hidingQuery(_ text: Substring) -> String {
        guard text.utf8.first == UInt8(ascii: "?") else { return String(text) }
        let parts = text.utf8.dropFirst().split(separator: UInt8(ascii: "&"), omittingEmptySubsequences: false)
        let shown = parts.map { part in
            guard let sign = part.firstIndex(of: UInt8(ascii: "=")) else { return part.isEmpty ? "" : mark }
            let value = part.index(after: sign)
            return String(decoding: part[..<value], as: UTF8.self) + (value == part.endIndex ? "" : mark)
        }
        return "?" + shown.joined(separator: "&")
    }
}
