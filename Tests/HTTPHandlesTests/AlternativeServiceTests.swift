import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes
import Testing

@Suite("Alternative services", .timeLimit(.minutes(5)))
struct AlternativeServiceTests {
    /// An origin whose responses have an `Alt-Svc` field, and a server that is its alternative.
    private struct Servers {
        /// "origin" or "alternative", with the fields `Host` and `Alt-Used`.
        let requests: Record<[String]>
        let origin: ScriptedServer
        let alternative: ScriptedServer
        let url: String
        let port: Int
        let alternativePort: Int
        let authorityFile: String

        /// - Parameter value: The field; "PORT" is the alternative's port.
        init(_ value: String = "http%2F1.1=\":PORT\"", status: String = "200 OK") throws {
            let front = try TLSFront.shared.get()
            let requests = Record<[String]>()
            func server(_ name: String, _ fields: String, status: String = "200 OK") throws -> ScriptedServer {
                try ScriptedServer { connection in
                    while let request = try connection.readRequest() {
                        requests.note([name, request.head["host"] ?? "-", request.head["alt-used"] ?? "-"])
                        let length = "Content-Length: \(name.utf8.count)"
                        try connection.send("HTTP/1.1 \(status)\r\n\(fields)\(length)\r\n\r\n\(name)")
                    }
                }
            }
            alternative = try server("alternative", "", status: status)
            alternativePort = try AlternativeServiceTests.port(front.url(alternative, .http1_1))
            let field = value.replacing("PORT", with: "\(alternativePort)")
            origin = try server("origin", field.isEmpty ? "" : "Alt-Svc: \(field)\r\n")
            url = try front.url(origin, .http1_1)
            port = try AlternativeServiceTests.port(url)
            authorityFile = front.authorityFile
            self.requests = requests
        }

        var trust: ServerTrust { .authorities(inFile: authorityFile) }

        func session(_ options: [OptionSetting] = []) throws -> SessionHandle {
            try SessionHandle(
                options: [
                    .set(.serverTrust, to: trust), .set(.usesAlternativeServices, to: true),
                    .set(.decodesContent, to: false),
                ] + options
            )
        }

        func service(at host: String, _ port: Int, _ version: HTTPVersion = .http1_1) -> AlternativeService {
            AlternativeService(
                originHost: "localhost",
                originPort: self.port,
                version: version,
                host: host,
                port: port,
                expires: 4_102_444_800
            )
        }
    }

    private static func port(_ url: String) throws -> Int {
        try #require(url.split(separator: ":").last.flatMap { Int($0.prefix { $0 != "/" }) })
    }

    private static func text(_ session: SessionHandle, _ url: String) async throws -> String {
        try await OptionEffectTests.text(session, url)
    }

    /// The events of one GET, without those of its end, and the response's body.
    private static func get(_ session: SessionHandle, _ url: String) async throws -> (kinds: [StatusEvent.Kind], String)
    {
        let request = try await session.openRequest(.get, url)
        let recorder = EventRecorder(of: request, [.resolveName, .connectToServer, .secureConnection, .secureFailure])
        try await request.send()
        _ = try await request.receiveResponse()
        let text = try await request.body.collectString(upTo: 100)
        try request.close()
        return (Array(try await recorder.finish().map(\.kind).dropLast()), text)
    }

    // MARK: Use

    @Test func usesAlternativeServices() async throws {
        let servers = try Servers("http%2F1.1=\":PORT\"; ma=100; persist=1")
        let session = try servers.session()
        #expect(try await Self.text(session, servers.url) == "origin")
        let known = try await session.alternativeServices.list()
        #expect(known.map(\.originHost) == ["localhost"] && known.map(\.originPort) == [servers.port])
        #expect(known.map(\.host) == ["localhost"] && known.map(\.port) == [servers.alternativePort])
        #expect(known.map(\.persists) == [true] && known.map(\.version) == [.http1_1])
        let address = SocketAddress(host: "127.0.0.1", port: servers.alternativePort)
        let first = try await Self.get(session, servers.url)
        #expect(first.1 == "alternative")
        #expect(first.kinds.last == .connectionSecured)
        #expect(first.kinds.contains(.connectingToServer(address: address)))
        let response = try await session.get(servers.url)
        // What was asked for, and what was connected to.
        #expect(try await response.request.option(.url) == servers.url)
        #expect(try await response.request.option(.connectionInfo).peer == address)
        #expect(try await response.request.option(.connectionInfo).isReused)
        #expect(try await response.body.collectString(upTo: 100) == "alternative")
        let host = "localhost:\(servers.port)"
        let used = "localhost:\(servers.alternativePort)"
        #expect(
            servers.requests.all == [
                ["origin", host, "-"], ["alternative", host, used], ["alternative", host, used],
            ]
        )
        // Without the option the origin is asked, on its own connection.
        try await session.setOption(.usesAlternativeServices, to: false)
        let last = try await Self.get(session, servers.url)
        #expect(last.1 == "origin")
        let origin = SocketAddress(host: "127.0.0.1", port: servers.port)
        #expect(last.kinds == [.connectionReused(address: origin)])
    }

    @Test func `HTTP/2 with a real server`() async throws {
        let nginx = try Nginx.shared.get()
        let session = try SessionHandle(options: [
            .set(.serverTrust, to: .authorities(inFile: nginx.authorityFile)), .set(.usesAlternativeServices, to: true),
        ])
        let url = nginx.https1("/alternative/\(nginx.httpsPort)")
        let host = "localhost:\(nginx.http1TLSPort)"
        #expect(try await Self.text(session, url) == "\(nginx.http1TLSPort) \(host) HTTP/1.1 ")
        for _ in 0..<2 {
            let used = "localhost:\(nginx.httpsPort)"
            #expect(try await Self.text(session, url) == "\(nginx.httpsPort) \(host) HTTP/2.0 \(used)")
        }
        // The version has to be one of those that the request may use.
        try await session.setOption(.httpVersions, to: .http1_1)
        #expect(try await Self.text(session, url) == "\(nginx.http1TLSPort) \(host) HTTP/1.1 ")
    }

    @Test func `what is not learned`() async throws {
        // From a server without TLS.
        let plain = try ScriptedServer { connection in
            while try connection.readRequest() != nil {
                try connection.send("HTTP/1.1 200 OK\r\nAlt-Svc: h2=\":1\"\r\nContent-Length: 0\r\n\r\n")
            }
        }
        let servers = try Servers()
        let session = try servers.session()
        _ = try await Self.text(session, plain.url())
        // From one that was not verified.
        try await session.setOption(.serverTrust, to: .unverified)
        #expect(try await Self.text(session, servers.url) == "origin")
        #expect(try await session.alternativeServices.list() == [])
        // Nor is one used by requests that verify nothing.
        try await session.alternativeServices.set(servers.service(at: "localhost", servers.alternativePort))
        #expect(try await Self.text(session, servers.url) == "origin")
        try await session.setOption(.serverTrust, to: servers.trust)
        #expect(try await Self.text(session, servers.url) == "alternative")
    }

    @Test func `what the caller sets takes precedence`() async throws {
        let servers = try Servers()
        let session = try servers.session()
        #expect(try await Self.text(session, servers.url) == "origin")
        let proxy = try ProxyTests.Scripted { _ in "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n" }
        try await session.setOption(.proxy, to: .named(proxy.proxy()))
        await #expect(throws: HandleError.self) { try await session.get(servers.url) }
        #expect(proxy.heads.all.map(\.requestLine) == ["CONNECT localhost:\(servers.port) HTTP/1.1"])
        try await session.setOption(.proxy, to: ProxySetting.none)
        let override = ResolveOverride(host: "localhost", port: nil, address: "127.0.0.1")
        try await session.setOption(.resolveOverrides, to: [override])
        #expect(try await Self.text(session, servers.url) == "origin")
        // Not one that is about another host.
        let other = ResolveOverride(host: "other.example", port: nil, address: "127.0.0.1")
        try await session.setOption(.resolveOverrides, to: [other])
        #expect(try await Self.text(session, servers.url) == "alternative")
        let scratch = try Scratch()
        try await session.setOption(.unixSocket, to: .path(scratch.path("nothing")))
        let error = await #expect(throws: HandleError.self) { try await session.get(servers.url) }
        #expect(error?.code == .cannotConnect)
    }

    @Test func `each hop of a redirect has its own`() async throws {
        let servers = try Servers()
        let session = try servers.session()
        #expect(try await Self.text(session, servers.url) == "origin")
        let front = try TLSFront.shared.get()
        let location = servers.url
        let redirecting = try ScriptedServer { connection in
            let used = try connection.readRequest()?.head["alt-used"] ?? "-"
            try connection.send(
                "HTTP/1.1 302 Found\r\nLocation: \(location)?\(used)\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )
        }
        let response = try await session.get(front.url(redirecting, .http1_1))
        #expect(response.head.url == servers.url + "?-")
        #expect(try await response.body.collectString(upTo: 100) == "alternative")
    }

    @Test func `the name of a service is resolved as those of URLs`() async throws {
        let servers = try Servers("")
        let session = try servers.session([.set(.nameResolver, to: NameResolver { _ in ["127.0.0.1"] })])
        try await session.alternativeServices.set(servers.service(at: "alternative.test", servers.alternativePort))
        let (kinds, text) = try await Self.get(session, servers.url)
        #expect(text == "alternative")
        let address = SocketAddress(host: "127.0.0.1", port: servers.alternativePort)
        #expect(
            kinds == [
                .resolvingName(host: "alternative.test"), .nameResolved(address: "127.0.0.1"),
                .connectingToServer(address: address), .connectedToServer(address: address), .securingConnection,
                .connectionSecured,
            ]
        )
    }

    // MARK: Failures

    @Test func `a service that cannot be reached is avoided, and the next one or the origin is used`() async throws {
        let servers = try Servers("")
        let session = try servers.session()
        let ports = [try ClosedPort(), try ClosedPort()]
        let closed = ports.map(\.port)
        for port in closed { try await session.alternativeServices.set(servers.service(at: "127.0.0.1", port)) }
        for isFirst in [true, false] {
            let (kinds, text) = try await Self.get(session, servers.url)
            #expect(text == "origin")
            let failures = kinds.compactMap { kind in
                if case .alternativeServiceFailed(let error) = kind { error.code } else { nil }
            }
            #expect(failures == (isFirst ? [.cannotConnect, .cannotConnect] : []))
            let tried = kinds.compactMap { kind in
                if case .connectingToServer(let address) = kind { address.port } else { nil }
            }
            // Before the origin, whose name leads to addresses that may differ.
            #expect(Array(tried.prefix(2)) == (isFirst ? closed : []))
        }
        #expect(servers.requests.all.map(\.[2]) == ["-", "-"])
        #expect(try await session.alternativeServices.list().map(\.port) == closed)
        withExtendedLifetime(ports) {}
    }

    @Test func `a certificate that is not the origin's`() async throws {
        let servers = try Servers("")
        let others = try TLSServers.shared.get()
        let trust = ServerTrust(.only([.file(servers.authorityFile), .file(others.authorityFile)]))
        let session = try servers.session([
            .set(.serverTrust, to: trust), .set(.nameResolver, to: NameResolver { _ in ["127.0.0.1"] }),
        ])
        // It is right for the name of the service.
        try await session.alternativeServices.set(servers.service(at: "other.example", others.port(.wrongName)))
        let (kinds, text) = try await Self.get(session, servers.url)
        #expect(text == "origin")
        let address = SocketAddress(host: "127.0.0.1", port: others.port(.wrongName))
        #expect(
            Array(kinds.prefix(6)) == [
                .resolvingName(host: "other.example"), .nameResolved(address: "127.0.0.1"),
                .connectingToServer(address: address), .connectedToServer(address: address), .securingConnection,
                .secureFailure(.nameMismatch),
            ]
        )
        guard case .alternativeServiceFailed(let error)? = kinds.dropFirst(6).first else {
            Issue.record("\(kinds)")
            return
        }
        #expect(error.certificateProblem == .wrongName)
    }

    @Test func `a service that does not answer`() async throws {
        let (servers, silent) = (try Servers(""), try UnreachablePort())
        let session = try servers.session()
        // A connection to the origin, so that the time limit is for the service alone.
        #expect(try await Self.text(session, servers.url) == "origin")
        try await session.alternativeServices.set(servers.service(at: "127.0.0.1", silent.port))
        let limit = Duration.seconds(3600)
        try await session.setOption(.connectTimeout, to: limit)
        try await session.setOption(.poolLimits, to: PoolLimits(idleTime: nil))
        let recorder = EventRecorder(of: session, .connectToServer, scope: .tree)
        let getting = Task { [servers] in try await Self.get(session, servers.url) }
        _ = try await recorder.first { $0.kind.name == "connectingToServer" }
        session.advanceClock(by: limit)
        let (kinds, text) = try await getting.value
        #expect(text == "origin")
        #expect(
            kinds == [
                .connectingToServer(address: SocketAddress(host: "127.0.0.1", port: silent.port)),
                .alternativeServiceFailed(.timeout(.connect, after: limit, .sendRequest)),
                .connectionReused(address: SocketAddress(host: "127.0.0.1", port: servers.port)),
            ]
        )
    }

    @Test func `one that does not serve the origin is forgotten`() async throws {
        let servers = try Servers(status: "421 Misdirected Request\r\nAlt-Svc: h2=\":1\"")
        let session = try servers.session()
        #expect(try await Self.text(session, servers.url) == "origin")
        let (kinds, text) = try await Self.get(session, servers.url)
        #expect(text == "alternative", "\(kinds)")
        #expect(try await session.alternativeServices.list() == [])
        #expect(try await Self.text(session, servers.url) == "origin")
    }

    @Test func `a body is sent to the origin where a service cannot be reached`() async throws {
        let bodies = Record<[UInt8]>()
        let front = try TLSFront.shared.get()
        let server = try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                bodies.note(request.body)
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            }
        }
        let url = try front.url(server, .http1_1)
        let session = try SessionHandle(options: [
            .set(.serverTrust, to: .authorities(inFile: front.authorityFile)), .set(.usesAlternativeServices, to: true),
        ])
        let pieces = AsyncStream<[UInt8]> { continuation in
            continuation.yield(Array("streamed".utf8))
            continuation.finish()
        }
        for body in [RequestBody.string("bytes"), .stream(pieces)] {
            let closed = try ClosedPort()
            defer { withExtendedLifetime(closed) {} }
            let service = AlternativeService(
                originHost: "localhost",
                originPort: try Self.port(url),
                host: "127.0.0.1",
                port: closed.port,
                expires: 4_102_444_800
            )
            try await session.alternativeServices.set(service)
            #expect(try await session.fetch(.post, url, body: body).status == .ok)
        }
        #expect(bodies.all == [Array("bytes".utf8), Array("streamed".utf8)])
    }

    // MARK: Files

    @Test func `saving and loading`() async throws {
        let scratch = try Scratch()
        let session = try SessionHandle()
        let services = [
            AlternativeService(
                originHost: "A.example",
                host: "b.example",
                port: 8443,
                expires: 4_102_444_800,
                persists: true
            ),
            AlternativeService(
                originHost: "a.example",
                originPort: 443,
                version: .http3,
                host: "::1",
                port: 1,
                expires: 4_102_444_800
            ),
        ]
        for service in services { try await session.alternativeServices.set(service) }
        try await session.alternativeServices.save(to: scratch.path("services"))
        #expect(try scratch.mode("services") == 0o600)
        let text = String(decoding: scratch.contents("services") ?? [], as: UTF8.self)
        #expect(
            text.hasSuffix(
                """

                h2 a.example 443 h2 b.example 8443 "21000101 00:00:00" 1 0
                h2 a.example 443 h3 [::1] 1 "21000101 00:00:00" 0 0

                """
            )
        )
        try await session.alternativeServices.removeAll()
        #expect(try await session.alternativeServices.list().isEmpty)
        #expect(try await session.alternativeServices.load(from: scratch.path("services")) == 2)
        #expect(try await session.alternativeServices.list() == services)
        let missing = await #expect(throws: HandleError.self) {
            try await session.alternativeServices.load(from: scratch.path("missing"))
        }
        #expect(missing?.code == .fileNotReadable && missing?.operation == .accessAlternativeServices)
        let wrong = HandleError.invalidParameter(
            .accessAlternativeServices,
            "the port must be from 1 to 65535, but is 0"
        )
        await #expect(throws: wrong) {
            try await session.alternativeServices.set(
                .init(originHost: "a.example", host: "b.example", port: 0, expires: 1)
            )
        }
        try session.close()
        await #expect(throws: HandleError.closed(.accessAlternativeServices)) {
            try await session.alternativeServices.list()
        }
    }

    @Test func `the tool's --alt-svc, as curl's`() async throws {
        let nginx = try Nginx.shared.get()
        let scratch = try Scratch()
        let url = nginx.https1("/alternative/\(nginx.httpsPort)")
        /// After the first and the second request, without the time.
        var files: [[[String]]] = []
        var outputs: [[String]] = []
        for (program, arguments) in [
            ("/usr/bin/env", ["curl", "-q", "--silent", "--noproxy", "*"]),
            (TestProgram.path(of: "http-handles"), ["get"]),
        ] {
            let name = "services-\(arguments.count)"
            let options = arguments + ["--cacert", nginx.authorityFile, "--alt-svc", scratch.path(name)]
            files.append([])
            outputs.append([])
            // The second one goes to the alternative service.
            for _ in 0..<2 {
                let run = try await TestProgram.run(program, options + [url])
                #expect(run.status == 0, "\(program): \(run)")
                outputs[outputs.count - 1].append(run.output)
                let text = String(decoding: scratch.contents(name) ?? [], as: UTF8.self)
                let lines = text.split(separator: "\n").filter { !$0.hasPrefix("#") }
                files[files.count - 1].append(
                    lines.map { line in
                        let parts = line.split(separator: "\"")
                        return "\(parts.first ?? "") \(parts.last ?? "")"
                    }
                )
            }
        }
        #expect(outputs[0] == outputs[1])
        #expect(outputs[0].last?.hasPrefix("\(nginx.httpsPort) ") == true)
        #expect(files[0][0] == files[1][0])
        // To curl a response over another version is from another origin.
        #expect(files[0][1].count == 2 && files[0][1].suffix(1) == files[1][1][...])
        // Each reads the other's.
        let other = ["get", "--cacert", nginx.authorityFile, "--alt-svc", scratch.path("services-5"), url]
        let run = try await TestProgram.run(TestProgram.path(of: "http-handles"), other)
        #expect(run.output == outputs[0].last)
        let theirs = ["curl", "-q", "--silent", "--noproxy", "*"] + other.dropFirst().dropLast(2)
        let last = try await TestProgram.run("/usr/bin/env", theirs + [scratch.path("services-1"), url])
        #expect(last.output == outputs[0].last)
    }
}
