#if NIO
import HTTPHandlesCore
import HTTPHandlesDriver
public import HTTPTypes
public import NIOCore

// Bodies of SwiftNIO's buffers, with the trait `NIO`. A buffer is kept as it is, and copied once: into libcurl's memory.

extension RequestBody {
    /// The readable bytes of a buffer. They can be sent again where that is needed.
    ///
    /// The buffer is not copied before it is sent; a buffer that is changed afterwards is another one, as everywhere in SwiftNIO.
    /// Events: `writeComplete` for each piece, while `send` is pending.
    ///
    /// `CURLOPT_READFUNCTION`.
    public static func bytes(_ buffer: ByteBuffer) -> RequestBody {
        RequestBody(source: .opened { .stored(StoredBody([.bytes(BodyBytes(buffer.readableBytesView))])) })
    }

    /// Buffers from a sequence, of each of which the readable bytes are sent. See `stream(_:length:)` of pieces, which has the same
    /// back-pressure, errors and cancellation. Buffers are not copied before they are sent.
    ///
    /// - Parameters:
    ///   - buffers: The buffers; a sequence that cannot be started again is fine, but cannot be sent again.
    ///   - length: How many bytes there will be; the request fails if there are more or fewer. `nil` if that is not known:
    ///     then HTTP/1.1 sends them chunked.
    public static func stream<Buffers: AsyncSequence & Sendable>(
        _ buffers: Buffers,
        length: Int64? = nil
    ) -> RequestBody where Buffers.Element == ByteBuffer {
        RequestBody(
            source: .stream(length: length, hasTrailers: false) { writer in
                _ = try await writer.write(all: buffers) { BodyBytes($0.readableBytesView) }
                return [:]
            }
        )
    }

    /// Buffers from a sequence, and trailer fields behind them. See `stream(_:trailers:)` of pieces.
    ///
    /// - Parameters:
    ///   - buffers: The buffers.
    ///   - trailers: Called when all of them were written.
    public static func stream<Buffers: AsyncSequence & Sendable>(
        _ buffers: Buffers,
        trailers: @escaping @Sendable () async throws -> HTTPFields
    ) -> RequestBody where Buffers.Element == ByteBuffer {
        RequestBody(
            source: .stream(length: nil, hasTrailers: true) { writer in
                try await writer.write(all: buffers) { BodyBytes($0.readableBytesView) } ? try await trailers() : [:]
            }
        )
    }

    /// Buffers from a sequence that is made anew each time the body is sent. See `restartable(length:_:)` of pieces.
    ///
    /// - Parameters:
    ///   - length: How many bytes there will be; `nil` if that is not known.
    ///   - make: Makes the sequence.
    public static func restartable<Buffers: AsyncSequence & Sendable>(
        length: Int64? = nil,
        _ make: @escaping @Sendable () async throws -> Buffers
    ) -> RequestBody where Buffers.Element == ByteBuffer {
        produced(length: length) { _, writer in
            _ = try await writer.write(all: try await make()) { BodyBytes($0.readableBytesView) }
            return [:]
        }
    }
}

extension RequestHandle {
    /// Writes the readable bytes of a buffer, as the next piece of a body that was announced with `RequestBody.writes(length:)`. See
    /// `write(_:)` of bytes. The buffer is not copied before it is sent.
    ///
    /// `WinHttpWriteData`; `CURLOPT_READFUNCTION`.
    @discardableResult
    public nonisolated(nonsending) func write(_ buffer: ByteBuffer) async throws(HandleError) -> Bool {
        try await write(BodyBytes(buffer.readableBytesView))
    }
}
#endif
