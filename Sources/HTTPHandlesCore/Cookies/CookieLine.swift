/// A cookie as one line with seven tab-separated fields: the format of `CURLOPT_COOKIELIST` and of Netscape cookie files.
///
/// Kept as bytes, because a value need not be UTF-8.
package struct CookieLine: Sendable, Hashable {
    package let bytes: [UInt8]
    private let fields: [ArraySlice<UInt8>]

    private static let httpOnly = Array("#HttpOnly_".utf8)

    /// `nil` for a comment or a malformed line.
    package init?(_ bytes: [UInt8]) {
        let isMarked = bytes.starts(with: Self.httpOnly)
        guard isMarked || bytes.first != UInt8(ascii: "#") else { return nil }
        self.bytes = bytes
        fields = bytes.split(separator: UInt8(ascii: "\t"), maxSplits: 7, omittingEmptySubsequences: false)
        guard fields.count == 7, expiryField != nil else { return nil }
    }

    package init(_ cookie: Cookie) {
        let domain = cookie.includesSubdomains ? ".\(cookie.domain)" : cookie.domain
        let parts = [
            "\(cookie.isHTTPOnly ? "#HttpOnly_" : "")\(domain)", cookie.includesSubdomains ? "TRUE" : "FALSE",
            cookie.path, cookie.isSecure ? "TRUE" : "FALSE", "\(cookie.expires ?? 0)", cookie.name, cookie.value,
        ]
        bytes = Array(parts.joined(separator: "\t").utf8)
        fields = bytes.split(separator: UInt8(ascii: "\t"), maxSplits: 7, omittingEmptySubsequences: false)
    }

    package var cookie: Cookie {
        Cookie(
            name: text(5),
            value: text(6),
            domain: domain,
            includesSubdomains: text(1) == "TRUE",
            path: text(2),
            isSecure: text(3) == "TRUE",
            isHTTPOnly: bytes.starts(with: Self.httpOnly),
            expires: expires
        )
    }

    package var expires: Int64? { expiryField == 0 ? nil : expiryField }

    /// The same cookie with an expiry date in the past, which removes it from libcurl's jar.
    package var expired: [UInt8] {
        var parts = fields
        parts[4] = [UInt8(ascii: "1")]
        return Array(parts.joined(separator: [UInt8(ascii: "\t")]))
    }

    private var expiryField: Int64? { Int64(text(4)) }

    private var domain: String {
        var domain = fields[0]
        if bytes.starts(with: Self.httpOnly) { domain = domain.dropFirst(Self.httpOnly.count) }
        if domain.first == UInt8(ascii: ".") { domain = domain.dropFirst() }
        return String(decoding: domain, as: UTF8.self)
    }

    private func text(_ field: Int) -> String { String(decoding: fields[field], as: UTF8.self) }

    /// The site that probably set the cookie: the last two labels of a name, or an address.
    fileprivate var site: String {
        let domain = domain
        if Origin(isSecure: false, host: domain, port: 0).isHostLiteral { return domain }
        let labels = domain.asciiLowercased.utf8.split(separator: UInt8(ascii: ".")).suffix(2)
        return labels.map { String(Substring($0)) }.joined(separator: ".")
    }
}

/// The maximum number of cookies in a jar. libcurl has no limit, so a server could fill the memory.
package enum CookieLimit {
    /// The minimum that a client has to support (RFC 6265, section 6.1), and the limit here.
    package static let total = 3000

    /// The cookies to remove from a jar that exceeds the limit: the oldest ones of the sites with the most cookies.
    ///
    /// - Parameter lines: All cookies; for each site, from oldest to newest.
    package static func surplus(_ lines: [CookieLine], total: Int = total) -> [CookieLine] {
        guard lines.count > total else { return [] }
        var sites: [String: ArraySlice<CookieLine>] = [:]
        for line in lines { sites[line.site, default: []].append(line) }
        var surplus: [CookieLine] = []
        while lines.count - surplus.count > total {
            // The largest site is reduced to the size of the second largest, but by no more than the surplus.
            guard let (site, largest) = sites.max(by: { ($0.value.count, $1.key) < ($1.value.count, $0.key) }) else {
                break
            }
            let second = sites.lazy.filter { $0.key != site }.map(\.value.count).max() ?? 0
            let count = min(max(largest.count - second, 1), lines.count - surplus.count - total)
            surplus += largest.prefix(count)
            sites[site] = largest.dropFirst(count)
        }
        return surplus
    }
}
