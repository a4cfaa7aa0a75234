/// Path and query as they are sent.
///
/// All bytes are visible ASCII: spaces and bytes outside ASCII are percent-encoded. Everything else is kept as it was
/// given, also percent-encoded bytes and characters that should have been encoded.
package struct RequestTarget: Sendable, Hashable {
    private let bytes: [UInt8]
    /// The offset of the query's question mark.
    private let queryStart: Int

    /// Parses path and query, up to the fragment.
    ///
    /// `nil` if the text contains a control character, which a URL must not.
    package init?(_ text: some Sequence<UInt8>) {
        var bytes: [UInt8] = []
        for byte in text {
            guard !byte.isControl else { return nil }
            // A fragment is not sent (RFC 9110, section 4.2.5).
            if byte == UInt8(ascii: "#") { break }
            Self.append(byte, to: &bytes)
        }
        // An empty path is "/".
        if bytes.first != UInt8(ascii: "/") { bytes.insert(UInt8(ascii: "/"), at: 0) }
        self.init(encoded: bytes)
    }

    private init(encoded bytes: [UInt8]) {
        self.bytes = bytes
        queryStart = bytes.firstIndex(of: UInt8(ascii: "?")) ?? bytes.endIndex
    }

    /// The target "*", for a request about the server as a whole: no path.
    package static let serverWide = RequestTarget(encoded: [])

    package var text: String { String(decoding: bytes, as: UTF8.self) }

    private static func append(_ byte: UInt8, to bytes: inout [UInt8]) {
        guard byte == 0x20 || byte >= 0x80 else { return bytes.append(byte) }
        let digits = Array("0123456789ABCDEF".utf8)
        bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 0xF)]]
    }

    // MARK: Dot segments

    private var segments: [ArraySlice<UInt8>] {
        bytes[..<queryStart].dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    }

    package var hasDotSegments: Bool { segments.contains { Self.dots($0) != nil } }

    /// The same with "." and ".." removed from the path (RFC 3986, section 5.2.4).
    package var withoutDotSegments: RequestTarget {
        guard hasDotSegments else { return self }
        let segments = segments
        var kept: [ArraySlice<UInt8>] = []
        for (index, segment) in segments.enumerated() {
            guard let dots = Self.dots(segment) else {
                kept.append(segment)
                continue
            }
            if dots == 2 { _ = kept.popLast() }
            // A final dot segment leaves a trailing slash.
            if index == segments.count - 1 { kept.append([]) }
        }
        var path: [UInt8] = []
        for segment in kept { path += [UInt8(ascii: "/")] + segment }
        return RequestTarget(encoded: path + bytes[queryStart...])
    }

    /// 1 or 2 for a dot segment, else `nil`. A percent-encoded dot counts as a dot (RFC 3986, section 2.3).
    private static func dots(_ segment: ArraySlice<UInt8>) -> Int? {
        var rest = segment
        var count = 0
        while let first = rest.first {
            if first == UInt8(ascii: ".") {
                rest = rest.dropFirst()
            } else if rest.prefix(3).map(\.asciiLowercased).elementsEqual("%2e".utf8) {
                rest = rest.dropFirst(3)
            } else {
                return nil
            }
            count += 1
        }
        return (1...2).contains(count) ? count : nil
    }

    // MARK: References

    /// Resolves a reference without an authority, for example from `Location`, against this base (RFC 3986, section 5.2.2).
    /// `nil` if it contains a control character.
    package func resolving(_ reference: URLReference) -> RequestTarget? {
        var folder: ArraySlice<UInt8> = []
        switch reference.path.first {
        case UInt8(ascii: "/"): break
        case nil:
            guard reference.query != nil else { return (bytes.isEmpty ? RequestTarget([]) : self)?.withoutDotSegments }
            folder = bytes[..<queryStart]
        default:
            if let slash = bytes[..<queryStart].lastIndex(of: UInt8(ascii: "/")) { folder = bytes[...slash] }
        }
        return RequestTarget(folder + reference.pathAndQuery)?.withoutDotSegments
    }
}

/// The components of a URL or a relative reference (RFC 3986, appendix B). Nothing is decoded.
package struct URLReference {
    package let scheme: ArraySlice<UInt8>?
    package let authority: ArraySlice<UInt8>?
    /// Without the fragment, as the query.
    package let path: ArraySlice<UInt8>
    /// With its question mark.
    package let query: ArraySlice<UInt8>?

    package init(_ text: [UInt8]) {
        var rest = text[...]
        if let colon = rest.firstIndex(of: UInt8(ascii: ":")), let first = rest.first, first.isASCIILetter,
            rest[..<colon].allSatisfy(Self.isSchemeByte)
        {
            scheme = rest[..<colon]
            rest = rest[(colon + 1)...]
        } else {
            scheme = nil
        }
        if rest.starts(with: "//".utf8) {
            rest = rest.dropFirst(2)
            let end = rest.firstIndex { "/?#".utf8.contains($0) } ?? rest.endIndex
            authority = rest[..<end]
            rest = rest[end...]
        } else {
            authority = nil
        }
        rest = rest.prefix { $0 != UInt8(ascii: "#") }
        let question = rest.firstIndex(of: UInt8(ascii: "?"))
        path = rest[..<(question ?? rest.endIndex)]
        query = question.map { rest[$0...] }
    }

    package var pathAndQuery: [UInt8] { Array(path) + (query ?? []) }

    private static func isSchemeByte(_ byte: UInt8) -> Bool {
        byte.isASCIILetter || byte.isASCIIDigit || "+-.".utf8.contains(byte)
    }
}
