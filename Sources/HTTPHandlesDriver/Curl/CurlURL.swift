import CHTTPHandlesCurl
package import HTTPHandlesCore
import HTTPHandlesSystem

extension RequestURL {
    /// A URL from the caller.
    ///
    /// libcurl parses the origin; the result is kept in `origins`. Path and query are kept, except for characters that have to
    /// be encoded.
    package init(
        parsing text: String,
        for operation: HandleOperation,
        _ origins: KnownOrigins = .ofProcess
    ) throws(HandleError) {
        if let known = origins.split(text) {
            self.init(origin: known.origin, text: text, target: known.target)
            return
        }
        let bytes = Array(text.utf8)
        let parts = URLReference(bytes)
        let problem = Problem(text: String(decoding: bytes, as: UTF8.self), operation: operation)
        try problem.requireNoControl(bytes)
        guard let scheme = parts.scheme else { throw problem.invalid("it has no scheme") }
        let isSecure = try problem.isSecure(scheme)
        guard let authority = parts.authority, !authority.isEmpty else {
            throw problem.invalid("the scheme is not followed by \"://\" and a host")
        }
        let origin = try Self.origin(isSecure: isSecure, authority, problem, origins)
        try self.init(origin, problem.target(parts.pathAndQuery))
        origins.learn(origin)
    }

    /// Resolves a reference, for example from `Location`, against `base` (RFC 3986, section 5).
    package init(_ reference: [UInt8], relativeTo base: RequestURL, for operation: HandleOperation) throws(HandleError)
    {
        let parts = URLReference(reference)
        let problem = Problem(text: String(decoding: reference, as: UTF8.self), operation: operation)
        try problem.requireNoControl(reference)
        let isSecure = try parts.scheme.map { scheme throws(HandleError) in try problem.isSecure(scheme) }
        let target: RequestTarget?
        let origin: Origin
        if let authority = parts.authority {
            guard !authority.isEmpty else { throw problem.invalid("it has no host") }
            origin = try Self.origin(isSecure: isSecure ?? base.isSecure, authority, problem)
            target = RequestTarget(parts.pathAndQuery)?.withoutDotSegments
        } else {
            guard isSecure == nil else { throw problem.invalid("the scheme is not followed by \"://\" and a host") }
            origin = base.origin
            target = base.parsedTarget?.resolving(parts)
        }
        guard let target else { throw problem.controlCharacter }
        self.init(origin, target)
    }

    /// A URL from the parts of a request: `path` is path and query, or "*" for the server as a whole.
    package init(
        scheme: String,
        authority: String,
        path: String,
        for operation: HandleOperation,
        _ origins: KnownOrigins = .ofProcess
    ) throws(HandleError) {
        let prefix = "\(scheme)://\(authority)"
        // The prefix is known only up to a path.
        let text = prefix + path
        if let known = origins.split(text), known.target == prefix.utf8.count {
            self.init(origin: known.origin, text: text, target: known.target)
            return
        }
        let problem = Problem(text: prefix, operation: operation)
        let isSecure = try problem.isSecure(scheme.utf8)
        let origin = try Self.origin(isSecure: isSecure, Array(authority.utf8)[...], problem, origins)
        if path.utf8.elementsEqual("*".utf8) {
            self.init(origin, .serverWide)
            return
        }
        // Otherwise the beginning of the path could be read as a part of the authority.
        guard path.utf8.first == UInt8(ascii: "/") else {
            throw HandleError(.invalidURL, operation, reason: "the path of the request must begin with \"/\"")
        }
        try self.init(origin, problem.target(path.utf8))
        origins.learn(origin)
    }

    /// The URL of `path` on a server; its first slash may be missing. "*" is the server as a whole.
    package init(
        host: String,
        port: Int,
        isSecure: Bool,
        path: String,
        for operation: HandleOperation
    ) throws(HandleError) {
        let origin = Origin(isSecure: isSecure, host: host, port: port)
        if path.utf8.first == UInt8(ascii: "/"), Self.isPlain(path.utf8.span, from: 0) {
            let prefix = origin.urlPrefix
            self.init(origin: origin, text: prefix + path, target: prefix.utf8.count)
        } else if path.utf8.elementsEqual("*".utf8) {
            self.init(origin, .serverWide)
        } else {
            try self.init(origin, Problem(text: path, operation: operation).target(path.utf8))
        }
    }

    /// Checks and normalizes the host of a connection.
    package static func checkedHost(_ host: String, port: Int, for operation: HandleOperation) throws(HandleError)
        -> String
    {
        guard (1...65535).contains(port) else {
            throw .invalidParameter(operation, "the port must be from 1 to 65535, but is \(port)")
        }
        var bare = Array(host.utf8)[...]
        if bare.first == UInt8(ascii: "["), bare.last == UInt8(ascii: "]") { bare = bare.dropFirst().dropLast() }
        let colons = bare.count { $0 == UInt8(ascii: ":") }
        // Delimiters of an authority, a port or user information are not allowed. A percent sign starts the zone of an
        // address.
        let isHost = bare.allSatisfy { byte in
            byte > 0x20 && byte != 0x7F && !"/?#@\\[]".utf8.contains(byte) && (byte != UInt8(ascii: "%") || colons > 1)
        }
        guard !bare.isEmpty, isHost, colons != 1 else {
            throw HandleError(.invalidURL, operation, reason: "\"\(host.hidingCredentials)\" is not a valid host")
        }
        let whole = colons > 1 ? [UInt8(ascii: "[")] + bare + [UInt8(ascii: "]")] : Array(bare)
        let problem = Problem(text: host, operation: operation)
        return try origin(isSecure: false, (whole + Array(":\(port)".utf8))[...], problem).host
    }

    private var parsedTarget: RequestTarget? { isServerWide ? .serverWide : RequestTarget(target.utf8) }

    // MARK: Origins

    /// The offset of the target, if `text` is `origin` followed by a plain target.
    static func target(of text: String, after origin: String) -> Int? {
        let bytes = text.utf8.span
        let start = origin.utf8.span
        guard bytes.count > start.count, bytes[start.count] == UInt8(ascii: "/") else { return nil }
        for offset in 0..<start.count where bytes[offset] != start[offset] { return nil }
        return isPlain(bytes, from: start.count) ? start.count : nil
    }

    /// Splits a URL before its path; `nil` if it has no path, or needs the full parser.
    static func split(_ text: String) -> (origin: Substring, target: Int)? {
        var slashes = 0
        var target = 0
        let bytes = text.utf8.span
        while slashes < 3 {
            guard target < bytes.count else { return nil }
            let byte = bytes[target]
            if byte == UInt8(ascii: "/") { slashes += 1 }
            // Before the path these characters have another meaning.
            guard isPlain(byte), byte != UInt8(ascii: "?"), byte != UInt8(ascii: "%"), byte != UInt8(ascii: "@"),
                byte != UInt8(ascii: "\\")
            else { return nil }
            target += 1
        }
        // The slash is the target's first byte.
        target -= 1
        guard isPlain(bytes, from: target) else { return nil }
        let end = text.utf8.index(text.startIndex, offsetBy: target)
        return (text[..<end], target)
    }

    /// Whether a target can be used unchanged: no byte has to be encoded or removed, and there is no dot segment.
    private static func isPlain(_ bytes: Span<UInt8>, from start: Int) -> Bool {
        var previous: UInt8 = 0
        for offset in start..<bytes.count {
            let byte = bytes[offset]
            guard isPlain(byte) else { return false }
            if previous == UInt8(ascii: "/"), byte == UInt8(ascii: ".") || byte == UInt8(ascii: "%") { return false }
            previous = byte
        }
        return true
    }

    /// Whether a byte is visible ASCII other than "#".
    private static func isPlain(_ byte: UInt8) -> Bool {
        byte > 0x20 && byte < 0x7F && byte != UInt8(ascii: "#")
    }

    /// The normalized host and the port of an authority, as parsed by libcurl.
    private static func origin(
        isSecure: Bool,
        _ authority: ArraySlice<UInt8>,
        _ problem: Problem,
        _ origins: KnownOrigins = .ofProcess
    ) throws(HandleError) -> Origin {
        try problem.requireNoControl(authority)
        guard !authority.contains(UInt8(ascii: "@")) else { throw problem.invalid("it contains credentials") }
        // These characters end an authority, in libcurl or in other parsers.
        guard !authority.isEmpty, !authority.contains(where: { " /?#\\".utf8.contains($0) }) else {
            throw problem.invalid("its host is empty, or contains a character that is not allowed")
        }
        if let known = origins.origin(isSecure: isSecure, authority) { return known }
        let origin = try ask(isSecure: isSecure, authority, problem)
        let normalized = Array(origin.authority.utf8)
        guard normalized[...] != authority else { return origin }
        // libcurl gets the normalized URL, so it has to parse it to the same origin.
        guard try ask(isSecure: isSecure, normalized[...], problem) == origin else {
            throw problem.invalid("its host is ambiguous: the normalized form is a different host")
        }
        return origin
    }

    private static func ask(
        isSecure: Bool,
        _ authority: ArraySlice<UInt8>,
        _ problem: Problem
    ) throws(HandleError) -> Origin {
        guard let parser = CurlURL() else {
            throw HandleError(.notEnoughMemory, problem.operation, reason: "there is no memory for a URL")
        }
        let result = parser.parse(Array("\(isSecure ? "https" : "http")://".utf8) + authority + [UInt8(ascii: "/")])
        guard result == CURLUE_OK else { throw problem.refused(by: result) }
        let host = try parser.host(problem)
        guard let port = parser.port, (1...65535).contains(port) else {
            throw problem.invalid("its port must be from 1 to 65535")
        }
        return Origin(isSecure: isSecure, host: host, port: port)
    }

    fileprivate struct Problem {
        let text: String
        let operation: HandleOperation

        init(text: String, operation: HandleOperation) {
            self.text = text
            self.operation = operation
        }

        func requireNoControl(_ bytes: some Collection<UInt8>) throws(HandleError) {
            guard !bytes.contains(where: \.isControl) else { throw controlCharacter }
        }

        var controlCharacter: HandleError { invalid("it contains a control character") }

        /// Whether the scheme is https; throws if it is neither http nor https.
        func isSecure(_ scheme: some Collection<UInt8>) throws(HandleError) -> Bool {
            let name = String(decoding: scheme.map(\.asciiLowercased), as: UTF8.self)
            guard name == "https" || name == "http" else { throw unknown(String(decoding: scheme, as: UTF8.self)) }
            return name == "https"
        }

        func target(_ bytes: some Collection<UInt8>) throws(HandleError) -> RequestTarget {
            guard let target = RequestTarget(bytes) else { throw controlCharacter }
            return target
        }

        func invalid(_ reason: String) -> HandleError {
            HandleError(
                .invalidURL,
                operation,
                reason: "\"\(text.hidingCredentials)\" is not a valid URL: \(reason)"
            )
        }

        func unknown(_ scheme: String) -> HandleError {
            let reason = "the scheme of \"\(text.hidingCredentials)\" must be http or https, but is \"\(scheme)\""
            return HandleError(.unrecognizedScheme, operation, reason: reason)
        }

        var noInternationalNames: HandleError {
            let reason = "the linked libcurl cannot convert the internationalized host of \"\(text.hidingCredentials)\""
            return HandleError(.notSupported, operation, reason: reason)
        }

        func refused(by result: CURLUcode) -> HandleError {
            invalid(unsafe String(cString: curl_url_strerror(result)))
        }
    }
}

extension String {
    /// A URL, possibly malformed, without secrets, for an error text.
    fileprivate var hidingCredentials: String { Redaction.standard.malformedURL(self) }
}

/// The owner of a `CURLU` handle.
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

    /// Parses a URL. Nothing is encoded and dot segments are kept.
    func parse(_ text: String) -> CURLUcode { parse(Array(text.utf8)) }

    func parse(_ bytes: [UInt8]) -> CURLUcode {
        let flags = UInt32(CURLU_DISALLOW_USER | CURLU_PATH_AS_IS)
        return unsafe (bytes + [0]).withUnsafeBytes { bytes in
            unsafe curl_url_set(pointer, CURLUPART_URL, bytes.bindMemory(to: CChar.self).baseAddress, flags)
        }
    }

    var port: Int? {
        value(CURLUPART_PORT, flags: CURLU_DEFAULT_PORT).flatMap { Int(String(decoding: $0, as: UTF8.self)) }
    }

    /// The host, in ASCII and lower case, without brackets and with its zone.
    fileprivate func host(_ problem: RequestURL.Problem) throws(HandleError) -> String {
        guard var host = value(CURLUPART_HOST), !host.isEmpty else { throw problem.invalid("it has no host") }
        if host.contains(where: { $0 >= 0x80 }) {
            guard Self.convertsNames else { throw problem.noInternationalNames }
            guard let name = value(CURLUPART_HOST, flags: CURLU_PUNYCODE, inUTF8: true) else {
                throw problem.invalid("its host is not an internationalized domain name")
            }
            host = name
        }
        if host.first == UInt8(ascii: "[") {
            let address = host.dropFirst().dropLast().map(\.asciiLowercased)
            guard let zone = value(CURLUPART_ZONEID) else { return String(decoding: address, as: UTF8.self) }
            guard zone.allSatisfy({ $0 > 0x20 && $0 < 0x7F && !"%[".utf8.contains($0) }) else {
                throw problem.invalid("its zone is not the name of a network interface")
            }
            return String(decoding: address + [UInt8(ascii: "%")] + zone, as: UTF8.self)
        }
        guard host.allSatisfy({ $0.isASCIILetter || $0.isASCIIDigit || "-._~".utf8.contains($0) }) else {
            // Delimiters of a URL; they can occur in a host that was percent-encoded.
            throw problem.invalid("its host contains a character that is not allowed")
        }
        return String(decoding: host.map(\.asciiLowercased), as: UTF8.self)
    }

    /// libcurl 7.88 and newer convert names that are not ASCII, if they were built with IDN.
    private static let convertsNames =
        CurlLibrary.version >= 0x07_58_00 && CurlLibrary.linked.features.contains(.internationalNames)

    private func value(_ part: CURLUPart, flags: Int32 = 0, inUTF8: Bool = false) -> [UInt8]? {
        var value: UnsafeMutablePointer<CChar>?
        let locale = inUTF8 ? UTF8Locale() : nil
        let result = unsafe curl_url_get(pointer, part, &value, UInt32(flags))
        locale?.leave()
        guard result == CURLUE_OK else {
            // 7.88 returns a text on this failure too, which the caller has to free.
            if CurlLibrary.version < 0x08_00_00 { unsafe curl_free(value) }
            return nil
        }
        guard let value = unsafe value else { return nil }
        defer { unsafe curl_free(value) }
        return unsafe Array(UnsafeRawBufferPointer(start: value, count: strlen(value)))
    }
}

/// Sets the encoding of the calling thread's locale to UTF-8, from `init` to `leave`.
///
/// libidn2 interprets names in that encoding, which is ASCII unless the program has set a locale.
@safe
private struct UTF8Locale {
    private let locale: locale_t
    private let previous: locale_t?

    init?() {
        guard let locale = unsafe newlocale(LC_CTYPE_MASK, "C.UTF-8", nil) else { return nil }
        unsafe self.locale = locale
        unsafe previous = uselocale(locale)
    }

    func leave() {
        unsafe uselocale(previous)
        unsafe freelocale(locale)
    }
}
