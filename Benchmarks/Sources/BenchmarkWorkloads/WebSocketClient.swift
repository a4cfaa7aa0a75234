/// The interface of a client for the workloads of WebSockets. Each method uses the client's API in the most direct way.
package protocol WebSocketClient: Sendable {
    associatedtype Socket: MeasuredSocket

    init(_ arguments: Arguments) throws

    /// Where the tasks should run; `nil` is the default executor.
    var executor: (any TaskExecutor)? { get }

    /// A socket for as long as `body` runs.
    func withSocket(_ url: String, _ body: (inout Socket) async throws -> Void) async throws

    /// Opens a socket that does nothing but send a ping in every `--interval`. It stays open while the result exists.
    func hold(_ url: String) async throws -> any Sendable
}

extension WebSocketClient {
    package var executor: (any TaskExecutor)? { nil }
}

/// One socket.
package protocol MeasuredSocket {
    associatedtype Payload: Sendable

    static func payload(_ bytes: [UInt8]) -> Payload

    mutating func send(_ payload: Payload) async throws

    /// In one call.
    mutating func send(_ payload: Payload, times count: Int) async throws

    mutating func send(text: String) async throws

    /// Receives a message as a whole. Returns the number of its bytes.
    mutating func receive() async throws -> Int
}
