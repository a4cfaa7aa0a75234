/// A port on loopback to which no connection is ever made, and none refused: its queue is full and nobody accepts.
///
/// For transfers that shall stay in the middle of connecting.
public final class UnreachablePort: Sendable {
    /// The port, on 127.0.0.1.
    public let port: Int
    private let listener: ServerSocket
    private let queued: [ServerSocket]

    /// Fills the queue of a listener.
    public init() throws {
        (listener, port) = try ServerSocket.listening(backlog: 0)
        // Linux completes one connection more than the queue was asked to hold; the others wait for ever.
        let port = port
        queued = try (0..<3).map { _ in try ServerSocket.connecting(to: port) }
    }

    deinit {
        for socket in queued { socket.close() }
        listener.close()
    }
}
