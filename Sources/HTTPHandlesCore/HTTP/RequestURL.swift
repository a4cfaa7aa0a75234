/// Scheme, host and port (RFC 9110, section 4.3.1).
package struct Origin: Sendable, Hashable {
    package let isSecure: Bool
    /// A name or an address, the latter without brackets and with its zone: "fe80::1%eth0". Normalized to lower-case ASCII,
    /// so that equal hosts are equal texts.
    package let host: String
    package let port: Int
    /// Whether the host is an address already, so that no name is resolved.
    package let isHostLiteral: Bool

    package init(isSecure: Bool, host: String, port: Int) {
        self.isSecure = isSecure
        self.host = host
        self.port = port
        let digitsAndDots = host.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") }
        isHostLiteral = digitsAndDots || host.utf8.contains(UInt8(ascii: ":"))
    }

    /// The zone of an IPv6 address (RFC 6874); `nil` if there is none.
    package var zone: String? {
        guard isHostLiteral, let percent = host.utf8.firstIndex(of: UInt8(ascii: "%")) else { return nil }
        return String(host[host.utf8.index(after: percent)...])
    }

    /// Host and port as in a URL: without the scheme's default port, with the percent sign before a zone encoded (RFC 6874).
    package var authority: String {
        let port = port == (isSecure ? 443 : 80) ? "" : ":\(port)"
        guard host.utf8.contains(UInt8(ascii: ":")) else { return host + port }
        guard let zone = host.utf8.firstIndex(of: UInt8(ascii: "%")) else { return "[\(host)]\(port)" }
        return "[\(host[..<zone])%25\(host[host.utf8.index(after: zone)...])]\(port)"
    }

    /// The part of a URL before its path.
    package var urlPrefix: String { "\(isSecure ? "https" : "http")://\(authority)" }
}

/// The origin and the target of a request.
///
/// The origin is determined from scheme and authority before the target is parsed; no byte of the target can change it.
package struct RequestURL: Sendable, Hashable {
    package let origin: Origin
    /// The whole URL, without the fragment, as it is given to libcurl.
    package let text: String
    /// The offset of path and query in the text.
    private let targetOffset: Int
    /// Whether the path has dot segments, "." or "..".
    package let hasDotSegments: Bool

    /// A URL whose text is `origin` followed by a target.
    package init(origin: Origin, text: String, target offset: Int) {
        self.origin = origin
        self.text = text
        targetOffset = offset
        hasDotSegments = false
    }

    package init(_ origin: Origin, _ target: RequestTarget) {
        self.origin = origin
        let prefix = origin.urlPrefix
        text = prefix + target.text
        targetOffset = prefix.utf8.count
        hasDotSegments = target.hasDotSegments
    }

    package var isSecure: Bool { origin.isSecure }
    package var host: String { origin.host }
    package var port: Int { origin.port }

    /// Path and query; empty for the server as a whole.
    package var target: String {
        String(text.utf8.dropFirst(targetOffset)) ?? "/"
    }

    /// Whether both texts are the same up to the path.
    package func beginsLike(_ other: RequestURL) -> Bool {
        guard targetOffset == other.targetOffset else { return false }
        let bytes = text.utf8.span
        let others = other.text.utf8.span
        for offset in 0..<targetOffset where bytes[offset] != others[offset] { return false }
        return true
    }

    /// Where path and query are in the text.
    package struct Parts {
        package var path: Range<Int>
        /// `nil` if there is no question mark.
        package var query: Range<Int>?
        /// Whether there is a percent-encoded byte in one of them.
        package var hasEncodedBytes = false
    }

    package var parts: Parts {
        let bytes = text.utf8.span
        var parts = Parts(path: targetOffset..<bytes.count)
        for offset in parts.path {
            if bytes[offset] == UInt8(ascii: "%") {
                parts.hasEncodedBytes = true
            } else if bytes[offset] == UInt8(ascii: "?"), parts.query == nil {
                parts.query = offset + 1..<bytes.count
            }
        }
        if let query = parts.query { parts.path = targetOffset..<query.lowerBound - 1 }
        return parts
    }

    /// The same without its query.
    package var withoutQuery: RequestURL {
        let end = parts.path.upperBound
        guard end < text.utf8.count else { return self }
        return RequestURL(origin: origin, text: String(text.utf8.prefix(end)) ?? text, target: targetOffset)
    }

    /// Whether the request is about the server as a whole: its target is "*" and its URL has no path (RFC 9112, section
    /// 3.2.4).
    package var isServerWide: Bool { targetOffset == text.utf8.count }

    /// The same without dot segments (RFC 3986, section 6.2.2.3).
    package var withoutDotSegments: RequestURL {
        guard hasDotSegments, let target = RequestTarget(Array(target.utf8)) else { return self }
        return RequestURL(origin, target.withoutDotSegments)
    }
}
