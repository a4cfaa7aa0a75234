import Foundation
import HTTPHandles
import HTTPHandlesTesting
import Testing

@Suite("Event order", .timeLimit(.minutes(5)))
struct EventOrderTests {
    /// The header fields that the library adds to every request.
    static let ownFields = "Accept: */*\r\nAccept-Encoding: \(codingsOfTraits)gzip, deflate\r\n"

    private static var codingsOfTraits: String {
        var codings = ""
        #if Zstd
        codings += "zstd, "
        #endif
        #if Brotli
        codings += "br, "
        #endif
        return codings
    }
    static let hello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

    static func answering(_ response: String) throws -> ScriptedServer {
        try ScriptedServer { connection in
            while try connection.readRequest() != nil { try connection.send(response) }
        }
    }

    // MARK: The document

    /// With `HTTP_HANDLES_WRITE_TRACES=1` the recorded events are written to the document, for review and commit.
    @Test(arguments: OrderScenario.all)
    func `events come in the order that the document shows`(_ scenario: OrderScenario) async throws {
        let lines = try await scenario.play().lines
        if ProcessInfo.processInfo.environment["HTTP_HANDLES_WRITE_TRACES"] == "1" {
            try Document.write(lines, below: "### " + scenario.title, of: Self.documentPath)
        }
        let shown = try Document(Self.documentPath).codeBlock(below: "### " + scenario.title)
        #expect(lines.joined(separator: "\n") == shown.joined(separator: "\n"))
    }

    @Test func `the document shows every scenario, and no other`() throws {
        let titles = try Document(Self.documentPath).section("## Traces").filter { $0.hasPrefix("### ") }
        #expect(titles.sorted() == OrderScenario.all.map { "### " + $0.title }.sorted())
    }

    @Test func `the document lists every kind of event and every mask`() throws {
        let document = try Document(Self.documentPath)
        let kinds = try Document("Sources/HTTPHandlesCore/Events/StatusEvent.swift").text
            .matches(of: /\n        case (\w+)/).map { String($0.1) }
        #expect(kinds.count > 20)
        #expect(document.firstCells(in: "## Kinds").sorted() == kinds.sorted())
        let order = document.section("## Order").joined(separator: "\n")
        for kind in kinds { #expect(order.contains("`\(kind)`"), "\(kind) has no place in the order") }
        let masks = try Document("Sources/HTTPHandlesCore/Events/StatusMask.swift").text
            .matches(of: /public static let (\w+)/).map { String($0.1) }
        #expect(masks.count > 15)
        #expect(document.firstCells(in: "## Masks").sorted() == masks.sorted())
    }

    private static let documentPath = "Docs/StatusEvents.md"

    // MARK: Streams

    @Test func `a read that is overtaken by the next send has its event`() async throws {
        let server = try Self.answering(Self.hello)
        let session = try SessionHandle()
        let request = try await session.openRequest(.get, server.url())
        var reads = 0
        // All events together would exceed the buffer of a stream.
        let recorder = EventRecorder(of: request, .readComplete)
        for _ in 0..<300 {
            try await request.send()
            _ = try await request.receiveResponse()
            let reading = Task {
                var iterator = request.body.makeAsyncIterator()
                // Nothing is left to read if the send came first.
                return (try? await iterator.next()) != nil
            }
            try? await request.send()
            if await reading.value { reads += 1 }
        }
        try request.close()
        let heard = try await recorder.finish().count { $0.kind == .readComplete(bytes: 5) }
        #expect(heard == reads)
    }

    /// Repeated, because libcurl counts them for each easy handle, and fails the sixth.
    @Test func `a request that is sent twice is not reported as sent while the second connection is made`() async throws
    {
        // The second request of each connection finds it closed: libcurl sends it again, on a new one.
        let server = try ScriptedServer { connection in
            _ = try connection.readRequest()
            try connection.send(Self.hello)
            _ = try connection.readRequest()
        }
        let session = try SessionHandle()
        for _ in 0..<100 {
            let request = try await session.openRequest(.get, server.url())
            // The recorder checks the order of events.
            let recorder = EventRecorder(of: request)
            try await request.complete()
            try request.close()
            _ = try await recorder.finish()
        }
        try session.closeAll()
    }

    @Test func `a second receive is an error event and leaves the response usable`() async throws {
        let server = try Self.answering(Self.hello)
        let session = try SessionHandle()
        let connection = try await session.connect(to: "127.0.0.1", port: server.port)
        let request = try await connection.openRequest(.get, "/")
        let recorder = EventRecorder(of: request)
        try await request.send()
        _ = try await request.receiveResponse()
        let error = HandleError.wrongState(.receiveResponse, "the response was already received")
        await #expect(throws: error) { try await request.receiveResponse() }
        #expect(try await request.body.collect(upTo: 10) == Array("hello".utf8))
        try request.close()
        let kinds = try await recorder.finish().map(\.kind)
        #expect(
            kinds.suffix(5) == [
                .headersAvailable, .requestError(error), .readComplete(bytes: 5), .readComplete(bytes: 0),
                .handleClosing,
            ]
        )
    }

    /// On Windows the second session uses the first one's connection, whether the first is closed or not.
    @Test func `sessions share no connections`() async throws {
        let server = try Self.answering(Self.hello)
        let sessions = [try SessionHandle(), try SessionHandle()]
        for session in sessions { _ = try await session.get(server.url()).body.collect(upTo: 10) }
        #expect(server.connectionsAccepted == 2)
    }

    @Test func `a tree listener gets all events of a request, including handleClosing`() async throws {
        let server = try Self.answering(Self.hello)
        let session = try SessionHandle()
        let recorder = EventRecorder(of: session, scope: .tree)
        _ = try await session.get(server.url()).body.collect(upTo: 10)
        try session.close()
        let events = try await recorder.finish()
        let levels = events.filter { $0.kind == .handleClosing }.map(\.handle.level)
        #expect(levels == [.request, .connection, .session])
        #expect(
            events.map(\.kind.name).suffix(4) == [
                "handleClosing", "closingConnection", "connectionClosed", "handleClosing",
            ]
        )
    }

    @Test func `a mask hides everything but handleClosing`() async throws {
        let server = try Self.answering(Self.hello)
        let session = try SessionHandle()
        let connection = try await session.connect(to: "127.0.0.1", port: server.port)
        let request = try await connection.openRequest(.get, "/")
        let recorder = EventRecorder(of: request, .headersAvailable)
        try await request.send()
        _ = try await request.receiveResponse()
        try request.close()
        #expect(try await recorder.finish().map(\.kind) == [.headersAvailable, .handleClosing])
    }

    @Test func `each call makes a separate stream`() async throws {
        let session = try SessionHandle()
        let recorders = (0..<3).map { _ in EventRecorder(of: session) }
        try session.close()
        for recorder in recorders { #expect(try await recorder.finish().map(\.kind) == [.handleClosing]) }
    }

    @Test func `a slow listener loses old events and never the last`() async throws {
        let server = try Self.answering(Self.hello)
        let session = try SessionHandle()
        let stream = session.statusEvents(scope: .tree)
        for _ in 0..<200 { _ = try await session.get(server.url()).body.collect(upTo: 10) }
        try session.close()
        await session.closed()
        var events: [StatusEvent] = []
        for await event in stream { events.append(event) }
        #expect(events.count == StatusEvent.bufferedEvents)
        #expect(events.last?.handle == session.id)
        #expect(events.last?.kind == .handleClosing)
    }
}
