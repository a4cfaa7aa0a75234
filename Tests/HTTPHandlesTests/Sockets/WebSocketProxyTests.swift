import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes
import Testing

/// WebSockets through real proxies: always in a tunnel (RFC 6455, section 4.1), whatever the proxy is set to.
@Suite("WebSockets through proxies", .timeLimit(.minutes(5)))
struct WebSocketProxyTests {
    enum Way: String, CaseIterable, Sendable {
        case http, tunnel, basic, digest, strongest, provider, https, httpsTunnel, tinyproxy, socks5, socks5h,
            socksPassword

        /// squid keeps the state of a login for a user, so each case has a user of its own.
        private var user: String {
            switch self {
            case .basic: "socket-1"
            case .digest: "socket-2"
            case .strongest: "socket-3"
            default: "socket-4"
            }
        }

        /// What the caller's provider answers, of which the proxy itself knows nothing.
        var provided: Credentials? {
            self == .provider ? .digest(user: user, password: ProxyServers.password) : nil
        }

        func proxy(_ servers: ProxyServers) -> Proxy {
            let password = ProxyServers.password
            var proxy =
                switch self {
                case .http, .tunnel: servers.http
                case .basic, .digest, .strongest, .provider: servers.asking
                case .https, .httpsTunnel: servers.https
                case .tinyproxy: servers.tinyproxy
                case .socks5:
                    Proxy(.socks5, host: servers.socks5.address.host, port: servers.socks5.address.port)
                case .socks5h: servers.socks5
                case .socksPassword: servers.askingSOCKS
                }
            switch self {
            case .tunnel, .httpsTunnel: proxy.tunnels = true
            case .basic: proxy.credentials = .basic(user: user, password: password)
            case .digest: proxy.credentials = .digest(user: user, password: password)
            case .strongest: proxy.credentials = .password(user: user, password: password)
            case .socksPassword: proxy.credentials = ProxyServers.basic
            default: break
            }
            return proxy
        }
    }

    /// A request for a WebSocket, sent and answered.
    private static func upgraded(
        _ session: SessionHandle,
        _ url: String,
        _ prepare: (RequestHandle) -> Void = { _ in }
    ) async throws -> RequestHandle {
        // A request by hand knows http and https only.
        let request = try await session.openRequest(.get, "http" + url.dropFirst(2))
        prepare(request)
        try await request.setOption(.upgradesToWebSocket, to: true)
        try await request.send()
        #expect(try await request.receiveResponse().status == .switchingProtocols)
        return request
    }

    private static func session(_ setting: ProxySetting, _ more: OptionSetting...) throws -> SessionHandle {
        let authority = try WebSocketServers.shared.get().authorityFile
        return try SessionHandle(
            options: [.set(.proxy, to: setting), .set(.serverTrust, to: .authorities(inFile: authority))]
                + WebSocketTests.patient + more
        )
    }

    @Test(arguments: Way.allCases)
    func `messages through each, with and without TLS`(_ way: Way) async throws {
        let servers = try WebSocketServers.shared.get()
        let proxy = way.proxy(try ProxyServers.shared.get())
        // The servers have no IPv6; a SOCKS proxy gets one address only.
        let session = try Self.session(.named(proxy), .set(.ipVersion, to: .v4))
        if let provided = way.provided {
            try await session.setOption(
                .credentialProvider,
                to: CredentialProvider { $0.proxy == nil ? nil : provided }
            )
        }
        for way in [WebSocketServers.Way.websockets, .nginxTLS] {
            let request = try await Self.upgraded(session, servers.url(way))
            let info = try await request.option(.connectionInfo)
            #expect(info.proxy == proxy.address && info.isTunnel)
            let socket = try await request.completeWebSocketUpgrade()
            try request.close()
            try await RealWebSocketTests.exchange(socket)
            try socket.close()
        }
        try session.closeAll()
        await session.closed()
    }

    @Test(arguments: [Way.http, .tinyproxy, .socks5h])
    func `bytes of another protocol, and the end of each direction`(_ way: Way) async throws {
        let proxy = way.proxy(try ProxyServers.shared.get())
        let server = try UpgradedConnectionTests.server(behind: "$ ") { connection in
            let bytes = try connection.read(exactly: 100_000)
            try connection.send(bytes)
        }
        let session = try Self.session(.named(proxy))
        let attached = try await UpgradedConnectionTests.attach(session, server.url())
        #expect(try await UpgradedConnectionTests.readAll(attached, 2) == Array("$ ".utf8))
        let bytes = pattern(100_000)
        try await attached.write(bytes)
        #expect(try await UpgradedConnectionTests.readAll(attached) == bytes)
        try session.closeAll()
        await session.closed()
    }

    // MARK: Which proxy

    @Test func `a bypass list, and no proxy`() async throws {
        let (server, closed) = (try WebSocketTests.echo(), Proxy(.http, host: "127.0.0.1", port: try freePorts(1)[0]))
        for setting in [ProxySetting.named(closed, bypass: ["127.0.0.0/8"]), .none] {
            let session = try Self.session(setting)
            let request = try await Self.upgraded(session, server.webSocketURL())
            #expect(try await request.option(.connectionInfo).proxy == nil)
            let socket = try await request.completeWebSocketUpgrade()
            try await socket.send(.text("hello"))
            #expect(try await socket.receiveMessage() == .text("hello"))
            try session.closeAll()
            await session.closed()
        }
        let session = try Self.session(.named(closed, bypass: ["localhost"]))
        let error = await #expect(throws: HandleError.self) { try await session.webSocket(server.webSocketURL()) }
        #expect(error?.code == .cannotConnect && error?.proxyFailure?.proxy == closed.address)
        #expect(server.connectionsAccepted == 2)
        try session.closeAll()
        await session.closed()
    }

    @Test func `a chooser: asked as for https and http, the next choice, and no choice`() async throws {
        let (servers, proxies) = (try WebSocketServers.shared.get(), try ProxyServers.shared.get())
        let closed = Proxy(.http, host: "127.0.0.1", port: try freePorts(1)[0])
        let questions = Record<Bool>()
        let chooser = ProxyChooser { question in
            questions.note(question.isSecure)
            return question.isSecure ? [.proxy(closed), .proxy(proxies.socks5)] : [.direct]
        }
        let session = try Self.session(.choosing(chooser))
        let ways: [(WebSocketServers.Way, ProxyAddress?)] = [(.websockets, nil), (.nginxTLS, proxies.socks5.address)]
        for (way, proxy) in ways {
            var events: EventRecorder?
            let request = try await Self.upgraded(session, servers.url(way)) { events = EventRecorder(of: $0) }
            #expect(try await request.option(.connectionInfo).proxy == proxy)
            try await RealWebSocketTests.exchange(try await request.completeWebSocketUpgrade())
            try request.close()
            let names = try await #require(events).finish().map(\.kind.name)
            #expect(names.filter { $0 == "detectingProxy" }.count == 1)
            #expect(names.filter { $0 == "nextProxy" }.count == (proxy == nil ? 0 : 1))
            #expect(names.filter { $0 == "tunnelEstablished" }.count == (proxy == nil ? 0 : 1))
        }
        #expect(questions.all == [false, true])
        try await session.setOption(.proxy, to: .choosing(ProxyChooser { _ in [] }))
        let error = await #expect(throws: HandleError.self) { try await session.webSocket(servers.url(.websockets)) }
        #expect(error?.code == .autoProxyServiceError)
        try session.closeAll()
        await session.closed()
    }

    @Test func `a redirect chooses its proxy anew`() async throws {
        let proxies = try ProxyServers.shared.get()
        let target = try WebSocketTests.echo()
        let first = try ScriptedServer { connection in
            while try connection.readHead() != nil {
                try connection.send(
                    "HTTP/1.1 307 Go\r\nLocation: \(target.webSocketURL())\r\nContent-Length: 0\r\n\r\n"
                )
            }
        }
        let chooser = ProxyChooser { question in
            [.proxy(question.port == first.port ? proxies.tinyproxy : proxies.http)]
        }
        let session = try Self.session(.choosing(chooser))
        let request = try await Self.upgraded(session, first.webSocketURL())
        #expect(try await request.option(.connectionInfo).proxy == proxies.http.address)
        let socket = try await request.completeWebSocketUpgrade()
        try await socket.send(.text("hello"))
        #expect(try await socket.receiveMessage() == .text("hello"))
        try session.closeAll()
        await session.closed()
    }

    // MARK: Refusals

    @Test func `what proxies refuse`() async throws {
        let (servers, proxies) = (try WebSocketServers.shared.get(), try ProxyServers.shared.get())
        func error(_ proxy: Proxy, _ credentials: Credentials?, _ url: String) async throws -> HandleError? {
            var proxy = proxy
            proxy.credentials = credentials
            let session = try Self.session(.named(proxy))
            let error = await #expect(throws: HandleError.self) { try await session.webSocket(url) }
            try session.closeAll()
            await session.closed()
            return error
        }
        let wrong = [
            nil, Credentials.basic(user: "socket-5", password: "wr0ng"), .digest(user: "socket-6", password: "wr0ng"),
        ]
        for credentials in wrong {
            for way in [WebSocketServers.Way.websockets, .nginxTLS] {
                let refusal = try await error(proxies.asking, credentials, servers.url(way))
                #expect(refusal?.code == .loginFailure && refusal?.proxyFailure?.response?.status.code == 407)
            }
        }
        for credentials in [nil, Credentials.basic(user: "me", password: "wr0ng")] {
            let refusal = try await error(proxies.askingSOCKS, credentials, servers.url(.websockets))
            #expect(refusal?.code == .loginFailure && refusal?.proxyFailure?.proxy == proxies.askingSOCKS.address)
        }
        let forbidden = try await error(proxies.http, nil, "ws://forbidden.example/")
        #expect(forbidden?.code == .cannotConnect && forbidden?.proxyFailure?.response?.status.code == 403)
    }
}
