/// The URL of a proxy: `[scheme://][user[:password]@]host[:port][/]`.
struct ProxyURL {
    let proxy: Proxy

    /// No error contains more of the text than its scheme.
    init(_ text: String) throws(HandleError) {
        let bytes = Array(text.utf8)
        guard !bytes.contains(where: { $0 <= 0x20 || $0 >= 0x7F }) else {
            throw Self.invalid("it contains a control character, a space, or a character that is not ASCII")
        }
        var rest = bytes[...]
        var kind = ProxyAddress.Kind.http
        if let mark = text.utf8.firstRange(of: "://".utf8) {
            let scheme = text[..<mark.lowerBound].asciiLowercased
            guard let known = Self.kind(of: scheme) else {
                let isShown = scheme.utf8.allSatisfy { $0.isASCIILetter || $0.isASCIIDigit || "+-.".utf8.contains($0) }
                throw HandleError(
                    .unrecognizedScheme,
                    .setOption,
                    reason:
                        "a proxy cannot have the scheme \(isShown ? scheme : "of this URL"): it must be http, https, "
                        + "socks4, socks4a, socks5 or socks5h"
                )
            }
            kind = known
            rest = Array(text[mark.upperBound...].utf8)[...]
        }
        var credentials: Credentials?
        if let at = rest.lastIndex(of: UInt8(ascii: "@")) {
            credentials = try Self.credentials(rest[..<at])
            rest = rest[(at + 1)...]
        }
        if rest.last == UInt8(ascii: "/") { rest = rest.dropLast() }
        let (host, port) = try Self.hostAndPort(rest)
        var proxy = Proxy(kind, host: host, port: port ?? (kind == .https ? 443 : 1080))
        proxy.credentials = credentials
        if let problem = proxy.problem { throw Self.invalid(problem) }
        self.proxy = proxy
    }

    private static func kind(of scheme: String) -> ProxyAddress.Kind? {
        scheme == "socks" ? .socks4 : ProxyAddress.Kind(rawValue: scheme)
    }

    private static func credentials(_ bytes: ArraySlice<UInt8>) throws(HandleError) -> Credentials {
        let parts = bytes.split(separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
        let user = try decoded(parts[0])
        let password = parts.count == 2 ? try decoded(parts[1]) : ""
        return .basic(user: user, password: password)
    }

    private static func decoded(_ bytes: ArraySlice<UInt8>) throws(HandleError) -> String {
        var result: [UInt8] = []
        var rest = bytes
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                result.append(byte)
                continue
            }
            let digits = rest.prefix(2)
            guard digits.count == 2, digits.allSatisfy(\.isHexDigit),
                let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16)
            else { throw invalid("the user name or the password has a percent sign that encodes nothing") }
            result.append(value)
            rest = rest.dropFirst(2)
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static func hostAndPort(_ bytes: ArraySlice<UInt8>) throws(HandleError) -> (host: String, port: Int?) {
        var host = bytes
        var port: ArraySlice<UInt8>?
        if bytes.first == UInt8(ascii: "["), let end = bytes.firstIndex(of: UInt8(ascii: "]")) {
            host = bytes[bytes.index(after: bytes.startIndex)..<end]
            let rest = bytes[(end + 1)...]
            if !rest.isEmpty {
                guard rest.first == UInt8(ascii: ":") else {
                    throw invalid("its host has something behind the brackets")
                }
                port = rest.dropFirst()
            }
        } else if let colon = bytes.firstIndex(of: UInt8(ascii: ":")) {
            host = bytes[..<colon]
            port = bytes[(colon + 1)...]
        }
        let name = String(decoding: host, as: UTF8.self)
        guard let port else { return (name, nil) }
        guard !port.isEmpty, port.allSatisfy(\.isASCIIDigit), let number = Int(String(decoding: port, as: UTF8.self))
        else { throw invalid("its port is not a number") }
        return (name, number)
    }

    private static func invalid(_ problem: String) -> HandleError {
        HandleError(.invalidURL, .setOption, reason: "the URL of a proxy cannot be used: \(problem)")
    }
}
