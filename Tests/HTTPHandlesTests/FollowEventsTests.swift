import HTTPHandles
import HTTPHandlesLock
import HTTPHandlesTesting
import HTTPTypes
import Testing

/// The function of `Docs/Bodies.md` that reconnects to a stream of server-sent events.
@Suite("Following server-sent events", .timeLimit(.minutes(5)))
struct FollowEventsTests {
    let session: SessionHandle

    init() throws {
        session = try SessionHandle()
    }

    @Test func `the document shows the code that is tested here`() throws {
        let shown = try Document("Docs/Bodies.md").section("### Server-sent events")
            .drop { $0 != "```swift" }.dropFirst().prefix { $0 != "```" }
        let tested = try Document("Tests/HTTPHandlesTests/FollowEvents.swift").lines.drop { !$0.hasPrefix("///") }
            .dropLast()
        #expect(Array(shown) == Array(tested))
    }

    /// Nothing else of this size is read.
    private static let comment = ": a comment of a size of its own\n\n"

    @Test func `it reconnects after every kind of end, with the last ID`() async throws {
        let asked = Lock<[String?]>([])
        let server = try ScriptedServer { connection in
            guard let request = try connection.readRequest() else { return }
            let number = asked.withLock { asked in
                asked.append(request.head["Last-Event-ID"])
                return asked.count
            }
            let ok = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type:"
            switch number {
            // The server does not answer.
            case 1: break
            // An ID that comes without an event.
            case 2: try connection.send("\(ok) text/event-stream\r\n\r\nretry: 1\n\nid: a\ndata: 1\n\nid: b\n\n")
            // No ID.
            case 3: try connection.send("\(ok) text/event-stream\r\n\r\n")
            // In the middle of a chunk.
            case 4:
                let fields = "text/event-stream\r\nTransfer-Encoding: chunked"
                try connection.send("\(ok) \(fields)\r\n\r\nff\r\ndata: 2\n\nid: c\n\ndata: lost")
            // Silence.
            case 5:
                try connection.send("\(ok) text/event-stream\r\n\r\n\(Self.comment)")
                connection.waitForClose()
            case 6: try connection.send("\(ok) Text/Event-Stream;charset=utf-8\r\n\r\nid\ndata: 3\n\n")
            default: try connection.send("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
            }
        }
        let received = Lock<[ServerSentEvent]>([])
        let silence = Duration.seconds(3600)
        let recorder = EventRecorder(of: session, [.readComplete], scope: .tree)
        async let following: Void = follow(
            server.url(),
            in: session,
            longestSilence: silence,
            pause: .milliseconds(1)
        ) { event in
            received.withLock { $0.append(event) }
        }
        _ = try await recorder.first(.readComplete(bytes: Self.comment.utf8.count))
        session.advanceClock(by: silence)
        try await following
        #expect(received.withLock { $0 }.map(\.data) == ["1", "2", "3"])
        #expect(received.withLock { $0 }.map(\.id) == ["a", "b", ""])
        #expect(asked.withLock { $0 } == [nil, nil, "b", "b", "c", "c", nil])
    }

    @Test(arguments: [
        "404 Not Found\r\nContent-Type: text/event-stream", "200 OK\r\nContent-Type: text/html", "200 OK",
    ])
    func `it does not reconnect after another kind of response`(head: String) async throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readRequest()
            try connection.send("HTTP/1.1 \(head)\r\nContent-Length: 8\r\n\r\ndata: 1\n")
        }
        await #expect(throws: NoEventStream.self) {
            try await follow(server.url(), in: session) { _ in Issue.record("an event") }
        }
    }

    @Test func `cancelling, closing the session, and an error of the caller end it`() async throws {
        struct Enough: Error {}
        let server = try ScriptedServer { connection in
            _ = try connection.readRequest()
            try connection.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
            connection.waitForClose()
        }
        await #expect(throws: Enough.self) { try await follow(server.url(), in: session) { _ in throw Enough() } }
        let waiting = Task { [session] in try await follow(server.url(), in: session) { _ in } }
        waiting.cancel()
        await #expect(throws: (any Error).self) { try await waiting.value }
        try session.close()
        await #expect(throws: HandleError.closed(.openRequest)) { try await follow(server.url(), in: session) { _ in } }
    }
}
