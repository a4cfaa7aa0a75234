/// An http or https URL, as it is sent: parsed and normalized by the same code that connects to it.
///
///     let base = try HTTPURL("https://example.com/v1/")
///     let url = try base.resolving("users").appending(query: ["page": "2"])
///     let response = try await session.get(url)
///
/// The host is in lower-case ASCII (internationalized names as A-labels), and what may not be in a URL is percent-encoded;
/// everything else is kept, also dot segments (see `pathAsIs`). A fragment is left out: it is not sent. Credentials are
/// refused: they are an option. Two URLs are equal if their texts are.
///
/// `WinHttpCrackUrl`; `curl_url_get`.
public struct HTTPURL: Sendable, Hashable {
    package let parsed: RequestURL

    package init(_ parsed: RequestURL) {
        self.parsed = parsed
    }

    /// The whole URL.
    public var text: String { parsed.text }

    /// "http" or "https".
    public var scheme: String { parsed.isSecure ? "https" : "http" }

    /// Whether the scheme is https.
    public var isSecure: Bool { parsed.isSecure }

    /// A name, or an address: IPv6 without brackets, with its zone.
    public var host: String { parsed.host }

    /// The port, also where it is the scheme's default.
    public var port: Int { parsed.port }

    /// Host and port as in the URL, without the scheme's default port.
    public var authority: String { parsed.origin.authority }

    /// Scheme and authority, for example "https://example.com:8080".
    public var origin: String { parsed.origin.urlPrefix }

    /// Path and query, encoded, as the request line has them; empty for the server as a whole.
    public var target: String { parsed.target }

    /// The path, encoded.
    public var path: String { String(decoding: target.utf8.prefix { $0 != UInt8(ascii: "?") }, as: UTF8.self) }

    /// The path with its percent-encoded bytes decoded. What is not UTF-8 becomes U+FFFD.
    public var decodedPath: String {
        String(decoding: PercentEncoding.decoded(Array(path.utf8)), as: UTF8.self)
    }

    /// The query, encoded and without its question mark; `nil` if there is none.
    public var query: String? {
        let bytes = Array(target.utf8)
        guard let mark = bytes.firstIndex(of: UInt8(ascii: "?")) else { return nil }
        return String(decoding: bytes[(mark + 1)...], as: UTF8.self)
    }

    /// The names and values of the query.
    public var queryItems: QueryItems { QueryItems(decoding: query ?? "") }

    /// The same with further items at the end of its query.
    public func appending(query items: QueryItems) -> HTTPURL {
        items.isEmpty ? self : HTTPURL(parsed.appending(query: items.encodedBytes))
    }
}

extension HTTPURL: CustomStringConvertible, CustomDebugStringConvertible {
    /// The URL without the values in its query, which may be secret. The whole is `text`.
    public var description: String { Redaction.standard.url(text) }

    /// The same as `description`.
    public var debugDescription: String { description }
}

extension RequestURL {
    /// The same with more at the end of its query. The server as a whole has no query.
    package func appending(query: [UInt8]) -> RequestURL {
        guard !query.isEmpty, !isServerWide else { return self }
        let present = Array(target.utf8)
        let sign: [UInt8] =
            switch present.firstIndex(of: UInt8(ascii: "?")) {
            case nil: [UInt8(ascii: "?")]
            case present.count - 1: []
            default: present.last == UInt8(ascii: "&") ? [] : [UInt8(ascii: "&")]
            }
        guard let target = RequestTarget(present + sign + query) else { return self }
        return RequestURL(origin, target)
    }

    /// The names in the query, decoded.
    var queryNames: Set<[UInt8]> {
        let bytes = Array(target.utf8)
        guard let mark = bytes.firstIndex(of: UInt8(ascii: "?")) else { return [] }
        let items = QueryItems(decoding: String(decoding: bytes[(mark + 1)...], as: UTF8.self))
        return Set(items.map { Array($0.name.utf8) })
    }
}
