#if Zstd
import CHTTPHandlesZstd
import HTTPHandlesCore

/// Undoes zstd (RFC 8878). Several frames in a row are one body, and what follows them is an error, as in curl, zstd and
/// Chromium: the format has frames to be skipped for whatever else there is to say.
@safe
final class ZstdDecoder: ContentDecoder {
    private let stream: OpaquePointer
    /// Between two frames, or before the first one.
    private(set) var isComplete = true
    /// There may be more to give than there was room for.
    private(set) var holdsOutput = false

    init?() {
        guard let stream = unsafe ZSTD_createDStream() else { return nil }
        unsafe self.stream = stream
        // RFC 9659: what a browser takes, 8 MiB, is what a server may send.
        unsafe ZSTD_DCtx_setParameter(stream, ZSTD_d_windowLogMax, 23)
    }

    deinit {
        unsafe ZSTD_freeDStream(stream)
    }

    func decode(_ input: [UInt8], from start: Int, into output: inout [UInt8], limit: Int) throws(CodingFailure) -> Int
    {
        var position = start
        while position < input.count || holdsOutput, output.count < limit {
            let room = pieceRoom(input.count - position, limit - output.count)
            var result = 0
            let piece = unsafe [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
                unsafe input.withUnsafeBytes { bytes in
                    var from = unsafe ZSTD_inBuffer(src: bytes.baseAddress, size: bytes.count, pos: position)
                    var to = unsafe ZSTD_outBuffer(dst: buffer.baseAddress, size: room, pos: 0)
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
            holdsOutput = piece.count == room && result != 0
        }
        return position
    }
}
#endif
