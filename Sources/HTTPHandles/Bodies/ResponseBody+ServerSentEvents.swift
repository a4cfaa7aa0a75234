public import HTTPHandlesCore
public import HTTPTypes

extension ResponseBody {
    /// The body as server-sent events, with at most 1 MiB of data each. See `serverSentEvents(upTo:lastEventID:)`.
    public var serverSentEvents: ServerSentEvents { serverSentEvents() }

    /// The body as the events of a `text/event-stream`, each delivered as soon as the empty line after it has arrived.
    ///
    ///     var events = response.body.serverSentEvents(lastEventID: lastEventID).makeAsyncIterator()
    ///     while let event = try await events.next() { … }
    ///     // To go on after a lost connection: wait for `events.reconnectionTime`, and send `events.lastEventID`.
    ///
    /// Whether the response is such a stream, its status and `Content-Type` say; nothing is connected again by itself:
    /// `Docs/Bodies.md` shows a loop that does all of this. There is no end to wait for: `receiveTimeout` is the longest
    /// silence. Events, errors, closing and cancellation: as when reading the pieces. An event that is longer than allowed
    /// is `.insufficientBuffer`.
    ///
    /// - Parameters:
    ///   - limit: The most bytes of the data of an event, and of a line.
    ///   - lastEventID: The last ID of the stream that this one goes on with; it stays the last one until the server gives
    ///     another.
    public func serverSentEvents(upTo limit: Int = 1 << 20, lastEventID: String = "") -> ServerSentEvents {
        ServerSentEvents(body: self, limit: limit, lastEventID: lastEventID)
    }

    /// An asynchronous sequence of server-sent events.
    public struct ServerSentEvents: AsyncSequence, Sendable {
        /// An event.
        public typealias Element = ServerSentEvent
        /// What can go wrong while reading.
        public typealias Failure = HandleError

        let body: ResponseBody
        let limit: Int
        let lastEventID: String

        /// Begins to read.
        public func makeAsyncIterator() -> Iterator {
            let parser = ServerSentEventParser(limit: limit, lastEventID: lastEventID)
            return Iterator(body: body, pieces: body.makeAsyncIterator(), parser: parser)
        }

        /// Reads event by event.
        public struct Iterator: AsyncIteratorProtocol {
            let body: ResponseBody
            var pieces: ResponseBody.Iterator
            var parser: ServerSentEventParser
            private(set) var isOver = false

            /// The last event ID that the server has given, also with events that have no data; if it has given none, the one
            /// that the stream began with.
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
