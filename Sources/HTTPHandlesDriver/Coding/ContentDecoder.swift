import HTTPHandlesCore

/// Undoes one coding, piece by piece.
protocol ContentDecoder: AnyObject {
    /// Decodes `input` from `start` on, appends at most `limit` bytes to `output`, and returns where it stopped reading: at
    /// the end of the input, or where the limit was reached. What came out before a failure is in `output`.
    func decode(_ input: [UInt8], from start: Int, into output: inout [UInt8], limit: Int) throws(CodingFailure) -> Int
    /// Whether the data may end here.
    var isComplete: Bool { get }
    /// Whether something may come out without further input.
    var holdsOutput: Bool { get }
}

extension ContentDecoder {
    /// How much room to give a library: what is not filled is wasted until the reader has read the piece.
    func pieceRoom(_ coded: Int, _ limit: Int) -> Int { min(limit, max(16 * 1024, coded * 8)) }
}

/// What is wrong with coded data, for a person.
struct CodingFailure: Error {
    let reason: String
}

extension ContentCoding {
    /// The codings that this build can undo, the best first; what `Accept-Encoding` says.
    static let decodable: [ContentCoding] = [.zstd, .brotli, .gzip, .deflate].filter { $0.makeDecoder() != nil }

    /// `nil` if this build cannot undo the coding, or memory ran out.
    func makeDecoder() -> (any ContentDecoder)? {
        switch self {
        case .gzip, .deflate: return InflateDecoder(self)
        #if Brotli
        case .brotli: return BrotliDecoder()
        #else
        case .brotli: return nil
        #endif
        #if Zstd
        case .zstd: return ZstdDecoder()
        #else
        case .zstd: return nil
        #endif
        }
    }
}
