import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes
import Testing

@Suite("Event sources", .timeLimit(.minutes(5)))
struct EventSourceTests {
    static let stream = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type:"
    static let over = "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"

    /// Reports its first sleep, which ends only by cancellation.
    private final class StoppedClock: Clock {
        let clock = ContinuousClock()
        let sleeps = Gate()

        var now: ContinuousClock.Instant { clock.now }
        var minimumResolution: Duration { clock.minimumResolution }

        func sleep(until deadline: ContinuousClock.Instant, tolerance: Duration?) async throws {
            sleeps.open()
            try await Task.sleep(for: .seconds(1_000_000))
        }
    }

    /// Answers the requests of a source one after the other, each on a connection of its own.
    private static func serve(
        _ asked: Record<String?>,
        _ answer: @escaping @Sendable (Int, ServerConnection) throws -> Void
    ) throws -> ScriptedServer {
        try ScriptedServer { connection in
            guard let request = try connection.readRequest() else { return }
            asked.note(request.head["Last-Event-ID"])
            try answer(asked.all.count, connection)
        }
    }

    @Test func `it reconnects after every kind of end, with the last ID and the server's delay`() async throws {
        let asked = Record<String?>()
        let server = try Self.serve(asked) { number, connection in
            switch number {
            // The server does not answer.
            case 1: break
            case 2: try connection.send("nonsense\r\n\r\n")
            // An ID that comes without an event.
            case 3:
                let events = "retry: 7\n\nid: a\ndata: 1\n\nid: b\n\n"
                try connection.send("\(Self.stream) text/event-stream\r\n\r\n\(events)")
            // No ID.
            case 4: try connection.send("\(Self.stream) text/event-stream\r\n\r\n")
            // In the middle of a chunk.
            case 5:
                let fields = "text/event-stream\r\nTransfer-Encoding: chunked"
                try connection.send("\(Self.stream) \(fields)\r\n\r\nff\r\ndata: 2\n\nid: c\n\ndata: lost")
            case 6: break
            case 7: break
            case 8:
                let type = "Text/Event-Stream;charset=utf-8"
                try connection.send("\(Self.stream) \(type)\r\n\r\nevent: e\nid\ndata: 3\n\n")
            default: try connection.send(Self.over)
            }
        }
        let session = try SessionHandle()
        let clock = TestClock()
        let source = try await session.serverSentEvents(
            from: server.url(),
            longestSilence: .zero,
            backOff: EventSourceBackOff(jitter: .none, clock: clock)
        )
        let recorder = EventRecorder(of: source.request)
        var events: [ServerSentEvent] = []
        for try await event in source { events.append(event) }
        #expect(
            events == [
                ServerSentEvent(type: "message", data: "1", id: "a"),
                ServerSentEvent(type: "message", data: "2", id: "b"), ServerSentEvent(type: "e", data: "3", id: ""),
            ]
        )
        #expect(asked.all == [nil, nil, nil, "b", "b", "c", "c", "c", nil])
        let milliseconds = [3000, 6000, 7, 7, 7, 14, 28, 7].map { Duration.milliseconds($0) }
        #expect(clock.sleeps == milliseconds)
        // The handle has shown each connection, and has ended.
        let kinds = try await recorder.finish().map(\.kind)
        #expect(kinds.filter { $0 == .sendingRequest }.count == 9)
        let statuses = kinds.compactMap { kind in
            if case .responseReceived(let status, _) = kind { return status.code }
            return nil
        }
        #expect(statuses == [200, 200, 200, 200, 204])
        #expect(kinds.last == .handleClosing)
    }

    @Test func `silence is the end of a connection`() async throws {
        let asked = Record<String?>()
        let server = try Self.serve(asked) { number, connection in
            guard number == 1 else { return try connection.send(Self.over) }
            try connection.send("\(Self.stream) text/event-stream\r\n\r\n: comment\n\n")
            connection.waitForClose()
        }
        let session = try SessionHandle()
        let source = try await session.serverSentEvents(
            from: server.url(),
            longestSilence: .seconds(3600),
            backOff: EventSourceBackOff(delay: .zero)
        )
        let events = source.request.statusEvents(.receiveResponse)
        let reading = Task {
            for try await _ in source { Issue.record("an event") }
        }
        for await event in events { if case .responseReceived = event.kind { break } }
        session.advanceClock(by: .seconds(7200))
        try await reading.value
        #expect(asked.all.count == 2)
    }

    @Test func `it goes on where the caller says, with the caller's fields`() async throws {
        let heads = Record<ReceivedHead>()
        let server = try ScriptedServer { connection in
            guard let head = try connection.readHead() else { return }
            heads.note(head)
            try connection.send(Self.over)
        }
        let session = try SessionHandle(options: [.set(.baseURL, to: try HTTPURL(server.url("/a/b")))])
        let fields: HTTPFields = [.accept: "text/event-stream, text/plain", .acceptLanguage: "rm"]
        let source = try await session.serverSentEvents(
            from: "c",
            headerFields: fields,
            lastEventID: "17",
            context: "mine"
        )
        #expect(source.request.context as? String == "mine")
        var iterator = source.makeAsyncIterator()
        #expect(try await iterator.next() == nil)
        #expect(iterator.lastEventID == "17")
        #expect(iterator.reconnectionTime == nil)
        #expect(try await iterator.next() == nil)
        let head = try #require(heads.all.first)
        #expect(head.requestLine == "GET /a/c HTTP/1.1")
        #expect(head["Last-Event-ID"] == "17")
        #expect(head["Accept"] == "text/event-stream, text/plain")
        #expect(head["Accept-Language"] == "rm")
        #expect(head["Cache-Control"] == "no-store")
        #expect(heads.all.count == 1)
    }

    /// Bytes that are not ASCII are sent back as they came. Others that a field cannot have are no reason to end.
    @Test(arguments: [("é€😀", "é€😀"), ("a\u{1}b", nil), (String(repeating: "i", count: 10_000), nil)])
    func `an ID of any characters is sent back`(id: String, expected: String?) async throws {
        let asked = Record<String?>()
        let server = try Self.serve(asked) { number, connection in
            guard number == 1 else { return try connection.send(Self.over) }
            try connection.send("\(Self.stream) text/event-stream\r\n\r\nid: \(id)\ndata: 1\n\n")
        }
        let session = try SessionHandle()
        let source = try await session.serverSentEvents(from: server.url(), backOff: EventSourceBackOff(delay: .zero))
        var ids: [String] = []
        for try await event in source { ids.append(event.id) }
        #expect(ids == [id])
        #expect(asked.all.count == 2)
        if let expected { #expect(asked.all.last == expected) }
    }

    @Test func `another status ends it, with the response`() async throws {
        let server = try ScriptedServer { connection in
            while try connection.readRequest() != nil {
                let fields = "Content-Type: text/event-stream\r\nContent-Length: 8\r\n\r\n"
                try connection.send("HTTP/1.1 404 Not Found\r\n\(fields)data: 1\n")
            }
        }
        let session = try SessionHandle()
        let source = try await session.serverSentEvents(from: server.url())
        let recorder = EventRecorder(of: source.request)
        let error = await #expect(throws: HandleError.self) {
            for try await _ in source { Issue.record("an event") }
        }
        #expect(error?.code == .unsuccessfulStatus)
        #expect(error?.response?.status == .notFound)
        #expect(error?.response?.bodyText == "data: 1\n")
        #expect(try await recorder.finish().last?.kind == .handleClosing)
        #expect(server.connectionsAccepted == 1)
    }

    @Test(arguments: [("\r\nContent-Type: text/html", "text/html"), ("", "of no type")])
    func `another type ends it`(field: String, shown: String) async throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readRequest()
            try connection.send("HTTP/1.1 200 OK\(field)\r\nContent-Length: 8\r\n\r\ndata: 1\n")
        }
        let session = try SessionHandle()
        let source = try await session.serverSentEvents(from: server.url())
        let reason = "the response must be a text/event-stream, but is \(shown)"
        await #expect(throws: HandleError(.invalidServerResponse, .receiveResponse, reason: reason)) {
            for try await _ in source { Issue.record("an event") }
        }
        await source.request.closed()
    }

    @Test func `an event that is too long ends it`() async throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readRequest()
            try connection.send("\(Self.stream) text/event-stream\r\n\r\ndata: 12\n\ndata: 12345678\n\n")
        }
        let session = try SessionHandle()
        let source = try await session.serverSentEvents(from: server.url(), upTo: 10)
        var events = source.makeAsyncIterator()
        #expect(try await events.next()?.data == "12")
        let error = await #expect(throws: HandleError.self) { _ = try await events.next() }
        #expect(error?.code == .insufficientBuffer)
        await source.request.closed()
    }

    enum End: CaseIterable { case close, closeTree, cancel }
    enum Moment: CaseIterable { case awaitingHead, awaitingEvent, pausing }

    @Test(arguments: End.allCases, Moment.allCases)
    func `it ends at once with its handle, and with its task`(_ end: End, _ moment: Moment) async throws {
        let hasAsked = Gate()
        let server = try ScriptedServer { connection in
            _ = try connection.readRequest()
            if moment == .pausing { return }
            if moment == .awaitingEvent { try connection.send("\(Self.stream) text/event-stream\r\n\r\n") }
            hasAsked.open()
            connection.waitForClose()
        }
        let session = try SessionHandle()
        let clock = StoppedClock()
        let source = try await session.serverSentEvents(
            from: server.url(),
            longestSilence: .zero,
            backOff: EventSourceBackOff(clock: clock)
        )
        let recorder = EventRecorder(of: source.request)
        let reading = Task {
            for try await _ in source { Issue.record("an event") }
        }
        await (moment == .pausing ? clock.sleeps : hasAsked).passed()
        switch end {
        case .close: try source.close()
        case .closeTree: try session.closeAll()
        case .cancel: reading.cancel()
        }
        let error = await #expect(throws: HandleError.self) { try await reading.value }
        #expect(error?.code == .operationCancelled)
        await source.request.closed()
        #expect(try await recorder.finish().count { $0.kind == .handleClosing } == 1)
        #expect(throws: HandleError.closed(.closeHandle)) { try source.close() }
    }

    @Test func `wrong arguments are refused before anything is sent`() async throws {
        let session = try SessionHandle()
        let negative = EventSourceBackOff(delay: .seconds(-1))
        await #expect(throws: HandleError.self) {
            _ = try await session.serverSentEvents(from: "http://127.0.0.1:1/", backOff: negative)
        }
        await #expect(throws: HandleError.self) { _ = try await session.serverSentEvents(from: "no URL") }
        try session.close()
        await #expect(throws: HandleError.closed(.openRequest)) {
            _ = try await session.serverSentEvents(from: "http://127.0.0.1:1/")
        }
    }
}
