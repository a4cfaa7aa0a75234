import Foundation
import HTTPHandles
import HTTPHandlesSystem
import HTTPHandlesTesting
import HTTPTypes
import Testing

/// The caller's own resolver, DNS over HTTPS, and the cache of names.
@Suite("Name resolvers", .timeLimit(.minutes(5)))
struct NameResolverTests {
    @TaskLocal static var caller = "none"

    /// Answers each request with the server's address; records the heads.
    private static func server(
        _ address: String = "127.0.0.1",
        port: Int = 0,
        _ heads: Record<ReceivedHead> = Record()
    ) throws -> ScriptedServer {
        try ScriptedServer(address: address, port: port) { connection in
            while let request = try connection.readRequest() {
                heads.note(request.head)
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(address.utf8.count)\r\n\r\n\(address)")
            }
        }
    }

    /// Returns the same addresses for each host; records the hosts.
    private static func resolver(_ asked: Record<String>, _ addresses: String...) -> NameResolver {
        NameResolver { host in
            asked.note(host)
            return addresses
        }
    }

    private static func text(_ session: SessionHandle, _ url: String) async throws -> String {
        try await session.get(url).body.collectString(upTo: 100)
    }

    @Test func `it is called for a new connection, with the events of the system's`() async throws {
        let heads = Record<ReceivedHead>()
        let server = try Self.server("127.0.0.1", heads)
        let asked = Record<String>()
        let session = try SessionHandle(options: [.set(.nameResolver, to: Self.resolver(asked, "127.0.0.1"))])
        let address = SocketAddress(host: "127.0.0.1", port: server.port)
        for isReused in [false, true] {
            let request = try await session.openRequest(.get, "http://name.invalid:\(server.port)/")
            let recorder = EventRecorder(of: request)
            try await request.complete()
            let times = try await request.option(.requestTimes)
            #expect((times.nameResolved == nil) == isReused)
            #expect(times.nameResolved ?? .zero <= times.connected ?? .zero)
            try request.close()
            let head = try #require(heads.all.last)
            let begin: [StatusEvent.Kind] =
                isReused
                ? [.connectionReused(address: address)]
                : [
                    .resolvingName(host: "name.invalid"), .nameResolved(address: "127.0.0.1"),
                    .connectingToServer(address: address), .connectedToServer(address: address),
                ]
            #expect(
                try await recorder.finish().map(\.kind).filter { $0 != .readComplete(bytes: 9) } == begin + [
                    .sendingRequest, .requestSent(bytes: head.bytes.count), .sendRequestComplete, .receivingResponse,
                    .responseReceived(bytes: 38), .headersAvailable, .readComplete(bytes: 0), .handleClosing,
                ]
            )
        }
        #expect(asked.all == ["name.invalid"])
        #expect(heads.all.map { $0["host"] } == Array(repeating: "name.invalid:\(server.port)", count: 2))
        // Nothing is kept: each new connection is a question.
        try await session.setOption(.keepAlive, to: false)
        for _ in 0..<3 { _ = try await session.get("http://name.invalid:\(server.port)/") }
        #expect(asked.all.count == 3)
    }

    @Test func `its answers and connections are for requests with it only`() async throws {
        let one = try Self.server("127.0.0.1", port: freePorts(1)[0])
        let two = try Self.server("127.0.0.2", port: one.port)
        let session = try SessionHandle()
        let asked = Record<String>()
        let resolvers = [
            (Self.resolver(asked, "127.0.0.1"), "127.0.0.1"), (Self.resolver(asked, "127.0.0.2"), "127.0.0.2"),
        ]
        let url = "http://name.invalid:\(one.port)/"
        for _ in 0..<2 {
            for (resolver, address) in resolvers {
                try await session.setOption(.nameResolver, to: resolver)
                #expect(try await Self.text(session, url) == address)
            }
            try await session.setOption(.nameResolver, to: .system)
            let error = await #expect(throws: HandleError.self) { try await session.get(url) }
            #expect(error?.code == .nameNotResolved)
        }
        #expect(asked.all.count == 2)
        // And what the system has found is for other requests.
        try await session.setOption(.ipVersion, to: .v4)
        #expect(try await Self.text(session, "http://localhost:\(one.port)/") == "127.0.0.1")
        try await session.setOption(.nameResolver, to: resolvers[1].0)
        #expect(try await Self.text(session, "http://localhost:\(one.port)/") == "127.0.0.2")
        #expect(asked.all == ["name.invalid", "name.invalid", "localhost"])
        _ = two
    }

    @Test func `an address is not resolved, and an override comes first`() async throws {
        let server = try Self.server()
        let asked = Record<String>()
        let session = try SessionHandle(options: [.set(.nameResolver, to: Self.resolver(asked, "127.0.0.1"))])
        #expect(try await Self.text(session, server.url()) == "127.0.0.1")
        let overrides = [
            ResolveOverride(host: "one.invalid", port: 1, address: "two.invalid", addressPort: server.port),
            ResolveOverride(host: "three.invalid", port: nil, address: "127.0.0.1", addressPort: server.port),
        ]
        try await session.setOption(.resolveOverrides, to: overrides)
        #expect(try await Self.text(session, "http://one.invalid:1/") == "127.0.0.1")
        #expect(try await Self.text(session, "http://three.invalid/") == "127.0.0.1")
        #expect(asked.all == ["two.invalid"])
    }

    @Test func `certificates are for the name of the URL`() async throws {
        let servers = try TLSServers.shared.get()
        let session = try SessionHandle(options: [
            .set(.serverTrust, to: .authorities(inFile: servers.authorityFile)),
            .set(.nameResolver, to: NameResolver { _ in ["127.0.0.1"] }),
        ])
        #expect(try await session.get("https://other.example:\(servers.port(.wrongName))/").status == .ok)
        let error = await #expect(throws: HandleError.self) {
            try await session.get("https://third.example:\(servers.port(.wrongName))/")
        }
        #expect(error?.certificateProblem == .wrongName)
    }

    @Test func `requests of a burst share an HTTP/2 connection`() async throws {
        let nginx = try Nginx.shared.get()
        let session = try SessionHandle(options: [
            .set(.serverTrust, to: .authorities(inFile: nginx.authorityFile)),
            .set(.nameResolver, to: NameResolver { _ in ["127.0.0.1"] }),
        ])
        let recorder = EventRecorder(of: session, scope: .tree)
        let url = nginx.https("/hello")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    let text = try await Self.text(session, url)
                    #expect(text == "hello")
                }
            }
            try await group.waitForAll()
        }
        try session.closeAll()
        let connections = try await recorder.finish().filter { $0.kind.name == "connectedToServer" }
        #expect(connections.count == 1)
    }

    @Test func `addresses are tried in their order`() async throws {
        let server = try Self.server("127.0.0.1")
        let session = try SessionHandle(options: [
            .set(.nameResolver, to: NameResolver { _ in ["127.0.0.3", "127.0.0.2", "127.0.0.1"] })
        ])
        let recorder = EventRecorder(of: session, .connectToServer, scope: .tree)
        #expect(try await Self.text(session, "http://name.invalid:\(server.port)/") == "127.0.0.1")
        try session.closeAll()
        let kinds = try await recorder.finish().map(\.kind).filter { $0 != .handleClosing }
        let addresses = ["127.0.0.3", "127.0.0.2", "127.0.0.1"].map { SocketAddress(host: $0, port: server.port) }
        #expect(
            kinds == addresses.map { .connectingToServer(address: $0) } + [.connectedToServer(address: addresses[2])]
        )
    }

    @Test func `it has the local values of the calling task`() async throws {
        let server = try Self.server()
        let seen = Record<String>()
        let session = try SessionHandle(options: [
            .set(
                .nameResolver,
                to: NameResolver { _ in
                    seen.note(Self.caller)
                    return ["127.0.0.1"]
                }
            )
        ])
        try await Self.$caller.withValue("test") { _ = try await session.get("http://name.invalid:\(server.port)/") }
        #expect(seen.all == ["test"])
    }

    @Test func `bodies are sent once the addresses are known`() async throws {
        let bodies = Record<[UInt8]>()
        let server = try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                bodies.note(request.body)
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                return
            }
        }
        let session = try SessionHandle(options: [.set(.nameResolver, to: NameResolver { _ in ["127.0.0.1"] })])
        let url = "http://name.invalid:\(server.port)/"
        let pieces = AsyncStream<[UInt8]> { continuation in
            continuation.yield(Array("streamed".utf8))
            continuation.finish()
        }
        for body in [RequestBody.string("bytes"), .stream(pieces)] {
            #expect(try await session.fetch(.post, url, body: body).status == .ok)
        }
        #expect(bodies.all == [Array("bytes".utf8), Array("streamed".utf8)])
    }

    @Test func `each hop of a redirect is a question of its own`() async throws {
        let server = try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                let host = request.head["host"] ?? ""
                let next = "Location: http://second.invalid:\(host.split(separator: ":").last ?? "")/"
                let isFirst = host.hasPrefix("first")
                try connection.send("HTTP/1.1 \(isFirst ? "302 R\r\n\(next)" : "200 OK")\r\nContent-Length: 0\r\n\r\n")
            }
        }
        let asked = Record<String>()
        let session = try SessionHandle(options: [.set(.nameResolver, to: Self.resolver(asked, "127.0.0.1"))])
        #expect(try await session.get("http://first.invalid:\(server.port)/").status == .ok)
        #expect(asked.all == ["first.invalid", "second.invalid"])
    }

    /// A pooled connection ends while a request is sent on it: another one is made, for which the resolver is called again.
    @Test(arguments: [HTTPRequest.Method.get, .post])
    func `a lost connection`(method: HTTPRequest.Method) async throws {
        let requests = Record<String>()
        let server = try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                requests.note(request.head.target)
                if connection.number == 0, request.head.target == "/2" { return }
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            }
        }
        let asked = Record<String>()
        let session = try SessionHandle(options: [.set(.nameResolver, to: Self.resolver(asked, "127.0.0.1"))])
        let base = "http://name.invalid:\(server.port)"
        _ = try await session.get(base + "/1").body.collect(upTo: 0)
        guard method == .get else {
            // The server may have carried it out.
            let error = await #expect(throws: HandleError.self) {
                try await session.fetch(method, base + "/2", body: .string("body"))
            }
            #expect(error?.code == .connectionError)
            #expect(requests.all == ["/1", "/2"])
            return
        }
        let request = try await session.openRequest(method, base + "/2")
        let recorder = EventRecorder(of: request)
        try await request.complete()
        try request.close()
        let names = try await recorder.finish().map(\.kind.name)
        #expect(names.filter { $0 == "sendingRequest" }.count == 2)
        #expect(requests.all == ["/1", "/2", "/2"])
        #expect(asked.all == ["name.invalid", "name.invalid"])
    }

    // MARK: Bad answers

    struct Failure: Error { let secret = "s3cret" }

    @Test func `a resolver that throws`() async throws {
        let session = try SessionHandle(options: [.set(.nameResolver, to: NameResolver { _ in throw Failure() })])
        let request = try await session.openRequest(.get, "http://name.invalid/")
        let recorder = EventRecorder(of: request)
        let error = await #expect(throws: HandleError.self) { try await request.send() }
        let reason = "the resolver of the caller threw an error for \"name.invalid\""
        #expect(error == HandleError(.nameNotResolved, .sendRequest, reason: reason))
        #expect(error?.underlying is Failure)
        try request.close()
        let kinds = try await recorder.finish().map(\.kind)
        #expect(
            try kinds == [
                .resolvingName(host: "name.invalid"), .requestError(#require(error)), .handleClosing,
            ]
        )
        #expect(!"\(String(describing: error)) \(kinds)".contains("s3cret"))
    }

    static let badAnswers: [([String], IPVersion, HandleError)] = [
        (
            [], .any,
            HandleError(
                .nameNotResolved,
                .sendRequest,
                reason: "the resolver of the caller returned no address for \"name.invalid\""
            )
        ),
        (
            ["127.0.0.1"], .v6,
            HandleError(
                .nameNotResolved,
                .sendRequest,
                reason: "the resolver of the caller returned no IPv6 address for \"name.invalid\""
            )
        ),
        (
            ["127.0.0.1", "s3cret,1.1.1.1:80"], .any,
            HandleError(
                .invalidParameter,
                .sendRequest,
                reason: "the resolver of the caller returned for \"name.invalid\" what is not an IP address"
            )
        ),
    ]

    @Test(arguments: badAnswers)
    func `answers that cannot be used`(_ addresses: [String], _ version: IPVersion, _ error: HandleError) async throws {
        let session = try SessionHandle(options: [
            .set(.nameResolver, to: NameResolver { _ in addresses }), .set(.ipVersion, to: version),
        ])
        await #expect(throws: error) { try await session.get("http://name.invalid/") }
    }

    /// A resolver that waits until its task is cancelled.
    final class Endless: Sendable {
        let called = Gate()
        let cancelled = Gate()

        var resolver: NameResolver {
            NameResolver { [self] _ in
                called.open()
                try? await Task.sleep(for: .seconds(1_000_000))
                cancelled.open()
                return ["127.0.0.1"]
            }
        }
    }

    @Test(arguments: [HandleOption<Duration>.resolveTimeout, .connectTimeout])
    func `a resolver that never answers`(_ option: HandleOption<Duration>) async throws {
        let endless = Endless()
        let limit = Duration.seconds(3600)
        let session = try SessionHandle(options: [
            .set(.nameResolver, to: endless.resolver), .set(option, to: limit),
        ])
        let request = try await session.openRequest(.get, "http://name.invalid/")
        let recorder = EventRecorder(of: request)
        let phase: TimeoutPhase = option.row.name == "resolveTimeout" ? .resolve : .connect
        let error = HandleError.timeout(phase, after: limit, .sendRequest)
        let sending = Task { try await request.send() }
        await endless.called.passed()
        session.advanceClock(by: limit)
        await #expect(throws: error) { try await sending.value }
        await endless.cancelled.passed()
        try request.close()
        #expect(
            try await recorder.finish().map(\.kind)
                == [.resolvingName(host: "name.invalid"), .requestError(error), .handleClosing]
        )
    }

    @Test func `closing cancels the resolver`() async throws {
        let endless = Endless()
        let session = try SessionHandle(options: [.set(.nameResolver, to: endless.resolver)])
        let request = try await session.openRequest(.get, "http://name.invalid/")
        let recorder = EventRecorder(of: request)
        let sending = Task { try await request.send() }
        await endless.called.passed()
        try request.close()
        await #expect(throws: HandleError.cancelled(.sendRequest)) { try await sending.value }
        await endless.cancelled.passed()
        await request.closed()
        #expect(
            try await recorder.finish().map(\.kind) == [
                .resolvingName(host: "name.invalid"), .requestError(.cancelled(.sendRequest)), .handleClosing,
            ]
        )
    }

    // MARK: Both families

    /// A listener whose queue is full: it answers no further connection. Its port is free at 127.0.0.1 too.
    private static func silentListener() throws -> (port: Int, fillers: [Int32]) {
        let listener = socket(AF_INET6, SocketType.stream, 0)
        var address = sockaddr_in6()
        address.sin6_family = sa_family_t(AF_INET6)
        address.sin6_addr = in6addr_loopback
        address.sin6_port = try UInt16(freePorts(1)[0]).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in6>.size)
        var descriptors = [listener]
        try unsafe withUnsafeMutablePointer(to: &address) { pointer in
            try unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                guard unsafe bind(listener, address, size) == 0, listen(listener, 0) == 0,
                    unsafe getsockname(listener, address, &size) == 0
                else { throw SupportFailure("there is no IPv6 loopback") }
                for _ in 0..<4 {
                    let filler = socket(AF_INET6, SocketType.stream | O_NONBLOCK, 0)
                    descriptors.append(filler)
                    _ = unsafe connect(filler, address, size)
                }
            }
        }
        return (Int(UInt16(bigEndian: address.sin6_port)), descriptors)
    }

    @Test func `the second family is tried after connectionAttemptDelay`() async throws {
        let silent = try Self.silentListener()
        defer { for descriptor in silent.fillers { close(descriptor) } }
        let server = try Self.server("127.0.0.1", port: silent.port)
        let session = try SessionHandle(options: [
            .set(.nameResolver, to: NameResolver { _ in ["::1", "127.0.0.1"] }),
            .set(.connectionAttemptDelay, to: .milliseconds(10)),
        ])
        let url = "http://name.invalid:\(server.port)/"
        let recorder = EventRecorder(of: session, .connectToServer, scope: .tree)
        #expect(try await Self.text(session, url) == "127.0.0.1")
        // With a longer delay than the time limit only the first one is.
        let limit = Duration.seconds(3600)
        try await session.setOption(.connectionAttemptDelay, to: limit)
        try await session.setOption(.connectTimeout, to: limit)
        try await session.setOption(.nameResolver, to: NameResolver { _ in ["::1", "127.0.0.1"] })
        let request = try await session.openRequest(.get, url)
        let connecting = EventRecorder(of: request, .connectToServer)
        let sending = Task { try await request.send() }
        _ = try await connecting.first { $0.kind.name == "connectingToServer" }
        session.advanceClock(by: limit)
        await #expect(throws: HandleError.timeout(.connect, after: limit, .sendRequest)) { try await sending.value }
        try session.closeAll()
        let kinds = try await recorder.finish().map(\.kind).filter { $0 != .handleClosing }
        let (first, second) = (
            SocketAddress(host: "::1", port: server.port), SocketAddress(host: "127.0.0.1", port: server.port)
        )
        #expect(
            kinds == [
                .connectingToServer(address: first), .connectingToServer(address: second),
                .connectedToServer(address: second), .connectingToServer(address: first),
            ]
        )
    }

    // MARK: DNS over HTTPS and the cache

    /// The answer of RFC 8484 to a question: 127.0.0.1 for an A record, nothing for others.
    private static func answer(to question: [UInt8]) -> [UInt8] {
        let type = question.dropFirst(12).drop { $0 != 0 }.dropFirst().prefix(2)
        let isA = Array(type) == [0, 1]
        let head: [UInt8] = [question[0], question[1], 0x81, 0x80, 0, 1, 0, isA ? 1 : 0, 0, 0, 0, 0]
        let record: [UInt8] = [0xC0, 0x0C, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]
        return head + question.dropFirst(12) + (isA ? record : [])
    }

    @Test func `DNS over HTTPS`() async throws {
        let front = try TLSFront.shared.get()
        let questions = Record<[UInt8]>()
        let types = Record<String>()
        let resolver = try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                questions.note(request.body)
                types.note(request.head["content-type"] ?? "")
                let body = Self.answer(to: request.body)
                let type = "Content-Type: application/dns-message"
                try connection.send("HTTP/1.1 200 OK\r\n\(type)\r\nContent-Length: \(body.count)\r\n\r\n")
                try connection.send(body)
            }
        }
        let heads = Record<ReceivedHead>()
        let server = try Self.server("127.0.0.1", heads)
        let session = try SessionHandle(options: [
            .set(.nameResolver, to: .dnsOverHTTPS(try front.url(resolver, .http1_1, "/dns-query"))),
            .set(.serverTrust, to: .authorities(inFile: front.authorityFile)),
        ])
        let request = try await session.openRequest(.get, "http://name.test:\(server.port)/")
        let recorder = EventRecorder(of: request)
        try await request.complete()
        try request.close()
        let address = SocketAddress(host: "127.0.0.1", port: server.port)
        let bytes = try #require(heads.all.first).bytes.count
        #expect(
            try await recorder.finish().map(\.kind).filter { $0 != .readComplete(bytes: 9) } == [
                .resolvingName(host: "name.test"), .nameResolved(address: "127.0.0.1"),
                .connectingToServer(address: address), .connectedToServer(address: address), .sendingRequest,
                .requestSent(bytes: bytes), .sendRequestComplete, .receivingResponse, .responseReceived(bytes: 38),
                .headersAvailable, .readComplete(bytes: 0), .handleClosing,
            ]
        )
        #expect(Set(types.all) == ["application/dns-message"])
        // One for each family.
        let name = Array("\u{4}name\u{4}test\u{0}".utf8)
        #expect(questions.all.count == 2 && questions.all.allSatisfy { $0.firstRange(of: name) != nil })
    }

    @Test func `DNS over HTTPS needs a valid certificate`() async throws {
        let servers = try TLSServers.shared.get()
        let session = try SessionHandle(options: [
            .set(.nameResolver, to: .dnsOverHTTPS(servers.url(.unknownAuthority))),
            // Not for the server of names.
            .set(.serverTrust, to: .unverified),
        ])
        let error = await #expect(throws: HandleError.self) { try await session.get("http://name.test/") }
        #expect(error?.code == .nameNotResolved)
    }

    /// A server for DNS over HTTPS behind one of `TLSServers`, and what that says of its clients.
    static func server(
        of names: TLSServers.Kind,
        _ clients: Record<String> = Record()
    ) throws -> (ScriptedServer, url: String) {
        let server = try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                clients.note(request.head["client-name"] ?? "")
                let body = Self.answer(to: request.body)
                let type = "Content-Type: application/dns-message"
                try connection.send("HTTP/1.1 200 OK\r\n\(type)\r\nContent-Length: \(body.count)\r\n\r\n")
                try connection.send(body)
            }
        }
        return (server, try TLSServers.shared.get().url(names) + "to/\(server.port)/dns-query")
    }

    @Test func `the client's identity is not for the server of names`() async throws {
        let servers = try TLSServers.shared.get()
        let clients = Record<String>()
        let (server, url) = try Self.server(of: .wantsCertificate, clients)
        let authorities = ServerTrust.Authorities.only([.file(servers.authorityFile)])
        for trust in [
            ServerTrust(authorities, ignored: .wrongName), ServerTrust(authorities, verdict: .init { _ in .accept }),
        ] {
            let session = try SessionHandle(options: [
                .set(.nameResolver, to: .dnsOverHTTPS(url)), .set(.serverTrust, to: trust),
                .set(
                    .clientIdentity,
                    to: ClientIdentity(certificate: .file(servers.clientFile), key: .file(servers.clientKeyFile))
                ),
            ])
            let text = try await Self.text(session, "https://name.test:\(servers.port(.wantsCertificate))/")
            #expect(text.split(separator: "|")[1] == "CN=http-handles test client", "\(text)")
        }
        // libcurl may ask more than once.
        #expect(Set(clients.all) == [""])
        _ = server
    }

    /// The authorities are those of the request, and nothing else of its trust.
    @Test func `the trust in the server of names`() async throws {
        let servers = try TLSServers.shared.get()
        let authorities = ServerTrust.Authorities.only([.file(servers.authorityFile)])
        let accept = CertificateVerdict { _ in .accept }
        for (kind, trust, isReached) in [
            (.good, ServerTrust(authorities), true),
            // The key of another server.
            (.longChain, ServerTrust(authorities, pins: [try servers.pin("good")]), true),
            (.good, ServerTrust(.only([.file(servers.path("other.pem"))])), false),
            (.wrongName, ServerTrust(authorities, ignored: .wrongName), false),
            (.expired, ServerTrust(authorities, ignored: .dates), false),
            (.unknownAuthority, ServerTrust(authorities, ignored: .unknownAuthority), false),
            (.wrongName, ServerTrust(authorities, verdict: accept), false),
            (.unknownAuthority, ServerTrust(authorities, verdict: accept), false),
        ] as [(TLSServers.Kind, ServerTrust, Bool)] {
            let clients = Record<String>()
            let (server, url) = try Self.server(of: kind, clients)
            let session = try SessionHandle(options: [
                .set(.nameResolver, to: .dnsOverHTTPS(url)), .set(.serverTrust, to: trust),
            ])
            let origin = try Self.server("127.0.0.1")
            let text = try? await Self.text(session, "http://name.test:\(origin.port)/")
            #expect((text == "127.0.0.1") == isReached, "\(kind) \(trust)")
            #expect(clients.all.isEmpty == !isReached, "\(kind) \(trust)")
            _ = server
        }
    }

    #if os(Linux)
    @Test(arguments: [(Duration?.some(.zero), 3), (.seconds(60), 1), (nil, 1)])
    func resolverCacheTime(time: Duration?, lookups: Int) async throws {
        let server = try Self.server()
        let name = CountedName(address: "127.0.0.1")
        let session = try SessionHandle(options: [
            .set(.resolverCacheTime, to: time), .set(.keepAlive, to: false), .set(.ipVersion, to: .v4),
        ])
        for _ in 0..<3 { #expect(try await Self.text(session, "http://\(name.host):\(server.port)/") == "127.0.0.1") }
        #expect(name.lookups == lookups)
    }
    #endif
}
