/// The lines of a file for `-K`, in curl's format.
///
/// A line is an option and, after blanks, "=" or ":", its value; the dashes of the name may be left out. A value with blanks is
/// in quotation marks, in which `\\`, `\"`, `\t`, `\n`, `\r` and `\v` are escapes. "#" begins a comment.
package struct ConfigurationFile {
    package struct Line: Hashable {
        /// From 1.
        package let number: Int
        /// With its dashes.
        package let name: String
        package let value: String?
    }

    package private(set) var lines: [Line] = []

    /// - Parameter name: The file's name, for errors.
    package init(_ text: String, name: String) throws(SyntaxError) {
        for (index, line) in text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
            do {
                guard let (name, value) = try Self.parse(line) else { continue }
                lines.append(Line(number: index + 1, name: name, value: value))
            } catch {
                throw SyntaxError("\(name):\(index + 1): \(error.reason)")
            }
        }
    }

    private static func parse(_ line: Substring.UTF8View) throws(SyntaxError) -> (name: String, value: String?)? {
        var rest = line.drop(while: \.isSpace)
        guard let first = rest.first, first != UInt8(ascii: "#") else { return nil }
        let hasDash = first == UInt8(ascii: "-")
        func isSeparator(_ byte: UInt8) -> Bool {
            byte.isSpace || !hasDash && (byte == UInt8(ascii: "=") || byte == UInt8(ascii: ":"))
        }
        let end = rest.firstIndex(where: isSeparator) ?? rest.endIndex
        let name = (hasDash ? "" : "--") + String(Substring(rest[..<end]))
        rest = rest[end...].drop(while: isSeparator)
        guard rest.first != UInt8(ascii: "\"") else { return (name, try quoted(rest.dropFirst())) }
        guard rest.first != UInt8(ascii: "#") else { return (name, nil) }
        let endOfValue = rest.firstIndex(where: \.isSpace) ?? rest.endIndex
        let remainder = rest[endOfValue...].drop(while: \.isSpace)
        guard remainder.isEmpty || remainder.first == UInt8(ascii: "#") else {
            throw SyntaxError("a value with blanks must be in quotation marks.")
        }
        let value = rest[..<endOfValue]
        return (name, value.isEmpty ? nil : String(Substring(value)))
    }

    private static func quoted(_ text: Substring.UTF8View) throws(SyntaxError) -> String {
        var value: [UInt8] = []
        var rest = text
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "\""): return String(bytes: value)
            case UInt8(ascii: "\\"):
                guard let escaped = rest.popFirst() else { break }
                switch escaped {
                case UInt8(ascii: "t"): value.append(0x09)
                case UInt8(ascii: "n"): value.append(0x0A)
                case UInt8(ascii: "r"): value.append(0x0D)
                case UInt8(ascii: "v"): value.append(0x0B)
                default: value.append(escaped)
                }
            default: value.append(byte)
            }
        }
        throw SyntaxError("the quotation marks are not closed.")
    }
}
