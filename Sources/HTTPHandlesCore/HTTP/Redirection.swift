package import HTTPTypes

/// The request that follows a redirect (RFC 9110, section 15.4).
package struct Redirection {
    package let method: HTTPRequest.Method
    package let headerFields: HTTPFields
    /// Whether the body is sent again.
    package let keepsBody: Bool

    /// Whether a status redirects to the URL in `Location`: 301, 302, 303, 307 and 308.
    package static func isRedirect(_ status: Int) -> Bool {
        switch status {
        case 301, 302, 303, 307, 308: true
        default: false
        }
    }

    package init(
        of method: HTTPRequest.Method,
        _ headerFields: HTTPFields,
        status: Int,
        from origin: Origin,
        to target: Origin,
        keepingPost: Set<Int> = []
    ) {
        // 303 requires GET. For 301 and 302 RFC 9110 allows to change POST to GET, as most clients do.
        let keepsPost = method == .post && !keepingPost.isEmpty && keepingPost.contains(status)
        let mayBecomeGet = status == 303 ? method != .head && method != .get : status <= 302 && method == .post
        let becomesGet = mayBecomeGet && !keepsPost
        self.method = becomesGet ? .get : method
        keepsBody = !becomesGet
        var fields = headerFields
        if becomesGet {
            fields.removeAll(Self.describesBody)
            if fields[.upgrade] != nil { fields.removeAll(Self.asksForUpgrade) }
        }
        if target != origin { fields.removeAll(Self.isForOneOrigin) }
        self.headerFields = fields
    }

    /// What a GET returns after a POST tells of its result, so only the POST asks for an upgrade.
    private static func asksForUpgrade(_ field: HTTPField) -> Bool {
        field.name == .upgrade || field.name == .connection
    }

    private static func describesBody(_ field: HTTPField) -> Bool {
        field.name.canonicalName.utf8.starts(with: "content-".utf8)
            || ["digest", "expect", "last-modified", "repr-digest", "trailer"].contains(field.name.canonicalName)
    }

    /// Fields that must not be sent to another origin: secrets, URLs that may contain one, and fields whose indexing
    /// strategy is `disallow` (RFC 7541, section 7.1.3).
    static func isForOneOrigin(_ field: HTTPField) -> Bool {
        field.indexingStrategy == .disallow
            || ["authorization", "cookie", "host", "proxy-authorization", "referer"].contains(field.name.canonicalName)
    }
}

extension HTTPFields {
    fileprivate mutating func removeAll(_ condition: (HTTPField) -> Bool) {
        guard contains(where: condition) else { return }
        self = HTTPFields(filter { !condition($0) })
    }
}
