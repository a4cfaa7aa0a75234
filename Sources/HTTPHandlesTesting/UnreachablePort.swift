/// A port on loopback where connections are neither completed nor refused: its accept queue is full.
///
/// For transfers that have to stay in the connecting phase.
public final class UnreachablePort: Sendable {
    /// The port, on 127.0.0.1.
    public let port: Int
    private let listener: ServerSocket
    private let queued: [ServerSocket]

    /// Fills the queue of a listener.
    public init() throws {
        (listener, port) = try ServerSocket.listening(backlog: 0)
        // Linux completes one connection more than the backlog; further ones wait.
        let port = port
        queued = try (0..<3).map { _ in try ServerSocket.connecting(to: port) }
    }

    deinit {
        for socket in queued { socket.close() }
        listener.close()
    }
}
