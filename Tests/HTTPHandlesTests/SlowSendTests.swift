import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes
import Testing

/// A send that waits for the producer of its body.
@Suite("Slow sending", .timeLimit(.minutes(5)))
struct SlowSendTests {
    /// A request that is sent with a body that never produces a piece.
    func sending(to server: ScriptedServer) async throws -> (request: RequestHandle, operation: Task<Void, any Error>) {
        let connection = try await SessionHandle().connect(to: "127.0.0.1", port: server.port)
        let request = try await connection.openRequest(.put, "/")
        let recorder = EventRecorder(of: request)
        // Keeps the continuation: without it the stream ends.
        let pieces = AsyncStream<[UInt8]>.makeStream()
        let operation = Task.immediate {
            try await request.send(.stream(pieces.stream))
            pieces.continuation.finish()
        }
        try await recorder.first(.sendRequestComplete)
        return (request, operation)
    }

    @Test func `closing ends a send that waits for its sequence`() async throws {
        let server = try CloseTests.silent()
        let (request, operation) = try await sending(to: server)
        try request.close()
        await #expect(throws: HandleError.cancelled(.writeData)) { try await operation.value }
    }

    @Test func `a response ends a send that waits for its sequence, and can be received`() async throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readHead()
            try connection.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 5\r\n\r\nhello")
            connection.waitForClose()
        }
        let (request, operation) = try await sending(to: server)
        try await operation.value
        #expect(try await request.receiveResponse().status == 403)
        #expect(try await request.body.collect(upTo: 5) == Array("hello".utf8))
    }

    @Test func `a lost connection ends a send that waits for its sequence`() async throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readHead()
            connection.reset()
        }
        let (_, operation) = try await sending(to: server)
        let error = await #expect(throws: HandleError.self) { try await operation.value }
        #expect(error?.code == .connectionError)
        #expect(error?.operation == .writeData)
    }

    @Test func `a long head is sent when its last byte was sent`() async throws {
        let mayRead = Gate()
        let server = try ScriptedServer(limitsReceiveBuffers: true) { connection in
            mayRead.wait()
            connection.limitReceiveBuffer(to: 1 << 20)
            // In large pieces: `readHead` searches its end again for each piece.
            let length = try connection.read(exactly: 1_000_000).count + (connection.readHead()?.bytes.count ?? 0)
            try connection.send("HTTP/1.1 200 OK\r\nX-Length: \(length)\r\nContent-Length: 0\r\n\r\n")
            connection.waitForClose()
        }
        let session = try SessionHandle()
        let connection = try await session.connect(to: "127.0.0.1", port: server.port)
        // More than all socket buffers.
        let cookie: HTTPFields = [.cookie: String(repeating: "x", count: 1_000_000)]
        let request = try await connection.openRequest(.get, "/", headerFields: cookie)
        let recorder = EventRecorder(of: request)
        let operation = Task.immediate {
            try await request.send()
            return try await request.receiveResponse()
        }
        try await recorder.first(.sendingRequest)
        // Each call is a turn of the driver: sufficient for a send that does not wait.
        for _ in 0..<100 { _ = try await session.option(.connectTimeout) }
        #expect(recorder.events.last?.kind == .sendingRequest)
        mayRead.open()
        let head = try await operation.value
        let length = try #require(head.headerFields[.init("X-Length")!].flatMap { Int($0) })
        #expect(length > 1_000_000)
        #expect(recorder.events.map(\.kind).contains(.requestSent(bytes: length)))
    }
}
