public import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes

/// Transfers that wait in every phase, and others that are always active, in three sessions.
///
/// The handles are kept only by the tasks that use them, which never end: the process ends while they run.
public struct TransfersInEveryPhase: Sendable {
    /// The session of waiting transfers.
    public let waiting: SessionHandle
    /// The session that makes one TLS connection after the other.
    public let connecting: SessionHandle
    /// The session of active uploads and downloads, with and without TLS.
    public let flowing: SessionHandle
    private let servers: Servers

    /// Makes the sessions without starting anything.
    public init(_ servers: Servers) throws {
        self.servers = servers
        let options = [OptionSetting.set(.serverTrust, to: .authorities(inFile: servers.authorityFile))]
        waiting = try SessionHandle(options: options)
        connecting = try SessionHandle(options: options)
        flowing = try SessionHandle(options: options)
    }

    /// Starts everything, and returns after a number of events.
    public func start(passing count: Int) async {
        var left = count
        let events = connecting.statusEvents(scope: .tree)
        startWaiting()
        startConnecting()
        startFlowing()
        guard left > 0 else { return }
        for await _ in events {
            left -= 1
            if left == 0 { return }
        }
    }

    private func startWaiting() {
        let stalling = servers.stallingPort
        wait(.get, servers.unreachablePort, "/connecting")
        wait(.get, stalling, "/handshake", secure: true)
        wait(.get, stalling, "/response")
        wait(.get, stalling, "/half-head")
        wait(.get, stalling, "/half-body")
        wait(.put, stalling, "/upload", .bytes([UInt8](repeating: 0, count: 1 << 20)))
        wait(.put, stalling, "/upload", .writes())
        // Paused, with and without TLS.
        wait(.get, servers.httpPort, "/big", reading: false)
        wait(.get, servers.httpsPort, "/big", secure: true, reading: false)
        // Complete and unread.
        wait(.get, servers.httpPort, "/hello", reading: false)
        // Complete: its connection is pooled.
        wait(.get, servers.httpPort, "/hello")
        wait(.get, servers.httpsPort, "/hello", secure: true)
        // Sockets: in the middle of a message that comes, and of one that is sent; idle; one that was not taken over.
        startSocket(stalling, "/socket") { socket in while try await socket.receive() != nil {} }
        startSocket(stalling, "/full-socket") { try await $0.send(.binary([UInt8](repeating: 0, count: 4 << 20))) }
        startSocket(stalling, "/echo") { await $0.closed() }
        // Of another protocol: one that waits for bytes, and one that sends more than the server takes.
        startUpgraded(stalling, "/upgraded") { socket in while !(try await socket.read()).isEmpty {} }
        startUpgraded(stalling, "/full-upgraded") { try await $0.write([UInt8](repeating: 0, count: 4 << 20)) }
        Task {
            let request = try await waiting.openRequest(.get, "http://127.0.0.1:\(stalling)/echo")
            try await request.setOption(.upgradesToWebSocket, to: true)
            try await request.send()
            _ = try await request.receiveResponse()
            await request.closed()
        }
        Task {
            // Never used.
            let request = try await waiting.openRequest(.get, "http://127.0.0.1/")
            await request.closed()
        }
    }

    private func wait(
        _ method: HTTPRequest.Method,
        _ port: Int,
        _ path: String,
        secure: Bool = false,
        _ body: RequestBody = .none,
        reading: Bool = true
    ) {
        Task {
            let connection = try await waiting.connect(to: "127.0.0.1", port: port)
            let request = try await connection.openRequest(method, path, secure: secure)
            try await request.send(body)
            _ = try await request.receiveResponse()
            if reading { _ = try await request.body.collect(upTo: .max) }
            await request.closed()
        }
    }

    private func startSocket(
        _ port: Int,
        _ path: String,
        _ use: @escaping @Sendable (WebSocketHandle) async throws -> Void
    ) {
        Task {
            let socket = try await waiting.webSocket("ws://127.0.0.1:\(port)\(path)")
            try await use(socket)
            await socket.closed()
        }
    }

    private func startUpgraded(
        _ port: Int,
        _ path: String,
        _ use: @escaping @Sendable (UpgradedHandle) async throws -> Void
    ) {
        Task {
            let request = try await waiting.openRequest(.get, "http://127.0.0.1:\(port)\(path)")
            try await request.setOption(.upgradesToProtocol, to: "tcp")
            try await request.send()
            _ = try await request.receiveResponse()
            let socket = try await request.completeUpgrade()
            try request.close()
            try await use(socket)
            await socket.closed()
        }
    }

    private func startConnecting() {
        let url = "https://localhost:\(servers.httpsPort)/hello"
        for _ in 0..<2 {
            Task {
                while true {
                    _ = try await connecting.get(url, headerFields: [.connection: "close"]).body.collect(upTo: 100)
                }
            }
        }
    }

    private func startFlowing() {
        Task {
            let socket = try await flowing.webSocket("ws://127.0.0.1:\(servers.stallingPort)/echo")
            while true {
                try await socket.send(.binary([UInt8](repeating: 0, count: 10_000)))
                _ = try await socket.receiveMessage()
            }
        }
        let http = "http://127.0.0.1:\(servers.httpPort)"
        let https = "https://127.0.0.1:\(servers.httpsPort)"
        for url in [http, https] {
            Task {
                while true { for try await _ in try await flowing.get(url + "/big").body {} }
            }
            Task {
                let bytes = RequestBody.bytes([UInt8](repeating: 0, count: 1 << 20))
                while true { _ = try await flowing.fetch(.post, url + "/hello", body: bytes).body.collect(upTo: 100) }
            }
        }
    }
}
