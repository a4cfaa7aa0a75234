import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes
import Testing

/// Every scheme of authentication to the server of a WebSocket.
@Suite("Authentication of WebSockets", .timeLimit(.minutes(5)))
struct WebSocketAuthenticationTests {
    private static func session(_ servers: WebSocketServers, _ credentials: Credentials?) throws -> SessionHandle {
        try RealWebSocketTests.session(servers, .set(.credentials, to: credentials))
    }

    // MARK: Basic, Digest, Bearer

    @Test(arguments: [
        (WebSocketServers.Way.nginx, "/basic"), (.nginxTLS, "/basic"), (.apache, "/basic"), (.apache, "/digest"),
    ])
    func `Basic and Digest of nginx and Apache`(_ way: WebSocketServers.Way, _ path: String) async throws {
        let servers = try WebSocketServers.shared.get()
        let (user, password) = ("ann", "secret")
        var known: [Credentials] = [.password(user: user, password: password)]
        known.append(
            path == "/basic" ? .basic(user: user, password: password) : .digest(user: user, password: password)
        )
        for credentials in known {
            let session = try Self.session(servers, credentials)
            try await RealWebSocketTests.exchange(try await session.webSocket(servers.url(way, path)))
            // The caller's provider, where the session knows none.
            try await session.setOption(.credentials, to: nil)
            try await session.setOption(.credentialProvider, to: CredentialProvider { _ in credentials })
            try await RealWebSocketTests.exchange(try await session.webSocket(servers.url(way, path)))
            try session.closeAll()
            await session.closed()
        }
        for credentials in [nil, Credentials.password(user: user, password: "wrong")] {
            let session = try Self.session(servers, credentials)
            let error = await #expect(throws: HandleError.self) {
                try await session.webSocket(servers.url(way, path))
            }
            #expect(error?.code == .invalidServerResponse)
            #expect(error?.reason == "the server answered the upgrade with 401, not with 101")
            try session.closeAll()
            await session.closed()
        }
    }

    @Test func `a bearer token`() async throws {
        let heads = Record<ReceivedHead>()
        let server = try ScriptedServer { connection in
            let socket = try connection.acceptWebSocket()
            heads.note(socket.request)
            while let message = try socket.receive() { try socket.send(message) }
        }
        try await withSession(options: WebSocketTests.patient + [.set(.credentials, to: .bearer("t0ken"))]) { session in
            let socket = try await session.webSocket(server.webSocketURL())
            try await socket.send(.text("hello"))
            #expect(try await socket.receiveMessage() == .text("hello"))
        }
        #expect(heads.all.map { $0["Authorization"] } == ["Bearer t0ken"])
    }

    @Test func `server and proxy ask both`() async throws {
        let (servers, proxies) = (try WebSocketServers.shared.get(), try ProxyServers.shared.get())
        var proxy = proxies.asking
        proxy.credentials = .digest(user: "socket-7", password: ProxyServers.password)
        let session = try RealWebSocketTests.session(
            servers,
            .set(.proxy, to: .named(proxy)),
            .set(.credentials, to: .digest(user: "ann", password: "secret"))
        )
        try await RealWebSocketTests.exchange(try await session.webSocket(servers.url(.apache, "/digest")))
        try session.closeAll()
        await session.closed()
    }

    // MARK: NTLM

    /// Agrees on a connection that was authenticated by NTLM, as IIS does.
    private static func server(_ course: Record<String>) throws -> ScriptedServer {
        try ScriptedServer { connection in
            while let head = try connection.readHead() {
                let message = head["Authorization"].flatMap { NTLMTests.Message($0) }
                course.note("\(connection.number): \(message.map { "\($0.type)" } ?? "none")")
                if message?.user == "ann" {
                    let socket = try connection.acceptWebSocket(head)
                    while let message = try socket.receive() { try socket.send(message) }
                    return
                }
                let answer = message?.type == 1 ? "NTLM \(NTLMTests.Message.challenge)" : "NTLM"
                try connection.send(
                    "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: \(answer)\r\nContent-Length: 2\r\n\r\nno"
                )
            }
        }
    }

    @Test(arguments: ["ann", "wrong"])
    func `NTLM, on one connection`(_ user: String) async throws {
        guard try await NTLMTests.hasNTLM() else { return }
        let course = Record<String>()
        let server = try Self.server(course)
        let credentials = Credentials.ntlm(user: user, password: "p")
        try await withSession(options: WebSocketTests.patient + [.set(.credentials, to: credentials)]) { session in
            let request = try await WebSocketTests.request(session, server)
            try await request.send()
            let head = try await request.receiveResponse()
            if user == "ann" {
                #expect(head.status == .switchingProtocols)
                let socket = try await request.completeWebSocketUpgrade()
                try await socket.send(.text("hello"))
                #expect(try await socket.receiveMessage() == .text("hello"))
            } else {
                #expect(head.status == .unauthorized)
                #expect(try await request.body.collectString(upTo: 10) == "no")
            }
        }
        let numbers = course.all.compactMap { $0.split(separator: ":").first }
        #expect(course.all.suffix(2).map { $0.suffix(1) } == ["1", "3"])
        #expect(numbers.suffix(2).allSatisfy { $0 == numbers.last }, "\(course.all)")
    }

    // MARK: Negotiate

    @Test func `a ticket of Kerberos`() async throws {
        guard try await SessionHandle().option(.linkedLibrary).has(.negotiate) else { return }
        let heads = Record<ReceivedHead>()
        let server = try ScriptedServer { connection in
            let socket = try connection.acceptWebSocket()
            heads.note(socket.request)
            while let message = try socket.receive() { try socket.send(message) }
        }
        let realm = try KerberosRealm(webSocketPort: server.port)
        let url = "ws" + realm.url("/socket").dropFirst(4)
        let tool = TestProgram.path(of: "http-handles")
        let talking = ["/bin/sh", "-c", #"printf 'one\ntwo\n' | "$@""#, "sh", tool, "ws", url]
        let run = try await realm.run(talking + ["--negotiate"])
        #expect(run.status == 0 && run.output == "one\ntwo\n", "\(run.output)")
        for denied in [
            try await realm.run(talking), try await realm.run(talking + ["--negotiate"], hasTicket: false),
        ] {
            #expect(denied.status == 8 && denied.output.contains("answered with 401"), "\(denied.output)")
        }
        #expect(heads.all.count == 1 && server.connectionsAccepted == 1)
    }
}
