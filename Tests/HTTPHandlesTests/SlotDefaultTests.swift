import HTTPHandles
import HTTPHandlesLock
import HTTPHandlesTesting
import Testing

/// The default of `maximumConnectionsPerServer`.
@Suite("Default limit of connections", .timeLimit(.minutes(5)))
struct SlotDefaultTests {
    /// Answers when the gate is open, and counts the requests.
    private static func gated(_ gate: Gate, _ arrived: Record<Int>, _ count: Int, _ all: Gate) -> ScriptedServer.Script
    {
        { connection in
            while try connection.readRequest() != nil {
                arrived.note(connection.number)
                if arrived.all.count == count { all.open() }
                gate.wait()
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            }
        }
    }

    @Test func `a burst uses 256 connections, and the others wait for one of them`() async throws {
        let (gate, all, arrived) = (Gate(), Gate(), Record<Int>())
        let server = try ScriptedServer(Self.gated(gate, arrived, 256, all))
        let session = try SessionHandle()
        #expect(try await session.option(.maximumConnectionsPerServer) == 256)
        let recorder = EventRecorder(of: session, .queue, scope: .tree)
        let queued = Lock<Set<HandleID>>([])
        let sending = Task {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<300 {
                    group.addTask { _ = try await session.get(server.url()).body.collect(upTo: 2) }
                }
                try await group.waitForAll()
            }
        }
        await all.passed()
        _ = try await recorder.first { event in
            guard event.kind == .queued else { return false }
            return queued.withLock { queued in
                queued.insert(event.handle)
                return queued.count == 300 - 256
            }
        }
        #expect(arrived.all.count == 256)
        gate.open()
        try await sending.value
        #expect(server.connectionsAccepted == 256)
    }

    /// With a smaller limit, which is the same.
    @Test func `requests that share an HTTP/2 connection do not wait for responses to others`() async throws {
        let nginx = try Nginx.shared.get()
        let (gate, all, arrived) = (Gate(), Gate(), Record<Int>())
        let count = 40
        let server = try ScriptedServer(Self.gated(gate, arrived, 2 * count, all))
        for isWarm in [false, true] {
            let session = try SessionHandle(options: [
                .set(.serverTrust, to: .authorities(inFile: nginx.authorityFile)),
                .set(.maximumConnectionsPerServer, to: 2),
            ])
            if isWarm { _ = try await session.get(nginx.https("/hello")).body.collect(upTo: 10) }
            for _ in 0..<count {
                let request = try await session.openRequest(.get, nginx.https("/face/\(server.port)/x"))
                try await request.setOption(.responseTimeout, to: .zero)
                Task {
                    try await request.send()
                    _ = try await request.receiveResponse()
                }
            }
        }
        // All of them, though none was answered.
        await all.passed()
        gate.open()
    }

    @Test func `two Unix sockets are two servers`() async throws {
        let scratch = try Scratch()
        let gates = [Gate(), Gate()]
        let servers = try ["a", "b"].map { name in
            try ScriptedServer(unixSocket: scratch.path(name)) { connection in
                while let request = try connection.readRequest() {
                    if let number = Int(request.head.target.dropFirst()) { gates[number].wait() }
                    try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                }
            }
        }
        let session = try SessionHandle(options: [.set(.maximumConnectionsPerServer, to: 1)])
        let first = try await session.connect(toUnixSocket: .path(servers[0].address)).openRequest(.get, "/0")
        try await first.send()
        // The same origin.
        let second = try await session.connect(toUnixSocket: .path(servers[1].address)).openRequest(.get, "/1")
        gates[1].open()
        try await second.complete()
        gates[0].open()
        #expect(try await first.receiveResponse().status == .ok)
    }
}
