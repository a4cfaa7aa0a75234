import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes
import Testing

/// squid, tinyproxy and microsocks in front of nginx.
@Suite("Real proxies", .timeLimit(.minutes(5)))
struct ProxyServerTests {
    enum Way: String, CaseIterable, Sendable {
        case http, basic, digest, strongest, https, tinyproxy, socks5, socks5h, socksPassword

        func proxy(_ servers: ProxyServers) -> Proxy {
            func with(_ credentials: Credentials, _ proxy: Proxy) -> Proxy {
                var proxy = proxy
                proxy.credentials = credentials
                return proxy
            }
            return switch self {
            case .http: servers.http
            case .basic: with(.basic(user: rawValue, password: ProxyServers.password), servers.asking)
            case .digest: with(.digest(user: rawValue, password: ProxyServers.password), servers.asking)
            case .strongest:
                with(.password(user: rawValue, password: ProxyServers.password), servers.asking)
            case .https: servers.https
            case .tinyproxy: servers.tinyproxy
            case .socks5: Proxy(.socks5, host: servers.socks5.address.host, port: servers.socks5.address.port)
            case .socks5h: servers.socks5
            case .socksPassword: with(ProxyServers.basic, servers.askingSOCKS)
            }
        }
    }

    static func session(_ proxy: Proxy, _ more: OptionSetting...) throws -> SessionHandle {
        try SessionHandle(
            options: [
                .set(.proxy, to: .named(proxy)),
                .set(.serverTrust, to: .authorities(inFile: try Nginx.shared.get().authorityFile)),
            ] + more
        )
    }

    @Test(arguments: Way.allCases)
    func `http, https, HTTP/2 and a body through each`(_ way: Way) async throws {
        let (nginx, proxy) = (try Nginx.shared.get(), way.proxy(try ProxyServers.shared.get()))
        for tunnels in proxy.address.kind == .http || proxy.address.kind == .https ? [false, true] : [false] {
            var proxy = proxy
            proxy.tunnels = tunnels
            // The servers have no IPv6; a SOCKS proxy gets one address only.
            let session = try Self.session(proxy, .set(.ipVersion, to: way == .socks5 ? .v4 : .any))
            for (url, version) in [
                (nginx.http("/hello"), HTTPVersion.http1_1), (nginx.https("/hello"), .http2),
                (nginx.https1("/hello"), .http1_1),
            ] {
                for _ in 0..<2 {
                    let request = try await session.openRequest(.get, url)
                    let recorder = EventRecorder(of: request)
                    try await request.complete()
                    let info = try await request.option(.connectionInfo)
                    #expect(info.proxy == proxy.address)
                    #expect(info.isTunnel == (tunnels || url.hasPrefix("https") || way.rawValue.hasPrefix("socks")))
                    #expect(try await request.option(.httpVersion) == version)
                    try request.close()
                    let names = try await recorder.finish().map(\.kind.name)
                    #expect(names.contains("tunnelEstablished") == (info.isTunnel && !info.isReused), "\(names)")
                }
            }
            // squid 5.7 sometimes stops reading near the end of a longer body.
            let isSquid = ![.tinyproxy, .socks5, .socks5h, .socksPassword].contains(way)
            let body = [UInt8](repeating: 0x61, count: isSquid ? 10_000 : 300_000)
            let echo = try ScriptedServer { connection in
                while let request = try connection.readRequest() {
                    try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(request.body.count)\r\n\r\n")
                    try connection.send(request.body)
                }
            }
            let answer = try await session.fetch(.put, echo.url(), body: .bytes(body))
            #expect(try await answer.body.collect(upTo: 1 << 20) == body)
        }
    }

    @Test func `the events of TLS through a proxy with TLS`() async throws {
        let (nginx, proxy) = (try Nginx.shared.get(), try ProxyServers.shared.get().https)
        let session = try Self.session(proxy, .set(.httpVersions, to: .http1_1), .set(.ipVersion, to: .v4))
        let request = try await session.openRequest(.get, nginx.https1("/hello"))
        let recorder = EventRecorder(of: request)
        try await request.complete()
        try request.close()
        #expect(
            try await recorder.finish().map(\.kind.name) == [
                "resolvingName", "nameResolved", "connectingToServer", "connectedToServer", "securingConnection",
                "connectionSecured", "tunnelEstablished", "securingConnection", "connectionSecured", "sendingRequest",
                "requestSent", "sendRequestComplete", "receivingResponse", "responseReceived", "headersAvailable",
                "readComplete", "readComplete", "handleClosing",
            ]
        )
    }

    @Test func `TLS fails at the proxy, or at the server`() async throws {
        let (nginx, servers) = (try Nginx.shared.get(), try ProxyServers.shared.get())
        var untrusted = servers.https
        untrusted.tls = ProxyTLSOptions()
        for url in [nginx.http("/hello"), nginx.https("/hello")] {
            let error = await #expect(throws: HandleError.self) { try await Self.session(untrusted).get(url) }
            #expect(error?.code == .secureFailureProxy && error?.certificateProblem == .unknownAuthority)
            #expect(error?.proxyFailure == ProxyFailure(untrusted.address))
        }
        untrusted.tls.trust = .unverified
        #expect(try await Self.session(untrusted).get(nginx.http("/hello")).head.status == 200)
        for proxy in [servers.http, servers.https, servers.socks5] {
            let session = try SessionHandle(options: [.set(.proxy, to: .named(proxy))])
            let error = await #expect(throws: HandleError.self) { try await session.get(nginx.https("/hello")) }
            #expect(error?.code == .secureFailure && error?.proxyFailure == nil)
            // libcurl 7.88 reports nothing of a certificate where there is TLS inside of TLS.
            if proxy.address.kind != .https { #expect(error?.certificateProblem == .unknownAuthority) }
        }
    }

    @Test func `what proxies refuse`() async throws {
        let (nginx, servers) = (try Nginx.shared.get(), try ProxyServers.shared.get())
        let wrong = Credentials.basic(user: "refused", password: "wr0ng")
        func error(_ proxy: Proxy, _ credentials: Credentials?, _ url: String) async throws -> HandleError? {
            var proxy = proxy
            proxy.credentials = credentials
            let session = try Self.session(proxy)
            return await #expect(throws: HandleError.self) { try await session.get(url) }
        }
        for credentials in [nil, wrong, .digest(user: "wrong", password: "wr0ng")] {
            let refusal = try await error(servers.asking, credentials, nginx.https("/hello"))
            let answer = refusal?.proxyFailure?.response?.status.code
            #expect(refusal?.code == .loginFailure && answer == 407, "\(credentials.map { "\($0)" } ?? "none")")
            #expect(refusal?.proxyFailure?.challenges.contains { $0.scheme == .digest && $0.realm == "cave" } == true)
        }
        let forbidden = try await error(servers.http, nil, "https://forbidden.example/")
        #expect(forbidden?.code == .cannotConnect && forbidden?.proxyFailure?.response?.status.code == 403)
        for credentials in [nil, wrong] {
            let refusal = try await error(servers.askingSOCKS, credentials, nginx.http("/hello"))
            #expect(refusal?.code == .loginFailure && refusal?.proxyFailure?.proxy == servers.askingSOCKS.address)
            #expect(refusal?.curl?.code.rawValue == 97)
        }
        // The server, seen from a SOCKS proxy.
        let closed = try await error(servers.socks5, nil, "http://127.0.0.1:\(try freePorts(1)[0])/")
        #expect(closed?.code == .cannotConnect && closed?.proxyFailure == nil)
    }

    @Test func `a provider answers squid, with Digest`() async throws {
        let (nginx, servers) = (try Nginx.shared.get(), try ProxyServers.shared.get())
        let digest = Credentials.digest(user: "provided", password: ProxyServers.password)
        let provider = CredentialProvider { $0.proxy == nil ? nil : digest }
        for url in [nginx.http("/hello"), nginx.https("/hello")] {
            let session = try Self.session(servers.asking, .set(.credentialProvider, to: provider))
            for _ in 0..<2 { #expect(try await session.get(url).head.status == 200) }
        }
    }

    @Test func `many requests at once share the tunnels of HTTP/2`() async throws {
        let (nginx, servers) = (try Nginx.shared.get(), try ProxyServers.shared.get())
        let session = try Self.session(servers.http)
        let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<20 { group.addTask { try await session.get(nginx.https("/hello")).head.status.code } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(statuses == Array(repeating: 200, count: 20))
    }
}
