/// Splits bytes into lines that end in LF, CRLF or CR, wherever the pieces end.
///
/// A CR ends its line at once, so that nobody waits for what comes next; an LF that then comes belongs to it.
package struct LineSplitter: Sendable {
    /// A line is longer than allowed.
    package struct TooLong: Error, Hashable {}

    private let limit: Int
    private var bytes: [UInt8] = []
    /// Where the line begins that is not complete.
    private var start = 0
    /// Up to where no line ends.
    private var scanned = 0
    private var isAfterCarriageReturn = false

    /// - Parameter limit: The most bytes of a line, its end not counted.
    package init(limit: Int) {
        self.limit = limit
    }

    package mutating func append(_ piece: [UInt8]) {
        bytes.removeFirst(start)
        scanned -= start
        start = 0
        if bytes.isEmpty { bytes = piece } else { bytes += piece }
    }

    /// The next complete line, without its end.
    package mutating func next() throws(TooLong) -> ArraySlice<UInt8>? {
        while scanned < bytes.count {
            let byte = bytes[scanned]
            scanned += 1
            if byte == UInt8(ascii: "\n"), isAfterCarriageReturn {
                isAfterCarriageReturn = false
                start = scanned
                continue
            }
            isAfterCarriageReturn = byte == UInt8(ascii: "\r")
            guard isAfterCarriageReturn || byte == UInt8(ascii: "\n") else { continue }
            let line = bytes[start..<(scanned - 1)]
            guard line.count <= limit else { throw TooLong() }
            start = scanned
            return line
        }
        guard scanned - start <= limit else { throw TooLong() }
        return nil
    }

    /// The bytes after the last line end, if there are any: there will be no more.
    package mutating func finish() -> ArraySlice<UInt8>? {
        defer { start = bytes.count }
        return start < bytes.count ? bytes[start...] : nil
    }
}
