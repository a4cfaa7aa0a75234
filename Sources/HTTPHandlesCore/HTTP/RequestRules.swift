public import HTTPTypes

/// Checks requests before anything is sent. libcurl checks little of this itself.
package enum RequestRules {
    /// Checks a request apart from its body, and returns what of the fields means something to the library.
    @discardableResult
    package static func check(
        _ method: HTTPRequest.Method,
        _ fields: HTTPFields,
        for operation: HandleOperation
    ) throws(HandleError) -> KnownFields {
        guard method != .connect else {
            throw .invalidParameter(operation, "the method CONNECT is not allowed")
        }
        var known: KnownFields = []
        for field in fields { known.formUnion(try check(field, for: operation)) }
        return known
    }

    #if TELEMETRY
    /// Whether a field that is not the caller's may be added: it is valid, and means nothing to the library.
    package static func mayBeAdded(_ field: HTTPField) -> Bool {
        KnownFields(field.name).isEmpty && (try? check(field, for: .sendRequest)) != nil
    }
    #endif

    static func checkValue(of field: HTTPField, for operation: HandleOperation) throws(HandleError) {
        let value = field.value
        let bytes = value.utf8.span
        for index in bytes.indices where bytes[index].isControl && bytes[index] != 0x09 {
            throw .invalidParameter(operation, "the value of \(field.name) contains a control character")
        }
    }

    private static func check(_ field: HTTPField, for operation: HandleOperation) throws(HandleError) -> KnownFields {
        try checkValue(of: field, for: operation)
        let known = KnownFields(field.name)
        guard !known.isEmpty else { return [] }
        switch known {
        case .connection:
            guard ["close", "keep-alive"].contains(field.value.asciiLowercased) else {
                throw reservedField(field, operation)
            }
        case .te:
            guard field.value.asciiLowercased == "trailers" else { throw reservedField(field, operation) }
        case .expect:
            guard field.value.asciiLowercased == "100-continue" else {
                let shown = Redaction.standard.value(of: field)
                throw .invalidParameter(operation, "the value of Expect must be \"100-continue\", but is \"\(shown)\"")
            }
        case .upgrade, .obsolete: throw reservedField(field, operation)
        default: break
        }
        return known
    }

    private static func reservedField(_ field: HTTPField, _ operation: HandleOperation) -> HandleError {
        let shown = "\(field.name): \(Redaction.standard.value(of: field))"
        return .invalidParameter(
            operation,
            "the field \"\(shown)\" is not allowed: the library controls the connection"
        )
    }

    /// The fields without `Content-Length`, `Transfer-Encoding` and `Connection: keep-alive`, which libcurl generates. Throws
    /// if they contradict the body, which has `length` bytes (`nil` for unknown, 0 for none).
    package static func withoutFraming(
        _ fields: HTTPFields,
        length: Int64?,
        hasTrailers: Bool = false,
        for operation: HandleOperation
    ) throws(HandleError) -> HTTPFields {
        let known = KnownFields(fields)
        guard hasTrailers || !known.contains(.trailer) else {
            throw .invalidParameter(operation, "the field Trailer is not allowed: the request has no trailer fields")
        }
        guard !known.isDisjoint(with: [.contentLength, .transferEncoding, .connection]) else { return fields }
        var fields = fields
        if let announced = fields[.contentLength] {
            guard let length, announced == "\(length)" else {
                throw .invalidParameter(
                    operation,
                    "Content-Length is \(announced), but the length of the body is \(length.map { "\($0)" } ?? "unknown")"
                )
            }
        }
        if let coding = fields[.transferEncoding] {
            if let length {
                throw .invalidParameter(
                    operation,
                    "Transfer-Encoding is not allowed: the length of the body is \(length)"
                )
            }
            guard coding.asciiLowercased == "chunked" else {
                throw .invalidParameter(operation, "Transfer-Encoding must be \"chunked\", but is \"\(coding)\"")
            }
        }
        fields[.contentLength] = nil
        fields[.transferEncoding] = nil
        if fields[.connection]?.asciiLowercased == "keep-alive" { fields[.connection] = nil }
        return fields
    }
}

extension HTTPFields {
    /// Adds a field; throws `.invalidParameter` if RFC 9110 does not allow its name or value.
    ///
    /// Use this for names and values from outside: `HTTPField` itself replaces characters that are not allowed in a value
    /// by spaces.
    ///
    /// Counterpart of `WinHttpAddRequestHeaders`.
    public mutating func append(name: String, value: String) throws(HandleError) {
        guard let fieldName = HTTPField.Name(name) else {
            // The text may be a whole line with a secret in its value.
            let token = name.prefix { HTTPField.Name(String($0)) != nil }
            let shown = token.utf8.count < name.utf8.count ? "\(token)…" : name
            throw .invalidParameter(.openRequest, "\"\(shown)\" is not a valid field name")
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
