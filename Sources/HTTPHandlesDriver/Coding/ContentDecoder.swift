import HTTPHandlesCore

/// A streaming decoder for one coding.
protocol ContentDecoder: AnyObject {
    /// Decodes `input` from `start` on, appends at most `limit` bytes to `output`, and returns the offset where it stopped:
    /// the end of the input, or earlier if the limit was reached. Output before a failure is in `output`.
    func decode(_ input: [UInt8], from start: Int, into output: inout [UInt8], limit: Int) throws(CodingFailure) -> Int
    /// Whether the input may end here.
    var isComplete: Bool { get }
    /// Whether there may be output without further input.
    var holdsOutput: Bool { get }
}

extension ContentDecoder {
    /// The size of an output buffer. Unused capacity is wasted until the piece was read.
    func outputCapacity(_ coded: Int, _ limit: Int) -> Int { min(limit, max(16 * 1024, coded * 8)) }
}

/// Why coded data cannot be decoded.
struct CodingFailure: Error {
    let reason: String
}

extension ContentCoding {
    /// The codings that this build can decode, the best first: the value of `Accept-Encoding`.
    static let decodable: [ContentCoding] = [.zstd, .brotli, .gzip, .deflate].filter { $0.makeDecoder() != nil }

    /// `nil` if this build cannot decode the coding, or there is no memory.
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
