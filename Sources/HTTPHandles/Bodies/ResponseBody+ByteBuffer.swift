#if NIO
public import HTTPHandlesCore
import HTTPHandlesDriver
public import NIOCore

// Bodies as SwiftNIO's buffers, with the trait `NIO`.

extension ResponseBody {
    /// The body as buffers. From the first read on, each byte is copied once: from libcurl's memory into a buffer, which is handed over.
    ///
    /// Back-pressure, events, errors, closing and cancellation: as when reading the pieces.
    ///
    /// `WinHttpReadData`; `CURLOPT_WRITEFUNCTION`.
    public var buffers: Buffers { Buffers(body: self) }

    /// Reads the rest of the body into one buffer.
    ///
    /// The first buffer of `buffers` is the one that is returned, and the bytes of further ones are copied into it.
    /// Throws `.insufficientBuffer` as soon as there is more than `limit`; the rest of the body stays unread.
    ///
    /// - Parameter limit: The most bytes to accept.
    public nonisolated(nonsending) func collectBuffer(upTo limit: Int) async throws(HandleError) -> ByteBuffer {
        try requireLimit(limit)
        var collected = ByteBuffer()
        var buffers = buffers.makeAsyncIterator()
        while var buffer = try await buffers.next() {
            guard collected.readableBytes + buffer.readableBytes <= limit else { throw tooLong(limit) }
            guard collected.readableBytes > 0 else {
                collected = buffer
                continue
            }
            if collected.capacity < Self.trustedSize, let expected = expectedCount {
                collected.reserveCapacity(Swift.min(expected, limit, Self.trustedSize))
            }
            collected.writeBuffer(&buffer)
        }
        return collected
    }

    /// An asynchronous sequence of buffers.
    public struct Buffers: AsyncSequence, Sendable {
        /// A buffer with at least one readable byte.
        public typealias Element = ByteBuffer
        /// What can go wrong while reading.
        public typealias Failure = HandleError

        let body: ResponseBody

        /// Begins to read, or goes on where another iterator stopped.
        public func makeAsyncIterator() -> Iterator { Iterator(body: body) }

        /// Reads the next buffers of the body.
        public struct Iterator: AsyncIteratorProtocol {
            let body: ResponseBody
            private(set) var isOver = false

            /// The next buffer, never empty; `nil` at the end.
            public mutating func next() async throws(HandleError) -> ByteBuffer? {
                guard !isOver else { return nil }
                // Over, unless something comes.
                isOver = true
                let sink = try await body.next(into: BufferSink())
                isOver = sink == nil
                return (sink as? BufferSink)?.buffer
            }

            /// The next buffer, never empty; `nil` at the end.
            public mutating func next(
                isolation actor: isolated (any Actor)?
            ) async throws(HandleError) -> ByteBuffer? {
                try await next()
            }
        }
    }
}

private struct BufferSink: BodySink {
    private(set) var buffer = ByteBuffer()

    var count: Int { buffer.readableBytes }
    var array: [UInt8] { Array(buffer.readableBytesView) }

    mutating func reserve(_ count: Int) { buffer.reserveCapacity(count) }
    mutating func append(_ bytes: some Collection<UInt8>) { buffer.writeBytes(bytes) }
}
#endif
