import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes
import Testing

/// The ends of upgraded connections, each direction by itself, also inside of TLS.
@Suite("Ends of upgraded connections", .timeLimit(.minutes(5)))
struct UpgradedEndTests {
    /// Nothing expires, so that only the end itself ends anything.
    private static func session(_ more: OptionSetting...) throws -> SessionHandle {
        let front = try TLSFront.shared.get()
        let limits = [HandleOption<Duration>.connectTimeout, .sendTimeout, .responseTimeout, .receiveTimeout]
        return try SessionHandle(
            options: [.set(.serverTrust, to: .authorities(inFile: front.authorityFile))] + WebSocketTests.patient
                + limits.map { .set($0, to: .zero) } + more
        )
    }

    // MARK: The server's direction

    @Test(arguments: ["", "HTTP/1.1 101 Switching Proto", "HTTP/1.1 101 S\r\nUpgrade: websocket\r\n"])
    func `the end of TLS alone ends a request that waits for its answer`(_ part: String) async throws {
        let (server, front) = (
            try ScriptedServer { connection in
                guard try connection.readHead() != nil else { return }
                try connection.send(part)
            }, try TLSFront.shared.get()
        )
        let session = try Self.session()
        let url = try front.url(server, .http1_1, ending: .wait)
        let request = try await session.openRequest(.get, url)
        try await request.setOption(.upgradesToWebSocket, to: true)
        try await request.send()
        let error = await #expect(throws: HandleError.self) { try await request.receiveResponse() }
        #expect(error?.operation == .receiveResponse)
        #expect(error?.code == .invalidServerResponse || error?.code == .connectionError)
        try session.closeAll()
        await session.closed()
    }

    @Test func `the end of TLS alone ends a WebSocket, after what came before it`() async throws {
        let (server, front) = (
            try ScriptedServer { connection in
                try connection.acceptWebSocket().send(.text("last"))
            }, try TLSFront.shared.get()
        )
        let session = try Self.session()
        let socket = try await session.webSocket(front.url(server, .http1_1, ending: .wait))
        #expect(try await socket.receiveMessage() == .text("last"))
        let error = await #expect(throws: HandleError.self) { try await socket.receiveMessage() }
        #expect(error?.code == .connectionError && error?.operation == .receiveMessage)
        try session.closeAll()
        await session.closed()
    }

    @Test func `the end of TLS alone ends an upgraded connection, after what came before it`() async throws {
        let (server, front) = (try UpgradedConnectionTests.server { try $0.send("last") }, try TLSFront.shared.get())
        let session = try Self.session()
        let attached = try await UpgradedConnectionTests.attach(
            session,
            front.url(server, .http1_1, ending: .wait)
        )
        #expect(try await UpgradedConnectionTests.readAll(attached) == Array("last".utf8))
        try session.closeAll()
        await session.closed()
    }

    // MARK: The client's direction

    @Test func `shutdown is a close_notify inside of TLS, and reading goes on`() async throws {
        let server = try UpgradedConnectionTests.server { connection in
            let start = try connection.read(exactly: 3)
            // Behind the front, the end comes only if close_notify did.
            connection.waitForClose()
            try connection.send(start + "bye".utf8)
        }
        let front = try TLSFront.shared.get()
        let session = try Self.session()
        for _ in 0..<3 {
            let url = try front.url(server, .http1_1, ending: .wait)
            let attached = try await UpgradedConnectionTests.attach(session, url)
            try await attached.write([1, 2, 3])
            try await attached.shutdown()
            #expect(try await UpgradedConnectionTests.readAll(attached) == [1, 2, 3] + "bye".utf8)
            try attached.close()
        }
        try session.closeAll()
        await session.closed()
    }

    @Test func `shutdown waits behind what a slow server has not taken, inside of TLS`() async throws {
        let isAsked = Gate()
        let count = 4 << 20
        let server = try UpgradedConnectionTests.server { connection in
            isAsked.wait()
            let bytes = try connection.read(exactly: count)
            connection.waitForClose()
            try connection.send("\(bytes.count)")
        }
        let front = try TLSFront.shared.get()
        let session = try Self.session()
        let url = try front.url(server, .http1_1, ending: .wait)
        let attached = try await UpgradedConnectionTests.attach(session, url)
        let writing = Task.immediate { try await attached.write([UInt8](repeating: 1, count: count)) }
        let ending = Task.immediate { try await attached.shutdown() }
        // It is behind both calls.
        _ = try await attached.option(.parentHandle)
        isAsked.open()
        try await writing.value
        try await ending.value
        #expect(try await UpgradedConnectionTests.readAll(attached) == Array("\(count)".utf8))
        try session.closeAll()
        await session.closed()
    }

    @Test func `shutdown after a challenge that libcurl has answered`() async throws {
        let heads = Record<ReceivedHead>()
        let server = try ScriptedServer { connection in
            while let head = try connection.readHead() {
                heads.note(head)
                guard head["Authorization"]?.hasPrefix("Digest ") == true else {
                    try connection.send(
                        "HTTP/1.1 401 Ask\r\nWWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"\r\n"
                            + "Content-Length: 2\r\n\r\nno"
                    )
                    continue
                }
                try connection.send(UpgradedConnectionTests.answer)
                let start = try connection.read(exactly: 3)
                connection.waitForClose()
                return try connection.send(start + "bye".utf8)
            }
        }
        let front = try TLSFront.shared.get()
        let session = try Self.session(.set(.credentials, to: .digest(user: "u", password: "p")))
        for url in [server.url(), try front.url(server, .http1_1, ending: .wait)] {
            for _ in 0..<2 {
                let attached = try await UpgradedConnectionTests.attach(session, url)
                try await attached.write([1, 2, 3])
                try await attached.shutdown()
                #expect(try await UpgradedConnectionTests.readAll(attached) == [1, 2, 3] + "bye".utf8)
            }
        }
        #expect(heads.all.count == 8)
        try session.closeAll()
        await session.closed()
    }

    /// OpenSSL must not write through libcurl there, which uses a transfer that is not there.
    @Test func `shutdown of a connection that was reset, before that is seen`() async throws {
        let (isUpgraded, isReset) = (Gate(), Gate())
        let server = try ScriptedServer { connection in
            guard try connection.readHead() != nil else { return }
            try connection.send(UpgradedConnectionTests.answer)
            isUpgraded.wait()
            connection.endSending()
            // The front ends the connection of the client first.
            connection.waitForClose()
            isReset.open()
        }
        let front = try TLSFront.shared.get()
        let session = try Self.session()
        let attached = try await UpgradedConnectionTests.attach(session, front.url(server, .http1_1, ending: .reset))
        let ending = Task(executorPreference: session.executor) {
            // libcurl reads nothing as long as its thread is here.
            isUpgraded.open()
            isReset.wait()
            try await attached.shutdown()
        }
        let error = await ending.failure
        #expect(error == nil || error?.code == .connectionError, "\(String(describing: error))")
        _ = try? await UpgradedConnectionTests.readAll(attached)
        try session.closeAll()
        await session.closed()
    }

    @Test func `one direction of TLS inside of the TLS of a proxy cannot be ended`() async throws {
        let proxies = try ProxyServers.shared.get()
        let server = try UpgradedConnectionTests.server { connection in
            while true { try connection.send(try connection.read(exactly: 1)) }
        }
        let front = try TLSFront.shared.get()
        let session = try Self.session(.set(.proxy, to: .named(proxies.https)), .set(.ipVersion, to: .v4))
        let attached = try await UpgradedConnectionTests.attach(session, front.url(server, .http1_1))
        let error = await #expect(throws: HandleError.self) { try await attached.shutdown() }
        #expect(error?.code == .notSupported && error?.operation == .shutdown)
        // Nothing has changed.
        try await attached.write([1])
        #expect(try await attached.read() == [1])
        try session.closeAll()
        await session.closed()
    }
}
