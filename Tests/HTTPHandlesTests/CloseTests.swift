import HTTPHandles
import HTTPHandlesTesting
import Testing

/// Closing in some phases of a request. All phases and ways: `PhaseMatrixTests`.
@Suite("Closing", .timeLimit(.minutes(5)))
struct CloseTests {
    /// A server that waits until the client closes.
    static func silent() throws -> ScriptedServer {
        try ScriptedServer { connection in
            _ = try connection.readHead()
            connection.waitForClose()
        }
    }

    @Test func `closing while the response is awaited`() async throws {
        let server = try Self.silent()
        let session = try SessionHandle()
        let connection = try await session.connect(to: "127.0.0.1", port: server.port)
        let request = try await connection.openRequest(.get, "/")
        let recorder = EventRecorder(of: request)
        try await request.send()
        try await recorder.first(.receivingResponse)
        // Runs until it waits: afterwards the operation is pending.
        let response = Task.immediate { try await request.receiveResponse() }
        try request.close()
        let error = HandleError.cancelled(.receiveResponse)
        await #expect(throws: error) { try await response.value }
        await request.closed()
        let kinds = try await recorder.finish().map(\.kind)
        #expect(kinds.suffix(4) == [.closingConnection, .connectionClosed, .requestError(error), .handleClosing])
    }

    @Test func `closing closes the connection of the request, also a reused one`() async throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readRequest()
            try connection.send(EventOrderTests.hello)
            connection.waitForClose()
        }
        let session = try SessionHandle()
        let idle = EventRecorder(of: session)
        _ = try await session.get(server.url()).body.collect(upTo: 5)
        let connection = try await session.connect(to: "127.0.0.1", port: server.port)
        let request = try await connection.openRequest(.get, "/")
        let recorder = EventRecorder(of: request)
        try await request.send()
        try request.close()
        let kinds = try await recorder.finish().map(\.kind)
        #expect(kinds.suffix(3) == [.closingConnection, .connectionClosed, .handleClosing])
        try connection.close()
        try session.close()
        #expect(try await idle.finish().map(\.kind) == [.handleClosing])
    }

    /// Without listeners and waiters the driver is not woken for the end of a response that was read.
    @Test func `the end of a response that was read is delivered to waiters and listeners, early and late ones`()
        async throws
    {
        let server = try ScriptedServer { connection in
            while try connection.readRequest() != nil { try connection.send(EventOrderTests.hello) }
        }
        let session = try SessionHandle()
        for number in 0..<240 {
            let response = try await session.get(server.url())
            let request = response.request
            let wait: @Sendable () async -> Bool =
                switch number % 3 {
                case 0:
                    {
                        await request.closed(); return true
                    }
                case 1: { await request.statusEvents().reduce(false) { $1.kind == .handleClosing } }
                default: { await request.progress().reduce(false) { $1.received == 5 } }
                }
            let isBefore = number % 2 == 0
            let before = isBefore ? Task { await wait() } : nil
            for _ in 0..<number % 8 { await Task.yield() }
            #expect(try await response.body.collect(upTo: 5) == Array("hello".utf8))
            #expect(await before?.value != false)
            #expect(await wait())
        }
    }

    @Test func `a closed session ends when its last response was read`() async throws {
        let server = try ScriptedServer { connection in
            while try connection.readRequest() != nil { try connection.send(EventOrderTests.hello) }
        }
        // No time limit of idle connections wakes the driver.
        let options: [OptionSetting] = [.set(.poolLimits, to: PoolLimits(idleTime: nil))]
        for number in 0..<20 {
            let session = try SessionHandle(options: options)
            let response = try await session.get(server.url())
            try session.close()
            let ended = number % 2 == 0 ? Task { await session.closed() } : nil
            for _ in 0..<number { await Task.yield() }
            #expect(try await response.body.collect(upTo: 5) == Array("hello".utf8))
            await ended?.value
            await session.closed()
        }
    }

    @Test func `cancelling the task closes the request`() async throws {
        let server = try Self.silent()
        let session = try SessionHandle()
        let recorder = EventRecorder(of: session, scope: .tree)
        let task = Task { try await session.get(server.url()) }
        try await recorder.first(.receivingResponse)
        task.cancel()
        let error = await #expect(throws: HandleError.self) { try await task.value }
        #expect(error?.isCancellation == true)
        try await recorder.first { $0.handle.level == .request && $0.kind == .handleClosing }
    }

    @Test func `a cancelled task closes the request and sends nothing`() async throws {
        let server = try Self.silent()
        let session = try SessionHandle()
        let connection = try await session.connect(to: "127.0.0.1", port: server.port)
        let request = try await connection.openRequest(.get, "/")
        let gate = Gate()
        let task = Task {
            await gate.passed()
            try await request.send()
        }
        task.cancel()
        gate.open()
        let error = await #expect(throws: HandleError.self) { try await task.value }
        #expect(error?.isCancellation == true)
        await request.closed()
        #expect(server.connectionsAccepted == 0)
    }

    @Test func `closing while the body arrives discards the rest`() async throws {
        let nginx = try Nginx.shared.get()
        let session = try SessionHandle()
        let connection = try await session.connect(to: "127.0.0.1", port: nginx.httpPort)
        let request = try await connection.openRequest(.get, "/big")
        let recorder = EventRecorder(of: request)
        try await request.send()
        _ = try await request.receiveResponse()
        var iterator = request.body.makeAsyncIterator()
        _ = try await iterator.next()
        try request.close()
        await #expect(throws: HandleError.closed(.readData)) { try await iterator.next() }
        #expect(try await recorder.finish().last?.kind == .handleClosing)
    }

    @Test func `closing while a read waits`() async throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readHead()
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
            connection.waitForClose()
        }
        let session = try SessionHandle()
        let connection = try await session.connect(to: "127.0.0.1", port: server.port)
        let request = try await connection.openRequest(.get, "/")
        let recorder = EventRecorder(of: request)
        try await request.send()
        _ = try await request.receiveResponse()
        let reading = Task.immediate { try await request.body.collect(upTo: 10) }
        try request.close()
        await #expect(throws: HandleError.cancelled(.readData)) { try await reading.value }
        let kinds = try await recorder.finish().map(\.kind)
        #expect(kinds.suffix(2) == [.requestError(.cancelled(.readData)), .handleClosing])
    }

    @Test func `closing does not affect another request`() async throws {
        let nginx = try Nginx.shared.get()
        let session = try SessionHandle()
        async let neighbour = session.get(nginx.http("/big")).body.collect(upTo: nginx.bigSize)
        for _ in 0..<50 {
            let connection = try await session.connect(to: "127.0.0.1", port: nginx.httpPort)
            let request = try await connection.openRequest(.get, "/big")
            try await request.send()
            try request.close()
            await request.closed()
        }
        #expect(try await neighbour.count == nginx.bigSize)
    }

    /// In a separate process, because other tests have threads and descriptors too.
    @Test func `threads and descriptors are back at the baseline`() async throws {
        await #expect(processExitsWith: .success) {
            let server = try CloseTests.silent()
            func useSession() async throws {
                try await withSession { session in
                    let connection = try await session.connect(to: "127.0.0.1", port: server.port)
                    let request = try await connection.openRequest(.get, "/")
                    try await request.send()
                }
            }
            try await useSession()
            let isQuiet = await eventually { Baseline.driverThreads == 0 }
            let descriptors = Baseline.descriptors
            for _ in 0..<10 { try await useSession() }
            #expect(isQuiet)
            #expect(await eventually { Baseline.driverThreads == 0 && Baseline.descriptors <= descriptors })
        }
    }
}
