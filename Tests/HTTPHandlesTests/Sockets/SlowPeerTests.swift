import HTTPHandles
import HTTPHandlesTesting
import Testing

/// What is kept for a slow reader and for a slow peer is limited, in both directions and of both kinds of sockets.
@Suite("Slow readers and slow peers", .timeLimit(.minutes(5)))
struct SlowPeerTests {
    /// More than the system and the library keep together: the system at most 6 MiB for the receiver and 4 MiB for the
    /// sender, the library 64 KiB beside the buffers of the options.
    static let (pieces, pieceSize, kept) = (40, 1 << 20, 16 << 20)

    /// Counts what it has sent.
    private static func sender(_ sent: Record<Int>, _ isUpgraded: Bool) throws -> ScriptedServer {
        try ScriptedServer { connection in
            let piece = [UInt8](repeating: 1, count: pieceSize)
            if isUpgraded {
                guard try connection.readHead() != nil else { return }
                try connection.send(UpgradedConnectionTests.answer)
            } else {
                _ = try connection.acceptWebSocket()
            }
            for _ in 0..<pieces {
                if !isUpgraded { try connection.send(ServerWebSocket.frameHead(opcode: 2, length: pieceSize)) }
                try connection.send(piece)
                sent.note(pieceSize)
            }
            connection.waitForClose()
        }
    }

    @Test(arguments: [false, true])
    func `a slow reader holds the server up`(_ isUpgraded: Bool) async throws {
        let sent = Record<Int>()
        let server = try Self.sender(sent, isUpgraded)
        let session = try SessionHandle(options: WebSocketTests.patient)
        var count = 0
        func read(_ next: () async throws -> Int) async throws {
            while count < Self.pieces * Self.pieceSize {
                // The server has time to send more, if it can: each call is a turn of the driver.
                for _ in 0..<10 { _ = try await session.option(.connectTimeout) }
                let ahead = sent.all.reduce(0, +) - count
                #expect(ahead <= Self.kept)
                count += try await next()
            }
        }
        if isUpgraded {
            let attached = try await UpgradedConnectionTests.attach(session, server.url())
            try await read { try await attached.read().count }
        } else {
            let socket = try await session.webSocket(server.webSocketURL())
            try await read { try await socket.receive()?.bytes.count ?? Self.pieceSize }
        }
        #expect(count == Self.pieces * Self.pieceSize)
        try session.closeAll()
        await session.closed()
    }

    @Test func `pings are answered while nothing is read`() async throws {
        let wasAnswered = Gate()
        let server = try ScriptedServer { connection in
            let socket = try connection.acceptWebSocket()
            try socket.send(.text("before"))
            try socket.sendFrame(opcode: 9, [1, 2])
            guard try socket.receiveFrame().payload == [1, 2] else { return }
            wasAnswered.open()
            try socket.send(.text("after"))
            connection.waitForClose()
        }
        try await withSession(options: WebSocketTests.patient) { session in
            let socket = try await session.webSocket(server.webSocketURL())
            await wasAnswered.passed()
            #expect(try await socket.receiveMessage() == .text("before"))
            #expect(try await socket.receiveMessage() == .text("after"))
        }
    }

    /// Several senders, whose messages go out whole and in their order as soon as the server reads.
    @Test func `a slow server holds the senders up`() async throws {
        let mayRead = Gate()
        let received = Record<UInt8>()
        defer { mayRead.open() }
        let server = try ScriptedServer(limitsReceiveBuffers: true) { connection in
            let socket = try connection.acceptWebSocket()
            mayRead.wait()
            while case .binary(let bytes)? = try socket.receive() {
                received.note(Set(bytes).count == 1 ? bytes[0] : 255)
            }
        }
        let session = try SessionHandle(options: WebSocketTests.patient)
        let socket = try await session.webSocket(server.webSocketURL())
        let events = EventRecorder(of: socket)
        // The first is more than the system keeps, so that none of them is sent.
        let senders = (0..<4).map { (sender: UInt8) in
            Task.immediate {
                try await socket.send(.binary([UInt8](repeating: sender, count: sender == 0 ? 8 << 20 : 100_000)))
            }
        }
        for _ in 0..<200 { _ = try await session.option(.connectTimeout) }
        #expect(events.events.isEmpty)
        // Reading goes on meanwhile, and so do control frames, between two frames.
        let measuring = Task.immediate { try await socket.roundTrip() }
        for _ in 0..<20 { _ = try await session.option(.connectTimeout) }
        mayRead.open()
        for sender in senders { try await sender.value }
        #expect(try await measuring.value >= .zero)
        try await socket.finish()
        #expect(received.all == [0, 1, 2, 3])
        try session.closeAll()
        await session.closed()
    }
}
