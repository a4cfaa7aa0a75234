import Foundation
import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes
import Testing

/// Proxies that follow a script. Behind a tunnel they play the server themselves. (Real ones: `ProxyServerTests`.)
@Suite("Proxies", .timeLimit(.minutes(5)))
struct ProxyTests {
    static let hello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
    static let established = "HTTP/1.1 200 Connection established\r\n\r\n"

    /// A proxy that answers everything, and notes the heads that it gets.
    final class Scripted: Sendable {
        let heads = Record<ReceivedHead>()
        let server: ScriptedServer

        /// - Parameter answer: The answer to a request, in place of the usual one; an empty one ends the connection.
        init(_ answer: @escaping @Sendable (ReceivedHead) -> String? = { _ in nil }) throws {
            server = try ScriptedServer { [heads] connection in
                while let request = try connection.readRequest() {
                    heads.note(request.head)
                    let usual = request.head.method == "CONNECT" ? ProxyTests.established : ProxyTests.hello
                    let text = answer(request.head) ?? usual
                    if text.isEmpty { return }
                    try connection.send(text)
                }
            }
        }

        var address: ProxyAddress { ProxyAddress(.http, host: "127.0.0.1", port: server.port) }
        var socketAddress: SocketAddress { SocketAddress(host: "127.0.0.1", port: server.port) }

        func proxy(_ credentials: Credentials? = nil, _ fields: HTTPFields = [:], tunnels: Bool = false) -> Proxy {
            Proxy(
                .http,
                host: "127.0.0.1",
                port: server.port,
                credentials: credentials,
                headerFields: fields,
                tunnels: tunnels
            )
        }

        func session(tunnels: Bool = false, _ options: [OptionSetting] = []) throws -> SessionHandle {
            try SessionHandle(options: [.set(.proxy, to: .named(proxy(tunnels: tunnels)))] + options)
        }

        /// Everything that came, as one text.
        var bytes: String { String(decoding: heads.all.flatMap(\.bytes), as: UTF8.self) }
        /// The first line of each head.
        var requestLines: [String] { heads.all.map(\.requestLine) }
    }

    static let basic = Credentials.basic(user: "me", password: "s3cret")
    /// As it is sent.
    static let proof = "Basic bWU6czNjcmV0"
    /// No name is resolved here.
    static let url = "http://origin.example/path"

    // MARK: The way

    @Test func `an HTTP proxy forwards requests, and connections to it are shared by all servers`() async throws {
        let proxy = try Scripted()
        let session = try proxy.session()
        let request = try await session.openRequest(.get, Self.url)
        let recorder = EventRecorder(of: request)
        try await request.complete()
        let info = try await request.option(.connectionInfo)
        #expect(info.proxy == proxy.address && !info.isTunnel && info.peer == proxy.socketAddress)
        try request.close()
        #expect(
            try await recorder.finish().map(\.kind) == [
                .connectingToServer(address: proxy.socketAddress), .connectedToServer(address: proxy.socketAddress),
                .sendingRequest, .requestSent(bytes: proxy.heads.all[0].bytes.count), .sendRequestComplete,
                .receivingResponse, .responseReceived(bytes: Self.hello.utf8.count - 5), .headersAvailable,
                .readComplete(bytes: 5), .readComplete(bytes: 0), .handleClosing,
            ]
        )
        #expect(try await session.get("http://other.example:81/").body.collectString(upTo: 9) == "hello")
        #expect(
            proxy.requestLines == ["GET http://origin.example/path HTTP/1.1", "GET http://other.example:81/ HTTP/1.1"]
        )
        #expect(proxy.server.connectionsAccepted == 1)
    }

    @Test func `a tunnel, and what each end of it sees`() async throws {
        let proxy = try Scripted()
        let fields: HTTPFields = [.init("X-Proxy")!: "pr1vate"]
        let session = try SessionHandle(
            userAgent: "test/1.0",
            options: [
                .set(.proxy, to: .named(proxy.proxy(Self.basic, fields, tunnels: true))),
                .set(.credentials, to: .bearer("0rigin")),
            ]
        )
        let request = try await session.openRequest(.get, Self.url, headerFields: [.cookie: "a=0rigin"])
        let recorder = EventRecorder(of: request)
        try await request.complete()
        let info = try await request.option(.connectionInfo)
        #expect(info.proxy == proxy.address && info.isTunnel)
        #expect(try await request.option(.requestStatistics).responseBodyBytes == 5)
        try request.close()
        try #require(proxy.heads.all.count == 2)
        let (connect, get) = (proxy.heads.all[0], proxy.heads.all[1])
        #expect(
            connect.lines == [
                "CONNECT origin.example:80 HTTP/1.1", "Host: origin.example:80", "Proxy-Authorization: \(Self.proof)",
                "User-Agent: test/1.0", "Proxy-Connection: Keep-Alive", "X-Proxy: pr1vate",
            ]
        )
        #expect(get.requestLine == "GET /path HTTP/1.1")
        #expect(get["Authorization"] == "Bearer 0rigin" && get["Cookie"] == "a=0rigin")
        #expect(get["Proxy-Authorization"] == nil && get["X-Proxy"] == nil && get["Proxy-Connection"] == nil)
        #expect(
            try await recorder.finish().map(\.kind) == [
                .connectingToServer(address: proxy.socketAddress), .connectedToServer(address: proxy.socketAddress),
                .tunnelEstablished, .sendingRequest, .requestSent(bytes: get.bytes.count), .sendRequestComplete,
                .receivingResponse, .responseReceived(bytes: Self.hello.utf8.count - 5), .headersAvailable,
                .readComplete(bytes: 5), .readComplete(bytes: 0), .handleClosing,
            ]
        )
    }

    @Test func `a tunnel is used again by requests with the same proxy credentials and fields only`() async throws {
        let proxy = try Scripted()
        let session = try SessionHandle()
        for (credentials, fields, heads) in [
            (Self.basic, [:], 2), (Self.basic, [:], 1), (.basic(user: "you", password: "x"), [:], 2), (nil, [:], 2),
            (Self.basic, [.accept: "1"], 2), (Self.basic, [.accept: "1"], 1),
        ] as [(Credentials?, HTTPFields, Int)] {
            let before = proxy.heads.all.count
            try await session.setOption(.proxy, to: .named(proxy.proxy(credentials, fields, tunnels: true)))
            #expect(try await session.get(Self.url).body.collectString(upTo: 9) == "hello")
            #expect(proxy.heads.all.count - before == heads)
        }
        // Nor directly.
        try await session.setOption(.proxy, to: .none)
        let server = try OptionEffectTests.hello()
        #expect(try await session.get(server.url()).body.collectString(upTo: 9) == "hello")
        #expect(server.connectionsAccepted == 1)
    }

    @Test func `without a proxy by the bypass list, by none, and by the choice`() async throws {
        let (proxy, server) = (try Scripted(), try OptionEffectTests.hello())
        let chooser = ProxyChooser { _ in [.direct] }
        for setting in [.none, .named(proxy.proxy(), bypass: ["127.0.0.0/8"]), .choosing(chooser)] as [ProxySetting] {
            let session = try SessionHandle(options: [.set(.proxy, to: setting)])
            let request = try await session.openRequest(.get, server.url())
            try await request.complete()
            #expect(try await request.option(.connectionInfo).proxy == nil)
            #expect(try await session.option(.proxy) == setting)
        }
        #expect(proxy.heads.all.isEmpty)
    }

    @Test func `requests that a proxy forwards share its connection slots`() async throws {
        let mayAnswer = Gate()
        let proxy = try Scripted { _ in
            mayAnswer.wait()
            return nil
        }
        let session = try proxy.session([.set(.maximumConnectionsPerServer, to: 1)])
        let first = Task { try await session.get("http://one.example/").head.status }
        let request = try await session.openRequest(.get, "http://two.example/")
        let recorder = EventRecorder(of: request)
        while proxy.heads.all.isEmpty { await Task.yield() }
        let second = Task { try await request.complete() }
        try await recorder.first(.queued)
        mayAnswer.open()
        #expect(try await first.value == 200)
        try await second.value
        try request.close()
        #expect(try await recorder.finish().map(\.kind.name).prefix(2) == ["queued", "connectionReused"])
        #expect(proxy.server.connectionsAccepted == 1)
    }

    // MARK: Redirects

    @Test func `each hop has its own proxy, and secrets stay where they belong`() async throws {
        let direct = try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                let found = request.head["Proxy-Authorization"] == nil && request.head["Authorization"] == nil
                try connection.send(
                    "HTTP/1.1 302 Found\r\nLocation: http://third.example/\(found)\r\nContent-Length: 0\r\n\r\n"
                )
            }
        }
        let first = try Scripted { _ in
            "HTTP/1.1 302 Found\r\nLocation: \(direct.url())\r\nContent-Length: 0\r\n\r\n"
        }
        let second = try Scripted()
        let (one, two) = (first.proxy(Self.basic), second.proxy())
        let asked = Record<String>()
        let chooser = ProxyChooser { question in
            asked.note(question.url)
            return switch question.host {
            case "origin.example": [.proxy(one)]
            case "third.example": [.proxy(two)]
            default: [.direct]
            }
        }
        let session = try SessionHandle(options: [
            .set(.proxy, to: .choosing(chooser)), .set(.credentials, to: .bearer("0rigin")),
        ])
        let response = try await session.get(Self.url)
        #expect(try await response.body.collectString(upTo: 9) == "hello")
        #expect(asked.all == [Self.url, direct.url(), "http://third.example/true"])
        #expect(first.heads.all.map { $0["Proxy-Authorization"] } == [Self.proof])
        // The request's own: the first proxy forwards it.
        #expect(first.heads.all.map { $0["Authorization"] } == ["Bearer 0rigin"])
        #expect(second.requestLines == ["GET http://third.example/true HTTP/1.1"])
        #expect(!second.bytes.contains("uthorization"))
    }

    @Test func `for https a chooser sees the server only`() async throws {
        let asked = Record<ProxyQuestion>()
        let chooser = ProxyChooser { question in
            asked.note(question)
            return []
        }
        let session = try SessionHandle(options: [.set(.proxy, to: .choosing(chooser))])
        await #expect(throws: HandleError.self) { try await session.get("https://origin.example:444/s3cret?s3cret") }
        #expect(asked.all.map(\.url) == ["https://origin.example:444/"])
        #expect(asked.all.first?.isSecure == true && asked.all.first?.port == 444)
    }

    // MARK: Choosing

    @Test func `the next choice is tried where a proxy cannot be reached`() async throws {
        let proxy = try Scripted()
        let closed = try freePorts(1)[0]
        let dead = Proxy(.http, host: "127.0.0.1", port: closed)
        let chooser = ProxyChooser { _ in [.proxy(dead), .proxy(proxy.proxy()), .direct] }
        let session = try SessionHandle(options: [.set(.proxy, to: .choosing(chooser))])
        let request = try await session.openRequest(.get, Self.url)
        let recorder = EventRecorder(of: request)
        try await request.complete()
        #expect(try await request.option(.connectionInfo).proxy == proxy.address)
        try request.close()
        let kinds = try await recorder.finish().map(\.kind)
        #expect(
            kinds.map(\.name).prefix(5) == [
                "detectingProxy", "connectingToServer", "nextProxy", "connectingToServer", "connectedToServer",
            ]
        )
        let failures = kinds.compactMap { kind in if case .nextProxy(let error) = kind { error } else { nil } }
        #expect(failures.map(\.code) == [.cannotConnect])
        #expect(failures.map(\.proxyFailure) == [ProxyFailure(dead.address)])
        #expect(failures.first?.systemError == SystemErrorNumber(rawValue: ECONNREFUSED))
    }

    @Test func `a proxy that takes no connection in time is passed over, and direct is a choice too`() async throws {
        let (silent, server) = (try UnreachablePort(), try OptionEffectTests.hello())
        let dead = Proxy(.http, host: "127.0.0.1", port: silent.port)
        let session = try SessionHandle(options: [
            .set(.proxy, to: .choosing(ProxyChooser { _ in [.proxy(dead), .direct] })),
            .set(.connectTimeout, to: .seconds(3600)),
        ])
        let request = try await session.openRequest(.get, server.url())
        let recorder = EventRecorder(of: request, .proxy)
        let connecting = EventRecorder(of: request, .connectToServer)
        let completing = Task { try await request.complete() }
        _ = try await connecting.first { $0.kind.name == "connectingToServer" }
        session.advanceClock(by: .seconds(3600))
        try await completing.value
        try request.close()
        let error = HandleError.timeout(.connect, after: .seconds(3600), .sendRequest, at: ProxyFailure(dead.address))
        #expect(
            try await recorder.finish().map(\.kind) == [.detectingProxy, .nextProxy(after: error), .handleClosing]
        )
    }

    @Test func `the last choice is the one that fails`() async throws {
        let ports = try freePorts(2)
        let proxies = ports.map { Proxy(.http, host: "127.0.0.1", port: $0) }
        let chooser = ProxyChooser { _ in proxies.map { .proxy($0) } }
        let session = try SessionHandle(options: [.set(.proxy, to: .choosing(chooser))])
        let error = await #expect(throws: HandleError.self) { try await session.get(Self.url) }
        #expect(error?.code == .cannotConnect)
        #expect(error?.proxyFailure == ProxyFailure(proxies[1].address))
    }

    struct Failure: Error {}

    @Test func `a chooser that throws, returns nothing, or a proxy that cannot be one`() async throws {
        let bad = Proxy(.http, host: "s3cret s3cret", port: 1)
        for (chooser, reason) in [
            (ProxyChooser { _ in throw Failure() }, "the closure that chooses proxies threw an error"),
            (ProxyChooser { _ in [] }, "the closure that chooses proxies has returned no choice"),
            (
                ProxyChooser { _ in [.direct, .proxy(bad)] },
                "the closure has chosen a proxy that cannot be used: its host is neither an ASCII name nor an IP address "
                    + "without zone"
            ),
        ] {
            let session = try SessionHandle(options: [.set(.proxy, to: .choosing(chooser))])
            let expected = HandleError(.autoProxyServiceError, .sendRequest, reason: reason)
            let error = await #expect(throws: expected) { try await session.get(Self.url) }
            #expect((error?.underlying is Failure) == reason.contains("threw"))
        }
    }

    @Test func `a chooser that never returns has the time of a connection`() async throws {
        let (isAsked, isCancelled) = (Gate(), Gate())
        let chooser = ProxyChooser { _ in
            isAsked.open()
            try? await Task.sleep(for: .seconds(1_000_000))
            isCancelled.open()
            return [.direct]
        }
        let limit = Duration.seconds(3600)
        let session = try SessionHandle(options: [
            .set(.proxy, to: .choosing(chooser)), .set(.connectTimeout, to: limit),
        ])
        let response = Task { try await session.get(Self.url) }
        await isAsked.passed()
        session.advanceClock(by: limit)
        let expected = HandleError.timeout(.proxy, after: limit, .sendRequest)
        await #expect(throws: expected) { try await response.value }
        await isCancelled.passed()
    }

    @Test func `closing cancels the chooser`() async throws {
        let (isAsked, isCancelled) = (Gate(), Gate())
        let chooser = ProxyChooser { _ in
            isAsked.open()
            try? await Task.sleep(for: .seconds(1000))
            isCancelled.open()
            return [.direct]
        }
        let session = try SessionHandle(options: [.set(.proxy, to: .choosing(chooser))])
        let request = try await session.openRequest(.get, Self.url)
        let recorder = EventRecorder(of: request)
        let sending = Task { try await request.send() }
        await isAsked.passed()
        try request.close()
        await request.closed()
        await #expect(throws: HandleError.cancelled(.sendRequest)) { try await sending.value }
        await isCancelled.passed()
        #expect(
            try await recorder.finish().map(\.kind) == [
                .detectingProxy, .requestError(.cancelled(.sendRequest)), .handleClosing,
            ]
        )
    }

    // MARK: Proxies that misbehave

    static let refused = "HTTP/1.1 403 Forbidden\r\nX-Why: policy\r\nContent-Length: 2\r\n\r\nno"

    @Test(
        arguments: [
            (refused, HandleErrorCode.cannotConnect, 403), ("HTTP/1.1 502 Bad Gateway\r\n\r\n", .cannotConnect, 502),
            ("HTTP/1.0 200\r\n\r\n", nil, nil),
            ("HTTP/1.1 204 No Content\r\n\r\n", nil, nil),
            // libcurl takes a 1xx for the answer.
            ("HTTP/1.1 103 Early Hints\r\n\r\n\(established)", .cannotConnect, 103),
            // A tunnel has no body (RFC 9110, section 9.3.6).
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", nil, nil),
            (
                "HTTP/1.1 407 Authenticate\r\nProxy-Authenticate: Basic realm=\"r\"\r\nContent-Length: 0\r\n\r\n",
                .loginFailure, 407
            ),
            (
                "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n",
                .invalidServerResponse, 401
            ),
            ("HTTP/1.1 302 Found\r\nLocation: http://evil.example/\r\nContent-Length: 0\r\n\r\n", .cannotConnect, 302),
            ("garbage\r\n\r\n", .invalidServerResponse, nil),
            ("", .connectionError, nil),
        ] as [(String, HandleErrorCode?, Int?)]
    )
    func `an answer to the request for a tunnel`(_ answer: String, _ code: HandleErrorCode?, _ status: Int?)
        async throws
    {
        let proxy = try Scripted { $0.method == "CONNECT" ? answer : nil }
        let session = try proxy.session(tunnels: true, [.set(.credentials, to: .digest(user: "u", password: "0rigin"))])
        guard let code else {
            #expect(try await session.get(Self.url).body.collectString(upTo: 9) == "hello")
            return
        }
        let error = await #expect(throws: HandleError.self) { try await session.get(Self.url) }
        #expect(error?.code == code, "\(error.map { "\($0)" } ?? "")")
        #expect(error?.proxyFailure?.proxy == proxy.address)
        #expect(error?.proxyFailure?.response?.status.code == status)
        if status == 403 { #expect(error?.proxyFailure?.response?.headerFields[.init("X-Why")!] == "policy") }
        if status == 407 { #expect(error?.proxyFailure?.challenges.map(\.realm) == ["r"]) }
        #expect(proxy.requestLines.allSatisfy { $0 == "CONNECT origin.example:80 HTTP/1.1" })
        #expect(!proxy.bytes.contains("uthorization"))
    }

    @Test func `an answer that does not come, or does not end`() async throws {
        let isAsked = Gate()
        let silent = try ScriptedServer { connection in
            _ = try connection.readRequest()
            isAsked.open()
            connection.waitForClose()
        }
        let endless = try ScriptedServer { connection in
            _ = try connection.readRequest()
            try connection.send("HTTP/1.1 200 OK\r\n")
            while true { try connection.send("X-Filler: \(String(repeating: "x", count: 1000))\r\n") }
        }
        let stale = try Scripted { _ in
            "HTTP/1.1 407 Again\r\nProxy-Authenticate: Digest realm=\"r\", nonce=\"n\", stale=true\r\nContent-Length: 0\r\n\r\n"
        }
        func error(_ server: ScriptedServer, _ credentials: Credentials? = nil) async throws -> HandleError? {
            let proxy = Proxy(.http, host: "127.0.0.1", port: server.port, credentials: credentials, tunnels: true)
            let session = try SessionHandle(options: [
                .set(.proxy, to: .named(proxy)),
                .set(.connectTimeout, to: .seconds(3600)),
            ])
            let response = Task { try await session.get(Self.url) }
            if server === silent {
                await isAsked.passed()
                session.advanceClock(by: .seconds(3600))
            }
            return await #expect(throws: HandleError.self) { try await response.value }
        }
        func failure(_ server: ScriptedServer) -> ProxyFailure {
            ProxyFailure(ProxyAddress(.http, host: "127.0.0.1", port: server.port))
        }
        #expect(
            try await error(silent)
                == .timeout(.connect, after: .seconds(3600), .sendRequest, at: failure(silent))
        )
        let long = try await error(endless)
        #expect(long?.code == .headerSizeOverflow && long?.proxyFailure == failure(endless))
        let login = try await error(stale.server, .digest(user: "u", password: "p"))
        #expect(login?.code == .loginFailure && login?.proxyFailure?.response?.status.code == 407)
        #expect(stale.heads.all.count == 11)
    }

    @Test(
        arguments: [nil, "HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe"] as [String?]
    )
    func `a connection through a proxy that ends`(_ answer: String?) async throws {
        for tunnels in [false, true] {
            let server = try ScriptedServer { connection in
                while let request = try connection.readRequest() {
                    guard request.head.method != "CONNECT" else {
                        try connection.send(Self.established)
                        continue
                    }
                    if let answer { try connection.send(answer) }
                    return
                }
            }
            let proxy = Proxy(.http, host: "127.0.0.1", port: server.port, tunnels: tunnels)
            let session = try SessionHandle(options: [.set(.proxy, to: .named(proxy))])
            let error = await #expect(throws: HandleError.self) {
                _ = try await session.get(Self.url).body.collect(upTo: 9)
            }
            let isBody = answer?.contains("\r\n\r\n") == true
            #expect(error?.code == (isBody ? .connectionError : .invalidServerResponse))
            // It may be the server's fault.
            #expect((error?.proxyFailure != nil) == (!tunnels && answer == nil))
        }
    }

    @Test func `an answer with a body is a tunnel that begins with the body`() async throws {
        let proxy = try Scripted { head in
            head.method == "CONNECT" ? "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello" : nil
        }
        let error = await #expect(throws: HandleError.self) { try await proxy.session(tunnels: true).get(Self.url) }
        #expect(error?.code == .invalidServerResponse && error?.proxyFailure == nil)
    }

    enum End: CaseIterable, Sendable {
        case beforeRequest, beforeAnswer, inHead, afterHead, inHandshake

        /// The proxy's part of the connection.
        var bytes: [UInt8] {
            switch self {
            case .beforeRequest, .beforeAnswer: []
            case .inHead: Array("HTTP/1.1 200 OK\r\nX-F".utf8)
            case .afterHead: Array(ProxyTests.established.utf8)
            // The beginning of a message of TLS.
            case .inHandshake: Array(ProxyTests.established.utf8) + [0x16, 3, 3, 0, 122, 2, 0]
            }
        }
    }

    @Test(arguments: End.allCases, [false, true])
    func `a proxy that ends the connection in each phase`(_ end: End, _ resets: Bool) async throws {
        let server = try ScriptedServer { connection in
            if end != .beforeRequest {
                _ = try connection.readRequest()
                try connection.send(end.bytes)
                // So that a reset does not overtake it.
                if end == .inHandshake { _ = try connection.read(exactly: 1) }
            }
            if resets { connection.reset() }
        }
        let proxy = Proxy(.http, host: "127.0.0.1", port: server.port)
        let session = try SessionHandle(options: [.set(.proxy, to: .named(proxy))])
        let request = try await session.openRequest(.get, "https://origin.example/")
        let recorder = EventRecorder(of: request)
        let error = await #expect(throws: HandleError.self) { try await request.complete() }
        try request.close()
        let names = try await recorder.finish().map(\.kind.name)
        let isTunnel = names.contains("tunnelEstablished")
        #expect(error?.proxyFailure?.proxy == (isTunnel ? nil : proxy.address))
        #expect(isTunnel == (end == .afterHead && !resets || end == .inHandshake) || end == .afterHead && resets)
        // A reset may come before the connection is seen to be there.
        let codes: Set<HandleErrorCode> = [
            .connectionError, .secureFailure, resets ? .cannotConnect : .connectionError,
        ]
        #expect(error.map { codes.contains($0.code) } == true, "\(end) \(error.map { "\($0)" } ?? "")")
        #expect(names.suffix(2) == ["requestError", "handleClosing"] && !names.contains("sendingRequest"))
    }

    @Test(arguments: [ProxyAddress.Kind.socks4, .socks4a])
    func `SOCKS 4: what it is asked, and its refusal`(_ kind: ProxyAddress.Kind) async throws {
        for reply: UInt8 in [0x5A, 0x5B] {
            let asked = Record<[UInt8]>()
            let server = try ScriptedServer { connection in
                var bytes = try connection.read(exactly: 8)
                for _ in 0..<(kind == .socks4a ? 2 : 1) {
                    repeat { bytes += try connection.read(exactly: 1) } while bytes.last != 0
                }
                asked.note(bytes)
                try connection.send([0, reply, 0, 0, 0, 0, 0, 0])
                while try connection.readRequest() != nil { try connection.send(Self.hello) }
            }
            let credentials = Credentials.basic(user: "me", password: "")
            let proxy = Proxy(kind, host: "127.0.0.1", port: server.port, credentials: credentials)
            let session = try SessionHandle(options: [
                .set(.proxy, to: .named(proxy)), .set(.ipVersion, to: .v4),
            ])
            if reply == 0x5A {
                #expect(try await session.get("http://localhost:258/").body.collectString(upTo: 9) == "hello")
            } else {
                let error = await #expect(throws: HandleError.self) {
                    try await session.get("http://localhost:258/")
                }
                #expect(error?.code == .cannotConnect && error?.proxyFailure == nil)
            }
            let (name, user) = (Array("localhost".utf8) + [0], Array("me".utf8) + [0])
            let address: [UInt8] = kind == .socks4 ? [127, 0, 0, 1] : [0, 0, 0, 1]
            #expect(asked.all == [[4, 1, 1, 2] + address + user + (kind == .socks4a ? name : [])])
        }
    }

    @Test func `the connections of a session have their proxy`() async throws {
        let (proxy, server) = (try Scripted(), try OptionEffectTests.hello())
        let session = try proxy.session()
        for url in ["http://one.example/", "http://two.example/"] {
            _ = try await session.get(url).body.collect(upTo: 9)
        }
        try await session.setOption(.proxy, to: .named(proxy.proxy(tunnels: true)))
        _ = try await session.get("http://one.example/").body.collect(upTo: 9)
        try await session.setOption(.proxy, to: .none)
        _ = try await session.get(server.url()).body.collect(upTo: 9)
        let list = try await session.connections()
        #expect(list.map(\.proxy) == [proxy.address, proxy.address, nil])
        #expect(list.map(\.requests) == [2, 1, 1])
        #expect(
            list.map(\.origin) == ["http://one.example", "http://one.example", "http://127.0.0.1:\(server.port)"]
        )
        #expect(list.map(\.peer.port) == [proxy.server.port, proxy.server.port, server.port])
    }

    // MARK: Bad input

    @Test func `a proxy that cannot be one is refused before anything is sent, and no error shows a secret`()
        async throws
    {
        let session = try SessionHandle()
        let credentials = Credentials.basic(user: "a:s3cret", password: "s3cret")
        let reason = "proxy: the user name contains a colon, which the scheme basic does not allow"
        let expected = HandleError.invalidParameter(.setOption, reason)
        await #expect(throws: expected) {
            try await session.setOption(.proxy, to: .named(Proxy(.http, host: "h", port: 1, credentials: credentials)))
        }
        let missing = Proxy(
            .https,
            host: "h",
            port: 1,
            tls: ProxyTLSOptions(trust: .authorities(inFile: "/missing/file"))
        )
        try await session.setOption(.proxy, to: .named(missing))
        await #expect(
            throws: HandleError.invalidParameter(
                .sendRequest,
                "proxy: serverTrust cannot be read: /missing/file: No such file or directory"
            )
        ) { try await session.get(Self.url) }
    }
}
