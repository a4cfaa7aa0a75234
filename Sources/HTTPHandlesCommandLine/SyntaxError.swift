/// Why a text of the command line, or of a file that belongs to it, cannot be used.
package struct SyntaxError: Error, Hashable {
    package let reason: String

    package init(_ reason: String) { self.reason = reason }
}

extension String {
    /// Texts are processed as bytes: a delimiter before a combining mark is a different `Character`.
    init(bytes: some Collection<UInt8>) {
        self = String(decoding: bytes, as: UTF8.self)
    }
}

extension Collection<UInt8> {
    /// The bytes before and after the first byte with that value; `nil` if there is none.
    func splitOnce(at byte: Unicode.Scalar) -> (before: SubSequence, after: SubSequence)? {
        guard let index = firstIndex(of: UInt8(ascii: byte)) else { return nil }
        return (self[..<index], self[self.index(after: index)...])
    }

    var lowercasedASCII: [UInt8] { map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 } }
}

extension UInt8 {
    var isBlank: Bool { self == 0x20 || self == 0x09 }
    /// Blanks and line ends.
    var isSpace: Bool { isBlank || self == 0x0A || self == 0x0D }
    var isDigit: Bool { (0x30...0x39).contains(self) }
    var isLetter: Bool { (0x61...0x7A).contains(self | 0x20) }
}
