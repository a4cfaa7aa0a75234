/// The value of a `Content-Type` field (RFC 9110, section 8.3.1).
package struct MediaType: Sendable, Hashable {
    /// For example "text/html", in lower case.
    package let name: String
    /// Names in lower case; values without their quotes.
    package private(set) var parameters: [String: String] = [:]

    /// Parses leniently: of two parameters with the same name the first is used, one without a value is skipped.
    package init(parsing text: String) {
        var rest = Array(text.utf8)[...]
        name = Self.token(&rest, until: [UInt8(ascii: ";")]).asciiLowercased
        while rest.popFirst() != nil {
            let parameter = Self.token(&rest, until: [UInt8(ascii: ";"), UInt8(ascii: "=")]).asciiLowercased
            guard rest.first == UInt8(ascii: "=") else { continue }
            rest = rest.dropFirst()
            let value = Self.value(&rest)
            if !parameter.isEmpty, parameters[parameter] == nil { parameters[parameter] = value }
        }
    }

    private static func token(_ rest: inout ArraySlice<UInt8>, until ends: [UInt8]) -> String {
        let token = rest.prefix { !ends.contains($0) }
        rest = rest[token.endIndex...]
        func isVisible(_ byte: UInt8) -> Bool { byte != UInt8(ascii: " ") && byte != UInt8(ascii: "\t") }
        guard let first = token.firstIndex(where: isVisible), let last = token.lastIndex(where: isVisible) else {
            return ""
        }
        return String(decoding: token[first...last], as: UTF8.self)
    }

    /// A token or a quoted string, up to the next semicolon.
    private static func value(_ rest: inout ArraySlice<UInt8>) -> String {
        guard rest.first == UInt8(ascii: "\"") else { return token(&rest, until: [UInt8(ascii: ";")]) }
        var value: [UInt8] = []
        rest = rest.dropFirst()
        while let byte = rest.popFirst(), byte != UInt8(ascii: "\"") {
            value.append(byte == UInt8(ascii: "\\") ? rest.popFirst() ?? byte : byte)
        }
        rest = rest.drop { $0 != UInt8(ascii: ";") }
        return String(decoding: value, as: UTF8.self)
    }
}
