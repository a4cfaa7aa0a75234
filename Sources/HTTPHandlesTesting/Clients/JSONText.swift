import HTTPHandlesCore

/// A value of JSON (RFC 8259). A reader and a writer of its own, so that this module needs no Foundation.
indirect enum JSONText: Sendable, Hashable {
    case null
    case bool(Bool)
    case number(Double)
    case string(String)
    case array([JSONText])
    case object([String: JSONText])

    /// Values nested deeper than this are refused.
    static let maximumDepth = 64

    subscript(_ name: String) -> JSONText? {
        if case .object(let members) = self { members[name] } else { nil }
    }

    var asText: String? {
        if case .string(let text) = self { text } else { nil }
    }

    var asNumber: Double? {
        if case .number(let number) = self { number } else { nil }
    }

    var asElements: [JSONText]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    // MARK: Writing

    /// With the members of objects in the order of their names.
    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        append(to: &bytes, indent: 0)
        bytes.append(UInt8(ascii: "\n"))
        return bytes
    }

    private func append(to bytes: inout [UInt8], indent: Int) {
        switch self {
        case .null: bytes += "null".utf8
        case .bool(let value): bytes += (value ? "true" : "false").utf8
        case .number(let number):
            let whole = Int64(exactly: number)
            bytes += (whole.map { "\($0)" } ?? (number.isFinite ? "\(number)" : "null")).utf8
        case .string(let text): Self.append(text, to: &bytes)
        case .array(let elements):
            Self.append(elements.map { (nil, $0) }, "[", "]", to: &bytes, indent)
        case .object(let members):
            Self.append(members.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }, "{", "}", to: &bytes, indent)
        }
    }

    private static func append(
        _ values: [(name: String?, value: JSONText)],
        _ start: String,
        _ end: String,
        to bytes: inout [UInt8],
        _ indent: Int
    ) {
        bytes += start.utf8
        for (index, (name, value)) in values.enumerated() {
            bytes += (index == 0 ? "\n" : ",\n").utf8
            bytes += repeatElement(UInt8(ascii: " "), count: indent + 2)
            if let name {
                append(name, to: &bytes)
                bytes += ": ".utf8
            }
            value.append(to: &bytes, indent: indent + 2)
        }
        if !values.isEmpty {
            bytes.append(UInt8(ascii: "\n"))
            bytes += repeatElement(UInt8(ascii: " "), count: indent)
        }
        bytes += end.utf8
    }

    private static let hexDigits = Array("0123456789abcdef".utf8)

    private static func append(_ text: String, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
            case UInt8(ascii: "\n"): bytes += "\\n".utf8
            case 0..<0x20: bytes += "\\u00".utf8 + [hexDigits[Int(byte >> 4)], hexDigits[Int(byte & 15)]]
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}

/// Why a text is not JSON.
struct JSONProblem: Error, Sendable {
    let reason: String
    let offset: Int
}

extension JSONText {
    init(_ bytes: some Collection<UInt8>) throws(JSONProblem) {
        var parser = JSONParser(Array(bytes))
        self = try parser.document()
    }
}

private struct JSONParser {
    private let bytes: [UInt8]
    private var place = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    mutating func document() throws(JSONProblem) -> JSONText {
        // A byte order mark.
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { place = 3 }
        let value = try value(depth: 0)
        skipBlanks()
        guard place == bytes.count else { throw problem("there is something after the value") }
        return value
    }

    private func problem(_ reason: String) -> JSONProblem { JSONProblem(reason: reason, offset: place) }

    private var next: UInt8? { place < bytes.count ? bytes[place] : nil }

    private mutating func skipBlanks() {
        while let byte = next, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { place += 1 }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        place += 1
        return true
    }

    private mutating func value(depth: Int) throws(JSONProblem) -> JSONText {
        guard depth < JSONText.maximumDepth else { throw problem("it is nested too deeply") }
        skipBlanks()
        switch next {
        case UInt8(ascii: "{"): return .object(try members(depth))
        case UInt8(ascii: "["): return .array(try elements(depth))
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return .number(try number())
        }
    }

    private mutating func word(_ word: String, _ value: JSONText) throws(JSONProblem) -> JSONText {
        guard bytes[place...].starts(with: word.utf8) else { throw problem("a value is expected") }
        place += word.utf8.count
        return value
    }

    private mutating func members(_ depth: Int) throws(JSONProblem) -> [String: JSONText] {
        place += 1
        var members: [String: JSONText] = [:]
        skipBlanks()
        if take(UInt8(ascii: "}")) { return members }
        while true {
            skipBlanks()
            guard next == UInt8(ascii: "\"") else { throw problem("the name of a member is expected") }
            let name = try string()
            skipBlanks()
            guard take(UInt8(ascii: ":")) else { throw problem("\":\" is expected") }
            guard members.updateValue(try value(depth: depth + 1), forKey: name) == nil else {
                throw problem("a member is there twice")
            }
            skipBlanks()
            if take(UInt8(ascii: "}")) { return members }
            guard take(UInt8(ascii: ",")) else { throw problem("\",\" or \"}\" is expected") }
        }
    }

    private mutating func elements(_ depth: Int) throws(JSONProblem) -> [JSONText] {
        place += 1
        var elements: [JSONText] = []
        skipBlanks()
        if take(UInt8(ascii: "]")) { return elements }
        while true {
            elements.append(try value(depth: depth + 1))
            skipBlanks()
            if take(UInt8(ascii: "]")) { return elements }
            guard take(UInt8(ascii: ",")) else { throw problem("\",\" or \"]\" is expected") }
        }
    }

    private mutating func number() throws(JSONProblem) -> Double {
        let start = place
        _ = take(UInt8(ascii: "-"))
        let startsWithZero = next == UInt8(ascii: "0")
        let wholeDigits = takeDigits()
        var isNumber = wholeDigits == 1 || wholeDigits > 1 && !startsWithZero
        if take(UInt8(ascii: ".")), takeDigits() == 0 { isNumber = false }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            _ = take(UInt8(ascii: "+")) || take(UInt8(ascii: "-"))
            if takeDigits() == 0 { isNumber = false }
        }
        guard isNumber, let number = Double(String(decoding: bytes[start..<place], as: UTF8.self)), number.isFinite
        else {
            place = start
            throw problem("a value is expected")
        }
        return number
    }

    /// Returns how many there were.
    private mutating func takeDigits() -> Int {
        let start = place
        while let byte = next, byte.isASCIIDigit { place += 1 }
        return place - start
    }

    private mutating func string() throws(JSONProblem) -> String {
        place += 1
        var text: [UInt8] = []
        while let byte = next {
            place += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let string = String(validating: text, as: UTF8.self) else { throw problem("a text is not UTF-8") }
                return string
            case UInt8(ascii: "\\"): try appendEscaped(to: &text)
            case 0..<0x20: throw problem("a control character is in a text")
            default: text.append(byte)
            }
        }
        throw problem("a text has no end")
    }

    private mutating func appendEscaped(to text: inout [UInt8]) throws(JSONProblem) {
        guard let byte = next else { throw problem("a text has no end") }
        place += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"): text += String(try scalar()).utf8
        default: throw problem("there is no such escape")
        }
    }

    private mutating func scalar() throws(JSONProblem) -> Character {
        let first = try unit()
        if (0xD800..<0xDC00).contains(first), take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) {
            let second = try unit()
            guard (0xDC00..<0xE000).contains(second) else { throw problem("a surrogate is alone") }
            let value = 0x10000 + (first - 0xD800) << 10 + (second - 0xDC00)
            if let scalar = Unicode.Scalar(value) { return Character(scalar) }
        }
        guard let scalar = Unicode.Scalar(first) else { throw problem("a surrogate is alone") }
        return Character(scalar)
    }

    private mutating func unit() throws(JSONProblem) -> UInt32 {
        guard place + 4 <= bytes.count,
            let value = UInt32(String(decoding: bytes[place..<(place + 4)], as: UTF8.self), radix: 16),
            bytes[place] != UInt8(ascii: "+"), bytes[place] != UInt8(ascii: "-")
        else { throw problem("four hexadecimal digits are expected") }
        place += 4
        return value
    }
}
