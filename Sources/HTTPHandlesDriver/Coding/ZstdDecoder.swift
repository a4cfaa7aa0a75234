#if Zstd
import CHTTPHandlesZstd
import HTTPHandlesCore

/// Decodes zstd (RFC 8878). Several frames are one body. Other bytes after them are an error, as in curl, zstd and
/// Chromium: the format has skippable frames for additional data.
@safe
final class ZstdDecoder: ContentDecoder {
    private let stream: OpaquePointer
    /// Between two frames, or before the first one.
    private(set) var isComplete = true
    /// The output limit was reached: there may be more output.
    private(set) var holdsOutput = false

    init?() {
        guard let stream = unsafe ZSTD_createDStream() else { return nil }
        unsafe self.stream = stream
        // The maximum window size for HTTP is 8 MiB (RFC 9659).
        unsafe ZSTD_DCtx_setParameter(stream, ZSTD_d_windowLogMax, 23)
    }

    deinit {
        unsafe ZSTD_freeDStream(stream)
    }

    func decode(_ input: [UInt8], from start: Int, into output: inout [UInt8], limit: Int) throws(CodingFailure) -> Int
    {
        var position = start
        while position < input.count || holdsOutput, output.count < limit {
            let capacity = outputCapacity(input.count - position, limit - output.count)
            var result = 0
            let piece = unsafe [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
                unsafe input.withUnsafeBytes { bytes in
                    var from = unsafe ZSTD_inBuffer(src: bytes.baseAddress, size: bytes.count, pos: position)
                    var to = unsafe ZSTD_outBuffer(dst: buffer.baseAddress, size: capacity, pos: 0)
                    result = unsafe ZSTD_decompressStream(stream, &to, &from)
                    position = unsafe from.pos
                    count = unsafe to.pos
                }
            }
            output += piece
            guard ZSTD_isError(result) == 0 else {
                throw CodingFailure(reason: unsafe String(cString: ZSTD_getErrorName(result)))
            }
            isComplete = result == 0
            holdsOutput = piece.count == capacity && result != 0
        }
        return position
    }
}
#endif
