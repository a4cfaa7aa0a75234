package import HTTPTypes

/// What a request says, apart from its body: a value that is shared and does not change.
package final class RequestMessage: Sendable {
    package let method: HTTPRequest.Method
    package let url: RequestURL
    package let headerFields: HTTPFields

    package init(method: HTTPRequest.Method, url: RequestURL, headerFields: HTTPFields) {
        self.method = method
        self.url = url
        self.headerFields = headerFields
    }

    /// A message of a caller, checked.
    package static func checked(
        _ method: HTTPRequest.Method,
        _ url: RequestURL,
        _ headerFields: HTTPFields
    ) throws(HandleError) -> RequestMessage {
        guard !url.isServerWide || method == .options else {
            throw HandleError(
                .invalidURL,
                .openRequest,
                reason: "the target \"*\" goes with OPTIONS, not with \(method)"
            )
        }
        try RequestRules.check(method, headerFields, for: .openRequest)
        return RequestMessage(method: method, url: url, headerFields: headerFields)
    }

    /// The message without dot segments in its path, unless the options say that they are sent.
    package func resolved(_ values: OptionValues) -> RequestMessage {
        guard url.hasDotSegments, !values.pathAsIs else { return self }
        return RequestMessage(method: method, url: url.withoutDotSegments, headerFields: headerFields)
    }

    /// The message as it is sent with a body.
    ///
    /// - Parameters:
    ///   - length: The length of the body; `nil` if it is not known.
    ///   - hasTrailers: Whether trailer fields may follow the body.
    ///   - contentType: What the body is, if it says so; a `Content-Type` of the caller's takes precedence.
    package func framed(
        length: Int64?,
        hasTrailers: Bool,
        contentType: String?
    ) throws(HandleError) -> RequestMessage {
        guard !headerFields.isEmpty || contentType != nil else { return self }
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
