public import HTTPTypes

/// An entity tag, which identifies a version of a resource (RFC 9110, section 8.8.3).
public struct EntityTag: Sendable, Hashable, CustomStringConvertible {
    /// The tag without its quotes.
    public let value: String
    /// Whether versions with the same tag may differ in their bytes. Ranges require strong tags.
    public let isWeak: Bool

    /// Parses a field value, for example `"abc"` or `W/"abc"`; `nil` if it is not an entity tag.
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

    /// The tag as a field value.
    public var description: String { (isWeak ? "W/\"" : "\"") + value + "\"" }
}

/// A range of bytes to request (RFC 9110, section 14.1.2).
public struct ByteRange: Sendable, Hashable, CustomStringConvertible {
    /// The value of `Range`, for example "bytes=0-99".
    public let description: String

    /// The bytes of a closed range, counted from 0. The server sends fewer if the resource is shorter.
    public static func bytes(_ range: ClosedRange<UInt64>) -> ByteRange {
        ByteRange(description: "bytes=\(range.lowerBound)-\(range.upperBound)")
    }

    /// Everything from a byte on, counted from 0.
    public static func from(_ first: UInt64) -> ByteRange { ByteRange(description: "bytes=\(first)-") }

    /// The last bytes.
    public static func last(_ count: UInt64) -> ByteRange { ByteRange(description: "bytes=-\(count)") }
}

/// The value of `Content-Range`: the bytes that a 206 response contains, or the complete length in a 416 response
/// (RFC 9110, section 14.4). All numbers, and the number of bytes, fit into an `Int64`.
public struct ContentRange: Sendable, Hashable {
    /// The bytes, counted from 0; `nil` in a 416 response.
    public let bytes: ClosedRange<UInt64>?
    /// The length of the whole resource in bytes; `nil` where the server does not know it.
    public let completeLength: UInt64?

    /// Parses a field value, for example `bytes 0-99/1234`; `nil` if it is malformed or has another unit than bytes.
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

    /// Parses a number of at most 2^63 - 1.
    private static func number(_ text: Substring) -> UInt64? {
        let isNumber = text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        return isNumber ? Int64(text).map(UInt64.init) : nil
    }
}

extension HTTPFields {
    /// Requests the resource only if it is none of these versions; otherwise the response is 304 without a body.
    /// (`If-None-Match`)
    public static func ifNoneMatch(_ tags: EntityTag...) -> HTTPFields { [.ifNoneMatch: list(tags)] }

    /// Applies the request only to one of these versions; otherwise the response is 412. (`If-Match`)
    public static func ifMatch(_ tags: EntityTag...) -> HTTPFields { [.ifMatch: list(tags)] }

    /// Requests the resource only if it was changed since; otherwise the response is 304. (`If-Modified-Since`)
    ///
    /// - Parameter date: The value of `ResponseHead.lastModified`, unchanged.
    public static func ifModifiedSince(_ date: String) -> HTTPFields { [.ifModifiedSince: date] }

    /// Applies the request only if the resource was not changed since; otherwise the response is 412.
    /// (`If-Unmodified-Since`)
    ///
    /// - Parameter date: The value of `ResponseHead.lastModified`, unchanged.
    public static func ifUnmodifiedSince(_ date: String) -> HTTPFields { [.ifUnmodifiedSince: date] }

    /// Requests a range of bytes. The response is 206 with the range, 200 with the whole resource, or 416 if the range is
    /// not satisfiable. (`Range`)
    ///
    /// - Parameters:
    ///   - range: The bytes.
    ///   - tag: The strong tag of the expected version; the server sends the whole resource if it has another version.
    ///     (`If-Range`)
    public static func range(_ range: ByteRange, ifRange tag: EntityTag? = nil) -> HTTPFields {
        var fields: HTTPFields = [.range: range.description]
        if let tag { fields[.ifRange] = tag.description }
        return fields
    }

    private static func list(_ tags: [EntityTag]) -> String { tags.map(\.description).joined(separator: ", ") }
}
