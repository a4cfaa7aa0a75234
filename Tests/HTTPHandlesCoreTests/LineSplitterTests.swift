import HTTPHandlesCore
import Testing

/// All splits of bytes into two pieces, and the split into single bytes.
func everySplit(_ bytes: [UInt8]) -> [[[UInt8]]] {
    (0...bytes.count).map { [Array(bytes[..<$0]), Array(bytes[$0...])] } + [bytes.map { [$0] }]
}

@Suite("Lines")
struct LineSplitterTests {
    /// The lines, and "!" for one that is too long.
    func lines(_ pieces: [[UInt8]], limit: Int = 100) -> [String] {
        var splitter = LineSplitter(limit: limit)
        var lines: [String] = []
        do {
            for piece in pieces {
                splitter.append(piece)
                while let line = try splitter.next() { lines.append(String(decoding: line, as: UTF8.self)) }
            }
            if let line = splitter.finish() { lines.append(String(decoding: line, as: UTF8.self)) }
        } catch {
            lines.append("!")
        }
        return lines
    }

    @Test(
        arguments: [
            ("", []), ("a", ["a"]), ("a\n", ["a"]), ("a\nb", ["a", "b"]), ("\n", [""]), ("\r\n", [""]), ("\r", [""]),
            ("\r\r\n\n", ["", "", ""]), ("a\r\nb\rc\nd", ["a", "b", "c", "d"]), ("ü\r\n\r\nö€\r\n", ["ü", "", "ö€"]),
            ("a\n\rb", ["a", "", "b"]), ("a\0b\u{85}\u{2028}c\n", ["a\0b\u{85}\u{2028}c"]),
        ] as [(String, [String])]
    )
    func `a line ends in LF, CRLF or CR, for any split into pieces`(text: String, expected: [String]) {
        for pieces in everySplit(Array(text.utf8)) { #expect(lines(pieces) == expected) }
    }

    @Test(
        arguments: [
            ("abcd\nabc\n", ["abcd", "abc"]), ("abc\nabcde\nx\n", ["abc", "!"]), ("abcde", ["!"]), ("abcd", ["abcd"]),
            ("abcd\r\nabcd\r\n", ["abcd", "abcd"]),
        ] as [(String, [String])]
    )
    func `a line that is too long is an error, for any split into pieces`(text: String, expected: [String]) {
        for pieces in everySplit(Array(text.utf8)) { #expect(lines(pieces, limit: 4) == expected) }
    }

    @Test func `a CR ends its line at once`() throws {
        var splitter = LineSplitter(limit: 10)
        splitter.append(Array("a\r".utf8))
        #expect(try splitter.next().map(Array.init) == Array("a".utf8))
        splitter.append(Array("\nb\n".utf8))
        #expect(try splitter.next().map(Array.init) == Array("b".utf8))
        #expect(splitter.finish() == nil)
    }
}
