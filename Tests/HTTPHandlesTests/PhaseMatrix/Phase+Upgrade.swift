import HTTPHandles
import HTTPHandlesTesting
import Testing

// The phases of requests that ask for a WebSocket: what is sent, and the connection slot.

extension Phase {
    var asksForUpgrade: Bool {
        switch self {
        case .awaitingUpgrade, .inUpgradeHead, .upgraded, .upgradedWithBytes, .upgradedEnded: true
        case .upgradeRefused, .askingForUpgradeCredentials, .secondUpgradeRound, .inUpgradeRedirect: true
        default: false
        }
    }

    /// The fields that the library adds, with a key of the same length.
    var upgradeFields: String {
        guard asksForUpgrade else { return "" }
        return "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: \(Self.key)\r\n"
            + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
    }

    /// What `acceptWebSocket` sends, for a key of the same length.
    static let upgradeHead =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        + "Sec-WebSocket-Accept: \(ServerWebSocket.accept(for: key))\r\n\r\n"

    private static let key = "dGhlIHNhbXBsZSBub25jZQ=="
}

extension PhaseServers {
    /// Answers a request for a WebSocket.
    static func upgrade(_ connection: ServerConnection, _ head: ReceivedHead, _ mayEnd: Gate) throws {
        switch head.target {
        case "/half-upgrade": try connection.send(earlyHints + "HTTP/1.1 101 Switching Protocols\r\nUpgr")
        case "/upgrade": _ = try connection.acceptWebSocket(head)
        case "/upgrade-bytes":
            _ = try connection.acceptWebSocket(head, followedBy: [UInt8](repeating: 0, count: bigSize))
        case "/upgrade-end":
            _ = try connection.acceptWebSocket(head)
            mayEnd.wait()
            connection.endSending()
        default: break
        }
    }
}

extension Scene {
    /// An upgraded connection has its slot until it ends, also before it is taken over: another request has to wait.
    func checkUpgradedSlot() async throws {
        let connection = try await session.connect(to: "127.0.0.1", port: servers.server.port)
        let other = try await connection.openRequest(.get, "/whole")
        let recorder = EventRecorder(of: other)
        guard cell.phase != .upgradedEnded else {
            try await other.send()
            #expect(try await other.receiveResponse().status == 200)
            try other.close()
            let kinds = try await recorder.finish().map(\.kind)
            #expect(!kinds.contains(.queued), "the connection is gone, and its slot is not released")
            return
        }
        let sending = Task.immediate { try await other.send() }
        // Also if it did not wait, the wait for the event ends with the handle.
        let first = try await recorder.first { _ in true }
        #expect(first?.kind == .queued, "an upgraded connection has no slot")
        try other.close()
        #expect(await sending.failure == .cancelled(.sendRequest))
        await other.closed()
    }
}
