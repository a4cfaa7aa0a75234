import BenchmarkWorkloads
import HTTPHandles

/// WebSockets of this library. `--executor session` runs every task on the session's executor.
struct HTTPHandlesWebSocketClient: WebSocketClient {
    let session: SessionHandle
    let executor: (any TaskExecutor)?

    init(_ arguments: Arguments) throws {
        var options: [OptionSetting] = [
            .set(.maximumConnectionsPerServer, to: nil), .set(.proxy, to: .none),
            .set(.webSocketCompression, to: arguments.number("deflate") > 0 ? MessageCompression() : nil),
        ]
        if arguments.workload == "ws-idle" {
            let interval = Duration.seconds(arguments.seconds("interval", 1))
            options.append(.set(.webSocketKeepAliveInterval, to: interval))
        }
        session = try SessionHandle(options: options)
        executor = arguments.text("executor") == "session" ? session.executor : nil
    }

    struct Socket: MeasuredSocket {
        let handle: WebSocketHandle

        static func payload(_ bytes: [UInt8]) -> WebSocketMessage { .binary(bytes) }

        func send(_ payload: WebSocketMessage) async throws { try await handle.send(payload) }

        func send(_ payload: WebSocketMessage, times count: Int) async throws {
            try await handle.send(contentsOf: repeatElement(payload, count: count))
        }

        func send(text: String) async throws { try await handle.send(.text(text)) }

        func receive() async throws -> Int {
            switch try await handle.receiveMessage() {
            case .binary(let bytes): bytes.count
            case .text(let text): text.utf8.count
            case nil: throw UnexpectedResponse("the server has closed the socket")
            }
        }
    }

    func withSocket(_ url: String, _ body: (inout Socket) async throws -> Void) async throws {
        var socket = Socket(handle: try await session.webSocket(url))
        try await body(&socket)
        try await socket.handle.finish()
    }

    func hold(_ url: String) async throws -> any Sendable { try await session.webSocket(url) }
}
