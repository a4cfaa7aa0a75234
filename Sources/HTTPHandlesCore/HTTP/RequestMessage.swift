package import HTTPTypes

/// A request without its body: an immutable, shared value.
package final class RequestMessage: Sendable {
    package let method: HTTPRequest.Method
    package let url: RequestURL
    package let headerFields: HTTPFields
    /// What of `headerFields` means something to the library.
    package let knownFields: KnownFields

    /// Whether the scheme is https.
    package var isSecure: Bool { url.isSecure }
    /// In bytes.
    package var urlLength: Int { url.text.utf8.count }

    package convenience init(method: HTTPRequest.Method, url: RequestURL, headerFields: HTTPFields) {
        self.init(method, url, headerFields, KnownFields(headerFields))
    }

    private init(_ method: HTTPRequest.Method, _ url: RequestURL, _ headerFields: HTTPFields, _ known: KnownFields) {
        self.method = method
        self.url = url
        self.headerFields = headerFields
        knownFields = known
    }

    /// Checks a message of the caller.
    package static func checked(
        _ method: HTTPRequest.Method,
        _ url: RequestURL,
        _ headerFields: HTTPFields
    ) throws(HandleError) -> RequestMessage {
        guard !url.isServerWide || method == .options else {
            throw HandleError(
                .invalidURL,
                .openRequest,
                reason: "the method of the target \"*\" must be OPTIONS, but is \(method)"
            )
        }
        let known = try RequestRules.check(method, headerFields, for: .openRequest)
        return RequestMessage(method, url, headerFields, known)
    }

    #if TELEMETRY
    /// The message with further fields, which mean nothing to the library.
    package func adding(_ fields: HTTPFields) -> RequestMessage {
        RequestMessage(method, url, headerFields + fields, knownFields)
    }
    #endif

    /// The message without dot segments in its path, unless the option `pathAsIs` is set.
    package func resolved(_ values: OptionValues) -> RequestMessage {
        guard url.hasDotSegments, !values.pathAsIs else { return self }
        return RequestMessage(method, url.withoutDotSegments, headerFields, knownFields)
    }

    /// The message as it is sent with a body.
    ///
    /// - Parameters:
    ///   - length: The length of the body; `nil` if it is unknown.
    ///   - hasTrailers: Whether trailer fields may follow the body.
    ///   - contentType: The media type of the body, if it has one; a `Content-Type` of the caller takes precedence.
    package func framed(
        length: Int64?,
        hasTrailers: Bool,
        contentType: String?
    ) throws(HandleError) -> RequestMessage {
        let framing: KnownFields = [.contentLength, .transferEncoding, .connection, .trailer]
        if contentType == nil, knownFields.isDisjoint(with: framing) { return self }
        var fields = try RequestRules.withoutFraming(
            headerFields,
            length: length,
            hasTrailers: hasTrailers,
            for: .sendRequest
        )
        if let contentType, fields[.contentType] == nil { fields[.contentType] = contentType }
        return RequestMessage(method: method, url: url, headerFields: fields)
    }
}
