#if os(Linux)
import HTTPHandles
import HTTPHandlesLock
import HTTPHandlesSystem
import HTTPHandlesTesting
import TransfersInEveryPhase

/// Measures what the process keeps for a slow reader, and for a server that is slow, beside the same socket when it is idle.
/// What the system keeps is not the process's memory.
struct SocketMemory {
    private static let kibibyte = 1 << 10
    private static let message = [UInt8](repeating: 1, count: 64 * kibibyte)
    private static let long = [UInt8](repeating: 2, count: 4 << 20)
    private static let senders = 8

    /// How many bytes the server has sent.
    private final class Counter: Sendable {
        private let sum = Lock(0)

        var value: Int { sum.withLock { $0 } }
        func add(_ count: Int) { sum.withLock { $0 += count } }
    }

    private let session: SessionHandle
    private let server: ScriptedServer
    private let sent = Counter()
    private let isOver = Gate()

    init() throws {
        session = try SessionHandle(options: [
            .set(.webSocketKeepAliveInterval, to: .zero), .set(.receiveTimeout, to: .zero),
        ])
        let (sent, isOver) = (sent, isOver)
        server = try ScriptedServer(limitsReceiveBuffers: true) { connection in
            guard let head = try connection.readHead() else { return }
            let isWebSocket = head["upgrade"] == "websocket"
            if isWebSocket {
                _ = try connection.acceptWebSocket(head)
            } else {
                try connection.send("HTTP/1.1 101 Upgraded\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n")
            }
            guard head.target == "/flood" else {
                // Takes nothing more.
                _ = try connection.read(exactly: 1)
                return isOver.wait()
            }
            _ = try connection.read(exactly: 1)
            while true {
                if isWebSocket { try connection.send(ServerWebSocket.frameHead(opcode: 2, length: Self.message.count)) }
                try connection.send(Self.message)
                sent.add(Self.message.count)
            }
        }
    }

    func run() async throws {
        // What is made once and kept.
        for isWebSocket in [true, false] { try await open(isWebSocket, "/deaf").close() }
        for isWebSocket in [true, false] {
            let kind = isWebSocket ? "WebSocket" : "other protocol"
            let peer = try await slowPeer(isWebSocket)
            let (reader, ahead) = try await slowReader(isWebSocket)
            let size = Self.long.count / Self.kibibyte
            print("\(kind), slow peer: \(peer) KiB, \(Self.senders) senders of \(size) KiB")
            print("\(kind), slow reader: \(reader) KiB, \(ahead / Self.kibibyte) KiB sent ahead")
        }
        isOver.open()
        try session.closeAll()
        await session.closed()
    }

    // MARK: The two cases

    /// Reads one piece, then nothing until the server is held up, and then 64 MiB. Returns the memory, and how much the server
    /// had sent when it was held up.
    private func slowReader(_ isWebSocket: Bool) async throws -> (kibibytes: Int, ahead: Int) {
        let socket = try await open(isWebSocket, "/flood")
        let (before, sentBefore) = (Self.startMeasuring(), sent.value)
        try await socket.write([0])
        var count = try await socket.read()
        await standstill()
        let ahead = sent.value - sentBefore - count
        while count < 64 << 20 { count += try await socket.read() }
        let after = Self.peak
        try await socket.close()
        return (after - before, ahead)
    }

    private func slowPeer(_ isWebSocket: Bool) async throws -> Int {
        let socket = try await open(isWebSocket, "/deaf")
        let long = Self.long
        let before = Self.startMeasuring()
        let senders = (0..<Self.senders).map { _ in Task.immediate { try await socket.write(long) } }
        for _ in 0..<1000 { _ = try await session.option(.connectTimeout) }
        let after = Self.peak
        try await socket.close()
        for sender in senders { _ = await sender.result }
        return after - before
    }

    /// Waits until the server has sent nothing for a while.
    private func standstill() async {
        var (last, unchanged) = (sent.value, 0)
        while unchanged < 5 {
            try? await Task.sleep(for: .milliseconds(50))
            let now = sent.value
            unchanged = now == last ? unchanged + 1 : 0
            last = now
        }
    }

    // MARK: Sockets

    private enum Socket: Sendable {
        case webSocket(WebSocketHandle)
        case upgraded(UpgradedHandle)

        func read() async throws -> Int {
            switch self {
            case .webSocket(let socket): try await socket.receive()?.bytes.count ?? 0
            case .upgraded(let socket): try await socket.read().count
            }
        }

        func write(_ bytes: [UInt8]) async throws {
            switch self {
            case .webSocket(let socket): try await socket.send(.binary(bytes))
            case .upgraded(let socket): try await socket.write(bytes)
            }
        }

        func close() async throws {
            let handle: any Handle =
                switch self {
                case .webSocket(let socket): socket
                case .upgraded(let socket): socket
                }
            try handle.close()
            await handle.closed()
        }
    }

    private func open(_ isWebSocket: Bool, _ path: String) async throws -> Socket {
        if isWebSocket { return .webSocket(try await session.webSocket(server.webSocketURL(path))) }
        let request = try await session.openRequest(.post, server.url(path))
        try await request.setOption(.upgradesToProtocol, to: "tcp")
        try await request.send()
        _ = try await request.receiveResponse()
        return .upgraded(try await request.completeUpgrade())
    }

    // MARK: Memory

    /// Begins a new peak. Returns the memory now, in KiB.
    private static func startMeasuring() -> Int {
        let file = unsafe HTTPHandlesSystem.open("/proc/self/clear_refs", O_WRONLY)
        _ = unsafe HTTPHandlesSystem.write(file, "5", 1)
        HTTPHandlesSystem.close(file)
        return figure("VmRSS:")
    }

    private static var peak: Int { figure("VmHWM:") }

    private static func figure(_ name: String) -> Int {
        let lines = SystemFile.contents("/proc/self/status").split(separator: "\n")
        let words = lines.first { $0.hasPrefix(name) }?.split { $0 == " " || $0 == "\t" } ?? []
        return words.count > 1 ? Int(words[1]) ?? 0 : 0
    }
}
#endif
