import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes
import Testing

/// WebSockets with scripted servers: messages, events, ends.
@Suite("WebSockets", .timeLimit(.minutes(5)))
struct WebSocketTests {
    /// Nothing expires, however slow the machine is.
    static let patient: [OptionSetting] = [
        .set(.webSocketCloseTimeout, to: .seconds(3600)), .set(.webSocketKeepAliveInterval, to: .zero),
        .set(.webSocketAnswerTimeout, to: .zero), .set(.connectTimeout, to: .zero), .set(.sendTimeout, to: .zero),
        .set(.responseTimeout, to: .zero), .set(.receiveTimeout, to: .zero),
    ]

    /// Sends every message back.
    static func echo() throws -> ScriptedServer {
        try ScriptedServer { connection in
            let socket = try connection.acceptWebSocket()
            while let message = try socket.receive() { try socket.send(message) }
        }
    }

    /// A request for a WebSocket.
    static func request(
        _ session: SessionHandle,
        _ server: ScriptedServer,
        _ path: String = "/"
    ) async throws -> RequestHandle {
        let connection = try await session.connect(to: "127.0.0.1", port: server.port)
        let request = try await connection.openRequest(.get, path)
        try await request.setOption(.upgradesToWebSocket, to: true)
        return request
    }

    // MARK: Messages

    @Test func `messages go both ways, whole`() async throws {
        let server = try Self.echo()
        try await withSession(options: WebSocketTests.patient) { session in
            let socket = try await session.webSocket(server.webSocketURL("/feed"))
            let long = [UInt8](repeating: 7, count: 300_000)
            for message: WebSocketMessage in [
                .text("héllo"), .binary([1, 2, 3]), .text(""), .binary([]), .binary(long),
            ] {
                try await socket.send(message)
                #expect(try await socket.receiveMessage() == message)
            }
            try await socket.finish()
            #expect(try await socket.closeStatus() == WebSocketCloseStatus(.normalClosure))
        }
    }

    @Test func `messages in one call are sent in their order, with an event for each`() async throws {
        let server = try Self.echo()
        try await withSession(options: WebSocketTests.patient) { session in
            let socket = try await session.webSocket(server.webSocketURL())
            let events = socket.statusEvents(.writeComplete, scope: .handle)
            try await socket.send(contentsOf: [])
            let messages = (0..<100).map { number in
                number.isMultiple(of: 2)
                    ? WebSocketMessage.text("\(number)") : .binary([UInt8](repeating: 1, count: number))
            }
            try await socket.send(contentsOf: messages)
            for message in messages { #expect(try await socket.receiveMessage() == message) }
            try await socket.shutdown()
            let error = await #expect(throws: HandleError.self) { try await socket.send(contentsOf: messages) }
            #expect(error?.code == .incorrectHandleState && error?.operation == .sendMessage)
            try socket.close()
            let closed = await #expect(throws: HandleError.self) { try await socket.send(contentsOf: []) }
            #expect(closed?.code == .invalidHandle)
            var written: [StatusEvent.Kind] = []
            for await event in events { written.append(event.kind) }
            #expect(
                Array(written.dropLast())
                    == messages.map { message -> StatusEvent.Kind in
                        switch message {
                        case .text(let text): .webSocketWriteComplete(bytes: text.utf8.count, kind: .textMessage)
                        case .binary(let bytes): .webSocketWriteComplete(bytes: bytes.count, kind: .binaryMessage)
                        }
                    }
            )
            #expect(written.last == .handleClosing)
        }
    }

    @Test func `a server that sends first, with the head`() async throws {
        let server = try ScriptedServer { connection in
            let socket = try connection.acceptWebSocket(
                followedBy: ServerWebSocket.frameHead(opcode: 1, length: 5) + "first".utf8
            )
            try socket.send(.text("second"))
            try socket.close(4001, reason: "over")
        }
        try await withSession(options: WebSocketTests.patient) { session in
            let socket = try await session.webSocket(server.webSocketURL())
            var messages: [WebSocketMessage] = []
            for try await message in socket.messages { messages.append(message) }
            #expect(messages == [.text("first"), .text("second")])
            #expect(
                try await socket.closeStatus()
                    == WebSocketCloseStatus(WebSocketCloseCode(rawValue: 4001), reason: "over")
            )
            let error = await #expect(throws: HandleError.self) { try await socket.send(.text("late")) }
            #expect(error?.code == .incorrectHandleState)
        }
    }

    @Test func `fragments, from the caller and from a sequence`() async throws {
        let server = try Self.echo()
        try await withSession(options: WebSocketTests.patient) { session in
            let socket = try await session.webSocket(server.webSocketURL())
            try await socket.send([1], as: .binaryFragment)
            let whole = Task { try await socket.send(.text("between")) }
            try await socket.send([2], as: .binaryFragment)
            try await socket.send([3], as: .binaryMessage)
            #expect(try await socket.receiveMessage() == .binary([1, 2, 3]))
            #expect(try await socket.receiveMessage() == .text("between"))
            try await whole.value
            let pieces = AsyncStream<String> { continuation in
                for piece in ["a", "b", "c"] { continuation.yield(piece) }
                continuation.finish()
            }
            try await socket.send(text: pieces)
            let piece = try await socket.receive()
            #expect(piece?.text == "abc" && piece?.kind == .textMessage)
            let error = await #expect(throws: HandleError.self) {
                try await socket.send([1], as: .binaryFragment)
                try await socket.send([1], as: .textMessage)
            }
            #expect(error?.code == .invalidParameter)
        }
    }

    @Test func `the sequence of a message throws an error of another socket`() async throws {
        let server = try Self.echo()
        try await withSession(options: WebSocketTests.patient) { session in
            let other = try await session.webSocket(server.webSocketURL())
            try other.close()
            let socket = try await session.webSocket(server.webSocketURL())
            let pieces = AsyncThrowingStream<[UInt8], any Error>(unfolding: {
                try await other.send(.binary([1]))
                return [1]
            })
            let error = await #expect(throws: HandleError.self) { try await socket.send(binary: pieces) }
            #expect(error?.code == .requestBodyFailed)
            let underlying = error?.underlying as? HandleError
            #expect(underlying?.code == .invalidHandle && underlying?.operation == .sendMessage)
            // Nothing of the message was sent, and nothing waits behind it.
            try await socket.send(.binary([2]))
            #expect(try await socket.receiveMessage() == .binary([2]))
        }
    }

    @Test func `pings both ways`() async throws {
        let server = try ScriptedServer { connection in
            let socket = try connection.acceptWebSocket()
            try socket.sendFrame(opcode: 9, "are you there".utf8)
            let pong = try socket.receiveFrame()
            try socket.send(.text(String(decoding: pong.payload, as: UTF8.self)))
            while try socket.receive() != nil {}
        }
        try await withSession(options: WebSocketTests.patient) { session in
            let socket = try await session.webSocket(server.webSocketURL())
            #expect(try await socket.receiveMessage() == .text("are you there"))
            #expect(try await socket.roundTrip() >= .zero)
            try await socket.ping([1, 2, 3])
            let error = await #expect(throws: HandleError.self) {
                try await socket.ping([UInt8](repeating: 0, count: 126))
            }
            #expect(error?.code == .invalidParameter && error?.operation == .ping)
        }
    }

    // MARK: Events

    @Test func `WinHTTP's order: the request is closed after the upgrade, and the socket lives on`() async throws {
        let server = try Self.echo()
        try await withSession(options: WebSocketTests.patient) { session in
            let all = EventRecorder(of: session, scope: .tree)
            let request = try await Self.request(session, server)
            let requestEvents = EventRecorder(of: request)
            try await request.send()
            #expect(try await request.receiveResponse().status == .switchingProtocols)
            let socket = try await request.completeWebSocketUpgrade()
            let events = EventRecorder(of: socket)
            try request.close()
            await request.closed()
            try await socket.send([1], as: .binaryFragment)
            try await socket.send([2], as: .binaryFragment)
            try await socket.send([], as: .binaryMessage)
            try await socket.shutdown()
            let piece = try await socket.receive()
            #expect(piece?.bytes == [1, 2] && piece?.kind == .binaryMessage)
            #expect(try await socket.receive() == nil)
            try await socket.finish()
            try socket.close()
            await socket.closed()
            let names = try await requestEvents.finish().map(\.kind.name)
            #expect(
                names == [
                    "connectingToServer", "connectedToServer", "sendingRequest", "requestSent", "sendRequestComplete",
                    "receivingResponse", "responseReceived", "headersAvailable", "handleClosing",
                ]
            )
            let kinds = try await events.finish().map(\.kind).filter { !Self.isOfConnection($0) }
            let status = WebSocketCloseStatus(.normalClosure)
            #expect(
                kinds == [
                    .webSocketWriteComplete(bytes: 1, kind: .binaryFragment),
                    .webSocketWriteComplete(bytes: 1, kind: .binaryFragment),
                    .webSocketWriteComplete(bytes: 0, kind: .binaryMessage), .shutdownComplete,
                    .webSocketReadComplete(bytes: 2, kind: .binaryMessage), .webSocketCloseReceived(status),
                    .closeComplete, .handleClosing,
                ]
            )
            let created = all.events.first { $0.handle == socket.id }?.kind
            #expect(created == .handleCreated(parent: try await socketParent(all, request.id)))
        }
    }

    private func socketParent(_ all: EventRecorder, _ request: HandleID) async throws -> HandleID {
        for event in all.events where event.handle == request {
            if case .handleCreated(let parent, _) = event.kind { return parent }
        }
        return request
    }

    static func isOfConnection(_ kind: StatusEvent.Kind) -> Bool {
        kind == .closingConnection || kind == .connectionClosed
    }

    // MARK: Answers

    @Test func `another answer than 101 is an ordinary response`() async throws {
        let server = try ScriptedServer { connection in
            while let head = try connection.readHead() {
                let status = head.target == "/403" ? "403 Forbidden" : "200 OK"
                try connection.send("HTTP/1.1 \(status)\r\nContent-Length: 5\r\n\r\nhello")
            }
        }
        try await withSession(options: WebSocketTests.patient) { session in
            for (path, status) in [("/403", 403), ("/200", 200)] {
                let request = try await Self.request(session, server, path)
                try await request.send()
                #expect(try await request.receiveResponse().status.code == status)
                #expect(try await request.body.collectString(upTo: 100) == "hello")
                let error = await #expect(throws: HandleError.self) { try await request.completeWebSocketUpgrade() }
                #expect(error?.code == .incorrectHandleState && error?.operation == .completeUpgrade)
            }
            let error = await #expect(throws: HandleError.self) {
                try await session.webSocket(server.webSocketURL("/403"))
            }
            #expect(error?.code == .invalidServerResponse)
            #expect(error?.reason == "the server answered the upgrade with 403, not with 101")
            let response = UnsuccessfulResponse(
                url: server.url("/403"),
                status: .forbidden,
                headerFields: [.contentLength: "5"],
                isBodyComplete: false
            )
            #expect(error?.response == response)
            #expect(try await session.connections().isEmpty)
        }
    }

    @Test func `a wrong accept`() async throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readHead()
            try connection.send(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    + "Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n"
            )
            connection.waitForClose()
        }
        try await withSession(options: WebSocketTests.patient) { session in
            let request = try await Self.request(session, server)
            let events = EventRecorder(of: request)
            try await request.send()
            let error = await #expect(throws: HandleError.self) { try await request.receiveResponse() }
            #expect(error?.code == .invalidServerResponse && error?.operation == .receiveResponse)
            try request.close()
            let last = try await events.finish().map(\.kind).filter { !Self.isOfConnection($0) }.suffix(2)
            #expect(Array(last) == [.requestError(try #require(error)), .handleClosing])
        }
    }

    @Test func `the server closes the connection before the socket is taken over`() async throws {
        let server = try ScriptedServer { connection in
            _ = try connection.acceptWebSocket(followedBy: ServerWebSocket.frameHead(opcode: 2, length: 1) + [9])
        }
        try await withSession(options: WebSocketTests.patient) { session in
            let request = try await Self.request(session, server)
            try await request.send()
            _ = try await request.receiveResponse()
            let socket = try await request.completeWebSocketUpgrade()
            #expect(try await socket.receiveMessage() == .binary([9]))
            let error = await #expect(throws: HandleError.self) { try await socket.receiveMessage() }
            #expect(error?.code == .connectionError && error?.operation == .receiveMessage)
        }
    }

    // MARK: Ends

    @Test func `closing the handle in the middle of a receive and of a send`() async throws {
        let (hasBegun, isOver) = (Gate(), Gate())
        defer { isOver.open() }
        let server = try ScriptedServer { connection in
            _ = try connection.acceptWebSocket(
                followedBy: ServerWebSocket.frameHead(opcode: 2, length: 10) + [1, 2, 3]
            )
            _ = try connection.read(exactly: 10)
            hasBegun.open()
            isOver.wait()
        }
        try await withSession(options: WebSocketTests.patient) { session in
            let socket = try await session.webSocket(server.webSocketURL())
            let events = EventRecorder(of: socket)
            let receiving = Task.immediate { _ = try await socket.receiveMessage() }
            let refused = await #expect(throws: HandleError.self) { try await socket.receive() }
            #expect(refused?.code == .incorrectHandleState && refused?.operation == .receiveMessage)
            let sending = Task.immediate {
                try await socket.send(.binary([UInt8](repeating: 1, count: 50 << 20)))
            }
            await hasBegun.passed()
            try socket.close()
            let errors = [await receiving.failure, await sending.failure]
            #expect(errors.map { $0?.code } == [.operationCancelled, .operationCancelled])
            #expect(errors.map { $0?.operation } == [.receiveMessage, .sendMessage])
            let kinds = try await events.finish().map(\.kind).filter { !Self.isOfConnection($0) }
            #expect(kinds == errors.compactMap { $0.map(StatusEvent.Kind.requestError) } + [.handleClosing])
        }
    }
}
