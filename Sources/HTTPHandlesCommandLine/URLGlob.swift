/// A URL with curl's globs: sets, `{a,b}`, and ranges, `[1-10]`, `[001-100:10]`, `[a-z]`.
///
/// It stands for as many URLs as the product of its parts; the last part changes first. Backslashes before braces and brackets
/// make them plain characters, and so are the brackets of an IPv6 address, and `[]`.
package struct URLGlob: Sendable {
    private enum Part: Hashable, Sendable {
        case text(String)
        case set([String])
        /// `width` is the number of digits, for leading zeros.
        case numbers(first: UInt64, count: Int, step: UInt64, width: Int)
        case letters(first: UInt8, count: Int, step: UInt8)

        var count: Int {
            switch self {
            case .text: 1
            case .set(let elements): elements.count
            case .numbers(_, let count, _, _), .letters(_, let count, _): count
            }
        }

        func value(_ index: Int) -> String {
            switch self {
            case .text(let text): return text
            case .set(let elements): return elements[index]
            case .numbers(let first, _, let step, let width):
                let digits = "\(first + UInt64(index) * step)"
                return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
            case .letters(let first, _, let step):
                return String(bytes: [first + UInt8(truncatingIfNeeded: index * Int(step))])
            }
        }
    }

    private var parts: [Part] = []
    /// The number of URLs.
    package private(set) var count = 1

    /// A URL without globs.
    package init(plain url: String) {
        parts = [.text(url)]
    }

    package init(_ text: String) throws(SyntaxError) {
        var literal: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.first {
            let position = text.utf8.distance(from: text.startIndex, to: rest.startIndex)
            let next = rest.dropFirst().first
            switch byte {
            case UInt8(ascii: "\\") where next.map { Array("{}[]".utf8).contains($0) } ?? false:
                literal.append(next ?? byte)
                rest = rest.dropFirst(2)
            case UInt8(ascii: "["):
                let end = rest.firstIndex(of: UInt8(ascii: "]"))
                if let end, Self.isLiteral(rest[rest.index(after: rest.startIndex)..<end]) {
                    literal += rest[...end]
                    rest = rest[rest.index(after: end)...]
                    continue
                }
                guard let end else { throw Self.error("a bracket is not closed", position, text) }
                let range = rest[rest.index(after: rest.startIndex)..<end]
                guard let part = Self.range(Array(range)) else {
                    throw Self.error("[\(String(bytes: range))] is not a range", position, text)
                }
                try append(part, after: &literal, text)
                rest = rest[rest.index(after: end)...]
            case UInt8(ascii: "{"):
                let elements = try Self.elements(&rest, position, text)
                try append(.set(elements), after: &literal, text)
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                throw Self.error("there is nothing to close", position, text)
            default:
                literal.append(byte)
                rest = rest.dropFirst()
            }
        }
        if !literal.isEmpty || parts.isEmpty { parts.append(.text(String(bytes: literal))) }
    }

    private mutating func append(_ part: Part, after literal: inout [UInt8], _ text: String) throws(SyntaxError) {
        if !literal.isEmpty { parts.append(.text(String(bytes: literal))) }
        literal = []
        parts.append(part)
        let (product, overflows) = count.multipliedReportingOverflow(by: part.count)
        guard !overflows else { throw SyntaxError("\(text): the globs stand for too many URLs.") }
        count = product
    }

    private static func error(_ problem: String, _ position: Int, _ text: String) -> SyntaxError {
        SyntaxError("\(text): at position \(position + 1) \(problem); -g turns globs off.")
    }

    /// An IPv6 address, also with a zone, or nothing.
    private static func isLiteral(_ text: Substring.UTF8View) -> Bool {
        if text.isEmpty { return true }
        let address = text.prefix { $0 != UInt8(ascii: "%") }
        let allowed = Array("0123456789abcdefABCDEF:.".utf8)
        return address.count { $0 == UInt8(ascii: ":") } >= 2 && address.allSatisfy { allowed.contains($0) }
    }

    private static func elements(
        _ rest: inout Substring.UTF8View,
        _ position: Int,
        _ text: String
    ) throws(SyntaxError) -> [String] {
        rest = rest.dropFirst()
        var elements: [[UInt8]] = [[]]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "}"):
                guard elements != [[]] else { throw error("{} is empty", position, text) }
                return elements.map { String(bytes: $0) }
            case UInt8(ascii: ","): elements.append([])
            case UInt8(ascii: "{"), UInt8(ascii: "["): throw error("globs are nested", position, text)
            case UInt8(ascii: "\\"):
                guard let escaped = rest.popFirst() else { break }
                elements[elements.count - 1].append(escaped)
            default: elements[elements.count - 1].append(byte)
            }
        }
        throw error("a brace is not closed", position, text)
    }

    private static func range(_ text: [UInt8]) -> Part? {
        let halves = text.split(separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
        let ends = halves[0].split(separator: UInt8(ascii: "-"), maxSplits: 1, omittingEmptySubsequences: false)
        guard ends.count == 2, let step = halves.count == 1 ? 1 : number(halves[1]), step > 0 else { return nil }
        if ends[0].count == 1, ends[1].count == 1, let first = ends[0].first, let last = ends[1].first, first.isLetter {
            guard last.isLetter, first <= last, (first & 0x20) == (last & 0x20), step <= UInt64(UInt8.max) else {
                return nil
            }
            return .letters(first: first, count: Int(last - first) / Int(step) + 1, step: UInt8(step))
        }
        guard let first = number(ends[0]), let last = number(ends[1]), first <= last,
            let count = Int(exactly: (last - first) / step), count < .max
        else { return nil }
        let isPadded = ends[0].count > 1 && ends[0].first == UInt8(ascii: "0")
        return .numbers(first: first, count: count + 1, step: step, width: isPadded ? ends[0].count : 0)
    }

    private static func number(_ text: ArraySlice<UInt8>) -> UInt64? {
        text.allSatisfy(\.isDigit) ? UInt64(String(bytes: text)) : nil
    }

    // MARK: URLs

    /// One of the URLs, and the value of each glob in it.
    package func url(_ index: Int) -> (url: String, values: [String]) {
        var rest = index
        var texts: [String] = []
        var values: [String] = []
        for part in parts.reversed() {
            let value = part.value(rest % part.count)
            rest /= part.count
            texts.append(value)
            if case .text = part { continue }
            values.append(value)
        }
        return (texts.reversed().joined(), values.reversed())
    }

    /// A file name in which `#1` is the value of the first glob. Numbers without a glob stay.
    package static func fill(_ name: String, with values: [String]) -> String {
        var filled: [UInt8] = []
        var rest = name.utf8[...]
        while let byte = rest.popFirst() {
            let digits = rest.prefix(while: \.isDigit)
            guard byte == UInt8(ascii: "#"), let number = Int(String(Substring(digits))),
                (1...max(1, values.count)).contains(number), !values.isEmpty
            else {
                filled.append(byte)
                continue
            }
            filled += values[number - 1].utf8
            rest = rest[digits.endIndex...]
        }
        return String(bytes: filled)
    }
}
