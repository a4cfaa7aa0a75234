#if Brotli
import CHTTPHandlesBrotli
import HTTPHandlesCore

/// Undoes brotli (RFC 7932).
@safe
final class BrotliDecoder: ContentDecoder {
    private let state: OpaquePointer
    private var hasBegun = false
    private var isFinished = false
    /// There was more to give than there was room for.
    private(set) var holdsOutput = false

    init?() {
        guard let state = unsafe BrotliDecoderCreateInstance(nil, nil, nil) else { return nil }
        unsafe self.state = state
    }

    deinit {
        unsafe BrotliDecoderDestroyInstance(state)
    }

    /// A body of no bytes at all is taken for an empty one.
    var isComplete: Bool { isFinished || !hasBegun }

    func decode(_ input: [UInt8], from start: Int, into output: inout [UInt8], limit: Int) throws(CodingFailure) -> Int
    {
        var position = start
        while position < input.count || holdsOutput, output.count < limit {
            // What follows the end is left out, as in browsers.
            guard !isFinished else { return input.count }
            hasBegun = true
            let room = pieceRoom(input.count - position, limit - output.count)
            var result = BROTLI_DECODER_RESULT_ERROR
            let piece = unsafe [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
                unsafe input.withUnsafeBufferPointer { bytes in
                    var available = bytes.count - position
                    var next = unsafe bytes.baseAddress.map { unsafe $0 + position }
                    var room = room
                    var target = buffer.baseAddress
                    result = unsafe BrotliDecoderDecompressStream(state, &available, &next, &room, &target, nil)
                    position = bytes.count - available
                    count = buffer.count - room
                }
            }
            output += piece
            holdsOutput = result == BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT
            switch result {
            case BROTLI_DECODER_RESULT_SUCCESS: isFinished = true
            case BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT, BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT: break
            default:
                let code = unsafe BrotliDecoderGetErrorCode(state)
                throw CodingFailure(reason: unsafe String(cString: BrotliDecoderErrorString(code)))
            }
        }
        return position
    }
}
#endif
