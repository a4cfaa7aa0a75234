package import HTTPTypes

/// Checks the trailer fields of a request.
package enum TrailerRules {
    /// libcurl's own limit is 64 KiB; above it, it reports `CURLE_OUT_OF_MEMORY`.
    package static let maximumLength = 60 * 1024

    /// libcurl sends trailer fields with HTTP/1.1 only, and silently drops them with HTTP/2. Which of the two it is, is known
    /// when the connection is ready.
    package static func unsupported(_ operation: HandleOperation) -> HandleError {
        let reason = "trailer fields cannot be sent over HTTP/2: set the option httpVersions to http1_1"
        return HandleError(.notSupported, operation, reason: reason)
    }

    /// Refuses fields that must not be trailer fields (RFC 9110, section 6.5.1).
    package static func check(_ fields: HTTPFields, for operation: HandleOperation) throws(HandleError) {
        var length = 0
        for field in fields {
            try RequestRules.checkValue(of: field, for: operation)
            let name = field.name.canonicalName
            guard !isMisplaced(name) else {
                throw .invalidParameter(operation, "\(field.name) is not allowed as a trailer field")
            }
            length += name.utf8.count + field.value.utf8.count + 4
        }
        guard length <= maximumLength else {
            throw .invalidParameter(
                operation,
                "the trailer fields must have at most \(maximumLength) bytes, but have \(length)"
            )
        }
    }

    private static func isMisplaced(_ name: String) -> Bool {
        // Fields that describe the content. Digests are allowed (RFC 9530).
        if name.utf8.starts(with: "content-".utf8) { return !["content-digest", "content-md5"].contains(name) }
        return misplaced.contains(name) || name.utf8.starts(with: "if-".utf8) || name.utf8.starts(with: "accept".utf8)
    }

    private static let misplaced: Set<String> = [
        // Framing
        "connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
        // Routing
        "forwarded", "host", "max-forwards", "via",
        // Authentication and cookies
        "authorization", "cookie", "proxy-authorization", "set-cookie",
        // Request modifiers
        "cache-control", "expect", "pragma", "prefer", "range",
        // Request context
        "from", "origin", "referer", "user-agent",
    ]
}
