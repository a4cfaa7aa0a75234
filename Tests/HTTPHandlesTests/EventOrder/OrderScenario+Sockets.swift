import HTTPHandles
import HTTPHandlesTesting

extension OrderScenario {
    /// Scenarios of WebSockets and of other upgraded connections.
    static let sockets = [
        OrderScenario("A WebSocket, as in WinHTTP") {
            try await withWebSocket { socket, mayDisconnect in
                while let message = try socket.receive() { try socket.send(message) }
                mayDisconnect.wait()
            } play: { socket, mayDisconnect in
                try await socket.send([1, 2], as: .binaryFragment)
                try await socket.send([3], as: .binaryMessage)
                _ = try await socket.receive()
                try await socket.shutdown()
                _ = try await socket.receive()
                try await socket.finish()
                mayDisconnect.open()
            }
        },
        OrderScenario("A WebSocket that the server closes") {
            try await withWebSocket { socket, mayDisconnect in
                try socket.send(.text("last"))
                try socket.close(4000, reason: "enough")
                mayDisconnect.wait()
            } play: { socket, mayDisconnect in
                for try await _ in socket.messages {}
                mayDisconnect.open()
            }
        },
        OrderScenario("A WebSocket with a violation of the protocol") {
            try await withWebSocket { socket, isReceiving in
                isReceiving.wait()
                // Reserved.
                try socket.sendFrame(opcode: 3, [])
                _ = try socket.receiveFrame()
            } play: { socket, isReceiving in
                let receiving = Task.immediate { try await socket.receive() }
                await socket.passDriver()
                isReceiving.open()
                _ = await receiving.result
            }
        },
        OrderScenario("A WebSocket, closed in the middle of a receive") {
            try await withWebSocket(endsByItself: false) { socket, _ in
                socket.connection.waitForClose()
            } play: { socket, _ in
                let receiving = Task.immediate { try await socket.receive() }
                await socket.passDriver()
                try socket.close()
                _ = await receiving.result
            }
        },
        OrderScenario("Another protocol") {
            let mayDisconnect = Gate()
            let server = try GatedServer { connection, gate in
                gate.wait()
                _ = try connection.readHead()
                try connection.send(UpgradedConnectionTests.answer)
                try connection.send(try connection.read(exactly: 5))
                mayDisconnect.wait()
            }
            return try await .recording(server.port) { session in
                let connection = try await session.connect(to: "127.0.0.1", port: server.port)
                let request = try await connection.openRequest(.post, "/attach")
                try await request.setOption(.upgradesToProtocol, to: "tcp")
                try await request.send()
                _ = try await request.receiveResponse(server.gate)
                let upgraded = try await request.completeUpgrade()
                let recorder = EventRecorder(of: upgraded)
                try await request.closeAndWait()
                try await upgraded.write(Array("hello".utf8))
                var count = 0
                while count < 5 { count += try await upgraded.read().count }
                mayDisconnect.open()
                try await recorder.first { $0.kind == .connectionClosed }
                _ = try await upgraded.read()
                try upgraded.close()
                await upgraded.closed()
            }
        },
    ]

    /// A WebSocket made by hand, whose request is closed.
    ///
    /// - Parameters:
    ///   - endsByItself: Whether the server closes the connection, which is waited for.
    ///   - script: What the server does after the handshake.
    private static func withWebSocket(
        endsByItself: Bool = true,
        _ script: @escaping @Sendable (ServerWebSocket, Gate) throws -> Void,
        play: (WebSocketHandle, Gate) async throws -> Void
    ) async throws -> EventTrace {
        let gate = Gate()
        let server = try GatedServer { connection, isReceiving in
            isReceiving.wait()
            try script(try connection.acceptWebSocket(), gate)
        }
        return try await .recording(server.port) { session in
            let connection = try await session.connect(to: "127.0.0.1", port: server.port)
            let request = try await connection.openRequest(.get, "/feed")
            try await request.setOption(.upgradesToWebSocket, to: true)
            try await request.send()
            _ = try await request.receiveResponse(server.gate)
            let socket = try await request.completeWebSocketUpgrade()
            let recorder = EventRecorder(of: socket)
            try await request.closeAndWait()
            try await play(socket, gate)
            if endsByItself {
                try await recorder.first { $0.kind == .connectionClosed }
                try socket.close()
            }
            await socket.closed()
        }
    }
}

extension WebSocketHandle {
    /// Runs on the driver thread, after everything that was submitted before.
    func passDriver() {}
}
