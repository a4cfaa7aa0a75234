/// The character encodings that texts are decoded from: those of nearly all of the web.
package enum Charset: Sendable, Hashable {
    case utf8
    /// Also for what calls itself US-ASCII or ISO-8859-1, as in every browser: it is the same where those are defined.
    case windows1252
    case utf16(isLittleEndian: Bool)

    /// The encoding of a name in `charset=`; `nil` where it is not one of these.
    package init?(named name: String) {
        switch name.asciiLowercased {
        case "utf-8", "utf8": self = .utf8
        case "us-ascii", "ascii", "iso-8859-1", "iso8859-1", "iso_8859-1", "latin1", "l1", "windows-1252", "cp1252":
            self = .windows1252
        case "utf-16", "utf-16le": self = .utf16(isLittleEndian: true)
        case "utf-16be": self = .utf16(isLittleEndian: false)
        default: return nil
        }
    }

    /// The encoding of a body with that `Content-Type`: UTF-8 where it does not say.
    package init(contentType: String?) throws(HandleError) {
        guard let name = contentType.flatMap({ MediaType(parsing: $0).parameters["charset"] }) else {
            self = .utf8
            return
        }
        guard let charset = Charset(named: name) else {
            throw HandleError(.notSupported, .readData, reason: "the body is in an unknown charset, \"\(name)\"")
        }
        self = charset
    }

    /// Decodes a whole text. A byte order mark goes before what was announced, and is left out; what cannot be decoded
    /// becomes U+FFFD.
    package func decode(_ bytes: [UInt8]) -> String {
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { return String(decoding: bytes[3...], as: UTF8.self) }
        if bytes.starts(with: [0xFF, 0xFE]) { return Self.utf16(bytes[2...], isLittleEndian: true) }
        if bytes.starts(with: [0xFE, 0xFF]) { return Self.utf16(bytes[2...], isLittleEndian: false) }
        switch self {
        case .utf8: return String(decoding: bytes, as: UTF8.self)
        case .utf16(let isLittleEndian): return Self.utf16(bytes[...], isLittleEndian: isLittleEndian)
        case .windows1252: return Self.windows1252(bytes)
        }
    }

    private static func utf16(_ bytes: ArraySlice<UInt8>, isLittleEndian: Bool) -> String {
        var units: [UInt16] = []
        units.reserveCapacity(bytes.count / 2 + 1)
        var index = bytes.startIndex
        while index + 1 < bytes.endIndex {
            let (first, second) = (UInt16(bytes[index]), UInt16(bytes[index + 1]))
            units.append(isLittleEndian ? second << 8 | first : first << 8 | second)
            index += 2
        }
        if index < bytes.endIndex { units.append(0xFFFD) }
        return String(decoding: units, as: UTF16.self)
    }

    /// The same as Unicode, apart from 0x80 to 0x9F.
    private static func windows1252(_ bytes: [UInt8]) -> String {
        let units = bytes.map { (0x80...0x9F).contains($0) ? specials[Int($0) - 0x80] : UInt16($0) }
        return String(decoding: units, as: UTF16.self)
    }

    private static let specials: [UInt16] = [
        0x20AC, 0x0081, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x008D,
        0x017D, 0x008F, 0x0090, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A,
        0x0153, 0x009D, 0x017E, 0x0178,
    ]
}
