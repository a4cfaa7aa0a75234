import HTTPHandles

/// The links of an HTML page: the targets of its `a` elements, without those that are marked `nofollow`.
///
/// A scanner for tags, not a parser for HTML: it finds what authors write, and takes any bytes.
struct PageLinks {
    private let bytes: [UInt8]
    private var index = 0
    private var base: String?
    private var targets: [String] = []

    init(in bytes: [UInt8]) {
        self.bytes = bytes
        while skip(to: "<") { readTag() }
    }

    /// The links as URLs. What is no http or https URL is left out.
    func resolved(against url: HTTPURL) -> [HTTPURL] {
        let base = base.flatMap { try? url.resolving($0) } ?? url
        return targets.compactMap { try? base.resolving($0) }
    }

    private mutating func readTag() {
        index += 1
        if bytes[index...].starts(with: "!--".utf8) {
            while skip(to: "-"), !bytes[index...].starts(with: "-->".utf8) { index += 1 }
            return
        }
        let name = readName()
        var attributes: [String: String] = [:]
        while let (attribute, value) = readAttribute() {
            // Of two attributes of the same name the first one counts.
            if attributes[attribute] == nil { attributes[attribute] = value }
        }
        switch name {
        case "a":
            if let target = attributes["href"], attributes["rel"]?.contains("nofollow") != true {
                targets.append(target)
            }
        case "base": base = base ?? attributes["href"]
        // What looks like a tag in there is none.
        case "script", "style":
            while skip(to: "<"),
                !String(decoding: bytes[index...].prefix(name.count + 2), as: UTF8.self).lowercased().hasPrefix(
                    "</\(name)"
                )
            {
                index += 1
            }
        default: break
        }
    }

    /// `nil` at the end of the tag.
    private mutating func readAttribute() -> (String, String)? {
        while index < bytes.count, Self.isSpace(bytes[index]) || bytes[index] == UInt8(ascii: "/") { index += 1 }
        guard index < bytes.count, bytes[index] != UInt8(ascii: ">") else { return nil }
        let name = readName()
        skipSpace()
        guard index < bytes.count, bytes[index] == UInt8(ascii: "=") else {
            // A byte that begins no name must not be read again.
            if name.isEmpty { index += 1 }
            return (name, "")
        }
        index += 1
        skipSpace()
        return (name, readValue())
    }

    private mutating func readValue() -> String {
        guard index < bytes.count else { return "" }
        let quote = bytes[index]
        let value: ArraySlice<UInt8>
        if quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") {
            value = bytes[(index + 1)...].prefix { $0 != quote }
            index = min(value.endIndex + 1, bytes.count)
        } else {
            value = bytes[index...].prefix { !Self.isSpace($0) && $0 != UInt8(ascii: ">") }
            index = value.endIndex
        }
        return String(decoding: value, as: UTF8.self).replacing("&amp;", with: "&")
    }

    private mutating func readName() -> String {
        let name = bytes[index...].prefix { byte in
            !Self.isSpace(byte) && byte != UInt8(ascii: ">") && byte != UInt8(ascii: "=") && byte != UInt8(ascii: "/")
        }
        index = name.endIndex
        return String(decoding: name, as: UTF8.self).lowercased()
    }

    private mutating func skipSpace() {
        while index < bytes.count, Self.isSpace(bytes[index]) { index += 1 }
    }

    private mutating func skip(to character: Unicode.Scalar) -> Bool {
        guard let next = bytes[index...].firstIndex(of: UInt8(ascii: character)) else { return false }
        index = next
        return true
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
}
