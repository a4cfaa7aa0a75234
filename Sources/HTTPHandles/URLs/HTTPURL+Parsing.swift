public import HTTPHandlesCore
import HTTPHandlesDriver
import HTTPHandlesLock

extension HTTPURL {
    /// Parses an absolute URL with scheme http or https.
    ///
    /// Throws `.invalidURL`, `.unrecognizedScheme`, `.notSupported` for an internationalized host that the linked libcurl cannot
    /// convert.
    ///
    /// `WinHttpCrackUrl`; `curl_url_set`.
    public init(_ text: String) throws(HandleError) {
        self.init(try RequestURL(parsing: text, for: .openRequest))
    }

    /// Builds a URL of its parts. The host may be an internationalized name, or an IPv6 address with or without brackets.
    ///
    /// Throws `.invalidURL` for parts that cannot be in a URL, and for a path that does not begin with a slash;
    /// `.unrecognizedScheme`; `.invalidParameter` for a port out of range.
    ///
    /// `WinHttpCreateUrl`.
    ///
    /// - Parameters:
    ///   - scheme: "http" or "https".
    ///   - host: A name or an IP address.
    ///   - port: The port; the scheme's if left out.
    ///   - path: The path, not encoded: bytes that have a meaning in a URL, also "%" and "?", are percent-encoded.
    ///   - query: The names and values of the query.
    public init(
        scheme: String = "https",
        host: String,
        port: Int? = nil,
        path: String = "/",
        query: QueryItems = [:]
    ) throws(HandleError) {
        let isSecure = scheme.isEqualIgnoringASCIICase("https")
        guard isSecure || scheme.isEqualIgnoringASCIICase("http") else {
            let reason = "the scheme must be http or https, but is \"\(scheme)\""
            throw HandleError(.unrecognizedScheme, .openRequest, reason: reason)
        }
        let port = port ?? (isSecure ? 443 : 80)
        let checked = try RequestURL.checkedHost(host, port: port, for: .openRequest)
        guard path.utf8.first == UInt8(ascii: "/") else {
            throw HandleError(.invalidURL, .openRequest, reason: "the path must begin with \"/\"")
        }
        var target: [UInt8] = []
        PercentEncoding.append(path.utf8, keeping: "/!$&'()*+,;=:@", to: &target)
        let url = try RequestURL(
            host: checked,
            port: port,
            isSecure: isSecure,
            path: String(decoding: target, as: UTF8.self),
            for: .openRequest
        )
        self = HTTPURL(url).appending(query: query)
    }

    /// Resolves a reference against this URL (RFC 3986, section 5), as a redirect is. Dot segments are removed.
    ///
    /// Throws as `init(_:)`.
    ///
    /// `WinHttpCreateUrl`; `CURLU_URLENCODE`.
    public func resolving(_ reference: String) throws(HandleError) -> HTTPURL {
        HTTPURL(try RequestURL(Array(reference.utf8), relativeTo: parsed, for: .openRequest))
    }
}

extension DriverBound<SessionObject> {
    /// A URL of the caller's: absolute, or relative to the session's base URL.
    func url(_ text: String) throws(HandleError) -> RequestURL {
        do throws(HandleError) {
            return try RequestURL(parsing: text, for: .openRequest, bound.base.tree.origins)
        } catch {
            let bytes = Array(text.utf8)
            guard let base = bound.baseURL.withLock({ $0 }), URLReference(bytes).scheme == nil else { throw error }
            return try RequestURL(bytes, relativeTo: base.parsed, for: .openRequest)
        }
    }
}
