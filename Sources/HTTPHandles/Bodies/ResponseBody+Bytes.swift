public import HTTPHandlesCore

extension ResponseBody {
    /// The body as single bytes, for parsers that take one after the other.
    ///
    ///     for try await byte in response.body.bytes { checksum = (checksum &<< 1) ^ UInt16(byte) }
    ///
    /// An iterator takes a piece of the body, and gives its bytes without suspending; it waits only where it has none left. To sum
    /// up or to copy bytes, a loop over the pieces is faster (`Docs/Types.md`).
    ///
    /// Events, errors and closing: as when reading the pieces. When the request is closed or the task cancelled, the rest of the
    /// piece that the iterator has is given, and then `.operationCancelled` is thrown.
    public var bytes: Bytes { Bytes(body: self) }

    /// An asynchronous sequence of bytes.
    public struct Bytes: AsyncSequence, Sendable {
        /// A byte.
        public typealias Element = UInt8
        /// What can go wrong while reading.
        public typealias Failure = HandleError

        let body: ResponseBody

        /// Begins to read, or goes on behind the pieces that were taken.
        public func makeAsyncIterator() -> Iterator { Iterator(pieces: body.makeAsyncIterator()) }

        /// Reads byte by byte.
        public struct Iterator: AsyncIteratorProtocol {
            var pieces: ResponseBody.Iterator
            @usableFromInline var piece: [UInt8] = []
            /// That of the next byte in `piece`.
            @usableFromInline var index = 0

            init(pieces: ResponseBody.Iterator) {
                self.pieces = pieces
            }

            /// The next byte; `nil` at the end.
            @inlinable
            @inline(__always)
            public nonisolated(nonsending) mutating func next() async throws(HandleError) -> UInt8? {
                if index < piece.count {
                    defer { index &+= 1 }
                    return piece[index]
                }
                return try await nextOfNextPiece()
            }

            /// The next byte; `nil` at the end.
            ///
            /// `actor` is not `isolated`: then the compiler would check for a change of the executor at each byte.
            @inlinable
            @inline(__always)
            public nonisolated(nonsending) mutating func next(
                isolation actor: (any Actor)?
            ) async throws(HandleError) -> UInt8? {
                try await next()
            }

            @usableFromInline
            nonisolated(nonsending) mutating func nextOfNextPiece() async throws(HandleError) -> UInt8? {
                piece = []
                index = 0
                guard let next = try await pieces.next() else { return nil }
                piece = next
                index = 1
                return next.first
            }
        }
    }
}
