/// Amounts on the command line.
package enum Amounts {
    /// A number of bytes: `1000`, `10K`, `1.5M`, `1G`; the letters stand for powers of 1024.
    package static func bytes(_ text: String) -> Int64? {
        let letters = Array("kmgtp".utf8)
        let bytes = Array(text.utf8)
        let power = bytes.last.flatMap { letters.firstIndex(of: $0 | 0x20) }.map { $0 + 1 } ?? 0
        let digits =
            bytes.last == UInt8(ascii: "b") || bytes.last == UInt8(ascii: "B") || power > 0
            ? bytes.dropLast() : bytes[...]
        let characters = Array("0123456789.".utf8)
        guard !digits.isEmpty, digits.allSatisfy({ characters.contains($0) }),
            let number = Double(String(bytes: digits))
        else { return nil }
        let factor = (0..<power).reduce(1.0) { product, _ in product * 1024 }
        return Int64(exactly: (number * factor).rounded(.down))
    }

    /// The value of `Range` for `-r`: `0-99`, `100-`, `-100`, several with commas; a single number is an offset.
    package static func range(_ text: String) -> String? {
        let parts = text.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
        var ranges: [String] = []
        for part in parts {
            let ends = part.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
            guard ends.allSatisfy({ $0.allSatisfy(\.isDigit) && $0.count <= 19 }) else { return nil }
            let numbers = ends.map { UInt64(String(Substring($0))) }
            switch numbers.count {
            case 1 where numbers[0] != nil && parts.count == 1: ranges.append(String(Substring(part)) + "-")
            case 2:
                if let first = numbers[0], let last = numbers[1], first > last { return nil }
                guard numbers[0] != nil || numbers[1] != nil else { return nil }
                ranges.append(String(Substring(part)))
            default: return nil
            }
        }
        return "bytes=" + ranges.joined(separator: ",")
    }
}
