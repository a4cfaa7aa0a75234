/// Follows a chunked body through its bytes on the wire, to know when it is complete (RFC 9112, section 7.1).
///
/// It decodes nothing: libcurl does. It is strict where recipients differ, so a body is never taken for complete that
/// another recipient sees go on.
package struct ChunkedFraming: Sendable {
    /// What the next byte is.
    private enum Position {
        /// A digit of a chunk's size, of which so many came.
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
        /// The first byte of a line of the trailer section, which is empty where this is a CR.
        case trailerLine
        /// Another byte of such a line.
        case inTrailerLine
        /// The LF of such a line.
        case endOfTrailerLine
        /// The LF of the empty line.
        case endOfBody
        /// The body is complete.
        case complete
        /// What came is no chunked body.
        case malformed
    }

    private var position = Position.size(digits: 0)
    /// The size of the present chunk; while its data comes, how much of that is missing.
    private var missing: Int64 = 0
    /// How many bytes of data came in all chunks.
    package private(set) var dataBytes: Int64 = 0

    package init() {}

    /// Whether everything came, including the empty line at the end.
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
        // What comes after the end belongs to no body.
        case .data, .complete, .malformed: return position
        }
    }

    private mutating func take(digit: UInt8, after digits: Int) -> Position {
        let value = digit.isASCIIDigit ? digit - UInt8(ascii: "0") : digit.asciiLowercased - UInt8(ascii: "a") + 10
        // A larger size is no Int64, and libcurl refuses more digits.
        guard digits < 16, missing <= Int64.max >> 4 else { return .malformed }
        missing = missing << 4 | Int64(value)
        return .size(digits: digits + 1)
    }
}
