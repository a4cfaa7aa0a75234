/// A cookie as one line of text with seven fields between tabs: how libcurl takes and gives cookies, and how Netscape's
/// files and curl's keep them.
///
/// The bytes stay as they are: a server's value need not be UTF-8.
package struct CookieLine: Sendable, Hashable {
    package let bytes: [UInt8]
    private let fields: [ArraySlice<UInt8>]

    private static let httpOnly = Array("#HttpOnly_".utf8)

    /// `nil` for a comment, and for what is no cookie.
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

    /// The same cookie, but long past its end: to the jar that means that it goes.
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

    /// Who is likely to have set the cookie: the last two labels of a name, or an address.
    fileprivate var site: String {
        let domain = domain
        if Origin(isSecure: false, host: domain, port: 0).isHostLiteral { return domain }
        let labels = domain.asciiLowercased.utf8.split(separator: UInt8(ascii: ".")).suffix(2)
        return labels.map { String(Substring($0)) }.joined(separator: ".")
    }
}

/// How many cookies a jar keeps. libcurl itself has no limit, so that a server could fill the memory.
package enum CookieLimit {
    /// What a client has to keep at least (RFC 6265, section 6.1), and no more.
    package static let total = 3000

    /// The cookies that have to go, where there are too many: of those whose site has most, the oldest.
    ///
    /// - Parameter lines: All cookies, older ones of a site before newer ones.
    package static func surplus(_ lines: [CookieLine], total: Int = total) -> [CookieLine] {
        guard lines.count > total else { return [] }
        var sites: [String: ArraySlice<CookieLine>] = [:]
        for line in lines { sites[line.site, default: []].append(line) }
        var surplus: [CookieLine] = []
        while lines.count - surplus.count > total {
            // Those who have most come down to those who have second most, but one pass takes no more than it has to.
            guard let (site, most) = sites.max(by: { ($0.value.count, $1.key) < ($1.value.count, $0.key) }) else {
                break
            }
            let second = sites.lazy.filter { $0.key != site }.map(\.value.count).max() ?? 0
            let count = min(max(most.count - second, 1), lines.count - surplus.count - total)
            surplus += most.prefix(count)
            sites[site] = most.dropFirst(count)
        }
        return surplus
    }
}
