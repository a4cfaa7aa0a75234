public import HTTPHandlesCore
import HTTPHandlesDriver
public import HTTPTypes

/// Server-sent events as one sequence over many connections (HTML standard, section 9.2).
///
///     let source = try await session.serverSentEvents(from: "https://example.com/feed")
///     for try await event in source { print(event.type, event.data) }
///
/// When a connection ends, is lost, or is silent for too long, the source waits and connects again, and tells the server the
/// last event ID. It ends, and closes its request:
///
/// - with `nil`, when the server answers 204;
/// - with `.unsuccessfulStatus`, when it answers another status than 200, and with `.invalidServerResponse` for another
///   type than `text/event-stream`;
/// - with the error of a request that cannot succeed later either: for example `.secureFailure`, `.redirectFailed`;
/// - with `.operationCancelled`, when its request is closed or the task that iterates is cancelled.
///
/// All connections are made by one request handle, one after the other; its status events show each of them. A source is
/// iterated once.
public struct EventSource: AsyncSequence, Sendable {
    /// An event.
    public typealias Element = ServerSentEvent
    /// What ends the sequence before its end.
    public typealias Failure = HandleError

    /// The handle of all connections: for its events, and to end the source.
    public let request: RequestHandle
    let limit: Int
    let lastEventID: String
    let backOff: EventSourceBackOff

    /// Ends the source: an iteration that waits throws `.operationCancelled`.
    ///
    /// Throws `.invalidHandle` if it has ended already.
    public func close() throws(HandleError) {
        try request.close()
    }

    /// Begins to connect.
    public func makeAsyncIterator() -> Iterator { Iterator(self) }

    /// Reads event by event.
    public struct Iterator: AsyncIteratorProtocol {
        private let source: EventSource
        private var stream: ResponseBody.ServerSentEvents.Iterator?
        /// Attempts that ended since the last one that led to a stream.
        private var failures = 0
        private var isOver = false
        private var generator: SeededGenerator

        /// The last event ID that the server has given, also with events that have no data; if it has given none, the one
        /// that the source began with.
        public private(set) var lastEventID: String

        /// How long the server wants clients to wait before they connect again; `nil` if it did not say.
        public private(set) var reconnectionTime: Duration?

        init(_ source: EventSource) {
            self.source = source
            lastEventID = source.lastEventID
            generator =
                switch source.backOff.jitter {
                case .seeded(let seed): SeededGenerator(seed: seed)
                default: SeededGenerator(seed: .random(in: .min ... .max))
                }
        }

        /// The next event; `nil` when the server has ended the source.
        public mutating func next() async throws(HandleError) -> ServerSentEvent? {
            guard !isOver else { return nil }
            // Over, unless something comes.
            isOver = true
            do throws(HandleError) {
                while true {
                    if let event = try await read() {
                        isOver = false
                        return event
                    }
                    if failures > 0 { try await pause() }
                    guard try await connect() else {
                        source.request.object.closeIfOpen()
                        return nil
                    }
                }
            } catch {
                source.request.object.closeIfOpen()
                // Closed between two operations, or during one: that is the same here.
                throw error.code == .invalidHandle ? .cancelled(error.operation) : error
            }
        }

        /// The next event; `nil` when the server has ended the source.
        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(HandleError) -> ServerSentEvent? {
            try await next()
        }

        /// The next event of the present stream; `nil` if there is no stream, or no longer one.
        private mutating func read() async throws(HandleError) -> ServerSentEvent? {
            guard var stream else { return nil }
            // An ID can come without an event, and before a failure.
            defer {
                lastEventID = stream.lastEventID
                reconnectionTime = stream.reconnectionTime ?? reconnectionTime
            }
            do throws(HandleError) {
                if let event = try await stream.next() {
                    self.stream = stream
                    return event
                }
            } catch {
                guard error.mayPass else { throw error }
            }
            self.stream = nil
            failures = 1
            return nil
        }

        /// `false` if the server wants no more connections. A failure that may pass is counted.
        private mutating func connect() async throws(HandleError) -> Bool {
            let head: ResponseHead
            do throws(HandleError) {
                let name = HTTPField.Name.lastEventID
                if lastEventID.isEmpty {
                    try await source.request.removeHeaderFields(named: name)
                } else {
                    try await source.request.addHeaderFields([name: lastEventID], rule: .replace)
                }
                try await source.request.send()
                head = try await source.request.receiveResponse()
            } catch {
                let error = error.asSeenByTask
                guard error.mayPass else { throw error }
                failures += 1
                return true
            }
            if head.status == .noContent { return false }
            guard head.status == .ok else {
                throw try await Response(head: head, request: source.request).unsuccessful()
            }
            let type = head.headerFields[.contentType].map { MediaType(parsing: $0).name } ?? ""
            guard type == "text/event-stream" else {
                let reason = "the response must be a text/event-stream, but is \(type.isEmpty ? "of no type" : type)"
                throw HandleError(.invalidServerResponse, .receiveResponse, reason: reason)
            }
            failures = 0
            stream = source.request.body.serverSentEvents(upTo: source.limit, lastEventID: lastEventID)
                .makeAsyncIterator()
            return true
        }

        /// Waits before the next attempt. Ends at once with the handle, or the task.
        private mutating func pause() async throws(HandleError) {
            let (request, clock) = (source.request, source.backOff.clock)
            let delay = source.backOff.delay(after: failures, reconnectionTime, using: &generator)
            await withTaskGroup(of: Void.self) { group in
                let ends = request.statusEvents(.handles)
                group.addTask { try? await clock.sleep(for: delay) }
                group.addTask { for await _ in ends {} }
                await group.next()
                group.cancelAll()
            }
            guard !Task.isCancelled, request.object.bound.base.isOpen else { throw .cancelled(.sendRequest) }
        }
    }
}

extension HandleError {
    /// A failure of the network, after which a later attempt may succeed.
    fileprivate var mayPass: Bool {
        [.nameNotResolved, .cannotConnect, .connectionError, .invalidServerResponse, .timeout].contains(code)
    }
}

extension SessionHandle {
    /// The server-sent events of a URL: one sequence that connects again by itself. See `EventSource`.
    ///
    /// Nothing is sent before the sequence is iterated. Possible while the session is open; closing the session alone does not
    /// end the source, closing its whole tree does. Throws what `openRequest` throws, and `.invalidParameter` for a negative
    /// delay.
    ///
    /// Not in WinHTTP.
    ///
    /// - Parameters:
    ///   - url: A URL with scheme http or https; absolute, or relative to the session's `baseURL`.
    ///   - headerFields: Additional header fields.
    ///   - lastEventID: Where the events are to go on; empty for all that the server sends to a new client.
    ///   - limit: The most bytes of the data of an event, and of a line; more is `.insufficientBuffer`.
    ///   - longestSilence: After so much time without a byte the connection is regarded as lost. Servers usually send a
    ///     comment every 15 seconds. `.zero` is no limit.
    ///   - backOff: How long to wait before connecting again.
    ///   - options: What the request starts with, apart from the session's options.
    ///   - context: A value for the caller's own use; the session's if left out.
    public nonisolated(nonsending) func serverSentEvents(
        from url: String,
        headerFields: HTTPFields = [:],
        lastEventID: String = "",
        upTo limit: Int = 1 << 20,
        longestSilence: Duration = .seconds(60),
        backOff: EventSourceBackOff = EventSourceBackOff(),
        options: [OptionSetting] = [],
        context: (any Sendable)? = nil
    ) async throws(HandleError) -> EventSource {
        if let problem = backOff.problem { throw .invalidParameter(.openRequest, problem) }
        var fields: HTTPFields = [.accept: "text/event-stream", .cacheControl: "no-store"]
        fields.add(headerFields, .replace)
        let request = try await openRequest(
            .get,
            url,
            headerFields: fields,
            options: [.set(.receiveTimeout, to: longestSilence)] + options,
            context: context
        )
        return EventSource(request: request, limit: limit, lastEventID: lastEventID, backOff: backOff)
    }
}
