import HTTPHandlesCore

extension ResponseBody {
    /// The body as lines of UTF-8, with at most 1 MiB each. See `lines(upTo:)`.
    public var lines: Lines { lines(upTo: 1 << 20) }

    /// The body as lines of UTF-8, each delivered as soon as its end has arrived, without that end: LF, CRLF or CR. What
    /// follows the last line end is a line if it is not empty. Bytes that are not UTF-8 become U+FFFD.
    ///
    /// Events, errors, closing and cancellation: as when reading the pieces. A line that is longer than allowed is
    /// `.insufficientBuffer`.
    ///
    /// - Parameter limit: The most bytes of a line.
    public func lines(upTo limit: Int) -> Lines { Lines(body: self, limit: limit) }

    /// An asynchronous sequence of lines.
    public struct Lines: AsyncSequence, Sendable {
        /// A line without its end.
        public typealias Element = String
        /// What can go wrong while reading.
        public typealias Failure = HandleError

        let body: ResponseBody
        let limit: Int

        /// Begins to read.
        public func makeAsyncIterator() -> Iterator {
            Iterator(body: body, pieces: body.makeAsyncIterator(), splitter: LineSplitter(limit: limit))
        }

        /// Reads line by line.
        public struct Iterator: AsyncIteratorProtocol {
            let body: ResponseBody
            var pieces: ResponseBody.Iterator
            var splitter: LineSplitter
            private(set) var isOver = false

            /// The next line; `nil` at the end.
            public mutating func next() async throws(HandleError) -> String? {
                guard !isOver else { return nil }
                // Over, unless something comes.
                isOver = true
                while true {
                    if let line = try body.bounded({ () throws(LineSplitter.TooLong) in try splitter.next() }) {
                        isOver = false
                        return String(decoding: line, as: UTF8.self)
                    }
                    guard let piece = try await pieces.next() else {
                        return splitter.finish().map { String(decoding: $0, as: UTF8.self) }
                    }
                    splitter.append(piece)
                }
            }

            /// The next line; `nil` at the end.
            public mutating func next(
                isolation actor: isolated (any Actor)?
            ) async throws(HandleError) -> String? {
                try await next()
            }
        }
    }

    /// Throws for a line that is too long, and then closes the request if the body does that at its end.
    func bounded<Value>(_ body: () throws(LineSplitter.TooLong) -> Value) throws(HandleError) -> Value {
        do {
            return try body()
        } catch {
            closeRequest()
            throw HandleError(.insufficientBuffer, .readData, reason: "a line or an event is longer than allowed")
        }
    }
}
