import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes
import Testing

/// Servers that break off, in pieces and in the middle of things.
@Suite("Faults of WebSocket servers", .timeLimit(.minutes(5)))
struct WebSocketFaultTests {
    @Test func `the answer and a message, byte by byte`() async throws {
        let server = try ScriptedServer { connection in
            guard let head = try connection.readHead(), let key = head["sec-websocket-key"] else { return }
            let answer =
                "HTTP/1.1 101 Switching Protocols\r\nConnection: keep-alive, Upgrade\r\nUPGRADE: WebSocket\r\n"
                + "Sec-WebSocket-Accept: \(ServerWebSocket.accept(for: key))\r\n\r\n"
            let text = Array("héllo".utf8)
            for byte in Array(answer.utf8) + ServerWebSocket.frameHead(opcode: 1, length: text.count) + text {
                try connection.send([byte])
            }
            connection.waitForClose()
        }
        try await withSession(options: WebSocketTests.patient) { session in
            let socket = try await session.webSocket(server.webSocketURL())
            #expect(try await socket.receiveMessage() == .text("héllo"))
        }
    }

    @Test func `a reset, idle and in the middle of a message`() async throws {
        let server = try ScriptedServer { connection in
            let socket = try connection.acceptWebSocket()
            _ = try socket.receiveFrame()
            if socket.request.target == "/message" {
                try connection.send(ServerWebSocket.frameHead(opcode: 2, length: 10) + [1, 2, 3])
            }
            connection.reset()
        }
        try await withSession(options: WebSocketTests.patient) { session in
            for path in ["/", "/message"] {
                let socket = try await session.webSocket(server.webSocketURL(path))
                let events = EventRecorder(of: socket)
                let receiving = Task.immediate { _ = try await socket.receiveMessage() }
                try await socket.send(.text("go"))
                let failure = await receiving.failure
                let error = try #require(failure)
                #expect(error.code == .connectionError && error.operation == .receiveMessage)
                let later = await #expect(throws: HandleError.self) { try await socket.send(.text("x")) }
                #expect(later?.code == .connectionError && later?.operation == .sendMessage)
                try socket.close()
                let kinds = try await events.finish().map(\.kind)
                #expect(
                    kinds == [
                        .webSocketWriteComplete(bytes: 2, kind: .textMessage), .closingConnection, .connectionClosed,
                        .socketFailed(error), .requestError(error), .handleClosing,
                    ]
                )
            }
        }
    }

    @Test func `half a frame, and silence`() async throws {
        let wasAsked = Gate()
        let server = try ScriptedServer { connection in
            let socket = try connection.acceptWebSocket(
                followedBy: ServerWebSocket.frameHead(opcode: 1, length: 10) + "abc".utf8
            )
            guard try socket.receiveFrame().opcode == 9 else { return }
            wasAsked.open()
            connection.waitForClose()
        }
        let session = try SessionHandle(options: [
            .set(.webSocketKeepAliveInterval, to: .seconds(3600)), .set(.webSocketAnswerTimeout, to: .seconds(3600)),
        ])
        let socket = try await session.webSocket(server.webSocketURL())
        var text = ""
        while text.utf8.count < 3 { text += try #require(try await socket.receive()?.text) }
        #expect(text == "abc")
        let receiving = Task.immediate { _ = try await socket.receiveMessage() }
        session.advanceClock(by: .seconds(3601))
        await wasAsked.passed()
        session.advanceClock(by: .seconds(3601))
        #expect(await receiving.failure?.code == .timeout)
        try session.closeAll()
        await session.closed()
    }

    @Test(arguments: ["HTTP/1.1 101 Switching Proto", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"])
    func `the end of the connection inside the answer`(_ part: String) async throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readHead()
            try connection.send(part)
        }
        try await withSession(options: WebSocketTests.patient) { session in
            let error = await #expect(throws: HandleError.self) { try await session.webSocket(server.webSocketURL()) }
            #expect(error?.operation == .receiveResponse)
            #expect(error?.code == .invalidServerResponse || error?.code == .connectionError)
        }
    }

    /// What is wrong with a 101, and what the error says of it.
    @Test(arguments: [
        ("Connection: Upgrade\r\n", "the server's 101 has no Upgrade field"),
        ("Upgrade: h2c\r\nConnection: Upgrade\r\n", "the server upgrades to \"h2c\", not to websocket"),
        ("Upgrade: websocket\r\n", "the server's 101 has no Connection field"),
        ("Upgrade: websocket\r\nConnection: Upgrade\r\n", "the server's 101 has no Sec-WebSocket-Accept field"),
    ])
    func `a 101 that is no agreement`(_ fields: String, _ reason: String) async throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readHead()
            try connection.send("HTTP/1.1 101 Switching Protocols\r\n\(fields)\r\n")
            connection.waitForClose()
        }
        try await withSession(options: WebSocketTests.patient) { session in
            let error = await #expect(throws: HandleError.self) { try await session.webSocket(server.webSocketURL()) }
            #expect(error?.code == .invalidServerResponse && error?.reason == reason, "\(String(describing: error))")
            let connections = try await session.connections()
            #expect(connections.isEmpty)
        }
    }

    @Test(arguments: [
        "Sec-WebSocket-Protocol: other\r\n", "Sec-WebSocket-Extensions: x-unknown\r\n",
        "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=99\r\n",
    ])
    func `what was not offered`(_ field: String) async throws {
        let server = try ScriptedServer { connection in
            _ = try connection.acceptWebSocket(fields: field)
            connection.waitForClose()
        }
        try await withSession(options: WebSocketTests.patient) { session in
            let error = await #expect(throws: HandleError.self) {
                try await session.webSocket(server.webSocketURL(), subprotocols: ["one"])
            }
            #expect(error?.code == .invalidServerResponse && error?.operation == .receiveResponse)
        }
    }
}
