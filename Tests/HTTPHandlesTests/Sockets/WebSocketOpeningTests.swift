import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes
import Testing

/// The request for a WebSocket goes through everything that requests go through, and the socket is free of it.
@Suite("Opening WebSockets", .timeLimit(.minutes(5)))
struct WebSocketOpeningTests {
    /// Answers by the path: an echo, or what a request meets on its way there.
    private static func server(_ heads: Record<ReceivedHead> = Record(), to other: String = "") throws -> ScriptedServer
    {
        try ScriptedServer { connection in
            while let head = try connection.readHead() {
                heads.note(head)
                switch head.target {
                case "/locked" where head["Authorization"] != "Basic dTpw":
                    try connection.send(
                        "HTTP/1.1 401 Ask\r\nWWW-Authenticate: Basic realm=\"r\"\r\nContent-Length: 2\r\n\r\nno"
                    )
                case "/moved":
                    try connection.send("HTTP/1.1 307 Go\r\nLocation: \(other)\r\nContent-Length: 2\r\n\r\nno")
                default:
                    let socket = try connection.acceptWebSocket(
                        head,
                        fields: "Set-Cookie: seen=\(head.target.utf8.count)\r\n"
                    )
                    while let message = try socket.receive() { try socket.send(message) }
                    return
                }
            }
        }
    }

    private static func check(_ socket: WebSocketHandle) async throws {
        try await socket.send(.text("hello"))
        #expect(try await socket.receiveMessage() == .text("hello"))
        try await socket.finish()
        #expect(try await socket.closeStatus() == WebSocketCloseStatus(.normalClosure))
        try socket.close()
        await socket.closed()
    }

    // MARK: What it goes through

    @Test func `TLS`() async throws {
        let (server, front) = (try Self.server(), try TLSFront.shared.get())
        for trust in [ServerTrust.authorities(inFile: front.authorityFile), .system] {
            let session = try SessionHandle(options: [.set(.serverTrust, to: trust)] + WebSocketTests.patient)
            let url = try "wss" + front.url(server, .http1_1).dropFirst(5)
            if trust == .system {
                let error = await #expect(throws: HandleError.self) { try await session.webSocket(url) }
                #expect(error?.code == .secureFailure)
            } else {
                let socket = try await session.webSocket(url)
                #expect(socket.head.status == .switchingProtocols)
                try await Self.check(socket)
            }
            try session.closeAll()
            await session.closed()
        }
    }

    @Test(arguments: [true, false])
    func `credentials, asked for by a 401`(_ asksProvider: Bool) async throws {
        let heads = Record<ReceivedHead>()
        let server = try Self.server(heads)
        let credentials = Credentials.basic(user: "u", password: "p")
        let session = try SessionHandle(options: WebSocketTests.patient)
        if asksProvider {
            try await session.setOption(.credentialProvider, to: CredentialProvider { _ in credentials })
        } else {
            let both = Credentials.password(user: "u", password: "p", schemes: [.basic, .digest])
            try await session.setOption(.credentials, to: both)
        }
        try await Self.check(try await session.webSocket(server.webSocketURL("/locked")))
        #expect(heads.all.map { $0["Authorization"] } == [nil, "Basic dTpw"])
        let locked = try await session.openRequest(.get, server.url("/locked"))
        try await locked.setOption(.upgradesToWebSocket, to: true)
        try await locked.setOption(.credentials, to: nil)
        try await locked.setOption(.credentialProvider, to: nil)
        try await locked.send()
        #expect(try await locked.receiveResponse().status == .unauthorized)
        #expect(try await locked.body.collectString(upTo: 10) == "no")
        try session.closeAll()
        await session.closed()
    }

    @Test func `cookies, sent with the request and set by the answer`() async throws {
        let heads = Record<ReceivedHead>()
        let server = try Self.server(heads)
        try await withSession(options: WebSocketTests.patient) { session in
            try await Self.check(try await session.webSocket(server.webSocketURL("/1")))
            try await Self.check(try await session.webSocket(server.webSocketURL("/22")))
            #expect(heads.all.map { $0["Cookie"] } == [nil, "seen=2"])
            #expect(try await session.cookies.list().map(\.value) == ["3"])
        }
    }

    @Test func `redirects: ws is http and wss is https, and the policy is that of requests`() async throws {
        let heads = Record<ReceivedHead>()
        let (server, front) = (try Self.server(heads), try TLSFront.shared.get())
        let session = try SessionHandle(
            options: [.set(.serverTrust, to: .authorities(inFile: front.authorityFile))] + WebSocketTests.patient
        )
        let secure = try front.url(server, .http1_1, "/a")
        let secureSocket: String = "wss" + secure.dropFirst(5)
        let targets: [String] = ["/a", server.url("/a"), server.webSocketURL("/a"), secureSocket, secure]
        for target in targets {
            let first = try Self.server(to: target.hasPrefix("/") ? server.webSocketURL("/a") : target)
            let request = try await session.openRequest(.get, first.url("/moved"))
            try await request.setOption(.upgradesToWebSocket, to: true)
            let events = EventRecorder(of: request)
            try await request.send()
            #expect(try await request.receiveResponse().status == .switchingProtocols)
            try await Self.check(try await request.completeWebSocketUpgrade())
            try request.close()
            let redirects = try await events.finish().filter { $0.kind.name == "redirect" }
            #expect(redirects.count == 1)
        }
        #expect(heads.all.count == 5 && heads.all.allSatisfy { $0.target == "/a" && $0["Upgrade"] == "websocket" })
        try session.closeAll()
        await session.closed()
    }

    @Test func `redirects that are refused`() async throws {
        let (target, front) = (try Self.server(), try TLSFront.shared.get())
        let session = try SessionHandle(
            options: [.set(.serverTrust, to: .authorities(inFile: front.authorityFile))] + WebSocketTests.patient
        )
        for (url, other) in [(true, target.webSocketURL()), (true, target.url()), (false, "ftp://127.0.0.1/")] {
            let first = try Self.server(to: other)
            let from =
                try url ? "wss" + front.url(first, .http1_1, "/moved").dropFirst(5) : first.webSocketURL("/moved")
            let error = await #expect(throws: HandleError.self) { try await session.webSocket(from) }
            #expect(error?.code == (url ? .redirectFailed : .unrecognizedScheme), "\(String(describing: error))")
        }
        try await session.setOption(.redirectPolicy, to: .never)
        let first = try Self.server(to: target.webSocketURL())
        let error = await #expect(throws: HandleError.self) {
            try await session.webSocket(first.webSocketURL("/moved"))
        }
        #expect(error?.reason == "the server answered the upgrade with 307, not with 101")
        #expect(target.connectionsAccepted == 0)
        try session.closeAll()
        await session.closed()
    }

    // MARK: Time

    @Test func `the time limits of the handshake, and none afterwards but the socket's own`() async throws {
        let server = try ScriptedServer { connection in
            guard let head = try connection.readHead() else { return }
            if head.target == "/silent" { return connection.waitForClose() }
            let socket = try connection.acceptWebSocket(head)
            while let message = try socket.receive() { try socket.send(message) }
        }
        let session = try SessionHandle(
            options: [HandleOption<Duration>.connectTimeout, .sendTimeout, .responseTimeout, .receiveTimeout].map {
                .set($0, to: .seconds(3600))
            } + [.set(.webSocketCloseTimeout, to: .zero), .set(.webSocketAnswerTimeout, to: .zero)]
        )
        let silent = try await WebSocketTests.request(session, server, "/silent")
        let events = EventRecorder(of: silent)
        let opening = Task {
            try await silent.send()
            _ = try await silent.receiveResponse()
        }
        try await events.first(.receivingResponse)
        session.advanceClock(by: .seconds(3601))
        let error = await opening.failure
        #expect(error?.code == .timeout && error?.operation == .receiveResponse)

        let socket = try await session.webSocket(server.webSocketURL())
        let receiving = Task { try await socket.receiveMessage() }
        for _ in 0..<4 {
            // The keep-alive asks, and the server answers.
            session.advanceClock(by: .seconds(3601))
            #expect(try await socket.roundTrip() >= .zero)
        }
        try await socket.send(.text("still there"))
        #expect(try await receiving.value == .text("still there"))
        try session.closeAll()
        await session.closed()
    }

    // MARK: Slots and executors

    @Test func `a socket has its slot until it is closed`() async throws {
        let server = try Self.server()
        let plain = try ScriptedServer { connection in
            while try connection.readHead() != nil {
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            }
        }
        let session = try SessionHandle(options: [.set(.maximumConnections, to: 1)] + WebSocketTests.patient)
        let socket = try await session.webSocket(server.webSocketURL())
        let request = try await session.openRequest(.get, plain.url())
        let events = EventRecorder(of: request)
        let getting = Task {
            try await request.send()
            _ = try await request.receiveResponse()
            return try await request.body.collectString(upTo: 10)
        }
        try await events.first(.queued)
        try await socket.send(.text("x"))
        #expect(try await socket.receiveMessage() == .text("x"))
        #expect(!events.events.contains { $0.kind == .sendingRequest })
        try await Self.check(socket)
        #expect(try await getting.value == "ok")
        try session.closeAll()
        await session.closed()
    }

    @Test func `tasks on the session's executor`() async throws {
        let server = try Self.server()
        let session = try SessionHandle(options: WebSocketTests.patient)
        let walks = (0..<4).map { number in
            Task(executorPreference: session.executor) {
                let socket = try await session.webSocket(server.webSocketURL("/\(number)"))
                let receiving = Task(executorPreference: session.executor) {
                    var all: [WebSocketMessage] = []
                    for try await message in socket.messages { all.append(message) }
                    return all
                }
                for index in 0..<10 { try await socket.send(.text("\(index)")) }
                try await socket.shutdown()
                return try await receiving.value
            }
        }
        for walk in walks { #expect(try await walk.value == (0..<10).map { .text("\($0)") }) }
        try session.closeAll()
        await session.closed()
    }
}
