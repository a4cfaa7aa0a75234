package import HTTPHandles

/// A feed by server-sent events.
///
/// The library parses the stream, connects again when it is lost, and tells the server the last event ID. What is left is what
/// the events mean, and where to go on after a restart.
package struct EventFeed: Sendable {
    private let session: SessionHandle
    private let url: String
    private let backOff: EventSourceBackOff

    package init(_ session: SessionHandle, _ url: String, backOff: EventSourceBackOff = EventSourceBackOff()) {
        self.session = session
        self.url = url
        self.backOff = backOff
    }

    /// Calls `handle` with each item, until the server ends the feed, or the task is cancelled. Returns the last ID.
    ///
    /// - Parameters:
    ///   - lastID: The ID up to which everything was handled; empty for the beginning.
    ///   - handle: The feed waits for it. What it throws ends the feed.
    @discardableResult
    package func run(after lastID: String = "", _ handle: (FeedItem) async throws -> Void) async throws -> String {
        let source = try await session.serverSentEvents(
            from: url,
            lastEventID: lastID,
            upTo: 64 << 10,
            backOff: backOff
        )
        var lastID = lastID
        for try await event in source {
            try await handle(Update(json: event.data).map { .update($0) } ?? .unreadable(event.data))
            lastID = event.id
        }
        return lastID
    }
}
