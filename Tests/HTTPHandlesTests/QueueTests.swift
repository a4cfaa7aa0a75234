import HTTPHandles
import HTTPHandlesTesting
import Testing

@Suite("Connection limits", .timeLimit(.minutes(5)))
struct QueueTests {
    /// Answers each request after the gate of its number was opened.
    static func gated(_ gates: [Gate]) throws -> ScriptedServer {
        try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                if let number = Int(request.head.target.dropFirst()) { gates[number].wait() }
                try connection.send(EventOrderTests.hello)
            }
        }
    }

    /// A request that was sent, with a recorder that has recorded `kind`.
    func sending(
        _ path: String,
        on connection: ConnectionHandle,
        until kind: StatusEvent.Kind
    ) async throws -> (request: RequestHandle, recorder: EventRecorder, operation: Task<ResponseHead, any Error>) {
        let request = try await connection.openRequest(.get, path)
        let recorder = EventRecorder(of: request)
        let operation = Task {
            try await request.send()
            return try await request.receiveResponse()
        }
        try await recorder.first(kind)
        return (request, recorder, operation)
    }

    @Test(arguments: [HandleOption<Int?>.maximumConnectionsPerServer, .maximumConnections])
    func `a request waits for a slot and uses the connection that becomes free`(_ limit: HandleOption<Int?>)
        async throws
    {
        let gates = [Gate(), Gate()]
        let server = try Self.gated(gates)
        let session = try SessionHandle(options: [.set(limit, to: 1)])
        let connection = try await session.connect(to: "127.0.0.1", port: server.port)
        let first = try await sending("/0", on: connection, until: .receivingResponse)
        let second = try await sending("/1", on: connection, until: .queued)
        gates[0].open()
        gates[1].open()
        _ = try await first.operation.value
        _ = try await second.operation.value
        #expect(try await second.request.body.collect(upTo: 10) == Array("hello".utf8))
        #expect(server.connectionsAccepted == 1)
        try second.request.close()
        let names = try await second.recorder.finish().map(\.kind.name)
        #expect(
            names == [
                "queued", "connectionReused", "sendingRequest", "requestSent", "sendRequestComplete",
                "receivingResponse", "responseReceived", "headersAvailable", "readComplete", "readComplete",
                "handleClosing",
            ]
        )
    }

    @Test func `without a limit no request waits for the response to another`() async throws {
        let gates = [Gate(), Gate()]
        let server = try Self.gated(gates)
        let session = try SessionHandle()
        let connection = try await session.connect(to: "127.0.0.1", port: server.port)
        let first = try await sending("/0", on: connection, until: .receivingResponse)
        gates[1].open()
        #expect(try await session.get(server.url("/1")).head.status == 200)
        try first.request.close()
    }

    @Test func `closing a queued request is a cancellation, and the next one advances`() async throws {
        let gates = [Gate(), Gate()]
        let server = try Self.gated(gates)
        let session = try SessionHandle(options: [.set(.maximumConnections, to: 1)])
        let connection = try await session.connect(to: "127.0.0.1", port: server.port)
        let first = try await sending("/0", on: connection, until: .receivingResponse)
        let second = try await sending("/1", on: connection, until: .queued)
        let third = try await sending("/1", on: connection, until: .queued)
        try second.request.close()
        await #expect(throws: HandleError.cancelled(.sendRequest)) { try await second.operation.value }
        let kinds = try await second.recorder.finish().map(\.kind)
        #expect(kinds == [.queued, .requestError(.cancelled(.sendRequest)), .handleClosing])
        gates[1].open()
        // Closing the first releases its slot as well.
        try first.request.close()
        #expect(try await third.operation.value.status == 200)
    }

    @Test func `waiting for a slot has a separate time limit`() async throws {
        let server = try Self.gated([Gate()])
        let limit = Duration.milliseconds(20)
        let session = try SessionHandle(options: [.set(.maximumConnections, to: 1), .set(.queueTimeout, to: limit)])
        let connection = try await session.connect(to: "127.0.0.1", port: server.port)
        let first = try await sending("/0", on: connection, until: .receivingResponse)
        let second = try await sending("/0", on: connection, until: .queued)
        let error = HandleError.timeout(.queue, after: limit, .sendRequest)
        await #expect(throws: error) { try await second.operation.value }
        #expect(error.phase == .queue)
        // It can be sent again.
        let again = Task { try await second.request.send() }
        await #expect(throws: error) { try await again.value }
        try second.request.close()
        #expect(
            try await second.recorder.finish().map(\.kind) == [
                .queued, .requestError(error), .queued, .requestError(error), .handleClosing,
            ]
        )
        try first.request.close()
    }

    @Test func `a higher limit starts waiting requests`() async throws {
        let gates = [Gate(), Gate()]
        let server = try Self.gated(gates)
        let session = try SessionHandle(options: [.set(.maximumConnections, to: 1)])
        let connection = try await session.connect(to: "127.0.0.1", port: server.port)
        let first = try await sending("/0", on: connection, until: .receivingResponse)
        let second = try await sending("/1", on: connection, until: .queued)
        try await session.setOption(.maximumConnections, to: 2)
        gates[1].open()
        #expect(try await second.operation.value.status == 200)
        try first.request.close()
    }

    @Test func `a thousand requests share three connections`() async throws {
        let nginx = try Nginx.shared.get()
        let session = try SessionHandle(options: [.set(.maximumConnectionsPerServer, to: 3)])
        try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<1000 {
                group.addTask { try await session.get(nginx.http("/hello")).body.collect(upTo: 100).count }
            }
            for try await count in group { #expect(count > 0) }
        }
        try session.closeAll()
        await session.closed()
    }
}
