import HTTPHandlesCore

/// Undoes one coding, piece by piece.
protocol ContentDecoder: AnyObject {
    /// Decodes `input` from `start` on, appends at most `limit` bytes to `output`, and returns where it stopped reading.
    func decode(_ input: [UInt8], from start: Int, into output: inout [UInt8], limit: Int) throws(CodingFailure) -> Int
    /// Whether the data may end here.
    var isComplete: Bool { get }
}

/// What is wrong with coded data, for a person.
struct CodingFailure: Error {
    let reason: String
}

extension ContentCoding {
    /// The codings that this build can undo, the best first; what `Accept-Encoding` says.
    static let decodable: [ContentCoding] = {
        var codings: [ContentCoding] = []
        #if Zstd
        codings.append(.zstd)
        #endif
        #if Brotli
        codings.append(.brotli)
        #endif
        return codings + [.gzip, .deflate]
    }()

    /// `nil` if this build cannot undo the coding, or memory ran out.
    func makeDecoder() -> (any ContentDecoder)? {
        switch self {
        case .gzip, .deflate: return InflateDecoder(self)
        case .brotli:
            #if Brotli
            return BrotliDecoder()
            #else
            return nil
            #endif
        case .zstd:
            #if Zstd
            return ZstdDecoder()
            #else
            return nil
            #endif
        }
    }
}
