import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes
import Testing

@Suite("Authentication to proxies", .timeLimit(.minutes(5)))
struct ProxyAuthenticationTests {
    typealias Scripted = ProxyTests.Scripted

    static let challenge =
        "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"cave\"\r\nContent-Length: 2\r\n\r\nno"

    /// A proxy that wants one password.
    static func asking() throws -> Scripted {
        try Scripted { head in
            // What comes through the tunnel is for the server.
            let isThrough = head.target.hasPrefix("/")
            return isThrough || head["Proxy-Authorization"] == ProxyTests.proof ? nil : challenge
        }
    }

    /// A provider that notes what it is asked.
    static func session(
        _ proxy: Proxy,
        _ questions: Record<AuthenticationQuestion>,
        _ answers: Credentials?...
    ) throws -> SessionHandle {
        let provider = CredentialProvider { question in
            questions.note(question)
            return questions.all.count <= answers.count ? answers[questions.all.count - 1] : nil
        }
        return try SessionHandle(options: [.set(.proxy, to: .named(proxy)), .set(.credentialProvider, to: provider)])
    }

    @Test(arguments: [false, true])
    func `the provider is told that a proxy asks, and is asked once for all requests`(_ tunnels: Bool) async throws {
        let proxy = try Self.asking()
        let questions = Record<AuthenticationQuestion>()
        let session = try Self.session(proxy.proxy(tunnels: tunnels), questions, ProxyTests.basic)
        let request = try await session.openRequest(.get, ProxyTests.url)
        let recorder = EventRecorder(of: request)
        try await request.complete()
        try request.close()
        let question = try #require(questions.all.first)
        #expect(question.proxy == proxy.address && question.url == ProxyTests.url && !question.hasRefusedCredentials)
        #expect(question.host == "127.0.0.1" && question.port == proxy.server.port && !question.isSecure)
        #expect(question.challenges.map(\.realm) == ["cave"])
        // Another server, so another tunnel.
        #expect(try await session.get("http://other.example/").head.status == 200)
        #expect(questions.all.count == 1)
        let names = try await recorder.finish().map(\.kind.name)
        if tunnels {
            #expect(
                names == [
                    "connectingToServer", "connectedToServer", "tunnelRefused", "closingConnection", "connectionClosed",
                    "connectingToServer", "connectedToServer", "tunnelEstablished", "sendingRequest", "requestSent",
                    "sendRequestComplete", "receivingResponse", "responseReceived", "headersAvailable", "readComplete",
                    "readComplete", "handleClosing",
                ]
            )
            #expect(proxy.requestLines.filter { $0.hasPrefix("CONNECT") }.count == 3)
        } else {
            // A libcurl that compares the credentials of proxies makes another connection.
            let shown = names.enumerated().compactMap { index, name in
                index < 7 ? name : name == "connectingToServer" || name == "connectionReused" ? "connection" : name
            }
            #expect(
                shown.filter { $0 != "connectedToServer" } == [
                    "connectingToServer", "sendingRequest", "requestSent", "sendRequestComplete",
                    "receivingResponse", "responseReceived", "connection", "sendingRequest", "requestSent",
                    "receivingResponse", "responseReceived", "headersAvailable", "readComplete", "readComplete",
                    "handleClosing",
                ]
            )
            #expect(proxy.heads.all.count == 3)
        }
        let proofs = proxy.heads.all.filter { !$0.target.hasPrefix("/") }.map { $0["Proxy-Authorization"] }
        #expect(proofs == [nil, ProxyTests.proof, ProxyTests.proof])
    }

    @Test(arguments: [false, true])
    func `without an answer the caller gets the 407, as a response or as an error`(_ tunnels: Bool) async throws {
        let proxy = try Self.asking()
        let wrong = Credentials.basic(user: "me", password: "wr0ng")
        for (answers, hasRefusedCredentials) in [([], [false]), ([wrong], [false, true])] as [([Credentials], [Bool])] {
            let questions = Record<AuthenticationQuestion>()
            let session = try Self.session(proxy.proxy(tunnels: tunnels), questions, answers.first)
            if tunnels {
                let error = await #expect(throws: HandleError.self) { try await session.get(ProxyTests.url) }
                #expect(error?.code == .loginFailure && error?.proxyFailure?.challenges.map(\.realm) == ["cave"])
                #expect(error?.description.contains("wr0ng") == false)
            } else {
                let response = try await session.get(ProxyTests.url)
                #expect(response.head.status == 407 && response.head.challenges.map(\.realm) == ["cave"])
                #expect(try await response.body.collectString(upTo: 9) == "no")
            }
            #expect(questions.all.map(\.hasRefusedCredentials) == hasRefusedCredentials)
        }
    }

    @Test func `a 407 that does not end in time is a timeout, and the provider is not asked`() async throws {
        let isSent = Gate()
        let server = try ScriptedServer { connection in
            _ = try connection.readRequest()
            try connection.send(String(Self.challenge.dropLast(2)))
            isSent.open()
            connection.waitForClose()
        }
        let questions = Record<AuthenticationQuestion>()
        let proxy = Proxy(.http, host: "127.0.0.1", port: server.port, tunnels: true)
        let session = try Self.session(proxy, questions, ProxyTests.basic)
        try await session.setOption(.connectTimeout, to: .seconds(3600))
        let response = Task { try await session.get(ProxyTests.url) }
        await isSent.passed()
        session.advanceClock(by: .seconds(3600))
        let error = await #expect(throws: HandleError.self) { try await response.value }
        #expect(error?.code == .timeout && error?.phase == .connect)
        #expect(error?.proxyFailure?.proxy == proxy.address && questions.all.isEmpty)
    }

    @Test func `with different answers the provider is called three times`() async throws {
        let proxy = try Scripted { _ in Self.challenge }
        let questions = Record<AuthenticationQuestion>()
        let session = try Self.session(proxy.proxy(tunnels: true), questions, .bearer("1"), .bearer("2"), .bearer("3"))
        await #expect(throws: HandleError.self) { try await session.get(ProxyTests.url) }
        #expect(questions.all.count == 3)
        #expect(proxy.heads.all.map { $0["Proxy-Authorization"] } == [nil, "Bearer 1", "Bearer 2", "Bearer 3"])
    }

    @Test func `server and proxy ask in turn, and each gets its own`() async throws {
        let proxy = try Scripted { head in
            if head["Proxy-Authorization"] != ProxyTests.proof { return Self.challenge }
            let accepted = head["Authorization"] == "Bearer 0rigin"
            return accepted ? nil : "HTTP/1.1 401 No\r\nWWW-Authenticate: Bearer\r\nContent-Length: 0\r\n\r\n"
        }
        let provider = CredentialProvider { $0.proxy == nil ? .bearer("0rigin") : ProxyTests.basic }
        let session = try SessionHandle(options: [
            .set(.proxy, to: .named(proxy.proxy())), .set(.credentialProvider, to: provider),
        ])
        #expect(try await session.get(ProxyTests.url).head.status == 200)
        #expect(proxy.heads.all.map { $0["Proxy-Authorization"] } == [nil, ProxyTests.proof, ProxyTests.proof])
        #expect(proxy.heads.all.map { $0["Authorization"] } == [nil, nil, "Bearer 0rigin"])
    }

    @Test func `a streamed body: not sent again through a forwarding proxy, and untouched before a tunnel`()
        async throws
    {
        for tunnels in [false, true] {
            let proxy = try Self.asking()
            let questions = Record<AuthenticationQuestion>()
            let session = try Self.session(proxy.proxy(tunnels: tunnels), questions, ProxyTests.basic)
            let request = try await session.openRequest(.put, ProxyTests.url)
            let sending = Task { try await request.send(.writes(length: 4)) }
            if !tunnels { try await sending.value }
            if tunnels { try await sending.value }
            try await request.write(Array("body".utf8))
            try await request.finishWriting()
            if tunnels {
                #expect(try await request.receiveResponse().status == 200)
            } else {
                let reason = "the proxy asks for credentials, and a streamed body cannot be sent again"
                await #expect(throws: HandleError(.resendRequest, .receiveResponse, reason: reason)) {
                    try await request.receiveResponse()
                }
            }
            try request.close()
        }
    }

    @Test func `a server behind a tunnel that asks like a proxy gets nothing`() async throws {
        let proxy = try Scripted { $0.method == "CONNECT" ? nil : Self.challenge }
        for credentials in [ProxyTests.basic, .digest(user: "me", password: "s3cret")] {
            let questions = Record<AuthenticationQuestion>()
            let session = try Self.session(proxy.proxy(credentials, tunnels: true), questions, ProxyTests.basic)
            _ = try? await session.get(ProxyTests.url).body.collect(upTo: 9)
            #expect(questions.all.isEmpty)
        }
        let inner = proxy.heads.all.filter { $0.method != "CONNECT" }
        #expect(!inner.isEmpty)
        #expect(inner.allSatisfy { $0["Proxy-Authorization"] == nil })
    }

    @Test func `a server without a proxy that asks like one gets nothing`() async throws {
        let server = try Scripted { _ in Self.challenge }
        let questions = Record<AuthenticationQuestion>()
        let session = try Self.session(Proxy(.http, host: "127.0.0.1", port: 1), questions, ProxyTests.basic)
        try await session.setOption(.proxy, to: .none)
        #expect(try await session.get(server.server.url()).head.status == 407)
        #expect(questions.all.isEmpty)
    }
}
