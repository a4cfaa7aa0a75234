/// An argument of `-d` or one of its relatives.
package struct DataArgument: Hashable, Sendable {
    package enum Source: Hashable, Sendable {
        case text(String)
        /// "-" is standard input.
        case file(String)
    }

    package enum Kind: Hashable, Sendable {
        /// `-d`: line ends and NULs of a file are removed.
        case lines
        /// `--data-raw`: "@" has no meaning.
        case raw
        /// `--data-binary`.
        case binary
        /// `--data-urlencode`: the content is encoded, a name before it is not.
        case encoded
        /// `--json`: joined to others without "&".
        case json
    }

    package let kind: Kind
    package let source: Source
    private let name: String?

    package init(_ kind: Kind, _ argument: String) {
        self.kind = kind
        let marker = UInt8(ascii: "@")
        switch kind {
        case .raw: (name, source) = (nil, .text(argument))
        case .lines, .binary, .json:
            let isFile = argument.utf8.first == marker
            (name, source) = (nil, isFile ? .file(String(Substring(argument.utf8.dropFirst()))) : .text(argument))
        case .encoded:
            let bytes = argument.utf8
            // "=" comes first, also if there is a "@" before it.
            let index = bytes.firstIndex(of: UInt8(ascii: "=")) ?? bytes.firstIndex(of: marker)
            guard let index else {
                (name, source) = (nil, .text(argument))
                return
            }
            let rest = String(Substring(bytes[bytes.index(after: index)...]))
            name = index == bytes.startIndex ? nil : String(Substring(bytes[..<index]))
            source = bytes[index] == marker ? .file(rest) : .text(rest)
        }
    }

    /// The bytes that are sent.
    ///
    /// - Parameter content: The text, or the content of the file.
    package func encoded(_ content: [UInt8]) -> [UInt8] {
        switch kind {
        case .raw, .binary, .json: content
        case .lines:
            if case .file = source { content.filter { $0 != 0 && $0 != 0x0A && $0 != 0x0D } } else { content }
        case .encoded: Array((name.map { "\($0)=" } ?? "").utf8) + PercentEncoding.encode(content, asForm: true)
        }
    }

    /// Joins arguments, with "&" before each one but the first, and those of `--json`.
    package static func join(_ parts: [(kind: Kind, bytes: [UInt8])]) -> [UInt8] {
        var joined: [UInt8] = []
        for (index, part) in parts.enumerated() {
            if index > 0, part.kind != .json { joined.append(UInt8(ascii: "&")) }
            joined += part.bytes
        }
        return joined
    }
}

/// Percent-encoding (RFC 3986, section 2.1).
package enum PercentEncoding {
    /// Encodes everything but the unreserved characters.
    ///
    /// - Parameter asForm: Whether a space is "+".
    package static func encode(_ bytes: some Collection<UInt8>, asForm: Bool = false) -> [UInt8] {
        let digits = Array("0123456789ABCDEF".utf8)
        return bytes.flatMap { byte in
            if asForm, byte == UInt8(ascii: " ") { return [UInt8(ascii: "+")] }
            let isPlain = byte.isLetter || byte.isDigit || Array("-._~".utf8).contains(byte)
            return isPlain ? [byte] : [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
    }

    /// Leaves what is not an encoded byte as it is.
    package static func decode(_ bytes: some Collection<UInt8>) -> [UInt8] {
        var decoded: [UInt8] = []
        var rest = Array(bytes)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2, let value = UInt8(String(bytes: rest.prefix(2)), radix: 16) {
                decoded.append(value)
                rest = rest.dropFirst(2)
            } else {
                decoded.append(byte)
            }
        }
        return decoded
    }
}
