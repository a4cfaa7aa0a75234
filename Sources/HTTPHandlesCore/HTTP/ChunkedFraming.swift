/// Parses the framing of a chunked body to detect when it is complete (RFC 9112, section 7.1).
///
/// libcurl decodes the body. This parser is strict where recipients differ, so that a body is not regarded as complete that
/// another recipient continues to read.
package struct ChunkedFraming: Sendable {
    /// The meaning of the next byte.
    private enum Position {
        /// A digit of a chunk's size, after a number of digits.
        case size(digits: Int)
        /// A byte of a chunk extension.
        case chunkExtension
        /// The LF after a chunk's size.
        case endOfSize
        /// A byte of a chunk's data.
        case data
        /// The CR after a chunk's data.
        case afterData
        /// The LF after it.
        case endOfData
        /// The first byte of a line of the trailer section; a CR begins the empty line.
        case trailerLine
        /// Another byte of such a line.
        case inTrailerLine
        /// The LF of such a line.
        case endOfTrailerLine
        /// The LF of the empty line.
        case endOfBody
        /// The body is complete.
        case complete
        /// The body is not a valid chunked body.
        case malformed
    }

    private var position = Position.size(digits: 0)
    /// The size of the current chunk; inside its data, the number of missing bytes.
    private var missing: Int64 = 0
    /// The number of data bytes in all chunks so far.
    package private(set) var dataBytes: Int64 = 0

    package init() {}

    /// Whether the body is complete, including the empty line at its end.
    package var isComplete: Bool {
        if case .complete = position { true } else { false }
    }

    /// The next bytes of the body.
    package mutating func take(_ bytes: some Collection<UInt8>) {
        var rest = bytes[...]
        while let byte = rest.first {
            if case .data = position {
                let count = Int(min(missing, Int64(rest.count)))
                rest = rest.dropFirst(count)
                missing -= Int64(count)
                dataBytes += Int64(count)
                if missing == 0 { position = .afterData }
            } else {
                position = position(after: byte)
                rest = rest.dropFirst()
            }
        }
    }

    private mutating func position(after byte: UInt8) -> Position {
        let isReturn = byte == UInt8(ascii: "\r")
        let isLineFeed = byte == UInt8(ascii: "\n")
        switch position {
        case .size(let digits):
            if byte.isHexDigit { return take(digit: byte, after: digits) }
            guard digits > 0, !isLineFeed else { return .malformed }
            return isReturn ? .endOfSize : .chunkExtension
        case .chunkExtension: return isLineFeed ? .malformed : isReturn ? .endOfSize : .chunkExtension
        case .endOfSize:
            guard isLineFeed else { return .malformed }
            return missing == 0 ? .trailerLine : .data
        case .afterData: return isReturn ? .endOfData : .malformed
        case .endOfData: return isLineFeed ? .size(digits: 0) : .malformed
        case .trailerLine: return isLineFeed ? .malformed : isReturn ? .endOfBody : .inTrailerLine
        case .inTrailerLine: return isLineFeed ? .malformed : isReturn ? .endOfTrailerLine : .inTrailerLine
        case .endOfTrailerLine: return isLineFeed ? .trailerLine : .malformed
        case .endOfBody: return isLineFeed ? .complete : .malformed
        // Bytes after the end are not part of the body.
        case .data, .complete, .malformed: return position
        }
    }

    private mutating func take(digit: UInt8, after digits: Int) -> Position {
        let value = digit.isASCIIDigit ? digit - UInt8(ascii: "0") : digit.asciiLowercased - UInt8(ascii: "a") + 10
        // A larger size exceeds an `Int64`, and libcurl refuses more digits.
        guard digits < 16, missing <= Int64.max >> 4 else { return .malformed }
        missing = missing << 4 | Int64(value)
        return .size(digits: digits + 1)
    }
}
