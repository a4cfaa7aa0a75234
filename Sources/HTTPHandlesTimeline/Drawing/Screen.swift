/// What text is drawn for: the size of a terminal, and whether it shows more than ASCII.
package struct Screen: Sendable, Hashable {
    package let columns: Int
    package let rows: Int
    package let isUnicode: Bool

    /// Unknown sizes are 80 and 24; there are at least 40 columns and 10 rows.
    package init(columns: Int? = nil, rows: Int? = nil, isUnicode: Bool = false) {
        self.columns = min(max(columns ?? 80, 40), 500)
        self.rows = min(max(rows ?? 24, 10), 500)
        self.isUnicode = isUnicode
    }

    /// Whether the locale of an environment has UTF-8: `LC_ALL`, otherwise `LC_CTYPE`, otherwise `LANG`.
    package static func isUnicode(_ environment: [String: String]) -> Bool {
        let names = ["LC_ALL", "LC_CTYPE", "LANG"]
        let locale = names.lazy.compactMap { environment[$0] }.first { !$0.isEmpty } ?? ""
        let encoding = locale.utf8.split(separator: UInt8(ascii: ".")).dropFirst().first ?? locale.utf8[...]
        let letters = encoding.filter { $0 != UInt8(ascii: "-") }.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }
        return letters.starts(with: "utf8".utf8)
    }

    /// A part of a line of cells, at least one cell long.
    func bar(from start: Double, to end: Double, cells: Int) -> String {
        let first = min(cells - 1, Int((min(max(start, 0), 1) * Double(cells))))
        let last = max(first + 1, Int((min(max(end, 0), 1) * Double(cells)).rounded()))
        let mark = isUnicode ? "\u{2588}" : "="
        return String(repeating: " ", count: first) + String(repeating: mark, count: last - first)
            + String(repeating: " ", count: cells - last)
    }

    var edge: String { isUnicode ? "\u{2502}" : "|" }

    /// ASCII text, cut to the width.
    func cut(_ text: String) -> String {
        text.utf8.count <= columns ? text : String(decoding: text.utf8.prefix(columns - 3), as: UTF8.self) + "..."
    }
}
