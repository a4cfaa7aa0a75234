public import HTTPTypes

/// What names a version of a resource (RFC 9110, section 8.8.3).
public struct EntityTag: Sendable, Hashable, CustomStringConvertible {
    /// The tag without its quotes.
    public let value: String
    /// Whether versions with the same tag may differ in their bytes. Only strong tags hold for ranges.
    public let isWeak: Bool

    /// The tag that a field says, for example `"abc"` or `W/"abc"`; `nil` where it is not one.
    public init?(_ text: String) {
        let isWeak = text.utf8.starts(with: "W/".utf8)
        let quoted = text.utf8.dropFirst(isWeak ? 2 : 0)
        let quote = UInt8(ascii: "\"")
        let inside = quoted.dropFirst().dropLast()
        guard quoted.count >= 2, quoted.first == quote, quoted.last == quote,
            inside.allSatisfy({ $0 > 0x20 && $0 != quote && $0 != 0x7F })
        else { return nil }
        value = String(decoding: inside, as: UTF8.self)
        self.isWeak = isWeak
    }

    /// Whether both are weak, or both strong, with the same bytes.
    public static func == (left: EntityTag, right: EntityTag) -> Bool {
        left.isWeak == right.isWeak && left.value.utf8.elementsEqual(right.value.utf8)
    }

    /// Hashes the bytes of the tag.
    public func hash(into hasher: inout Hasher) {
        for byte in value.utf8 { hasher.combine(byte) }
    }

    /// The tag as a field says it.
    public var description: String { (isWeak ? "W/\"" : "\"") + value + "\"" }
}

/// A range of the bytes of a resource, to be asked for.
public struct ByteRange: Sendable, Hashable, CustomStringConvertible {
    /// The range as `Range` says it, for example "bytes=0-99".
    public let description: String

    /// Some bytes, counted from 0. Where there are fewer, the server sends those that there are.
    public static func bytes(_ range: ClosedRange<UInt64>) -> ByteRange {
        ByteRange(description: "bytes=\(range.lowerBound)-\(range.upperBound)")
    }

    /// Everything from a byte on, counted from 0.
    public static func from(_ first: UInt64) -> ByteRange { ByteRange(description: "bytes=\(first)-") }

    /// The last bytes.
    public static func last(_ count: UInt64) -> ByteRange { ByteRange(description: "bytes=-\(count)") }
}

/// Which bytes of a resource a 206 response contains, or how many there are where a 416 response refuses (RFC 9110,
/// section 14.4). All numbers fit into an `Int64`, also the number of the bytes.
public struct ContentRange: Sendable, Hashable {
    /// The bytes, counted from 0; `nil` where the server had none to send.
    public let bytes: ClosedRange<UInt64>?
    /// How many bytes there are in all; `nil` where the server does not say.
    public let completeLength: UInt64?

    /// What a field says, for example `bytes 0-99/1234`; `nil` where it is not a range of bytes or makes no sense.
    public init?(_ text: String) {
        let words = text.utf8.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false).map(Substring.init)
        guard words.count == 2, words[0].isEqualIgnoringASCIICase("bytes") else { return nil }
        let parts = words[1].utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            .map(Substring.init)
        guard parts.count == 2 else { return nil }
        completeLength = Self.number(parts[1])
        guard completeLength != nil || parts[1] == "*" else { return nil }
        guard parts[0] != "*" else {
            bytes = nil
            if completeLength == nil { return nil }
            return
        }
        let bounds = parts[0].utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
            .map(Substring.init)
        guard bounds.count == 2, let first = Self.number(bounds[0]), let last = Self.number(bounds[1]), first <= last,
            last < completeLength ?? UInt64(Int64.max)
        else { return nil }
        bytes = first...last
    }

    /// A number that a length can be: nothing is longer than 2^63 - 1 bytes.
    private static func number(_ text: Substring) -> UInt64? {
        let isNumber = text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        return isNumber ? Int64(text).map(UInt64.init) : nil
    }
}

extension HTTPFields {
    /// Asks for the resource only if it is none of these versions: 304 says that it is one, and has no body.
    /// (`If-None-Match`)
    public static func ifNoneMatch(_ tags: EntityTag...) -> HTTPFields { [.ifNoneMatch: list(tags)] }

    /// Has the server act only on one of these versions: 412 says that it is another. (`If-Match`)
    public static func ifMatch(_ tags: EntityTag...) -> HTTPFields { [.ifMatch: list(tags)] }

    /// Asks for the resource only if it was changed since: 304 says that it was not. (`If-Modified-Since`)
    ///
    /// - Parameter date: What `ResponseHead.lastModified` was, as it is.
    public static func ifModifiedSince(_ date: String) -> HTTPFields { [.ifModifiedSince: date] }

    /// Has the server act only if the resource was not changed since: 412 says that it was. (`If-Unmodified-Since`)
    ///
    /// - Parameter date: What `ResponseHead.lastModified` was, as it is.
    public static func ifUnmodifiedSince(_ date: String) -> HTTPFields { [.ifUnmodifiedSince: date] }

    /// Asks for some of the bytes: 206 has them, 200 has all of them, 416 says that there are no such bytes. (`Range`)
    ///
    /// - Parameters:
    ///   - range: The bytes.
    ///   - tag: The version that the bytes have to be of, a strong tag: of another version the server sends everything.
    ///     (`If-Range`)
    public static func range(_ range: ByteRange, ifRange tag: EntityTag? = nil) -> HTTPFields {
        var fields: HTTPFields = [.range: range.description]
        if let tag { fields[.ifRange] = tag.description }
        return fields
    }

    private static func list(_ tags: [EntityTag]) -> String { tags.map(\.description).joined(separator: ", ") }
}
