package import HTTPTypes

/// Which fields may follow the body of a request, and where they can.
package enum TrailerRules {
    /// libcurl takes 64 KiB, and says of more that it has no memory.
    package static let maximumLength = 60 * 1024

    /// libcurl sends trailer fields behind the last chunk of HTTP/1.1 only; with HTTP/2 it would leave them out without a
    /// word. Which of the two it will be is known before a server is asked only where there is no choice.
    package static func check(
        versions: HTTPVersionPolicy,
        isSecure: Bool,
        for operation: HandleOperation
    ) throws(HandleError) {
        guard versions == .http1_1 || versions == .automatic && !isSecure else {
            throw HandleError(
                .notSupported,
                operation,
                reason: "libcurl sends trailer fields with HTTP/1.1 only: set the option httpVersions to http1_1"
            )
        }
    }

    /// Refuses what a recipient would need before the body, or must not take from behind it (RFC 9110, section 6.5.1).
    package static func check(_ fields: HTTPFields, for operation: HandleOperation) throws(HandleError) {
        var length = 0
        for field in fields {
            try RequestRules.checkValue(of: field, for: operation)
            let name = field.name.canonicalName
            guard !isMisplaced(name) else {
                throw .invalidParameter(operation, "\(field.name) is not allowed behind the body")
            }
            length += name.utf8.count + field.value.utf8.count + 4
        }
        guard length <= maximumLength else {
            throw .invalidParameter(operation, "\(length) bytes of trailer fields; \(maximumLength) are the limit")
        }
    }

    private static func isMisplaced(_ name: String) -> Bool {
        // How to understand the content. Digests are what trailer fields are for (RFC 9530).
        if name.utf8.starts(with: "content-".utf8) { return !["content-digest", "content-md5"].contains(name) }
        return misplaced.contains(name) || name.utf8.starts(with: "if-".utf8) || name.utf8.starts(with: "accept".utf8)
    }

    private static let misplaced: Set<String> = [
        // Framing
        "connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
        // Routing
        "forwarded", "host", "max-forwards", "via",
        // Authentication, and what knows the user
        "authorization", "cookie", "proxy-authorization", "set-cookie",
        // What modifies the request
        "cache-control", "expect", "pragma", "prefer", "range",
        // Whose request it is
        "from", "origin", "referer", "user-agent",
    ]
}
