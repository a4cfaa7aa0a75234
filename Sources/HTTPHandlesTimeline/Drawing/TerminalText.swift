/// Text from outside, for a terminal.
package enum TerminalText {
    /// The same text, with what a terminal may act on or show as something else written as `\u{…}`: control characters,
    /// and characters that change the direction, end a line or are invisible. Line feeds stay.
    package static func escaped(_ text: String) -> String {
        text.unicodeScalars.contains(where: isUnsafe) ? mapped(text, isUnsafe) : text
    }

    /// The same text in printable ASCII: one column for each byte.
    package static func ascii(_ text: String) -> String {
        mapped(text) { !(0x20...0x7E).contains($0.value) }
    }

    private static func mapped(_ text: String, _ isHidden: (Unicode.Scalar) -> Bool) -> String {
        var shown = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if isHidden(scalar) {
                shown.append(contentsOf: "\\u{\(String(scalar.value, radix: 16))}".unicodeScalars)
            } else {
                shown.append(scalar)
            }
        }
        return String(shown)
    }

    private static func isUnsafe(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09, 0x0A: false
        case 0x00...0x1F, 0x7F...0x9F: true
        case 0xAD, 0x061C, 0x180E, 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x206F, 0xFEFF, 0xFFF9...0xFFFB: true
        case 0xE0000...0xE007F: true
        default: false
        }
    }
}
