public import HTTPHandlesCore
public import HTTPTypes

extension ResponseBody {
    /// The body as server-sent events, with at most 1 MiB of data each. See `serverSentEvents(upTo:)`.
    public var serverSentEvents: ServerSentEvents { serverSentEvents(upTo: 1 << 20) }

    /// The body as the events of a `text/event-stream`, each delivered as soon as the empty line after it has arrived.
    ///
    ///     var events = response.body.serverSentEvents.makeAsyncIterator()
    ///     while let event = try await events.next() { … }
    ///     // To go on after a lost connection: wait for `events.reconnectionTime`, and send `events.lastEventID`.
    ///     let headerFields: HTTPFields = [.lastEventID: events.lastEventID]
    ///
    /// Whether the response is such a stream, its status and `Content-Type` say; nothing is connected again by itself.
    /// There is no end to wait for: `receiveTimeout` is the longest silence. Events, errors, closing and cancellation: as
    /// when reading the pieces. An event that is longer than allowed is `.insufficientBuffer`.
    ///
    /// - Parameter limit: The most bytes of the data of an event, and of a line.
    public func serverSentEvents(upTo limit: Int) -> ServerSentEvents { ServerSentEvents(body: self, limit: limit) }

    /// An asynchronous sequence of server-sent events.
    public struct ServerSentEvents: AsyncSequence, Sendable {
        /// An event.
        public typealias Element = ServerSentEvent
        /// What can go wrong while reading.
        public typealias Failure = HandleError

        let body: ResponseBody
        let limit: Int

        /// Begins to read.
        public func makeAsyncIterator() -> Iterator {
            Iterator(body: body, pieces: body.makeAsyncIterator(), parser: ServerSentEventParser(limit: limit))
        }

        /// Reads event by event.
        public struct Iterator: AsyncIteratorProtocol {
            let body: ResponseBody
            var pieces: ResponseBody.Iterator
            var parser: ServerSentEventParser
            private(set) var isOver = false

            /// The last event ID that the server has given, also with events that have no data; empty if none.
            public var lastEventID: String { parser.lastEventID }

            /// How long the server wants clients to wait before they connect again; `nil` if it did not say.
            public var reconnectionTime: Duration? { parser.reconnectionTime }

            /// The next event; `nil` at the end. What follows the last empty line is no event.
            public mutating func next() async throws(HandleError) -> ServerSentEvent? {
                guard !isOver else { return nil }
                // Over, unless something comes.
                isOver = true
                while true {
                    if let event = try body.bounded({ () throws(LineSplitter.TooLong) in try parser.next() }) {
                        isOver = false
                        return event
                    }
                    guard let piece = try await pieces.next() else { return nil }
                    parser.append(piece)
                }
            }

            /// The next event; `nil` at the end.
            public mutating func next(
                isolation actor: isolated (any Actor)?
            ) async throws(HandleError) -> ServerSentEvent? {
                try await next()
            }
        }
    }
}

extension HTTPField.Name {
    /// `Last-Event-ID`: where a stream of server-sent events is to go on.
    public static var lastEventID: Self {
        guard let name = HTTPField.Name("Last-Event-ID") else { preconditionFailure("It is a token.") }
        return name
    }
}
