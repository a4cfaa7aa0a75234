/// Scans the tokens and delimiters of a field value. Blanks around them are skipped.
struct TokenScanner {
    private var rest: ArraySlice<UInt8>

    init(_ text: String) {
        rest = Array(text.utf8)[...]
        skipBlanks()
    }

    static func isToken(_ text: String) -> Bool {
        !text.utf8.isEmpty && text.utf8.allSatisfy(isTokenByte)
    }

    private static func isTokenByte(_ byte: UInt8) -> Bool {
        byte > 0x20 && byte < 0x7F && !"\"(),/:;<=>?@[\\]{}".utf8.contains(byte)
    }

    var isAtEnd: Bool { rest.isEmpty }

    func isNext(_ delimiter: Unicode.Scalar) -> Bool { rest.first == UInt8(ascii: delimiter) }

    mutating func skip(_ delimiter: Unicode.Scalar) -> Bool {
        guard isNext(delimiter) else { return false }
        rest = rest.dropFirst()
        skipBlanks()
        return true
    }

    mutating func token() -> String? {
        let token = rest.prefix(while: Self.isTokenByte)
        guard !token.isEmpty else { return nil }
        rest = rest[token.endIndex...]
        skipBlanks()
        return String(decoding: token, as: UTF8.self)
    }

    /// A token, or a quoted string that contains one.
    mutating func value() -> String? {
        guard isNext("\"") else { return token() }
        var value: [UInt8] = []
        rest = rest.dropFirst()
        while let byte = rest.popFirst(), byte != UInt8(ascii: "\"") {
            guard let character = byte == UInt8(ascii: "\\") ? rest.popFirst() : byte else { return nil }
            value.append(character)
            if rest.isEmpty { return nil }
        }
        skipBlanks()
        let text = String(decoding: value, as: UTF8.self)
        return Self.isToken(text) ? text : nil
    }

    private mutating func skipBlanks() {
        rest = rest.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
    }
}
