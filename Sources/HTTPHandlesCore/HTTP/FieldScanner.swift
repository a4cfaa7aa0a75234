/// Scans a field value that is a list of parameters (RFC 9110, section 5.6).
struct FieldScanner {
    var rest: ArraySlice<UInt8>
    /// The value ended inside of a quoted string.
    private(set) var isUnterminated = false

    init(_ value: String) {
        rest = Array(value.utf8)[...]
    }

    static func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }

    static func isTokenByte(_ byte: UInt8) -> Bool {
        byte > 0x20 && byte < 0x7F && !"\"(),/:;<=>?@[\\]{}".utf8.contains(byte)
    }

    mutating func skip(_ condition: (UInt8) -> Bool) {
        rest = rest.drop(while: condition)
    }

    mutating func nextToken() -> String? {
        let token = rest.prefix(while: Self.isTokenByte)
        guard !token.isEmpty else { return nil }
        rest = rest[token.endIndex...]
        return String(decoding: token, as: UTF8.self)
    }

    /// A name, "=" and a value; `nil`, and nothing is consumed, if there is no parameter.
    mutating func parameter() -> (name: String, value: String)? {
        var ahead = self
        guard let name = ahead.nextToken() else { return nil }
        ahead.skip(Self.isBlank)
        guard ahead.rest.popFirst() == UInt8(ascii: "=") else { return nil }
        ahead.skip(Self.isBlank)
        guard let value = ahead.rest.first == UInt8(ascii: "\"") ? ahead.quoted() : ahead.nextToken() else {
            return nil
        }
        self = ahead
        return (name, value)
    }

    private mutating func quoted() -> String {
        var value: [UInt8] = []
        rest = rest.dropFirst()
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\"") { return String(decoding: value, as: UTF8.self) }
            value.append(byte == UInt8(ascii: "\\") ? rest.popFirst() ?? byte : byte)
        }
        isUnterminated = true
        return String(decoding: value, as: UTF8.self)
    }
}
