import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes
import Testing

/// `shutDown(gracePeriod:)`: what is refused, what may finish, what ends it.
@Suite("Shutting a session down", .timeLimit(.minutes(5)))
struct ShutDownTests {
    static let hour = Duration.seconds(3600)

    static func refusal(_ operation: HandleOperation) -> HandleError {
        HandleError(.shutdown, operation, reason: "the session is shutting down")
    }

    /// All events of the session's tree, without sizes and ports, from the first of a kind on.
    static func trace(_ recorder: EventRecorder, from kind: String? = nil) async throws -> [String] {
        let lines = EventTrace(try await recorder.finish()).withoutSizes.lines
        guard let kind else { return lines }
        return Array(lines.drop { !$0.contains(kind) })
    }

    /// A request that the server has received and does not answer before the gate is opened.
    struct Waiting {
        let session: SessionHandle
        let recorder: EventRecorder
        let gate = Gate()
        let server: ScriptedServer
        let request: RequestHandle
        let response: Task<[UInt8], any Error>

        init(_ session: SessionHandle, path: String = "/") async throws {
            self.session = session
            recorder = EventRecorder(of: session, scope: .tree)
            let server = try ScriptedServer { [gate] connection in
                while let request = try connection.readRequest() {
                    gate.wait()
                    let isMoved = request.head.target == "/moved"
                    try connection.send(isMoved ? Self.redirect : EventOrderTests.hello)
                }
            }
            self.server = server
            let request = try await session.openRequest(.get, server.url(path))
            self.request = request
            response = Task {
                try await request.send()
                _ = try await request.receiveResponse()
                let bytes = try await request.body.collect(upTo: 10)
                try request.close()
                return bytes
            }
            try await recorder.first(.receivingResponse)
        }

        static let redirect = "HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"
    }

    /// The events of a `Waiting` whose response came, and whose session was then shut down.
    static let finished = [
        "request     receivingResponse", "request     responseReceived(status: 200 OK, bytes: n)",
        "request     headersAvailable", "request     readComplete(bytes: 5)", "request     readComplete(bytes: 0)",
        "request     handleClosing", "connection  handleClosing",
        "session     closingConnection", "session     connectionClosed", "session     handleClosing",
    ]

    /// The events of a `Waiting` that was cut off.
    static let cut = [
        "request     receivingResponse", "request     closingConnection", "request     connectionClosed",
        "request     requestError(receiveResponse, operationCancelled 12017)",
        "request     handleClosing", "connection  handleClosing", "session     handleClosing",
    ]

    // MARK: Nothing in flight

    @Test func `a session that was never used`() async throws {
        let session = try SessionHandle()
        let recorder = EventRecorder(of: session)
        await session.shutDown(gracePeriod: Self.hour)
        #expect(try await recorder.finish().map(\.kind) == [.handleClosing])
    }

    @Test func `a session that is gone, and one that is closed`() async throws {
        let gone = try SessionHandle()
        try gone.closeAll()
        await gone.closed()
        await gone.shutDown(gracePeriod: Self.hour)

        let closed = try SessionHandle()
        let connection = try await closed.connect(to: "127.0.0.1", port: 1)
        try closed.close()
        await closed.shutDown(gracePeriod: Self.hour)
        await connection.closed()
    }

    @Test func `idle connections and handles that were not sent are closed at once, leaves first`() async throws {
        let server = try EventOrderTests.answering(EventOrderTests.hello)
        let session = try SessionHandle()
        let recorder = EventRecorder(of: session, scope: .tree)
        _ = try await session.get(server.url()).body.collect(upTo: 10)
        let connection = try await session.connect(to: "127.0.0.1", port: server.port)
        let request = try await connection.openRequest(.get, "/")
        await session.shutDown(gracePeriod: Self.hour)
        await #expect(throws: HandleError.closed(.sendRequest)) { try await request.send() }
        let trace = try await Self.trace(recorder, from: "connection 2 handleCreated")
        #expect(
            trace == [
                "connection 2 handleCreated(parent: session)", "request 2   handleCreated(parent: connection 2)",
                "connection 1 handleClosing", "request 2   handleClosing", "connection 2 handleClosing",
                "session     closingConnection", "session     connectionClosed", "session     handleClosing",
            ]
        )
    }

    // MARK: Requests

    @Test func `a request in flight finishes, and new ones are refused`() async throws {
        let session = try SessionHandle()
        let waiting = try await Waiting(session)
        let connection = try await session.connect(to: "127.0.0.1", port: waiting.server.port)
        let unsent = try await connection.openRequest(.get, "/")
        // Runs until it waits: the shutdown has begun for all later commands.
        let shuttingDown = Task.immediate { await session.shutDown(gracePeriod: Self.hour) }

        let url = waiting.server.url()
        await #expect(throws: Self.refusal(.openRequest)) { try await session.get(url) }
        await #expect(throws: Self.refusal(.openRequest)) { try await session.openRequest(.get, url) }
        await #expect(throws: Self.refusal(.openRequest)) { try await session.webSocket(url) }
        await #expect(throws: Self.refusal(.openRequest)) {
            try await session.fetch(.put, url, body: .stream(AsyncStream<[UInt8]> { $0.finish() }))
        }
        await #expect(throws: Self.refusal(.openRequest)) { try await session.startDownload(url, to: "none").value }
        await #expect(throws: Self.refusal(.openRequest)) { try await connection.openRequest(.get, "/") }
        await #expect(throws: Self.refusal(.sendRequest)) { try await unsent.send() }
        // The handles are open: their options can be used.
        #expect(try await session.option(.maximumRedirects) == 10)
        #expect(try await session.connections().count == 1)

        waiting.gate.open()
        #expect(try await waiting.response.value == Array("hello".utf8))
        await shuttingDown.value
        #expect(waiting.server.connectionsAccepted == 1)
        let trace = try await Self.trace(waiting.recorder, from: "receivingResponse")
        #expect(
            trace == [
                "request 1   receivingResponse",
                "connection 2 handleCreated(parent: session)", "request 2   handleCreated(parent: connection 2)",
                "request 1   responseReceived(status: 200 OK, bytes: n)", "request 1   headersAvailable",
                "request 1   readComplete(bytes: 5)", "request 1   readComplete(bytes: 0)", "request 1   handleClosing",
                "connection 1 handleClosing", "request 2   handleClosing", "connection 2 handleClosing",
                "session     closingConnection", "session     connectionClosed", "session     handleClosing",
            ]
        )
    }

    @Test func `a request that does not finish ends with the period, in the session's clock`() async throws {
        let session = try SessionHandle(options: WebSocketTests.patient)
        let waiting = try await Waiting(session)
        let shuttingDown = Task.immediate { await session.shutDown(gracePeriod: Self.hour) }
        session.advanceClock(by: Self.hour / 2)
        #expect(try await session.connections().count == 1)
        session.advanceClock(by: Self.hour / 2)
        #expect(await waiting.response.failure == .cancelled(.receiveResponse))
        await shuttingDown.value
        #expect(try await Self.trace(waiting.recorder, from: "receivingResponse") == Self.cut)
    }

    @Test(arguments: [Duration.zero, .seconds(-1)])
    func `without a period it ends at once`(period: Duration) async throws {
        let session = try SessionHandle()
        let waiting = try await Waiting(session)
        await session.shutDown(gracePeriod: period)
        #expect(await waiting.response.failure == .cancelled(.receiveResponse))
    }

    @Test func `cancelling a task that waits ends the period at once, and it returns when the session is gone`()
        async throws
    {
        let session = try SessionHandle()
        let waiting = try await Waiting(session)
        let other = Task.immediate { await session.shutDown(gracePeriod: Self.hour) }
        let shuttingDown = Task.immediate { await session.shutDown(gracePeriod: Self.hour) }
        shuttingDown.cancel()
        await shuttingDown.value
        #expect(throws: HandleError.closed(.closeHandle)) { try session.close() }
        #expect(await waiting.response.failure == .cancelled(.receiveResponse))
        await other.value
    }

    @Test func `in a task that was cancelled before, it ends at once`() async throws {
        let session = try SessionHandle()
        let waiting = try await Waiting(session)
        let gate = Gate()
        let shuttingDown = Task {
            await gate.passed()
            await session.shutDown(gracePeriod: Self.hour)
        }
        shuttingDown.cancel()
        gate.open()
        await shuttingDown.value
        #expect(await waiting.response.failure == .cancelled(.receiveResponse))
    }

    @Test func `of several periods the earliest end counts`() async throws {
        let session = try SessionHandle(options: WebSocketTests.patient)
        let waiting = try await Waiting(session)
        let tasks = [Self.hour * 2, Self.hour, Self.hour * 3].map { period in
            Task.immediate { await session.shutDown(gracePeriod: period) }
        }
        session.advanceClock(by: Self.hour)
        for task in tasks { await task.value }
        #expect(await waiting.response.failure == .cancelled(.receiveResponse))
    }

    @Test func `closeAll ends the period at once`() async throws {
        let session = try SessionHandle()
        let waiting = try await Waiting(session)
        let shuttingDown = Task.immediate { await session.shutDown(gracePeriod: Self.hour) }
        try session.closeAll()
        await shuttingDown.value
        #expect(await waiting.response.failure == .cancelled(.receiveResponse))
    }

    @Test(arguments: [true, false])
    func `a session that is closed alone, before or meanwhile, is shut down all the same`(isBefore: Bool) async throws {
        let session = try SessionHandle(options: WebSocketTests.patient)
        let waiting = try await Waiting(session)
        let connection = try await session.connect(to: "127.0.0.1", port: waiting.server.port)
        if isBefore { try session.close() }
        let shuttingDown = Task.immediate { await session.shutDown(gracePeriod: Self.hour) }
        if !isBefore { try session.close() }
        await #expect(throws: Self.refusal(.openRequest)) { try await connection.openRequest(.get, "/") }
        waiting.gate.open()
        #expect(try await waiting.response.value == Array("hello".utf8))
        await shuttingDown.value
        await connection.closed()
    }

    /// As `a closed session ends when its last response was read`: the driver is not woken for each response that was read.
    @Test func `without listeners it ends when the last response was read`() async throws {
        let server = try EventOrderTests.answering(EventOrderTests.hello)
        let options: [OptionSetting] = [.set(.poolLimits, to: PoolLimits(idleTime: nil))]
        for number in 0..<20 {
            let session = try SessionHandle(options: options)
            let response = try await session.get(server.url())
            let shuttingDown = Task.immediate { await session.shutDown(gracePeriod: Self.hour) }
            for _ in 0..<number { await Task.yield() }
            #expect(try await response.body.collect(upTo: 5) == Array("hello".utf8))
            await shuttingDown.value
        }
    }

    @Test func `a redirect of a request in flight is followed, and one that waits for a slot is sent`() async throws {
        let session = try SessionHandle(options: [.set(.maximumConnections, to: 1)])
        let waiting = try await Waiting(session, path: "/moved")
        let queued = Task { try await session.get(waiting.server.url("/queued")).body.collect(upTo: 10) }
        try await waiting.recorder.first(.queued)
        let shuttingDown = Task.immediate { await session.shutDown(gracePeriod: Self.hour) }
        waiting.gate.open()
        #expect(try await waiting.response.value == Array("hello".utf8))
        #expect(try await queued.value == Array("hello".utf8))
        await shuttingDown.value
    }

    @Test func `a request by hand is in flight until its handle is closed, and cannot be sent again`() async throws {
        let server = try EventOrderTests.answering(EventOrderTests.hello)
        let session = try SessionHandle()
        let request = try await session.openRequest(.get, server.url())
        try await request.send()
        _ = try await request.receiveResponse()
        #expect(try await request.body.collect(upTo: 10) == Array("hello".utf8))
        let shuttingDown = Task.immediate { await session.shutDown(gracePeriod: Self.hour) }
        #expect(try await request.option(.status) == 200)
        await #expect(throws: Self.refusal(.sendRequest)) { try await request.send() }
        try request.close()
        await shuttingDown.value
    }

    @Test func `a source of events ends when it has to connect again`() async throws {
        let gate = Gate()
        let server = try ScriptedServer { connection in
            _ = try connection.readRequest()
            try connection.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nretry: 0\n\ndata: 1\n\n")
            gate.wait()
        }
        let session = try SessionHandle()
        var source = try await session.serverSentEvents(from: server.url()).makeAsyncIterator()
        #expect(try await source.next()?.data == "1")
        let shuttingDown = Task.immediate { await session.shutDown(gracePeriod: Self.hour) }
        gate.open()
        await #expect(throws: Self.refusal(.sendRequest)) { try await source.next() }
        await shuttingDown.value
    }

    // MARK: Sockets

    @Test func `sockets in flight finish`() async throws {
        let echo = try WebSocketTests.echo()
        let server = try UpgradedConnectionTests.server { connection in
            try connection.send(try connection.read(exactly: 2))
            connection.endSending()
            connection.waitForClose()
        }
        let session = try SessionHandle(options: WebSocketTests.patient)
        let recorder = EventRecorder(of: session, .handles, scope: .tree)
        let socket = try await session.webSocket(echo.webSocketURL())
        let upgraded = try await UpgradedConnectionTests.attach(session, server.url())
        let shuttingDown = Task.immediate { await session.shutDown(gracePeriod: Self.hour) }
        try await socket.send(.text("still here"))
        #expect(try await socket.receiveMessage() == .text("still here"))
        try await socket.finish()
        try socket.close()
        try await upgraded.write([1, 2])
        #expect(try await UpgradedConnectionTests.readAll(upgraded) == [1, 2])
        try upgraded.close()
        await shuttingDown.value
        let trace = try await Self.trace(recorder)
        #expect(
            trace == [
                "connection 1 handleCreated(parent: session)", "request 1   handleCreated(parent: connection 1)",
                "webSocket   handleCreated(parent: connection 1)", "request 1   handleClosing",
                "connection 2 handleCreated(parent: session)", "request 2   handleCreated(parent: connection 2)",
                "upgraded    handleCreated(parent: connection 2)", "request 2   handleClosing",
                "webSocket   handleClosing", "upgraded    handleClosing",
                "connection 1 handleClosing", "connection 2 handleClosing", "session     handleClosing",
            ]
        )
    }

    @Test func `sockets that do not finish end with the period`() async throws {
        let echo = try WebSocketTests.echo()
        let server = try UpgradedConnectionTests.server { $0.waitForClose() }
        let session = try SessionHandle(options: WebSocketTests.patient)
        let socket = try await session.webSocket(echo.webSocketURL())
        let upgraded = try await UpgradedConnectionTests.attach(session, server.url())
        let receiving = Task.immediate { try await socket.receiveMessage() }
        let reading = Task.immediate { try await upgraded.read(upTo: 1) }
        let shuttingDown = Task.immediate { await session.shutDown(gracePeriod: Self.hour) }
        session.advanceClock(by: Self.hour)
        await shuttingDown.value
        #expect(await receiving.failure == .cancelled(.receiveMessage))
        #expect(await reading.failure == .cancelled(.readData))
    }

    @Test func `a request in flight may still become a WebSocket`() async throws {
        let server = try WebSocketTests.echo()
        let session = try SessionHandle(options: WebSocketTests.patient)
        let request = try await WebSocketTests.request(session, server)
        try await request.send()
        #expect(try await request.receiveResponse().status == .switchingProtocols)
        let shuttingDown = Task.immediate { await session.shutDown(gracePeriod: Self.hour) }
        let socket = try await request.completeWebSocketUpgrade()
        try request.close()
        try await socket.send(.text("new"))
        #expect(try await socket.receiveMessage() == .text("new"))
        try socket.close()
        await shuttingDown.value
    }
}
