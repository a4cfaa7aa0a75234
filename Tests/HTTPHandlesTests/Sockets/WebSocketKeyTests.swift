import HTTPHandles
import HTTPHandlesTesting
import Testing

/// `Sec-WebSocket-Key` is a nonce of one connection (RFC 6455, section 4.1): each request for a socket that goes out has
/// another.
@Suite("Keys of WebSockets", .timeLimit(.minutes(5)))
struct WebSocketKeyTests {
    /// Why a request goes out once more.
    enum Reason: CaseIterable, Sendable {
        /// libcurl answers a challenge, in the same transfer.
        case challenge
        /// The caller's provider does.
        case question
        case redirect, retry

        /// The answer to the first request.
        var answer: String {
            let lines =
                switch self {
                case .challenge: "401 Ask\r\nWWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\""
                case .question: "401 Ask\r\nWWW-Authenticate: Basic realm=\"r\""
                case .redirect: "307 Go\r\nLocation: /there"
                case .retry: "503 Later"
                }
            return "HTTP/1.1 \(lines)\r\nContent-Length: 2\r\n\r\nno"
        }

        var option: OptionSetting {
            switch self {
            case .challenge: .set(.credentials, to: .digest(user: "u", password: "p"))
            case .question:
                .set(.credentialProvider, to: CredentialProvider { _ in .basic(user: "u", password: "p") })
            case .redirect: .set(.redirectPolicy, to: .always)
            case .retry: .set(.retryPolicy, to: RetryPolicy(firstDelay: .zero, jitter: .none))
            }
        }
    }

    /// Refuses the first request of a client, and agrees to the second one: with the key of that, or of the first.
    private static func server(
        _ reason: Reason,
        _ heads: Record<ReceivedHead>,
        agreesToFirst: Bool = false
    ) throws -> ScriptedServer {
        try ScriptedServer { connection in
            while let head = try connection.readHead() {
                heads.note(head)
                if heads.all.count == 1 {
                    try connection.send(reason.answer)
                    continue
                }
                let socket = try connection.acceptWebSocket(agreesToFirst ? heads.all[0] : head)
                while let message = try socket.receive() { try socket.send(message) }
                return
            }
        }
    }

    @Test(arguments: Reason.allCases)
    func `each request has another key, and the answer is checked by it`(_ reason: Reason) async throws {
        let heads = Record<ReceivedHead>()
        let server = try Self.server(reason, heads)
        try await withSession(options: WebSocketTests.patient + [reason.option]) { session in
            let socket = try await session.webSocket(server.webSocketURL())
            try await socket.send(.text("hello"))
            #expect(try await socket.receiveMessage() == .text("hello"))
        }
        let keys = heads.all.compactMap { $0["Sec-WebSocket-Key"] }
        #expect(keys.count == 2 && Set(keys).count == 2)
        #expect(keys.allSatisfy { $0.utf8.count == 24 })
        for head in heads.all { #expect(head.lines.filter { $0.hasPrefix("Sec-WebSocket-Key:") }.count == 1) }
    }

    @Test(arguments: Reason.allCases)
    func `an answer to the key of the request before is refused`(_ reason: Reason) async throws {
        let heads = Record<ReceivedHead>()
        let server = try Self.server(reason, heads, agreesToFirst: true)
        try await withSession(options: WebSocketTests.patient + [reason.option]) { session in
            let error = await #expect(throws: HandleError.self) { try await session.webSocket(server.webSocketURL()) }
            let accept = ServerWebSocket.accept(for: try #require(heads.all.first?["Sec-WebSocket-Key"]))
            #expect(error?.code == .invalidServerResponse && error?.operation == .receiveResponse)
            #expect(error?.reason == "\"\(accept)\" is not the Sec-WebSocket-Accept for the key")
        }
    }

    @Test func `a request that is sent twice has two keys`() async throws {
        let heads = Record<ReceivedHead>()
        let server = try ScriptedServer { connection in
            guard let head = try connection.readHead() else { return }
            heads.note(head)
            _ = try connection.acceptWebSocket(head)
            connection.waitForClose()
        }
        try await withSession(options: WebSocketTests.patient) { session in
            let request = try await WebSocketTests.request(session, server)
            for _ in 0..<2 {
                try await request.send()
                _ = try await request.receiveResponse()
                _ = try await request.completeWebSocketUpgrade()
            }
            #expect(Set(heads.all.map { $0["Sec-WebSocket-Key"] }).count == 2)
        }
    }
}
