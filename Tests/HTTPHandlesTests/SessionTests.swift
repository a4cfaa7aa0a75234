import HTTPHandles
import HTTPHandlesLock
import HTTPHandlesTesting
import Testing

@Suite("Sessions", .timeLimit(.minutes(5)))
struct SessionTests {
    @Test func `open a session, read an option, close`() async throws {
        let session = try SessionHandle(userAgent: "A WinHTTP Example Program/1.0")
        let timeout: Duration = try await session.option(.connectTimeout)
        #expect(timeout == .seconds(60))
        try session.close()
    }

    @Test func `a session that is never used ends with handleClosing`() async throws {
        let session = try SessionHandle()
        let recorder = EventRecorder(of: session)
        try session.close()
        await session.closed()
        #expect(try await recorder.finish().map(\.kind) == [.handleClosing])
    }

    @Test func `a stream of a closed handle yields handleClosing and ends`() async throws {
        let session = try SessionHandle()
        try session.close()
        await session.closed()
        var kinds: [StatusEvent.Kind] = []
        for await event in session.statusEvents(.queue) { kinds.append(event.kind) }
        #expect(kinds == [.handleClosing])
    }

    @Test func `a listener that starts at the very end gets handleClosing`() async throws {
        for _ in 0..<1000 {
            let session = try SessionHandle()
            let request = try await session.openRequest(.get, "http://127.0.0.1:1/")
            async let streams = withTaskGroup { group in
                for _ in 0..<20 {
                    group.addTask { await request.statusEvents().reduce(into: [String]()) { $0.append($1.kind.name) } }
                }
                return await group.reduce(into: [[String]]()) { $0.append($1) }
            }
            try request.close()
            #expect(await streams == Array(repeating: ["handleClosing"], count: 20))
            try session.close()
        }
    }

    @Test func `two tasks that read one stream share its events, and both reach its end`() async throws {
        for _ in 0..<200 {
            let session = try SessionHandle()
            let stream = session.statusEvents(scope: .tree)
            let readers = (0..<2).map { _ in
                Task { await stream.reduce(into: [StatusEvent]()) { $0.append($1) } }
            }
            for _ in 0..<5 { try await session.connect(to: "localhost", port: 80).close() }
            try session.close()
            let shares = [await readers[0].value, await readers[1].value]
            #expect(shares.allSatisfy { share in share.map(\.time) == share.map(\.time).sorted() })
            let names = shares.joined().sorted { $0.time < $1.time }.map(\.kind.name)
            #expect(
                names == Array(repeating: ["handleCreated", "handleClosing"], count: 5).joined() + ["handleClosing"]
            )
        }
    }

    @Test func `a cancelled reader ends its stream, also for the others`() async throws {
        let session = try SessionHandle()
        let stream = session.statusEvents()
        let other = Task.immediate { await stream.reduce(into: [StatusEvent]()) { $0.append($1) } }
        let cancelled = Task.immediate { await stream.reduce(into: [StatusEvent]()) { $0.append($1) } }
        cancelled.cancel()
        #expect(await cancelled.value.isEmpty)
        #expect(await other.value.isEmpty)
        try session.close()
    }

    @Test func `every later call throws invalidHandle`() async throws {
        let session = try SessionHandle()
        try session.close()
        #expect(throws: HandleError.closed(.closeHandle)) { try session.close() }
        #expect(throws: HandleError.closed(.closeHandle)) { try session.closeAll() }
        await #expect(throws: HandleError.closed(.queryOption)) { try await session.option(.connectTimeout) }
        await #expect(throws: HandleError.closed(.setOption)) {
            try await session.setOption(.connectTimeout, to: .seconds(1))
        }
        await #expect(throws: HandleError.closed(.connect)) { try await session.connect(to: "localhost", port: 80) }
        await #expect(throws: HandleError.closed(.openRequest)) { try await session.get("http://127.0.0.1/") }
    }

    @Test func `children end before their parents, in any order of closing`() async throws {
        let session = try SessionHandle()
        let recorder = EventRecorder(of: session, scope: .tree)
        let connection = try await session.connect(to: "127.0.0.1", port: 80)
        let request = try await connection.openRequest(.get, "/")
        try session.close()
        try connection.close()
        // The request is still open: closing its parents does not close it.
        #expect(try await request.option(.connectTimeout) == .seconds(60))
        try request.close()
        await session.closed()
        let events = try await recorder.finish()
        #expect(events.map(\.handle) == [connection.id, request.id, request.id, connection.id, session.id])
        #expect(
            events.map(\.kind) == [
                .handleCreated(parent: session.id),
                .handleCreated(
                    parent: connection.id,
                    request: RequestSummary(method: .get, url: "http://127.0.0.1/")
                ), .handleClosing,
                .handleClosing, .handleClosing,
            ]
        )
    }

    @Test func `closeAll closes leaves first`() async throws {
        let session = try SessionHandle()
        let recorder = EventRecorder(of: session, .handles, scope: .tree)
        let connection = try await session.connect(to: "127.0.0.1", port: 80)
        let requests = [
            try await connection.openRequest(.get, "/1"), try await connection.openRequest(.get, "/2"),
        ]
        try session.closeAll()
        await session.closed()
        let closings = try await recorder.finish().filter { $0.kind == .handleClosing }
        #expect(closings.map(\.handle) == [requests[0].id, requests[1].id, connection.id, session.id])
        #expect(throws: HandleError.closed(.closeHandle)) { try requests[0].close() }
    }

    @Test func `releasing the last reference closes`() async throws {
        let session = try SessionHandle()
        let recorder = EventRecorder(of: session, .handles, scope: .tree)
        do {
            let connection = try await session.connect(to: "127.0.0.1", port: 80)
            _ = try await connection.openRequest(.get, "/")
        }
        try session.close()
        let closings = try await recorder.finish().filter { $0.kind == .handleClosing }
        #expect(closings.map(\.handle.level) == [.request, .connection, .session])
    }

    @Test func `IDs are unique and count up`() async throws {
        let one = try SessionHandle()
        let other = try SessionHandle()
        #expect(one.id < other.id)
        #expect(one.id.level == .session)
        #expect("\(one.id)" == "session \(one.id.number)")
    }

    // MARK: Context

    final class Token: Sendable {
        let released: Gate

        init(_ released: Gate) {
            self.released = released
        }

        deinit {
            released.open()
        }
    }

    @Test func `the context lives until handleClosing was delivered, and not longer`() async throws {
        let released = Gate()
        let session = try SessionHandle(context: Token(released))
        #expect(session.context is Token)
        let stream = session.statusEvents(.handles)
        try session.close()
        var iterator = stream.makeAsyncIterator()
        let last = await iterator.next()
        #expect(last?.context is Token)
        await session.closed()
        #expect(session.context == nil)
        withExtendedLifetime(last) {}
        #expect(await iterator.next() == nil)
    }

    @Test func `the context is released when the handle ends`() async throws {
        let released = Gate()
        let session = try SessionHandle(context: Token(released))
        try session.close()
        await session.closed()
        await released.passed()
    }

    @Test func `children inherit the context unless they have their own`() async throws {
        let session = try SessionHandle(context: "session")
        let connection = try await session.connect(to: "127.0.0.1", port: 80)
        let request = try await connection.openRequest(.get, "/", context: "request")
        #expect(connection.context as? String == "session")
        #expect(request.context as? String == "request")
    }

    // MARK: Options

    @Test func `options are copied at creation, not looked up`() async throws {
        let session = try SessionHandle(options: [.set(.receiveTimeout, to: .seconds(7))])
        let connection = try await session.connect(to: "127.0.0.1", port: 80)
        try await session.setOption(.receiveTimeout, to: .seconds(8))
        let later = try await session.connect(to: "127.0.0.1", port: 80)
        #expect(try await connection.option(.receiveTimeout) == .seconds(7))
        #expect(try await later.option(.receiveTimeout) == .seconds(8))
    }

    @Test func `invalid options are refused when the session is made`() {
        #expect(
            throws: HandleError.invalidParameter(
                .openSession,
                "userAgent must be a field value without control characters and outer white space, but is \"a\\r\\nb\""
            )
        ) {
            try SessionHandle(userAgent: "a\r\nb")
        }
        #expect(throws: HandleError.self) {
            try SessionHandle(options: [.set(.sendTimeout, to: .seconds(-1))])
        }
    }

    // MARK: withSession

    @Test func `withSession closes everything on return`() async throws {
        let kept = Lock<RequestHandle?>(nil)
        let events = try await withSession { session in
            let recorder = EventRecorder(of: session, .handles, scope: .tree)
            let connection = try await session.connect(to: "127.0.0.1", port: 80)
            let request = try await connection.openRequest(.get, "/")
            kept.withLock { $0 = request }
            return recorder
        }.finish()
        #expect(events.map(\.kind).suffix(3) == [.handleClosing, .handleClosing, .handleClosing])
        let request = try #require(kept.withLock { $0 })
        #expect(throws: HandleError.closed(.closeHandle)) { try request.close() }
    }

    @Test func `withSession closes everything on an error`() async throws {
        struct Failure: Error {}
        let recorder = Lock<EventRecorder?>(nil)
        await #expect(throws: Failure.self) {
            try await withSession { session in
                recorder.withLock { $0 = EventRecorder(of: session) }
                throw Failure()
            }
        }
        let events = try await recorder.withLock { $0 }?.finish()
        #expect(events?.map(\.kind) == [.handleClosing])
    }

    @Test func `withSession waits for handles that outlive a session closed inside`() async throws {
        try await withSession { session in
            let connection = try await session.connect(to: "127.0.0.1", port: 80)
            _ = try await connection.openRequest(.get, "/")
            try session.close()
        }
    }

    // MARK: Threads

    @Test func `a session that was not used has no thread`() async throws {
        let session = try SessionHandle()
        #expect(session.context == nil)
    }

    @Test func `a task that prefers the session's executor calls its handles on that thread`() async throws {
        let session = try SessionHandle()
        let value = try await Task(executorPreference: session.executor) {
            let connection = try await session.connect(to: "127.0.0.1", port: 80)
            let request = try await connection.openRequest(.get, "/")
            return try await request.option(.connectTimeout)
        }.value
        #expect(value == .seconds(60))
    }

    @Test func `late jobs still run`() async throws {
        let session = try SessionHandle()
        let executor = session.executor
        try session.close()
        await session.closed()
        let answer = await Task(executorPreference: executor) { 42 }.value
        #expect(answer == 42)
        await #expect(throws: HandleError.self) { try await session.option(.connectTimeout) }
    }
}
