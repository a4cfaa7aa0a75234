import HTTPHandles
import HTTPTypes

/// Delivers the events of a stream and reconnects when it ends, until the server answers 204.
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
            // Servers usually send a comment every 15 seconds. After this silence the connection is regarded as lost.
            try await request.setOption(.receiveTimeout, to: longestSilence)
            try await request.send()
            let head = try await request.receiveResponse()
            if head.status == .noContent { return }
            let type = head.headerFields[.contentType]?.prefix { $0 != ";" && $0 != " " }.lowercased()
            guard head.status == .ok, type == "text/event-stream" else { throw NoEventStream(status: head.status) }
            var events = request.body.serverSentEvents(lastEventID: lastEventID).makeAsyncIterator()
            // Also if reading throws; an ID can arrive without an event.
            defer {
                lastEventID = events.lastEventID
                pause = events.reconnectionTime ?? pause
            }
            while let event = try await events.next() { try await handle(event) }
        } catch let error as HandleError where error.isTemporary {
            // A temporary failure: reconnect, as after the end of a stream.
        }
        try await Task.sleep(for: pause)
    }
}

/// The response is not an event stream. A reconnection would not help.
struct NoEventStream: Error {
    let status: HTTPResponse.Status
}

extension HandleError {
    var isTemporary: Bool {
        [.nameNotResolved, .cannotConnect, .connectionError, .invalidServerResponse, .timeout].contains(code)
    }
}
