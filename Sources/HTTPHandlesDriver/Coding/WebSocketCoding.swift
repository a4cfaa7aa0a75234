import CHTTPHandlesZlib
package import HTTPHandlesCore

extension WebSocketCompression {
    /// zlib's engines. Each takes its memory with the first message that needs it: most connections are idle, or use only one.
    package init(_ agreement: PermessageDeflate.Agreement) {
        self.init(
            agreement,
            inflater: MessageInflaterEngine(windowBits: agreement.serverWindowBits),
            deflater: MessageDeflaterEngine(windowBits: agreement.clientWindowBits)
        )
    }
}

/// A stream of zlib, whose state has a pointer to it, so that its address must not change.
@safe
private final class ZlibStream {
    let pointer = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    private let end: (UnsafeMutablePointer<z_stream>) -> Void

    init?(
        _ begin: (UnsafeMutablePointer<z_stream>) -> Int32,
        end: @escaping (UnsafeMutablePointer<z_stream>) -> Void
    ) {
        unsafe self.end = end
        unsafe pointer.initialize(to: z_stream())
        guard unsafe begin(pointer) == Z_OK else {
            unsafe pointer.deallocate()
            return nil
        }
    }

    deinit {
        unsafe end(pointer)
        unsafe pointer.deallocate()
    }

    /// Runs `step` with room for `capacity` bytes of output. Returns the output, how much of the input was used, and zlib's
    /// result.
    func run(
        _ input: ArraySlice<UInt8>,
        capacity: Int,
        _ step: (UnsafeMutablePointer<z_stream>) -> Int32
    ) -> (output: [UInt8], used: Int, result: Int32) {
        var (used, result) = (0, Z_OK)
        let output = unsafe [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
            unsafe input.withUnsafeBufferPointer { bytes in
                // zlib does not write to its input.
                unsafe pointer.pointee.next_in = UnsafeMutablePointer(mutating: bytes.baseAddress)
                unsafe pointer.pointee.avail_in = UInt32(clamping: bytes.count)
                unsafe pointer.pointee.next_out = buffer.baseAddress
                unsafe pointer.pointee.avail_out = UInt32(clamping: capacity)
                result = unsafe step(pointer)
                used = unsafe Int(UInt32(clamping: bytes.count) - pointer.pointee.avail_in)
                count = unsafe Int(UInt32(clamping: capacity) - pointer.pointee.avail_out)
            }
        }
        return (output, used, result)
    }
}

extension WebSocketFailure {
    fileprivate static let noMemory = invalidPayload("zlib has no memory")
}

/// Inflates messages with zlib.
final class MessageInflaterEngine: WebSocketInflater {
    private let windowBits: Int32
    private var stream: ZlibStream?
    private(set) var holdsOutput = false

    init(windowBits: Int) {
        self.windowBits = Int32(windowBits)
    }

    func inflate(
        _ input: inout ArraySlice<UInt8>,
        into output: inout [UInt8],
        limit: Int
    ) throws(WebSocketFailure) {
        if stream == nil {
            let bits = -windowBits
            unsafe stream = ZlibStream {
                unsafe chttphandles_inflate_init($0, bits)
            } end: {
                unsafe inflateEnd($0)
            }
        }
        guard let stream else { throw .noMemory }
        let end = output.count + limit
        while !input.isEmpty || holdsOutput, output.count < end {
            // Room for what data of this length usually make, so that a short message costs a short buffer.
            let capacity = min(max(4 * input.count, 512), end - output.count)
            let piece = unsafe stream.run(input, capacity: capacity) {
                unsafe CHTTPHandlesZlib.inflate($0, Z_NO_FLUSH)
            }
            output += piece.output
            input = input.dropFirst(piece.used)
            holdsOutput = piece.output.count == capacity && piece.result == Z_OK
            switch piece.result {
            case Z_OK: break
            case Z_BUF_ERROR: return
            case Z_STREAM_END: try goOn(stream)
            default:
                let text = unsafe stream.pointer.pointee.msg.map { unsafe String(cString: $0) }
                throw .invalidPayload("a message does not inflate: \(text ?? "zlib reports \(piece.result)")")
            }
        }
    }

    /// After a final block another one begins at the next byte, with the same window (RFC 7692, section 7.2.3.5).
    private func goOn(_ stream: ZlibStream) throws(WebSocketFailure) {
        var length: UInt32 = 0
        var window = [UInt8](repeating: 0, count: 1 << 15)
        unsafe inflateGetDictionary(stream.pointer, &window, &length)
        unsafe inflateReset(stream.pointer)
        guard unsafe length == 0 || inflateSetDictionary(stream.pointer, window, length) == Z_OK else {
            throw .noMemory
        }
    }

    func reset() {
        holdsOutput = false
        if let stream { unsafe inflateReset(stream.pointer) }
    }
}

/// Deflates messages with zlib.
final class MessageDeflaterEngine: WebSocketDeflater {
    private let windowBits: Int32
    private var stream: ZlibStream?

    init(windowBits: Int) {
        self.windowBits = Int32(windowBits)
    }

    func deflate(_ input: ArraySlice<UInt8>, into output: inout [UInt8], flush: Bool) throws(WebSocketFailure) {
        if stream == nil {
            let bits = -windowBits
            unsafe stream = ZlibStream {
                unsafe chttphandles_deflate_init($0, bits)
            } end: {
                unsafe deflateEnd($0)
            }
        }
        guard let stream else { throw .noMemory }
        var rest = input
        while true {
            let capacity = max(rest.count + rest.count / 8, 256)
            let piece = unsafe stream.run(rest, capacity: capacity) {
                unsafe CHTTPHandlesZlib.deflate($0, flush ? Z_SYNC_FLUSH : Z_NO_FLUSH)
            }
            output += piece.output
            rest = rest.dropFirst(piece.used)
            // With room left over everything has come; `Z_BUF_ERROR` is that there was nothing to do.
            if piece.output.count < capacity, rest.isEmpty { return }
        }
    }

    func reset() {
        if let stream { unsafe deflateReset(stream.pointer) }
    }
}
