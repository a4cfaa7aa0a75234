import HTTPHandles
import HTTPHandlesTesting
import Testing

/// WebSockets with servers of other origin, and with proxies in front of them.
@Suite("WebSockets with real servers", .timeLimit(.minutes(5)))
struct RealWebSocketTests {
    static func session(_ servers: WebSocketServers, _ more: OptionSetting...) throws -> SessionHandle {
        try SessionHandle(
            options: [.set(.serverTrust, to: .authorities(inFile: servers.authorityFile))] + WebSocketTests.patient
                + more
        )
    }

    /// Messages that compress well and badly, short and long.
    static let messages: [WebSocketMessage] = [
        .text("hello"), .text(String(repeating: "all work and no play ", count: 5000)), .binary([]),
        .binary((0..<70_000).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 3) }), .text("grüße"),
    ]

    static func exchange(_ socket: WebSocketHandle) async throws {
        for _ in 0..<2 {
            for message in messages {
                try await socket.send(message)
                #expect(try await socket.receiveMessage() == message)
            }
        }
        #expect(try await socket.roundTrip() >= .zero)
        try await socket.finish(.normalClosure, reason: "done")
        #expect(try await socket.closeStatus().code == .normalClosure)
    }

    @Test(arguments: WebSocketServers.Way.allCases)
    func `messages there and back`(_ way: WebSocketServers.Way) async throws {
        let servers = try WebSocketServers.shared.get()
        let session = try Self.session(servers)
        for compression in [MessageCompression(), nil] {
            try await session.setOption(.webSocketCompression, to: compression)
            let socket = try await session.webSocket(servers.url(way), subprotocols: ["v1.feed", "v2.feed"])
            #expect(socket.subprotocol == "v2.feed")
            #expect(socket.isCompressed == (compression != nil))
            try await Self.exchange(socket)
            try socket.close()
        }
        try session.closeAll()
        await session.closed()
    }

    @Test(arguments: [
        MessageCompression(clientNoContextTakeover: true), MessageCompression(serverNoContextTakeover: true),
        MessageCompression(clientMaximumWindowBits: 9, threshold: 0), MessageCompression(serverMaximumWindowBits: 9),
        MessageCompression(
            clientNoContextTakeover: true,
            serverNoContextTakeover: true,
            clientMaximumWindowBits: 10,
            serverMaximumWindowBits: 12,
            threshold: 1
        ),
    ])
    func `every option of compression`(_ compression: MessageCompression) async throws {
        let servers = try WebSocketServers.shared.get()
        let session = try Self.session(servers, .set(.webSocketCompression, to: compression))
        for way in [WebSocketServers.Way.websockets, .aiohttp] {
            let opening = Task { try await session.webSocket(servers.url(way)) }
            if let error = await opening.failure {
                // It agrees to less than it was asked for.
                #expect(way == .aiohttp && error.code == .invalidServerResponse)
                continue
            }
            let socket = try await opening.value
            try await Self.exchange(socket)
        }
        try session.closeAll()
        await session.closed()
    }
}
