import CHTTPHandlesZlib
import HTTPHandlesCore

/// Decodes gzip and deflate with zlib.
///
/// "deflate" means the zlib format (RFC 9110, section 8.4.1.2), but some servers send raw deflate data. The first two
/// bytes identify the zlib format: they are a multiple of 31 and contain the method 8.
@safe
final class InflateDecoder: ContentDecoder {
    private enum Stage {
        /// Can transition to: inside.
        case start
        /// In the middle of a stream, or of one of several gzip members. Can transition to: end.
        case inside
        /// A stream is complete. Can transition to: inside (the next gzip member), trailing.
        case end
        /// Bytes after the last member are ignored, as by gzip and browsers. Final.
        case trailing
    }

    /// zlib's state has a pointer to it, so its address must not change.
    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    private let coding: ContentCoding
    private var stage = Stage.start
    /// The first byte of a deflate stream or of a possible gzip member, until the second byte has arrived.
    private var firstByte: UInt8?
    /// The output limit was reached before the end of the output.
    private(set) var holdsOutput = false

    init?(_ coding: ContentCoding) {
        self.coding = coding
        unsafe stream.initialize(to: z_stream())
        guard unsafe chttphandles_inflate_init(stream, Self.gzipFormat) == Z_OK else {
            unsafe stream.deallocate()
            return nil
        }
    }

    deinit {
        unsafe inflateEnd(stream)
        unsafe stream.deallocate()
    }

    private static let gzipFormat: Int32 = 15 + 16
    private static let zlibFormat: Int32 = 15
    private static let bareFormat: Int32 = -15

    /// An empty input is accepted as an empty body.
    var isComplete: Bool {
        switch stage {
        case .start: firstByte == nil
        case .inside: false
        case .end, .trailing: true
        }
    }

    func decode(_ input: [UInt8], from start: Int, into output: inout [UInt8], limit: Int) throws(CodingFailure) -> Int
    {
        var position = start
        while position < input.count || holdsOutput, output.count < limit {
            switch stage {
            case .start where coding == .deflate:
                guard let first = firstByte else {
                    firstByte = input[position]
                    position += 1
                    continue
                }
                let isZlib = first & 0x0F == 8 && (Int(first) << 8 | Int(input[position])) % 31 == 0
                unsafe inflateReset2(stream, isZlib ? Self.zlibFormat : Self.bareFormat)
                stage = .inside
                _ = try inflate([first], from: 0, into: &output, limit: limit)
            case .start: stage = .inside
            case .end: try beginMember(input, &position, into: &output, limit: limit)
            case .trailing: return input.count
            case .inside: position = try inflate(input, from: position, into: &output, limit: limit)
            }
        }
        return position
    }

    /// Several gzip members are one body (RFC 1952, section 2.2). Bytes that begin like a member must be a member.
    private func beginMember(
        _ input: [UInt8],
        _ position: inout Int,
        into output: inout [UInt8],
        limit: Int
    ) throws(CodingFailure) {
        let expected: UInt8 = firstByte == nil ? 0x1F : 0x8B
        guard coding == .gzip, input[position] == expected else {
            stage = .trailing
            return
        }
        guard let first = firstByte else {
            firstByte = input[position]
            position += 1
            return
        }
        firstByte = nil
        unsafe inflateReset2(stream, Self.gzipFormat)
        stage = .inside
        _ = try inflate([first], from: 0, into: &output, limit: limit)
    }

    private func inflate(
        _ input: [UInt8],
        from start: Int,
        into output: inout [UInt8],
        limit: Int
    ) throws(CodingFailure) -> Int {
        let capacity = outputCapacity(input.count - start, limit - output.count)
        var result = Z_OK
        var used = 0
        let piece = unsafe [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
            unsafe input.withUnsafeBufferPointer { bytes in
                // zlib does not write to its input.
                let next = unsafe bytes.baseAddress.map { unsafe $0 + start }
                unsafe stream.pointee.next_in = UnsafeMutablePointer(mutating: next)
                unsafe stream.pointee.avail_in = UInt32(clamping: bytes.count - start)
                unsafe stream.pointee.next_out = buffer.baseAddress
                unsafe stream.pointee.avail_out = UInt32(clamping: capacity)
                result = unsafe CHTTPHandlesZlib.inflate(stream, Z_NO_FLUSH)
                used = unsafe Int(UInt32(clamping: bytes.count - start) - stream.pointee.avail_in)
                count = unsafe Int(UInt32(clamping: capacity) - stream.pointee.avail_out)
            }
        }
        holdsOutput = piece.count == capacity && result == Z_OK
        if output.isEmpty { output = piece } else { output += piece }
        switch result {
        case Z_OK, Z_BUF_ERROR: break
        case Z_STREAM_END: stage = .end
        default:
            guard let text = unsafe stream.pointee.msg else { throw CodingFailure(reason: "zlib reports \(result)") }
            throw CodingFailure(reason: unsafe String(cString: text))
        }
        return start + used
    }
}
