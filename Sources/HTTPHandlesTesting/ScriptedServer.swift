import HTTPHandlesLock

/// A server on loopback that sends exactly the bytes of a script, for responses that a real server does not send.
///
///     let server = try ScriptedServer { connection in
///         let request = try connection.readRequest()
///         try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
///     }
///     let response = try await session.get(server.url("/"))
///
/// The script runs once for each connection, on a separate thread, and may block. When it returns or throws, the
/// connection is closed. The server stops when its last reference is released.
public final class ScriptedServer: Sendable {
    /// The script of a connection.
    public typealias Script = @Sendable (ServerConnection) throws -> Void

    private struct State {
        var isStopped = false
        /// The listener's descriptor is still open.
        var isListening = true
        var connections: [ServerConnection] = []
        var accepted = 0
    }

    /// The loopback address that the server listens on, or its Unix socket.
    public let address: String
    /// The port that the server listens on; 0 for a Unix socket.
    public let port: Int
    private let listener: ServerSocket
    private let shared: Shared

    /// The state that the threads reference, so that they do not keep the server itself alive.
    private final class Shared: Sendable {
        let state = Lock(State())
        let script: Script

        init(_ script: @escaping Script) {
            self.script = script
        }

        func serve(_ listener: ServerSocket) {
            while let socket = listener.accept() {
                let connection: ServerConnection? = state.withLock { state in
                    guard !state.isStopped else { return nil }
                    let connection = ServerConnection(socket, number: state.accepted)
                    state.accepted += 1
                    state.connections.append(connection)
                    return connection
                }
                guard let connection else {
                    socket.close()
                    continue
                }
                startThread { [self] in
                    // An error ends the connection, like a normal return.
                    try? script(connection)
                    connection.close()
                    state.withLock { $0.connections.removeAll { $0 === connection } }
                }
            }
            state.withLock { state in
                state.isListening = false
                listener.close()
            }
        }

        func stop(_ listener: ServerSocket) {
            let connections = state.withLock { state in
                state.isStopped = true
                // A closed descriptor may have been reused by other code.
                if state.isListening { listener.shutDown() }
                return state.connections
            }
            for connection in connections { connection.shutDown() }
        }
    }

    /// Starts a server.
    ///
    /// - Parameters:
    ///   - address: The loopback address to listen on: 127.0.0.1 to 127.255.255.254, or ::1.
    ///   - port: The port to listen on; 0 for a free one.
    ///   - backlog: How many connections the system completes before they are accepted.
    ///   - limitsReceiveBuffers: Whether the receive buffers are as small as possible, so that a client that sends some ten thousand
    ///     bytes has to wait until the script reads.
    ///   - script: The script of each connection.
    public init(
        address: String = "127.0.0.1",
        port: Int = 0,
        backlog: Int = 1024,
        limitsReceiveBuffers: Bool = false,
        _ script: @escaping Script
    ) throws {
        let (listener, port) = try ServerSocket.listening(
            at: address,
            port: port,
            backlog: Int32(backlog),
            limitsReceiveBuffers: limitsReceiveBuffers
        )
        self.listener = listener
        self.address = address
        self.port = port
        shared = Shared(script)
        let shared = shared
        startThread { shared.serve(listener) }
    }

    /// Starts a server behind a Unix socket.
    ///
    /// - Parameters:
    ///   - name: The path of the socket, where no file may be, or "@" and a name in the abstract namespace.
    ///   - script: The script of each connection.
    public init(unixSocket name: String, _ script: @escaping Script) throws {
        let listener = try ServerSocket.listening(atUnixSocket: name, backlog: 1024)
        self.listener = listener
        address = name
        port = 0
        shared = Shared(script)
        let shared = shared
        startThread { shared.serve(listener) }
    }

    deinit {
        stop()
    }

    /// Ends all connections and accepts no more. Idempotent.
    public func stop() {
        shared.stop(listener)
    }

    /// How many connections were accepted.
    public var connectionsAccepted: Int { shared.state.withLock { $0.accepted } }

    /// An http URL of this server; for a Unix socket that of localhost.
    public func url(_ path: String = "/") -> String {
        guard port != 0 else { return "http://localhost\(path)" }
        return "http://\(address.utf8.contains(UInt8(ascii: ":")) ? "[\(address)]" : address):\(port)\(path)"
    }
}

/// One connection of a `ScriptedServer`, seen from the server. All calls block.
public final class ServerConnection: Sendable {
    /// The number of the connection, from 0.
    public let number: Int
    private let socket: ServerSocket
    private let state = Lock(State())

    private struct State {
        var received: [UInt8] = []
        var isClosed = false
    }

    init(_ socket: ServerSocket, number: Int) {
        self.socket = socket
        self.number = number
    }

    // MARK: Reading

    /// Reads a request head, up to and including the empty line. `nil` if the client closes without sending a byte.
    public func readHead() throws -> ReceivedHead? {
        let blank = Array("\r\n\r\n".utf8)
        while true {
            let head: [UInt8]? = state.withLock { state in
                guard let end = state.received.firstRange(of: blank)?.upperBound else { return nil }
                defer { state.received.removeFirst(end) }
                return Array(state.received[..<end])
            }
            if let head { return ReceivedHead(bytes: head) }
            guard try receive() else {
                let isEmpty = state.withLock { $0.received.isEmpty }
                if isEmpty { return nil }
                throw SocketError.ended
            }
        }
    }

    /// Reads a whole request, its body by `Content-Length` or in chunks.
    public func readRequest() throws -> ReceivedRequest? {
        guard let head = try readHead() else { return nil }
        return ReceivedRequest(head: head, body: try readBody(of: head))
    }

    /// Reads the body of a request, by `Content-Length` or in chunks.
    public func readBody(of head: ReceivedHead) throws -> [UInt8] {
        if head["transfer-encoding"]?.lowercased() == "chunked" { return try readChunks() }
        return try read(exactly: head["content-length"].flatMap { Int($0) } ?? 0)
    }

    /// Reads exactly `count` bytes.
    public func read(exactly count: Int) throws -> [UInt8] {
        guard count >= 0 else { throw SocketError.ended }
        while true {
            let bytes: [UInt8]? = state.withLock { state in
                guard state.received.count >= count else { return nil }
                defer { state.received.removeFirst(count) }
                return Array(state.received[..<count])
            }
            if let bytes { return bytes }
            guard try receive() else { throw SocketError.ended }
        }
    }

    private func readChunks() throws -> [UInt8] {
        var body: [UInt8] = []
        while true {
            let size = Int(try readLine().prefix { $0 != ";" }, radix: 16) ?? 0
            guard size > 0 else {
                // Trailers, up to an empty line.
                while try !readLine().isEmpty {}
                return body
            }
            body += try read(exactly: size)
            _ = try readLine()
        }
    }

    private func readLine() throws -> String {
        var line: [UInt8] = []
        while true {
            let byte = try read(exactly: 1)[0]
            if byte == UInt8(ascii: "\n") { return String(decoding: line, as: UTF8.self) }
            if byte != UInt8(ascii: "\r") { line.append(byte) }
        }
    }

    /// Waits until the client closes the connection; discards what it still sends.
    public func waitForClose() {
        while (try? receive()) == true { state.withLock { $0.received = [] } }
    }

    private func receive() throws(SocketError) -> Bool {
        let bytes = try socket.read(upTo: 64 * 1024)
        state.withLock { $0.received += bytes }
        return !bytes.isEmpty
    }

    // MARK: Writing and ending

    /// Sends a text unchanged; it needs its own line ends.
    public func send(_ text: String) throws {
        try socket.write(text.utf8)
    }

    /// Sends bytes.
    public func send(_ bytes: some Collection<UInt8>) throws {
        try socket.write(bytes)
    }

    /// Sends a chunk of a chunked body; an empty one ends the body.
    public func sendChunk(_ text: String) throws {
        try send("\(String(text.utf8.count, radix: 16))\r\n\(text)\r\n")
    }

    /// Makes the receive buffer small, so that the client soon has to wait until the script reads.
    public func limitReceiveBuffer(to bytes: Int) {
        socket.setReceiveBuffer(Int32(bytes))
    }

    /// Closes the sending direction; reading is still possible.
    public func endSending() {
        socket.shutDownSending()
    }

    /// Ends the connection with a reset.
    public func reset() {
        socket.resetOnClose()
        close()
    }

    /// Closes the connection. Idempotent; called automatically when the script ends.
    public func close() {
        let isFirst = state.withLock { state in
            defer { state.isClosed = true }
            return !state.isClosed
        }
        if isFirst { socket.close() }
    }

    func shutDown() {
        // Under the lock, so that the descriptor is not closed and reused meanwhile.
        state.withLock { state in
            if !state.isClosed { socket.shutDown() }
        }
    }
}

/// A request head as received.
public struct ReceivedHead: Sendable {
    /// Its bytes.
    public let bytes: [UInt8]

    /// The lines without their ends, the request line first.
    public var lines: [String] {
        String(decoding: bytes, as: UTF8.self).split(separator: "\r\n").map(String.init)
    }

    /// The request line, for example "GET / HTTP/1.1".
    public var requestLine: String { lines.first ?? "" }

    /// The method.
    public var method: String { requestLine.split(separator: " ").first.map(String.init) ?? "" }

    /// The target.
    public var target: String {
        let parts = requestLine.split(separator: " ")
        return parts.count > 1 ? String(parts[1]) : ""
    }

    /// The value of the first header field with that name; case is ignored.
    public subscript(name: String) -> String? {
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, parts[0].lowercased() == name.lowercased() else { continue }
            return parts[1].drop { $0 == " " }.description
        }
        return nil
    }
}

/// A request as received.
public struct ReceivedRequest: Sendable {
    /// Its head.
    public let head: ReceivedHead
    /// Its body, without chunk framing.
    public let body: [UInt8]
}

extension SocketError {
    static let ended = SocketError(text: "the client closed the connection in the middle of a request")
}
