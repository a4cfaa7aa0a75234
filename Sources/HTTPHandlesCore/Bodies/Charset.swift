/// The character encodings that texts are decoded from: those of nearly all of the web.
package enum Charset: Sendable, Hashable {
    case utf8
    /// Also used for the labels US-ASCII and ISO-8859-1, as in the Encoding standard: windows-1252 is a superset of both.
    case windows1252
    case utf16(isLittleEndian: Bool)

    /// The encoding of a name in `charset=`; `nil` where it is not one of these.
    ///
    /// Looked up as in the Encoding standard: surrounding white space is removed, the case of ASCII letters is ignored.
    package init?(named name: String) {
        let folded = Self.folded(name)
        guard let charset = Self.labels.first(where: { $0.names.contains { $0.utf8.elementsEqual(folded) } })?.charset
        else { return nil }
        self = charset
    }

    private static func folded(_ name: String) -> [UInt8] {
        func isBlank(_ byte: UInt8) -> Bool { [0x09, 0x0A, 0x0C, 0x0D, 0x20].contains(byte) }
        let start = name.utf8.drop(while: isBlank)
        let trimmed = start.lastIndex { !isBlank($0) }.map { start[...$0] } ?? start.prefix(0)
        return trimmed.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 }
    }

    /// All labels that the Encoding standard (section 4.2) has for these encodings.
    private static let labels: [(charset: Charset, names: [String])] = [
        (
            .utf8,
            ["utf-8", "utf8", "unicode-1-1-utf-8", "unicode11utf8", "unicode20utf8", "x-unicode20utf8"]
        ),
        (
            .windows1252,
            [
                "ansi_x3.4-1968", "ascii", "cp1252", "cp819", "csisolatin1", "ibm819", "iso-8859-1", "iso-ir-100",
                "iso8859-1", "iso88591", "iso_8859-1", "iso_8859-1:1987", "l1", "latin1", "us-ascii", "windows-1252",
                "x-cp1252",
            ]
        ),
        (
            .utf16(isLittleEndian: true),
            ["utf-16", "utf-16le", "csunicode", "iso-10646-ucs-2", "ucs-2", "unicode", "unicodefeff"]
        ),
        (.utf16(isLittleEndian: false), ["utf-16be", "unicodefffe"]),
    ]

    /// The encoding of a body with that `Content-Type`; UTF-8 where it has no charset, or an empty one.
    package init(contentType: String?) throws(HandleError) {
        guard let name = contentType.flatMap({ MediaType(parsing: $0).parameters["charset"] }),
            !Self.folded(name).isEmpty
        else {
            self = .utf8
            return
        }
        guard let charset = Charset(named: name) else {
            throw HandleError(
                .notSupported,
                .readData,
                reason: "the charset of the body, \"\(name)\", is not supported"
            )
        }
        self = charset
    }

    /// Decodes a whole text. A byte order mark overrides the charset and is removed; malformed sequences become U+FFFD.
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
