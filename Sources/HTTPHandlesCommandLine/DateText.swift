/// Dates on the command line, for `-z`.
package enum DateText {
    private static let months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
    private static let days = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]

    /// The seconds since 1970 of a date in one of the usual forms, in UTC unless it has an offset; `nil` for other texts.
    ///
    /// The forms of RFC 9110, `2026-11-30`, `20261130`, `30 Nov 2026`, `Nov 30 2026`, each with a time, `T12:34:56`, if wanted,
    /// and with `GMT`, `UTC`, `Z`, `+0100`.
    package static func parse(_ text: String) -> Int64? {
        var date = Parts()
        let separators = Array(" ,\t".utf8)
        let words = text.utf8.split { separators.contains($0) }.map(\.lowercasedASCII)
        for word in words {
            // "2026-11-30T12:34:56Z"
            let parts =
                word.first?.isDigit == true ? word.split(separator: UInt8(ascii: "t")).map { [UInt8]($0) } : [word]
            for part in parts where !date.take(part) { return nil }
        }
        return date.seconds
    }

    private struct Parts {
        var year: Int64?
        var month: Int64?
        var day: Int64?
        var time: Int64?
        var offset: Int64?

        mutating func take(_ word: [UInt8]) -> Bool {
            let text = String(bytes: word)
            if let index = DateText.months.firstIndex(of: String(text.prefix(3))), word.allSatisfy(\.isLetter) {
                return set(\.month, Int64(index) + 1)
            }
            if DateText.days.contains(String(text.prefix(3))), word.allSatisfy(\.isLetter) { return true }
            if ["gmt", "utc", "z"].contains(text) { return set(\.offset, 0) }
            if word.contains(UInt8(ascii: ":")) { return takeTime(word) }
            if let sign = word.first, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") {
                guard word.count == 5, let number = number(word.dropFirst()) else { return false }
                let seconds = (number / 100 * 60 + number % 100) * 60
                return set(\.offset, sign == UInt8(ascii: "+") ? seconds : -seconds)
            }
            let fields = word.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
            if fields.count == 3 { return takeDate(fields.map { [UInt8]($0) }) }
            guard let number = number(word[...]) else { return false }
            switch word.count {
            case 8:
                return set(\.year, number / 10_000) && set(\.month, number / 100 % 100) && set(\.day, number % 100)
            case 4: return set(\.year, number)
            case 1, 2: return set(\.day, number)
            default: return false
            }
        }

        /// "2026-11-30", "30-Nov-2026" or "30-Nov-26".
        private mutating func takeDate(_ fields: [[UInt8]]) -> Bool {
            let isYearFirst = fields[0].count == 4
            let isMonthKnown =
                fields[1].allSatisfy(\.isLetter)
                ? take(fields[1]) : number(fields[1][...]).map { set(\.month, $0) } ?? false
            guard isMonthKnown, let year = number(fields[isYearFirst ? 0 : 2][...]),
                let day = number(fields[isYearFirst ? 2 : 0][...])
            else { return false }
            let isShort = !isYearFirst && fields[2].count == 2
            return set(\.year, isShort ? year + (year < 70 ? 2000 : 1900) : year) && set(\.day, day)
        }

        /// "12:34", "12:34:56", with "z" behind it.
        private mutating func takeTime(_ word: [UInt8]) -> Bool {
            var word = word
            if word.last == UInt8(ascii: "z") {
                guard set(\.offset, 0) else { return false }
                word.removeLast()
            }
            let fields = word.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false).map(number)
            guard fields.count == 2 || fields.count == 3, let hour = fields[0], let minute = fields[1], hour < 24,
                minute < 60
            else { return false }
            let second = fields.count == 3 ? fields[2] : 0
            guard let second, second <= 60 else { return false }
            return set(\.time, hour * 3600 + minute * 60 + second)
        }

        private func number(_ text: ArraySlice<UInt8>) -> Int64? {
            text.count <= 8 && text.allSatisfy(\.isDigit) ? Int64(String(bytes: text)) : nil
        }

        /// `false` if there is one already.
        private mutating func set(_ part: WritableKeyPath<Parts, Int64?>, _ value: Int64) -> Bool {
            guard self[keyPath: part] == nil else { return false }
            self[keyPath: part] = value
            return true
        }

        var seconds: Int64? {
            guard let year, let month, let day, year >= 1600, (1...12).contains(month), day >= 1 else { return nil }
            let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
            let lengths: [Int64] = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
            guard day <= lengths[Int(month) - 1] else { return nil }
            let years = year - 1
            let before = years * 365 + years / 4 - years / 100 + years / 400
            let days = before + lengths.prefix(Int(month) - 1).reduce(0, +) + day - 1 - 719_162
            return days * 86_400 + (time ?? 0) - (offset ?? 0)
        }
    }

    /// As in a header field, for example "Mon, 30 Nov 2026 12:34:56 GMT".
    package static func fieldValue(secondsSince1970 seconds: Int64) -> String {
        let day = seconds >= 0 ? seconds / 86_400 : (seconds - 86_399) / 86_400
        let second = seconds - day * 86_400
        // The year is searched for: at most some steps from a good guess.
        var year = 1970 + day / 366
        while start(of: year + 1) <= day { year += 1 }
        while start(of: year) > day { year -= 1 }
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        var rest = day - start(of: year)
        var month = 0
        for length: Int64 in [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] where rest >= 0 {
            guard rest >= length else { break }
            rest -= length
            month += 1
        }
        let name = days[Int(((day + 4) % 7 + 7) % 7)].capitalizedASCII
        let time = [second / 3600, second / 60 % 60, second % 60].map { padded($0, 2) }.joined(separator: ":")
        return "\(name), \(padded(rest + 1, 2)) \(months[month].capitalizedASCII) \(padded(year, 4)) \(time) GMT"
    }

    /// The days from 1970 to the first day of a year.
    private static func start(of year: Int64) -> Int64 {
        let years = year - 1
        return years * 365 + years / 4 - years / 100 + years / 400 - 719_162
    }

    private static func padded(_ number: Int64, _ width: Int) -> String {
        let digits = "\(number)"
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }
}

extension String {
    fileprivate var capitalizedASCII: String { String(bytes: utf8.prefix(1).map { $0 & 0xDF } + utf8.dropFirst()) }
}
