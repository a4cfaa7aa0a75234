import HTTPHandles
import HTTPTypes

/// Hands over the events of a stream, and connects again wherever it breaks off, until the server ends it with 204.
func follow(
    _ url: String,
    in session: SessionHandle,
    longestSilence: Duration = .seconds(60),
    pause: Duration = .seconds(3),
    _ handle: (ServerSentEvent) async throws -> Void
) async throws {
    var pause = pause
    var lastEventID = ""
    while true {
        do {
            var fields: HTTPFields = [.accept: "text/event-stream", .cacheControl: "no-store"]
            if !lastEventID.isEmpty { fields[.lastEventID] = lastEventID }
            let request = try await session.openRequest(.get, url, headerFields: fields)
            // Servers send a comment every 15 seconds or so. One that is silent for this long is gone.
            try await request.setOption(.receiveTimeout, to: longestSilence)
            try await request.send()
            let head = try await request.receiveResponse()
            if head.status == .noContent { return }
            let type = head.headerFields[.contentType]?.prefix { $0 != ";" && $0 != " " }.lowercased()
            guard head.status == .ok, type == "text/event-stream" else { throw NoEventStream(status: head.status) }
            var events = request.body.serverSentEvents(lastEventID: lastEventID).makeAsyncIterator()
            // Also where reading throws; an ID may come without an event.
            defer {
                lastEventID = events.lastEventID
                pause = events.reconnectionTime ?? pause
            }
            while let event = try await events.next() { try await handle(event) }
        } catch let error as HandleError where error.isTemporary {
            // The server is away: it is asked again, as after a stream that ended.
        }
        try await Task.sleep(for: pause)
    }
}

/// The server has answered with something else; asking again would not help.
struct NoEventStream: Error {
    let status: HTTPResponse.Status
}

extension HandleError {
    var isTemporary: Bool {
        [.nameNotResolved, .cannotConnect, .connectionError, .invalidServerResponse, .timeout].contains(code)
    }
}
