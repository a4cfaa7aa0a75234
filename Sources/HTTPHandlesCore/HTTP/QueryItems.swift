/// A name in the query of a URL, with its value.
public struct QueryItem: Sendable, Hashable {
    /// The name, not encoded.
    public var name: String
    /// The value, not encoded; `nil` for a name without "=".
    public var value: String?

    /// Makes an item.
    public init(_ name: String, _ value: String?) {
        self.name = name
        self.value = value
    }
}

/// The names and values of a query, in their order; a name may occur more than once.
///
///     let found = try await session.get("https://example.com/search", query: ["q": "snow & ice", "page": "2"])
///
/// Everything but letters, digits, "-", ".", "_" and "~" is percent-encoded, a space as "%20".
public struct QueryItems: Sendable, Hashable, RandomAccessCollection, ExpressibleByDictionaryLiteral {
    private var items: [QueryItem] = []

    /// No items.
    public init() {}

    /// The items of a sequence.
    public init(_ items: some Sequence<QueryItem>) {
        self.items = Array(items)
    }

    /// The names and values of a literal, in its order; a value may be `nil`.
    public init(dictionaryLiteral elements: (String, String?)...) {
        items = elements.map { QueryItem($0.0, $0.1) }
    }

    /// Decodes a query, without its question mark. "+" is a space, as in forms; what is not UTF-8 becomes U+FFFD.
    public init(decoding query: String) {
        for part in query.utf8.split(separator: UInt8(ascii: "&")) {
            let sign = part.firstIndex(of: UInt8(ascii: "="))
            let value = sign.map { part[part.index(after: $0)...] }
            items.append(QueryItem(Self.decoded(part[..<(sign ?? part.endIndex)]), value.map { Self.decoded($0) }))
        }
    }

    /// Adds an item at the end.
    public mutating func append(_ name: String, _ value: String?) {
        items.append(QueryItem(name, value))
    }

    /// The position of the first item.
    public var startIndex: Int { items.startIndex }
    /// The position after the last item.
    public var endIndex: Int { items.endIndex }
    /// The item at a position.
    public subscript(position: Int) -> QueryItem { items[position] }

    /// The value of the first item with a name; `nil` if there is none, or it has no value.
    public subscript(name: String) -> String? {
        items.first { $0.name.utf8.elementsEqual(name.utf8) }?.value
    }

    /// The encoded query, without a question mark.
    public var encoded: String { String(decoding: encodedBytes, as: UTF8.self) }

    package var encodedBytes: [UInt8] {
        var bytes: [UInt8] = []
        for item in items {
            if !bytes.isEmpty { bytes.append(UInt8(ascii: "&")) }
            PercentEncoding.append(item.name.utf8, to: &bytes)
            guard let value = item.value else { continue }
            bytes.append(UInt8(ascii: "="))
            PercentEncoding.append(value.utf8, to: &bytes)
        }
        return bytes
    }

    private static func decoded(_ part: Substring.UTF8View) -> String {
        String(decoding: PercentEncoding.decoded(part.map { $0 == UInt8(ascii: "+") ? 0x20 : $0 }), as: UTF8.self)
    }
}

extension QueryItems: CustomStringConvertible, CustomDebugStringConvertible {
    /// The names. Values may be secret.
    public var description: String { "\(items.map(\.name))" }

    /// The same as `description`.
    public var debugDescription: String { description }
}

/// Percent-encoding (RFC 3986, section 2.1).
package enum PercentEncoding {
    /// Adds bytes; all but the unreserved ones are encoded.
    package static func append(_ text: some Sequence<UInt8>, keeping kept: StaticString = "", to bytes: inout [UInt8]) {
        let digits = Array("0123456789ABCDEF".utf8)
        let kept = Array(kept.description.utf8)
        for byte in text {
            if byte.isASCIILetter || byte.isASCIIDigit || "-._~".utf8.contains(byte) || kept.contains(byte) {
                bytes.append(byte)
            } else {
                bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 0xF)]]
            }
        }
    }

    /// Decodes; a percent sign without two digits is kept.
    package static func decoded(_ bytes: [UInt8]) -> [UInt8] {
        var decoded: [UInt8] = []
        var index = 0
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "%"), index + 2 < bytes.count, let high = digit(bytes[index + 1]),
                let low = digit(bytes[index + 2])
            {
                decoded.append(high << 4 | low)
                index += 3
            } else {
                decoded.append(bytes[index])
                index += 1
            }
        }
        return decoded
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        guard byte.isHexDigit else { return nil }
        return byte.isASCIIDigit ? byte - UInt8(ascii: "0") : byte.asciiLowercased - UInt8(ascii: "a") + 10
    }
}
