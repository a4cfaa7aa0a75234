public import HTTPTypes

/// What a request may say, checked before anything is sent; libcurl would send most of it as it is.
package enum RequestRules {
    /// Checks a request apart from its body.
    package static func check(
        _ method: HTTPRequest.Method,
        _ fields: HTTPFields,
        for operation: HandleOperation
    ) throws(HandleError) {
        guard method != .connect else {
            throw .invalidParameter(operation, "CONNECT makes a tunnel, which is the business of a proxy setting")
        }
        for field in fields { try check(field, for: operation) }
    }

    static func checkValue(of field: HTTPField, for operation: HandleOperation) throws(HandleError) {
        guard !field.value.utf8.contains(where: { ($0 < 0x20 && $0 != 0x09) || $0 == 0x7F }) else {
            throw .invalidParameter(operation, "the value of \(field.name) contains a control character")
        }
    }

    private static func check(_ field: HTTPField, for operation: HandleOperation) throws(HandleError) {
        try checkValue(of: field, for: operation)
        let value = field.value
        switch field.name {
        case .connection:
            guard ["close", "keep-alive"].contains(value.asciiLowercased) else {
                throw belongsToLibrary(field, operation)
            }
        case .te:
            guard value.asciiLowercased == "trailers" else { throw belongsToLibrary(field, operation) }
        case .expect:
            guard value.asciiLowercased == "100-continue" else {
                let shown = Redaction.standard.value(of: field)
                throw .invalidParameter(operation, "the only expectation there is is 100-continue, not \"\(shown)\"")
            }
        case .upgrade:
            throw belongsToLibrary(field, operation)
        default:
            guard !["keep-alive", "proxy-connection"].contains(field.name.canonicalName) else {
                throw belongsToLibrary(field, operation)
            }
        }
    }

    private static func belongsToLibrary(_ field: HTTPField, _ operation: HandleOperation) -> HandleError {
        let shown = "\(field.name): \(Redaction.standard.value(of: field))"
        return .invalidParameter(
            operation,
            "\"\(shown)\" is part of how a message is framed, which is the library's business"
        )
    }

    /// The fields as they are sent with a body of `length` bytes (`nil` for unknown, 0 for none), which trailer fields may
    /// follow: without those that libcurl makes itself, which have to agree with what it will make.
    package static func withoutFraming(
        _ fields: HTTPFields,
        length: Int64?,
        hasTrailers: Bool = false,
        for operation: HandleOperation
    ) throws(HandleError) -> HTTPFields {
        guard hasTrailers || !fields.contains(.trailer) else {
            throw .invalidParameter(operation, "Trailer announces fields behind the body, and there will be none")
        }
        guard fields.contains(.contentLength) || fields.contains(.transferEncoding) || fields.contains(.connection)
        else {
            return fields
        }
        var fields = fields
        if let announced = fields[.contentLength] {
            guard let length, announced == "\(length)" else {
                throw .invalidParameter(
                    operation,
                    "Content-Length says \(announced), the body has \(length.map { "\($0)" } ?? "no known length")"
                )
            }
        }
        if let coding = fields[.transferEncoding] {
            guard length == nil, coding.asciiLowercased == "chunked" else {
                throw .invalidParameter(
                    operation,
                    "Transfer-Encoding is \(coding); only a body of unknown length is chunked"
                )
            }
        }
        fields[.contentLength] = nil
        fields[.transferEncoding] = nil
        if fields[.connection]?.asciiLowercased == "keep-alive" { fields[.connection] = nil }
        return fields
    }
}

extension HTTPFields {
    /// Adds a field, or refuses one that RFC 9110 does not allow.
    ///
    /// `HTTPField` itself replaces what is not allowed in a value by spaces. Where a name or value comes from outside,
    /// use this and say no.
    ///
    /// `WinHttpAddRequestHeaders`.
    public mutating func append(checked name: String, _ value: String) throws(HandleError) {
        guard let fieldName = HTTPField.Name(name) else {
            // It may be a whole line, with a secret behind the name.
            let token = name.prefix { HTTPField.Name(String($0)) != nil }
            let shown = token.utf8.count < name.utf8.count ? "\(token)…" : name
            throw .invalidParameter(.openRequest, "\"\(shown)\" is not the name of a header field")
        }
        guard HTTPField.isValidValue(value) else {
            throw .invalidParameter(
                .openRequest,
                "the value of \(name) contains a control character or outer white space"
            )
        }
        append(HTTPField(name: fieldName, value: value))
    }
}
