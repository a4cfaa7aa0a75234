#if Logging && Metrics && Tracing
import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes
import Testing

/// A scenario whose whole telemetry a document shows under the same title.
struct TelemetryScenario: Sendable, CustomTestStringConvertible {
    let title: String
    let play: @Sendable () async throws -> TelemetryProbe.Record

    init(_ title: String, _ play: @escaping @Sendable () async throws -> TelemetryProbe.Record) {
        self.title = title
        self.play = play
    }

    var testDescription: String { title }

    static let all = [
        TelemetryScenario("A request") {
            let server = try answering { _, _ in hello }
            return try await TelemetryProbe.recording(server.port) { session in
                let response = try await session.get("\(server.url())?token=secret")
                #expect(try await response.body.collect(upTo: 10).count == 5)
            }
        },
        TelemetryScenario("A request that is redirected, and sent again after a 503") {
            let redirect = "HTTP/1.1 302 Found\r\nLocation: /new\r\nContent-Length: 0\r\n\r\n"
            let server = try answering { request, count in
                if request.head.target == "/old" { return redirect }
                return count == 1 ? "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy" : hello
            }
            let policy = RetryPolicy(firstDelay: .zero, jitter: .none)
            return try await TelemetryProbe.recording(server.port, options: [.set(.retryPolicy, to: policy)]) {
                session in
                let response = try await session.get(server.url("/old"))
                #expect(try await response.body.collect(upTo: 10).count == 5)
            }
        },
        TelemetryScenario("A body is sent, and the answer is a 404") {
            let server = try answering { _, _ in "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n" }
            return try await TelemetryProbe.recording(server.port) { session in
                let response = try await session.fetch(.post, server.url(), body: .bytes(Array("hello".utf8)))
                #expect(response.head.status == 404)
            }
        },
        TelemetryScenario("A 401 that is answered with credentials") {
            let server = try answering { request, _ in
                if request.head["authorization"] != nil { return hello }
                return "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=r\r\nContent-Length: 0\r\n\r\n"
            }
            let options: [OptionSetting] = [.set(.credentials, to: Phase.credentials)]
            return try await TelemetryProbe.recording(server.port, options: options) { session in
                let response = try await session.get(server.url())
                #expect(try await response.body.collect(upTo: 10).count == 5)
            }
        },
        TelemetryScenario("The server refuses the connection") {
            let closed = try ClosedPort()
            return try await TelemetryProbe.recording(closed.port) { session in
                let error = await #expect(throws: HandleError.self) {
                    try await session.get("http://127.0.0.1:\(closed.port)/")
                }
                #expect(error?.code == .cannotConnect)
            }
        },
        TelemetryScenario("The response ends in the middle of its body") {
            let server = try ScriptedServer { connection in
                _ = try connection.readRequest()
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel")
            }
            return try await TelemetryProbe.recording(server.port) { session in
                let response = try await session.get(server.url())
                let error = await #expect(throws: HandleError.self) { try await response.body.collect(upTo: 10) }
                #expect(error?.code == .connectionError)
            }
        },
        TelemetryScenario("Closed while the response is awaited") {
            let server = try CloseTests.silent()
            return try await TelemetryProbe.recording(server.port) { session in
                let request = try await session.openRequest(.get, server.url())
                try await request.send()
                let receiving = Task.immediate { try await request.receiveResponse() }
                await request.passDriver()
                try await request.closeAndWait()
                _ = await receiving.result
            }
        },
        TelemetryScenario("No response in time") {
            let server = try CloseTests.silent()
            let options: [OptionSetting] = [.set(.responseTimeout, to: .seconds(3600))]
            return try await TelemetryProbe.recording(server.port, options: options) { session in
                let request = try await session.openRequest(.get, server.url())
                try await request.send()
                let receiving = Task.immediate { try await request.receiveResponse() }
                await request.passDriver()
                session.advanceClock(by: .seconds(3600))
                _ = await receiving.result
            }
        },
        TelemetryScenario("A request waits for the connection of another one") {
            let server = try GatedServer(answering: hello)
            let options: [OptionSetting] = [.set(.maximumConnections, to: 1)]
            return try await TelemetryProbe.recording(server.port, options: options) { session in
                let first = try await session.openRequest(.get, server.server.url("/first"))
                let second = try await session.openRequest(.get, server.server.url("/second"))
                try await first.send()
                let sending = Task.immediate { try await second.send() }
                await second.passDriver()
                _ = try await first.receiveResponse(server.gate)
                try await first.readAll()
                try await sending.value
                _ = try await second.receiveResponse()
                try await second.readAll()
            }
        },
        TelemetryScenario("A WebSocket") {
            let server = try ScriptedServer { connection in
                let socket = try connection.acceptWebSocket()
                while let message = try socket.receive() { try socket.send(message) }
            }
            return try await TelemetryProbe.recording(server.port) { session in
                let socket = try await session.webSocket(server.webSocketURL("/feed"))
                try await socket.send(.text("hello"))
                _ = try await socket.receive()
                try await socket.send([1, 2], as: .binaryFragment)
                try await socket.send([3], as: .binaryMessage)
                _ = try await socket.receive()
                try await socket.finish()
            }
        },
    ]

    private static let hello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

    /// A server that answers each request of a connection, which are numbered from 0.
    private static func answering(
        _ answer: @escaping @Sendable (ReceivedRequest, Int) -> String
    ) throws -> ScriptedServer {
        try ScriptedServer { connection in
            var count = 0
            while let request = try connection.readRequest() {
                try connection.send(answer(request, count))
                count += 1
            }
        }
    }
}
#endif
