package import HTTPTypes

/// What becomes of header fields of the same name when a field is added.
///
/// The flags of `WinHttpAddRequestHeadersEx`.
public enum HeaderFieldRule: Sendable, Hashable, CaseIterable {
    /// They stay, and the field follows them. (`WINHTTP_ADDREQ_FLAG_ADD`)
    case add
    /// If there is one, the field is not added. (`ADD_IF_NEW`)
    case addIfNew
    /// They are removed. (`REPLACE`, with `ADD`)
    case replace
    /// The value is added to the last of them, after a comma. (`COALESCE_WITH_COMMA`)
    case joinWithComma
    /// The value is added to the last of them, after a semicolon. (`COALESCE_WITH_SEMICOLON`)
    case joinWithSemicolon
}

extension HTTPFields {
    package mutating func add(_ fields: HTTPFields, _ rule: HeaderFieldRule) {
        let present = self
        if rule == .replace {
            for field in fields { self[fields: field.name] = [] }
        }
        for field in fields {
            switch rule {
            case .add, .replace: append(field)
            case .addIfNew: if !present.contains(field.name) { append(field) }
            case .joinWithComma: join(field, ", ")
            case .joinWithSemicolon: join(field, "; ")
            }
        }
    }

    private mutating func join(_ field: HTTPField, _ separator: String) {
        guard var last = self[fields: field.name].last else { return append(field) }
        last.value += separator + field.value
        // A secret stays one.
        if field.indexingStrategy == .disallow { last.indexingStrategy = .disallow }
        self[fields: field.name] = self[fields: field.name].dropLast() + [last]
    }
}
