#if Brotli
import CHTTPHandlesBrotli
import HTTPHandlesCore

/// Decodes brotli (RFC 7932).
@safe
final class BrotliDecoder: ContentDecoder {
    private let state: OpaquePointer
    private var hasBegun = false
    private var isFinished = false
    /// The output limit was reached before the end of the output.
    private(set) var holdsOutput = false

    init?() {
        guard let state = unsafe BrotliDecoderCreateInstance(nil, nil, nil) else { return nil }
        unsafe self.state = state
    }

    deinit {
        unsafe BrotliDecoderDestroyInstance(state)
    }

    /// An empty input is accepted as an empty body.
    var isComplete: Bool { isFinished || !hasBegun }

    func decode(_ input: [UInt8], from start: Int, into output: inout [UInt8], limit: Int) throws(CodingFailure) -> Int
    {
        var position = start
        while position < input.count || holdsOutput, output.count < limit {
            // Bytes after the end are ignored, as in browsers.
            guard !isFinished else { return input.count }
            hasBegun = true
            let capacity = outputCapacity(input.count - position, limit - output.count)
            var result = BROTLI_DECODER_RESULT_ERROR
            let piece = unsafe [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
                unsafe input.withUnsafeBufferPointer { bytes in
                    var available = bytes.count - position
                    var next = unsafe bytes.baseAddress.map { unsafe $0 + position }
                    var capacity = capacity
                    var target = buffer.baseAddress
                    result = unsafe BrotliDecoderDecompressStream(state, &available, &next, &capacity, &target, nil)
                    position = bytes.count - available
                    count = buffer.count - capacity
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
