/// A date of HTTP: whole seconds, in UTC (RFC 9110, section 5.6.7).
///
///     if let changed = head.headerFields[.lastModified].flatMap({ HTTPDate($0) }) { print(changed.secondsSince1970) }
///
/// From 1970 to 9999. `WinHttpTimeToSystemTime`, `WinHttpTimeFromSystemTime`.
public struct HTTPDate: Sendable, Hashable, Comparable {
    /// The seconds since 1970.
    public let secondsSince1970: Int64

    /// Makes a date; one before 1970 or after 9999 is the next one in between.
    public init(secondsSince1970 seconds: Int64) {
        secondsSince1970 = min(max(seconds, 0), Self.last)
    }

    /// The three formats of RFC 9110.
    public enum Format: Sendable, Hashable, CaseIterable {
        /// "Sun, 06 Nov 1994 08:49:37 GMT": what is sent.
        case imfFixdate
        /// "Sunday, 06-Nov-94 08:49:37 GMT": obsolete.
        case rfc850
        /// "Sun Nov  6 08:49:37 1994": obsolete.
        case asctime
    }

    /// Parses a date in one of the three formats; `nil` for any other text, and for dates that do not exist.
    ///
    /// The name of the day is not compared with the date. The case of letters matters.
    ///
    /// - Parameters:
    ///   - text: The text.
    ///   - now: A year of two digits that would be more than 50 years after this date is in the century before.
    public init?(_ text: String, now: HTTPDate) {
        let bytes = Array(text.utf8)
        guard let date = Self.fixdate(bytes) ?? Self.rfc850(bytes, now) ?? Self.asctime(bytes) else { return nil }
        self = date
    }

    /// The date as a text.
    public func text(_ format: Format = .imfFixdate) -> String {
        let date = CalendarDate(secondsSince1970: secondsSince1970)
        let (name, month) = (Self.days[weekday], Self.months[Int(date.month) - 1])
        let (hour, minute, second) = (date.secondOfDay / 3600, date.secondOfDay / 60 % 60, date.secondOfDay % 60)
        let time = "\(Self.two(hour)):\(Self.two(minute)):\(Self.two(second))"
        let year = String(repeating: "0", count: 4 - "\(date.year)".utf8.count) + "\(date.year)"
        return switch format {
        case .imfFixdate: "\(name.prefix(3)), \(Self.two(date.day)) \(month) \(year) \(time) GMT"
        case .rfc850: "\(name), \(Self.two(date.day))-\(month)-\(Self.two(date.year % 100)) \(time) GMT"
        case .asctime: "\(name.prefix(3)) \(month) \(date.day < 10 ? " " : "")\(date.day) \(time) \(year)"
        }
    }

    /// For example "1994-11-06T08:49:37Z" (RFC 3339).
    package var rfc3339Text: String {
        let date = CalendarDate(secondsSince1970: secondsSince1970)
        let year = String(repeating: "0", count: 4 - "\(date.year)".utf8.count) + "\(date.year)"
        let (hour, minute, second) = (date.secondOfDay / 3600, date.secondOfDay / 60 % 60, date.secondOfDay % 60)
        let day = "\(year)-\(Self.two(date.month))-\(Self.two(date.day))"
        return "\(day)T\(Self.two(hour)):\(Self.two(minute)):\(Self.two(second))Z"
    }

    /// Orders dates by time.
    public static func < (one: HTTPDate, other: HTTPDate) -> Bool { one.secondsSince1970 < other.secondsSince1970 }

    // MARK: Parsing

    private static func fixdate(_ bytes: [UInt8]) -> HTTPDate? {
        var scanner = DateScanner(bytes)
        guard scanner.name(of: days, prefix: 3) != nil, scanner.take(", "), let day = scanner.number(2),
            scanner.take(" "),
            let month = scanner.name(of: months, prefix: 3), scanner.take(" "), let year = scanner.number(4),
            scanner.take(" "), let time = scanner.time(), scanner.take(" GMT"), scanner.isAtEnd
        else { return nil }
        return HTTPDate(year, month, day, time)
    }

    private static func rfc850(_ bytes: [UInt8], _ now: HTTPDate) -> HTTPDate? {
        var scanner = DateScanner(bytes)
        guard scanner.name(of: days, prefix: nil) != nil, scanner.take(", "), let day = scanner.number(2),
            scanner.take("-"), let month = scanner.name(of: months, prefix: 3), scanner.take("-"),
            let year = scanner.number(2), scanner.take(" "), let time = scanner.time(), scanner.take(" GMT"),
            scanner.isAtEnd
        else { return nil }
        let present = CalendarDate(secondsSince1970: now.secondsSince1970).year
        var whole = present - present % 100 + year
        if whole > present + 50 { whole -= 100 } else if whole <= present - 50 { whole += 100 }
        return HTTPDate(whole, month, day, time)
    }

    private static func asctime(_ bytes: [UInt8]) -> HTTPDate? {
        var scanner = DateScanner(bytes)
        guard scanner.name(of: days, prefix: 3) != nil, scanner.take(" "),
            let month = scanner.name(of: months, prefix: 3), scanner.take(" "),
            let day = scanner.take(" ") ? scanner.number(1) : scanner.number(2), scanner.take(" "),
            let time = scanner.time(), scanner.take(" "), let year = scanner.number(4), scanner.isAtEnd
        else { return nil }
        return HTTPDate(year, month, day, time)
    }

    private init?(_ year: Int64, _ month: Int, _ day: Int64, _ time: String) {
        func padded(_ number: Int64, _ width: Int) -> String {
            String(repeating: "0", count: max(width - "\(number)".utf8.count, 0)) + "\(number)"
        }
        // A leap second is the last second of its minute.
        let time = time.utf8.suffix(2).elementsEqual("60".utf8) ? "\(time.prefix(6))59" : time
        let text = "\(padded(year, 4))\(padded(Int64(month) + 1, 2))\(padded(day, 2)) \(time)"
        guard let date = CalendarDate(compactText: text) else { return nil }
        secondsSince1970 = date.secondsSince1970
    }

    /// From Sunday.
    private var weekday: Int { Int((secondsSince1970 / 86_400 + 4) % 7) }

    private static func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }

    /// 9999-12-31 23:59:59.
    private static let last: Int64 = 253_402_300_799

    private static let days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
}

extension HTTPDate: CustomStringConvertible {
    /// The date as it is sent, for example "Sun, 06 Nov 1994 08:49:37 GMT".
    public var description: String { text() }
}

/// Takes a date apart, from its beginning.
private struct DateScanner {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) {
        rest = bytes[...]
    }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func take(_ text: StaticString) -> Bool {
        let text = text.description.utf8
        guard rest.starts(with: text) else { return false }
        rest = rest.dropFirst(text.count)
        return true
    }

    mutating func number(_ digits: Int) -> Int64? {
        let text = rest.prefix(digits)
        guard text.count == digits, text.allSatisfy(\.isASCIIDigit) else { return nil }
        rest = rest.dropFirst(digits)
        return text.reduce(0) { $0 * 10 + Int64($1 - UInt8(ascii: "0")) }
    }

    /// The index of the name that comes next, of which `prefix` letters are written.
    mutating func name(of names: [String], prefix: Int?) -> Int? {
        for (index, name) in names.enumerated() {
            let text = Array(name.utf8.prefix(prefix ?? name.utf8.count))
            guard rest.starts(with: text) else { continue }
            rest = rest.dropFirst(text.count)
            return index
        }
        return nil
    }

    /// For example "08:49:37".
    mutating func time() -> String? {
        let text = rest.prefix(8)
        guard text.count == 8 else { return nil }
        rest = rest.dropFirst(8)
        return String(decoding: text, as: UTF8.self)
    }
}
