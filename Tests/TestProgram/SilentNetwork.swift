#if os(Linux)
import HTTPHandles
import HTTPHandlesSystem
import HTTPHandlesTesting

/// A session with one active transfer, and others to destinations that do not answer. Prints the results in order.
struct SilentNetwork {
    /// The phase in which the others are stuck.
    enum Phase: String {
        /// Needs this program as the name server, and a resolver with long timeouts.
        case resolving
        /// The server's accept queue is full.
        case connecting
        /// Packets are dropped; needs an interface that is a black hole.
        case droppedPackets
        /// The server does not answer in the TLS handshake.
        case securing
    }

    let session: SessionHandle
    private let phase: Phase
    private let server: ScriptedServer
    private let unreachable: UnreachablePort
    private let nameServer: NameServer?
    /// A server that does not take part in TLS handshakes.
    private let silentServer: ScriptedServer
    /// One element for each handshake that was begun with the silent server.
    private let handshakes: AsyncStream<Void>
    /// For each element the server sends one more byte of the active transfer.
    private let gates = [Gate(), Gate(), Gate(), Gate()]

    init(_ phase: Phase) throws {
        self.phase = phase
        session = try SessionHandle(options: [.set(.receiveTimeout, to: .zero)])
        unreachable = try UnreachablePort()
        nameServer = phase == .resolving ? try NameServer() : nil
        let (handshakes, begun) = AsyncStream.makeStream(of: Void.self)
        self.handshakes = handshakes
        silentServer = try ScriptedServer { connection in
            _ = try connection.read(exactly: 1)
            begun.yield()
            connection.waitForClose()
        }
        let gates = gates
        server = try ScriptedServer { connection in
            _ = try connection.readHead()
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(gates.count)\r\n\r\n")
            for (number, gate) in gates.enumerated() {
                gate.wait()
                try connection.send("\(number)")
            }
            connection.waitForClose()
        }
    }

    /// Other requests do not wait for the silent ones.
    func closeInTheMiddle() async throws {
        let neighbour = try await session.get(server.url())
        var body = neighbour.body.makeAsyncIterator()
        func flow(_ number: Int) async throws {
            gates[number].open()
            print("neighbour:", String(decoding: try await body.next() ?? [], as: UTF8.self))
        }

        let connection = try await stuckConnection()
        let request = try await connection.openRequest(.get, "/", secure: phase == .securing)
        let recorder = EventRecorder(of: request)
        let sending = Task.immediate { try await request.send() }
        try await stuck(recorder)
        try await flow(0)
        try request.close()
        await request.closed()
        print("closed:", try await recorder.finish().map(\.kind.name).joined(separator: " "))
        do { try await sending.value } catch { print("throws", error) }
        try await flow(1)

        let limited = try await connection.openRequest(.get, "/", secure: phase == .securing)
        let limit = Duration.seconds(3600)
        try await limited.setOption(.resolveTimeout, to: limit)
        try await limited.setOption(.connectTimeout, to: limit)
        let limitedRecorder = EventRecorder(of: limited)
        let limitedSending = Task.immediate { try await limited.send() }
        try await stuck(limitedRecorder)
        session.advanceClock(by: limit)
        do { try await limitedSending.value } catch { print("throws", error) }
        try limited.close()
        await limited.closed()
        try await flow(2)

        let left = try await connection.openRequest(.get, "/", secure: phase == .securing)
        let leftRecorder = EventRecorder(of: left)
        let leftSending = Task.immediate { try await left.send() }
        try await stuck(leftRecorder)
        try await flow(3)
        try session.closeAll()
        await session.closed()
        do { try await leftSending.value } catch { print("throws", error) }
        print("session closed")
    }

    /// Starts a few transfers that get stuck.
    func startSeveral() async throws {
        let connection = try await stuckConnection()
        for _ in 0..<3 {
            let request = try await connection.openRequest(.get, "/")
            let recorder = EventRecorder(of: request)
            Task {
                try await request.send()
                await request.closed()
            }
            try await stuck(recorder)
        }
    }

    private func stuckConnection() async throws -> ConnectionHandle {
        switch phase {
        case .resolving: try await session.connect(to: "nobody.example", port: 80)
        case .connecting: try await session.connect(to: "127.0.0.1", port: unreachable.port)
        case .droppedPackets: try await session.connect(to: "10.255.0.2", port: 80)
        case .securing: try await session.connect(to: "127.0.0.1", port: silentServer.port)
        }
    }

    /// Waits until the request is stuck.
    private func stuck(_ recorder: EventRecorder) async throws {
        switch phase {
        case .resolving:
            _ = try await recorder.first { $0.kind.name == "resolvingName" }
            // The query was sent: the resolver waits.
            nameServer?.waitForQuestion()
        case .connecting, .droppedPackets: _ = try await recorder.first { $0.kind.name == "connectingToServer" }
        case .securing: for await _ in handshakes { return }
        }
    }
}

/// A name server on this machine that never answers.
private struct NameServer {
    private let descriptor = socket(AF_INET, SocketType.datagram, 0)

    struct Failure: Error {
        let errorNumber: Int32
    }

    init() throws {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(53).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe bind(descriptor, address, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { throw Failure(errorNumber: errno) }
    }

    func waitForQuestion() {
        var byte: UInt8 = 0
        _ = unsafe recv(descriptor, &byte, 1, 0)
    }
}
#endif
