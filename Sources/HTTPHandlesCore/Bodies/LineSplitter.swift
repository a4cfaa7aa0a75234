/// Splits a stream of bytes into lines that end in LF, CRLF or CR. A line may be spread over any number of pieces.
///
/// A CR ends its line at once, without waiting for the next byte. An LF directly after it is skipped.
package struct LineSplitter: Sendable {
    /// A line is longer than allowed.
    package struct TooLong: Error, Hashable {}

    private let limit: Int
    private var bytes: [UInt8] = []
    /// The start of the incomplete line.
    private var start = 0
    /// The end of the bytes that were searched for a line end.
    private var scanned = 0
    private var isAfterCarriageReturn = false

    /// - Parameter limit: The maximum length of a line in bytes, without its end.
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

    /// Ends the stream. Returns the bytes after the last line end, if there are any.
    package mutating func finish() -> ArraySlice<UInt8>? {
        defer { start = bytes.count }
        return start < bytes.count ? bytes[start...] : nil
    }
}
