import CHTTPHandlesCurl
package import HTTPHandlesCore
import HTTPHandlesLock

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

extension RequestURL {
    /// Splits a URL as libcurl does, so that what is checked is what libcurl connects to.
    ///
    /// Up to the path a URL repeats from request to request, so libcurl is asked about each origin once. What follows is
    /// passed on as it is if it consists of what a path and a query may consist of; else libcurl is asked about the whole.
    package init(parsing text: String, for operation: HandleOperation) throws(HandleError) {
        if let known = Self.origins.withLock({ $0.split(text) }) {
            self.init(origin: known.origin, text: text, target: known.target)
        } else if let split = Self.split(text) {
            let (origin, _) = try Self.ask(String(split.origin), for: operation)
            Self.origins.withLock { $0.learn(origin, String(split.origin)) }
            self.init(origin: origin, text: text, target: split.target)
        } else {
            let (origin, normalized) = try Self.ask(text, for: operation)
            guard let split = Self.split(normalized) else {
                throw HandleError(
                    .invalidURL,
                    operation,
                    reason: "\"\(text.hidingCredentials)\" is not a URL that can be used"
                )
            }
            self.init(origin: origin, text: normalized, target: split.target)
        }
    }

    /// The URL that a reference, such as the value of `Location`, means at `base` (RFC 3986, section 5).
    package init(_ reference: String, relativeTo base: RequestURL, for operation: HandleOperation) throws(HandleError) {
        guard let parser = CurlURL() else {
            throw HandleError(.notEnoughMemory, operation, reason: "no memory for a URL")
        }
        let problem = Problem(text: reference, operation: operation)
        guard !reference.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
            throw problem.invalid("it contains a control character")
        }
        guard parser.parse(base.text, encoding: true) == CURLUE_OK else {
            throw problem.invalid("there is nothing to resolve it with")
        }
        let result = parser.parse(reference, encoding: true, isReference: true)
        guard result == CURLUE_OK else { throw problem.refused(by: result) }
        guard let whole = parser[CURLUPART_URL] else { throw problem.invalid("libcurl cannot put it together") }
        try self.init(parsing: whole, for: operation)
    }

    /// The URL of `target` on a server.
    package init(
        host: String,
        port: Int,
        isSecure: Bool,
        target: String,
        for operation: HandleOperation
    ) throws(HandleError) {
        let authority = host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host
        let slash = target.utf8.first == UInt8(ascii: "/") ? "" : "/"
        // The target starts with a slash, so nothing in it can become part of the authority.
        try self.init(
            parsing: "\(isSecure ? "https" : "http")://\(authority):\(port)\(slash)\(target)",
            for: operation
        )
    }

    /// Checks and normalises the host of a connection.
    package static func checkedHost(_ host: String, port: Int, for operation: HandleOperation) throws(HandleError)
        -> String
    {
        guard (1...65535).contains(port) else { throw .invalidParameter(operation, "\(port) is not a port") }
        let bare = host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
        // Anything that ends an authority, or starts a port or user information, is not part of a host.
        let isHost = bare.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F && !"/?#@\\[]%".utf8.contains($0) }
        let colons = bare.utf8.count { $0 == UInt8(ascii: ":") }
        guard !bare.isEmpty, isHost, colons != 1 else {
            throw HandleError(.invalidURL, operation, reason: "\"\(host.hidingCredentials)\" is not a host")
        }
        return try RequestURL(host: bare, port: port, isSecure: false, target: "/", for: operation).host
    }

    // MARK: Splitting

    private static let origins = Lock(KnownOrigins())

    /// What libcurl has made of origins before.
    private struct KnownOrigins {
        private struct Known {
            let text: String
            let origin: Origin
        }

        private var all: [Substring: Known] = [:]
        /// Most requests go where the one before went, and are spared the hash and most of the checks.
        private var last: Known?

        mutating func split(_ text: String) -> (origin: Origin, target: Int)? {
            if let last, let target = RequestURL.target(of: text, after: last.text) { return (last.origin, target) }
            guard let split = RequestURL.split(text), let known = all[split.origin] else { return nil }
            last = known
            return (known.origin, split.target)
        }

        mutating func learn(_ origin: Origin, _ text: String) {
            if all.count >= 1024 { all.removeAll() }
            all[Substring(text)] = Known(text: text, origin: origin)
        }
    }

    /// Where the target begins, if `text` is `origin` and a plain target.
    private static func target(of text: String, after origin: String) -> Int? {
        let bytes = text.utf8.span
        let start = origin.utf8.span
        guard bytes.count > start.count, bytes[start.count] == UInt8(ascii: "/") else { return nil }
        for offset in 0..<start.count where bytes[offset] != start[offset] { return nil }
        for offset in start.count..<bytes.count where !isPlain(bytes[offset]) { return nil }
        return start.count
    }

    /// Cuts a URL in front of its path; `nil` if it has none, or anything in it is out of the ordinary.
    private static func split(_ text: String) -> (origin: Substring, target: Int)? {
        var slashes = 0
        var target = 0
        let bytes = text.utf8.span
        while slashes < 3 {
            guard target < bytes.count else { return nil }
            let byte = bytes[target]
            if byte == UInt8(ascii: "/") { slashes += 1 }
            // Before the path these mean something else.
            guard isPlain(byte), byte != UInt8(ascii: "?"), byte != UInt8(ascii: "%"), byte != UInt8(ascii: "@"),
                byte != UInt8(ascii: "\\")
            else { return nil }
            target += 1
        }
        // The slash is the target's first byte.
        target -= 1
        for offset in target..<bytes.count where !isPlain(bytes[offset]) { return nil }
        let end = text.utf8.index(text.startIndex, offsetBy: target)
        return (text[..<end], target)
    }

    /// Neither a control nor white space nor what is not ASCII, and nothing that libcurl would cut off.
    private static func isPlain(_ byte: UInt8) -> Bool {
        byte > 0x20 && byte < 0x7F && byte != UInt8(ascii: "#")
    }

    /// What libcurl makes of a URL.
    private static func ask(
        _ text: String,
        for operation: HandleOperation
    ) throws(HandleError) -> (origin: Origin, normalized: String) {
        let problem = Problem(text: text, operation: operation)
        // A NUL would end the text for libcurl; what else it takes of these depends on its version.
        guard !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
            throw problem.invalid("it contains a control character")
        }
        let named = text.prefix { $0 != ":" }
        if text.dropFirst(named.count).hasPrefix("://"), !["http", "https"].contains(named.lowercased()) {
            throw problem.unknown(String(named))
        }
        guard let parser = CurlURL() else {
            throw HandleError(.notEnoughMemory, operation, reason: "no memory for a URL")
        }
        let result = parser.parse(text, encoding: true)
        guard result == CURLUE_OK else { throw problem.refused(by: result) }

        let scheme = parser[CURLUPART_SCHEME] ?? ""
        guard scheme == "http" || scheme == "https" else { throw problem.unknown(scheme) }
        // libcurl also takes "http:/host" and "http:///host".
        let authority = text.dropFirst(scheme.count)
        guard authority.hasPrefix("://"), !authority.hasPrefix(":///") else {
            throw problem.invalid("the scheme is not followed by \"://\" and a host")
        }
        guard let host = parser[CURLUPART_HOST], !host.isEmpty else { throw problem.invalid("it has no host") }
        guard let port = parser.port, (1...65535).contains(port) else {
            throw problem.invalid("its port is not a port")
        }
        // A fragment stays with the client (RFC 9110, section 4.2.5).
        parser.removeFragment()
        guard let whole = parser[CURLUPART_URL] else { throw problem.invalid("libcurl cannot put it together again") }
        let bare = host.utf8.first == UInt8(ascii: "[") ? String(host.dropFirst().dropLast()) : host
        return (Origin(isSecure: scheme == "https", host: bare, port: port), whole)
    }

    private struct Problem {
        let text: String
        let operation: HandleOperation

        func invalid(_ reason: String) -> HandleError {
            HandleError(
                .invalidURL,
                operation,
                reason: "\"\(text.hidingCredentials)\" is not a URL that can be used: \(reason)"
            )
        }

        func unknown(_ scheme: String) -> HandleError {
            let reason = "the scheme of \"\(text.hidingCredentials)\" is \"\(scheme)\", not http or https"
            return HandleError(.unrecognizedScheme, operation, reason: reason)
        }

        func refused(by result: CURLUcode) -> HandleError {
            switch result {
            case CURLUE_UNSUPPORTED_SCHEME: unknown(String(text.prefix { $0 != ":" }))
            case CURLUE_USER_NOT_ALLOWED: invalid("it contains credentials")
            default: invalid(unsafe String(cString: curl_url_strerror(result)))
            }
        }
    }
}

extension String {
    /// A URL, maybe a malformed one, as it may be shown in an error.
    fileprivate var hidingCredentials: String { Redaction.standard.malformedURL(self) }
}

/// The owner of a URL parser of libcurl's.
@safe
struct CurlURL: ~Copyable {
    let pointer: OpaquePointer

    init?() {
        guard let pointer = unsafe curl_url() else { return nil }
        unsafe self.pointer = pointer
    }

    deinit {
        unsafe curl_url_cleanup(pointer)
    }

    /// - Parameters:
    ///   - encoding: Whether what has to be percent-encoded is, or was before.
    ///   - isReference: Whether "." and ".." in the path are steps, which resolving a reference takes. Those in a URL of the
    ///     caller's are his.
    func parse(_ text: String, encoding: Bool, isReference: Bool = false) -> CURLUcode {
        let flags = UInt32(
            CURLU_DISALLOW_USER | (isReference ? 0 : CURLU_PATH_AS_IS) | (encoding ? CURLU_URLENCODE : 0)
        )
        return unsafe text.withCString { unsafe curl_url_set(pointer, CURLUPART_URL, $0, flags) }
    }

    func removeFragment() {
        _ = unsafe curl_url_set(pointer, CURLUPART_FRAGMENT, nil, 0)
    }

    subscript(part: CURLUPart) -> String? { text(part, flags: 0) }

    var port: Int? { text(CURLUPART_PORT, flags: CURLU_DEFAULT_PORT).flatMap { Int($0) } }

    private func text(_ part: CURLUPart, flags: Int32) -> String? {
        var value: UnsafeMutablePointer<CChar>?
        guard unsafe curl_url_get(pointer, part, &value, UInt32(flags)) == CURLUE_OK, let value = unsafe value else {
            return nil
        }
        defer { unsafe curl_free(value) }
        return unsafe String(cString: value)
    }
}
