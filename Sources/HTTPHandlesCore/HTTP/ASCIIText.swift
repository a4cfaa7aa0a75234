// Hosts, schemes and similar texts are compared as bytes, with the case of ASCII letters ignored. `Character` is not
// suitable: a delimiter followed by a combining mark is a different `Character`, and `lowercased()` changes more than
// ASCII (the Kelvin sign becomes "k").

extension UInt8 {
    package var asciiLowercased: UInt8 { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) ? self | 0x20 : self }

    package var isASCIILetter: Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(asciiLowercased) }

    package var isASCIIDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }

    package var isHexDigit: Bool {
        isASCIIDigit || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(asciiLowercased)
    }

    /// A C0 control or DEL.
    package var isControl: Bool { self < 0x20 || self == 0x7F }
}

extension StringProtocol {
    /// The text with only its ASCII letters in lower case.
    package var asciiLowercased: String { String(decoding: utf8.map(\.asciiLowercased), as: UTF8.self) }

    /// Whether both have the same bytes, apart from the case of ASCII letters.
    package func isEqualIgnoringASCIICase(_ other: some StringProtocol) -> Bool {
        utf8.elementsEqual(other.utf8) { $0.asciiLowercased == $1.asciiLowercased }
    }
}
