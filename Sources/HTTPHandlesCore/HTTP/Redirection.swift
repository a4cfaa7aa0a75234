package import HTTPTypes

/// What becomes of a request when it is redirected (RFC 9110, section 15.4).
package struct Redirection {
    package let method: HTTPRequest.Method
    package let headerFields: HTTPFields
    /// Whether the body is sent again.
    package let keepsBody: Bool

    /// Whether a status means that the request can be made at the URL in `Location`. 300 and 304 to 306 mean other things.
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
        to target: Origin
    ) {
        // 303 says "GET it"; 301 and 302 were taken to mean that after a POST by so many that it was made legal.
        let becomesGet = status == 303 ? method != .head && method != .get : status <= 302 && method == .post
        self.method = becomesGet ? .get : method
        keepsBody = !becomesGet
        var fields = headerFields
        if becomesGet { fields.removeAll(Self.describesBody) }
        if target != origin { fields.removeAll(Self.isForOneOrigin) }
        self.headerFields = fields
    }

    private static func describesBody(_ field: HTTPField) -> Bool {
        field.name.canonicalName.utf8.starts(with: "content-".utf8)
            || ["digest", "expect", "last-modified", "repr-digest", "trailer"].contains(field.name.canonicalName)
    }

    /// Secrets, addresses that may contain one, and what the caller marked as one by forbidding compression to remember it
    /// (RFC 7541, section 7.1.3).
    private static func isForOneOrigin(_ field: HTTPField) -> Bool {
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
