import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes
import Testing

/// Redirects of requests that ask for an upgrade, and of those that do not, to the schemes of WebSockets.
@Suite("Redirects of upgrades", .timeLimit(.minutes(5)))
struct UpgradeRedirectTests {
    /// Redirects `/first` with a status; `/next` agrees to every request, also to those that ask for nothing.
    private static func server(
        _ status: Int,
        _ heads: Record<ReceivedHead>,
        location: String = "/next",
        next: String = UpgradedConnectionTests.answer
    ) throws -> ScriptedServer {
        try ScriptedServer { connection in
            while let head = try connection.readHead() {
                heads.note(head)
                guard head.target != "/first" else {
                    try connection.send("HTTP/1.1 \(status) Go\r\nLocation: \(location)\r\nContent-Length: 0\r\n\r\n")
                    continue
                }
                try connection.send(next)
                guard next.hasPrefix("HTTP/1.1 101") else { continue }
                return connection.waitForClose()
            }
        }
    }

    private static func request(
        _ session: SessionHandle,
        _ server: ScriptedServer,
        _ method: HTTPRequest.Method
    ) async throws -> RequestHandle {
        let request = try await session.openRequest(method, server.url("/first"), headerFields: [.accept: "*/*"])
        try await request.setOption(.upgradesToProtocol, to: "tcp")
        return request
    }

    @Test(arguments: [301, 302, 303, 307, 308], [HTTPRequest.Method.post, .get])
    func `the upgrade is asked for as long as the method is the same`(
        _ status: Int,
        _ method: HTTPRequest.Method
    ) async throws {
        let isKept = method == .get || status > 303
        let heads = Record<ReceivedHead>()
        let server = try Self.server(
            status,
            heads,
            next: isKept ? UpgradedConnectionTests.answer : "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
        )
        try await withSession(options: WebSocketTests.patient) { session in
            let request = try await Self.request(session, server, method)
            try await request.send()
            let head = try await request.receiveResponse()
            let next = try #require(heads.all.last)
            #expect(heads.all.count == 2 && next.target == "/next" && next["Accept"] == "*/*")
            #expect(next["Transfer-Encoding"] == nil && next["Sec-WebSocket-Key"] == nil)
            if isKept {
                #expect(head.status == .switchingProtocols && next.method == method.rawValue)
                #expect(next["Upgrade"] == "tcp" && next["Connection"] == "Upgrade")
                try await request.completeUpgrade().close()
            } else {
                #expect(head.status == .ok && next.method == "GET")
                #expect(next["Upgrade"] == nil && next["Connection"] == nil)
                #expect(try await request.body.collectString(upTo: 10) == "ok")
                let error = await #expect(throws: HandleError.self) { try await request.completeUpgrade() }
                #expect(error?.code == .incorrectHandleState && error?.operation == .completeUpgrade)
            }
        }
    }

    @Test func `a 101 to the GET after a redirect is an error`() async throws {
        let server = try Self.server(303, Record())
        try await withSession(options: WebSocketTests.patient) { session in
            let request = try await Self.request(session, server, .post)
            let events = EventRecorder(of: request)
            try await request.send()
            let error = await #expect(throws: HandleError.self) { try await request.receiveResponse() }
            #expect(error?.code == .invalidServerResponse && error?.operation == .receiveResponse)
            #expect(
                error?.reason == "the server answered with 101, but the request after the redirect asks for no upgrade"
            )
            try request.close()
            let kinds = try await events.finish().map(\.kind).filter { !WebSocketTests.isOfConnection($0) }
            #expect(Array(kinds.suffix(2)) == [.requestError(try #require(error)), .handleClosing])
        }
    }

    @Test(arguments: ["ws", "wss", "WS"])
    func `a request that asks for no WebSocket is not redirected to one`(_ scheme: String) async throws {
        let heads = Record<ReceivedHead>()
        let server = try Self.server(307, heads, location: "\(scheme)://127.0.0.1:1/")
        try await withSession(options: WebSocketTests.patient) { session in
            let plain = await #expect(throws: HandleError.self) { try await session.get(server.url("/first")) }
            let request = try await Self.request(session, server, .get)
            try await request.send()
            let upgraded = await #expect(throws: HandleError.self) { try await request.receiveResponse() }
            for error in [plain, upgraded] {
                #expect(error?.code == .unrecognizedScheme && error?.operation == .receiveResponse)
            }
            #expect(heads.all.count == 2)
        }
    }

    @Test(arguments: ["ws", "http"])
    func `the caller's decider sees the scheme of HTTP`(_ scheme: String) async throws {
        let target = try WebSocketTests.echo()
        let server = try Self.server(307, Record(), location: "\(scheme)://127.0.0.1:\(target.port)/there")
        let urls = Record<String>()
        let decider = RedirectDecider { proposal in
            urls.note(proposal.url)
            return .follow
        }
        try await withSession(options: WebSocketTests.patient + [.set(.redirectDecider, to: decider)]) { session in
            let socket = try await session.webSocket(server.webSocketURL("/first"))
            try await socket.send(.text("hello"))
            #expect(try await socket.receiveMessage() == .text("hello"))
            #expect(urls.all == [target.url("/there")])
        }
    }
}
