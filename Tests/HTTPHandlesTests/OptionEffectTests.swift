import Foundation
import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes
import Testing

/// The effects of settable options. (Time limits: `ErrorTableTests`; TLS: `TLSOptionTests`, `CertificateTests`; redirects:
/// `RedirectTests`; connection limits: `QueueTests`; codings: `DecodingTests`.)
@Suite("Effects of options", .timeLimit(.minutes(5)))
struct OptionEffectTests {
    static func text(_ session: SessionHandle, _ url: String) async throws -> String {
        String(decoding: try await session.get(url).body.collect(upTo: 10_000), as: UTF8.self)
    }

    /// Answers requests, one after the other.
    static func hello() throws -> ScriptedServer {
        try ScriptedServer { connection in
            while try connection.readRequest() != nil {
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
            }
        }
    }

    // MARK: The request

    @Test func userAgent() async throws {
        let nginx = try Nginx.shared.get()
        let session = try SessionHandle(options: [.set(.userAgent, to: "test/2.0")])
        #expect(try await Self.text(session, nginx.http("/agent")) == "test/2.0")
        try await session.setOption(.userAgent, to: nil)
        #expect(try await Self.text(session, nginx.http("/agent")) == "")
    }

    @Test func sendsAccept() async throws {
        let server = try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                let accept = request.head["accept"] ?? "none"
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(accept.utf8.count)\r\n\r\n\(accept)")
            }
        }
        let session = try SessionHandle(options: [.set(.sendsAccept, to: false)])
        #expect(try await Self.text(session, server.url()) == "none")
        for (isOn, fields, accept) in [
            (true, [:], "*/*"), (false, [:], "none"), (false, [.accept: "a/b"], "a/b"), (true, [.accept: "a/b"], "a/b"),
        ] as [(Bool, HTTPFields, String)] {
            try await session.setOption(.sendsAccept, to: isOn)
            let response = try await session.get(server.url(), headerFields: fields)
            #expect(try await response.body.collect(upTo: 100) == Array(accept.utf8))
        }
    }

    @Test func keepAlive() async throws {
        let nginx = try Nginx.shared.get()
        let server = try Self.hello()
        let session = try SessionHandle(options: [.set(.keepAlive, to: false)])
        #expect(try await Self.text(session, nginx.http("/connection")) == "close")
        for _ in 0..<3 { #expect(try await Self.text(session, server.url()) == "hello") }
        #expect(server.connectionsAccepted == 3)
        try await session.setOption(.keepAlive, to: true)
        #expect(try await Self.text(session, nginx.http("/connection")) == "")
        for _ in 0..<3 { #expect(try await Self.text(session, server.url()) == "hello") }
        #expect(server.connectionsAccepted == 4)
    }

    @Test func `keepAlive under HTTP/2`() async throws {
        let nginx = try Nginx.shared.get()
        let session = try SessionHandle(options: [
            .set(.keepAlive, to: false), .set(.httpVersions, to: .http2PriorKnowledge),
        ])
        for _ in 0..<2 {
            let request = try await session.openRequest(.get, nginx.clearHTTP2("/connection"))
            try await request.send()
            #expect(try await request.receiveResponse().version == .http2)
            #expect(try await request.body.collect(upTo: 100) == [])
            #expect(try await request.option(.connectionInfo).isReused == false)
        }
    }

    @Test func httpVersions() async throws {
        let nginx = try Nginx.shared.get()
        for (versions, expected) in [
            (.automatic, .http2), (.http1_1, .http1_1), (.http2PriorKnowledge, .http2),
        ] as [(HTTPVersionPolicy, HTTPVersion)] {
            let session = try SessionHandle(options: [
                .set(.httpVersions, to: versions), .set(.serverTrust, to: .authorities(inFile: nginx.authorityFile)),
            ])
            #expect(try await session.get(nginx.https("/hello")).head.version == expected)
        }
    }

    // MARK: Amounts

    @Test(arguments: [(45, false), (44, true)])
    func maximumHeadSize(size: Int, isTooLong: Bool) async throws {
        let head = "HTTP/1.1 200 OK\r\nX: 23\r\nContent-Length: 0\r\n\r\n"
        #expect(head.utf8.count == 45)
        let server = try ScriptedServer { connection in
            _ = try connection.readRequest()
            try connection.send(head)
        }
        let session = try SessionHandle(options: [.set(.maximumHeadSize, to: size)])
        guard isTooLong else {
            #expect(try await session.get(server.url()).status == .ok)
            return
        }
        let error = await #expect(throws: HandleError.self) { try await session.get(server.url()) }
        #expect(error?.code == .headerSizeOverflow)
    }

    @Test func maximumDecodingRatio() async throws {
        // 20 MiB of zeros, which gzip compresses to about a thousandth.
        let scratch = try Scratch()
        try runShell("head -c 20971520 /dev/zero | gzip -9 >\"$1/zeros\"", scratch.folder)
        let coded = try #require(scratch.contents("zeros"))
        let server = try ScriptedServer { connection in
            _ = try connection.readRequest()
            try connection.send("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: \(coded.count)\r\n\r\n")
            try connection.send(coded)
        }
        let session = try SessionHandle(options: [.set(.maximumDecodingRatio, to: 2000)])
        #expect(try await session.get(server.url()).body.collect(upTo: 20_971_520).count == 20_971_520)
        try await session.setOption(.maximumDecodingRatio, to: 100)
        let error = await #expect(throws: HandleError.self) {
            try await session.get(server.url()).body.collect(upTo: 20_971_520)
        }
        #expect(error?.code == .insufficientBuffer)
    }

    @Test func receiveBuffer() async throws {
        let size = 4 * 1024 * 1024
        let server = try ScriptedServer { connection in
            _ = try connection.readRequest()
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(size)\r\n\r\n")
            try connection.send([UInt8](repeating: 0, count: size))
        }
        let other = try Self.hello()
        // Much more than the default, and the minimum: one piece of libcurl.
        for (marks, kept) in [
            (BufferMarks(low: 0, high: 2 * 1024 * 1024), 2 * 1024 * 1024...size),
            (BufferMarks(low: 0, high: 1), 1...16 * 1024),
        ] {
            let session = try SessionHandle(options: [.set(.receiveBuffer, to: marks)])
            let response = try await session.get(server.url())
            while try await response.body.available() < kept.lowerBound { await Task.yield() }
            // The driver had enough turns to read more.
            for _ in 0..<10 { #expect(try await Self.text(session, other.url()) == "hello") }
            #expect(kept.contains(try await response.body.available()))
            #expect(try await response.body.collect(upTo: size).count == size)
        }
    }

    @Test func sendBuffer() async throws {
        let size = 32 * 1024 * 1024
        let mayRead = Gate()
        let server = try ScriptedServer { connection in
            _ = try connection.readHead()
            mayRead.wait()
            _ = try connection.read(exactly: size)
            try connection.send("HTTP/1.1 204 No Content\r\n\r\n")
        }
        let session = try SessionHandle(options: [.set(.sendBuffer, to: BufferMarks(low: 0, high: size))])
        let connection = try await session.connect(to: "127.0.0.1", port: server.port)
        let request = try await connection.openRequest(.put, "/")
        try await request.send(.writes(length: Int64(size)))
        // All of it is buffered while the server does not read.
        let piece = [UInt8](repeating: 0, count: 1024 * 1024)
        for _ in 0..<32 { #expect(try await request.write(piece)) }
        try await request.finishWriting()
        mayRead.open()
        #expect(try await request.receiveResponse().status == .noContent)
    }

    // MARK: Connections

    @Test func localAddress() async throws {
        let nginx = try Nginx.shared.get()
        let session = try SessionHandle(options: [.set(.localAddress, to: .address("127.0.0.5"))])
        #expect(try await Self.text(session, nginx.http("/address")).hasPrefix("127.0.0.5 "))
        // The pooled connection has another local end, so it is not used.
        try await session.setOption(.localAddress, to: .address("127.0.0.6"))
        #expect(try await Self.text(session, nginx.http("/address")).hasPrefix("127.0.0.6 "))
        let plain = try SessionHandle()
        #expect(try await Self.text(plain, nginx.http("/address")).hasPrefix("127.0.0.1 "))
    }

    @Test func `localAddress, an interface`() async throws {
        let server = try Self.hello()
        let session = try SessionHandle(options: [.set(.localAddress, to: .interface("lo"))])
        #expect(try await Self.text(session, server.url()) == "hello")
        try await session.setOption(.localAddress, to: .interface("nosuch0"))
        let error = await #expect(throws: HandleError.self) { try await session.get(server.url()) }
        #expect(error?.code == .cannotConnect)
    }

    @Test func ipVersion() async throws {
        let server = try Self.hello()
        for (version, isReached) in [(IPVersion.any, true), (.v4, true), (.v6, false)] {
            let session = try SessionHandle(options: [.set(.ipVersion, to: version)])
            let url = "http://localhost:\(server.port)/"
            guard !isReached else {
                #expect(try await Self.text(session, url) == "hello")
                continue
            }
            let recorder = EventRecorder(of: session, .connectToServer, scope: .tree)
            let error = await #expect(throws: HandleError.self) { try await session.get(url) }
            // Depends on whether the machine has an IPv6 address for the name.
            #expect(error?.code == .cannotConnect || error?.code == .nameNotResolved)
            try session.closeAll()
            for event in try await recorder.finish() {
                if case .connectingToServer(let address) = event.kind { #expect(address.host.contains(":")) }
            }
        }
    }

    @Test func resolveOverrides() async throws {
        let server = try ScriptedServer(Self.hostEcho)
        let override = ResolveOverride(host: "name.invalid", port: server.port, address: "127.0.0.1")
        let session = try SessionHandle(options: [.set(.resolveOverrides, to: [override])])
        let recorder = EventRecorder(of: session, .resolveName, scope: .tree)
        let url = "http://NAME.invalid:\(server.port)/"
        #expect(try await Self.text(session, url).lowercased() == "name.invalid:\(server.port)")
        // Requests without the override use neither its name nor its connection.
        try await session.setOption(.resolveOverrides, to: [])
        let error = await #expect(throws: HandleError.self) { try await session.get(url) }
        #expect(error?.code == .nameNotResolved)
        // It does not apply to another port.
        try await session.setOption(.resolveOverrides, to: [override])
        let other = await #expect(throws: HandleError.self) { try await session.get("http://name.invalid:1/") }
        #expect(other?.code == .nameNotResolved)
        try session.closeAll()
        let names = try await recorder.finish().compactMap { event in
            if case .resolvingName(let host) = event.kind { host } else { nil }
        }
        // With the override no name is resolved.
        #expect(names.map { $0.lowercased() } == ["name.invalid", "name.invalid"])
    }

    @Test func `resolveOverrides to another name`() async throws {
        let server = try ScriptedServer(Self.hostEcho)
        let override = ResolveOverride(host: "name.invalid", port: server.port, address: "localhost")
        let session = try SessionHandle(options: [
            .set(.resolveOverrides, to: [override]), .set(.ipVersion, to: .v4),
        ])
        let recorder = EventRecorder(of: session, .resolveName, scope: .tree)
        #expect(try await Self.text(session, "http://name.invalid:\(server.port)/") == "name.invalid:\(server.port)")
        try session.closeAll()
        let kinds = try await recorder.finish().filter { $0.handle.level == .request }.map(\.kind)
        #expect(kinds == [.resolvingName(host: "localhost"), .nameResolved(address: "127.0.0.1"), .handleClosing])
    }

    @Test func `resolveOverrides do not change the expected name of the certificate`() async throws {
        let servers = try TLSServers.shared.get()
        let session = try SessionHandle(options: [
            .set(.serverTrust, to: .authorities(inFile: servers.authorityFile)),
            .set(
                .resolveOverrides,
                to: ["other.example", "third.example"].map {
                    ResolveOverride(host: $0, port: servers.port(.wrongName), address: "127.0.0.1")
                }
            ),
        ])
        #expect(try await session.get("https://other.example:\(servers.port(.wrongName))/").status == .ok)
        let error = await #expect(throws: HandleError.self) {
            try await session.get("https://third.example:\(servers.port(.wrongName))/")
        }
        #expect(error?.certificateProblem == .wrongName)
    }

    @Sendable static func hostEcho(_ connection: ServerConnection) throws {
        while let request = try connection.readRequest() {
            let host = request.head["host"] ?? ""
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(host.utf8.count)\r\n\r\n\(host)")
        }
    }

    @Test func tcpKeepAlive() async throws {
        for setting in [nil, TCPKeepAlive(idle: .seconds(33), interval: .seconds(7))] {
            let server = try Self.hello()
            let session = try SessionHandle(options: [.set(.tcpKeepAlive, to: setting)])
            #expect(try await Self.text(session, server.url()) == "hello")
            let socket = try #require(ClientSocket(to: server.port))
            #expect(socket.option(SOL_SOCKET, SO_KEEPALIVE) == (setting == nil ? 0 : 1))
            guard setting != nil else { continue }
            #expect(socket.option(Int32(IPPROTO_TCP), TCP_KEEPIDLE) == 33)
            #expect(socket.option(Int32(IPPROTO_TCP), TCP_KEEPINTVL) == 7)
        }
    }

    @Test(arguments: [true, false])
    func tcpNoDelay(isOn: Bool) async throws {
        let server = try Self.hello()
        let session = try SessionHandle(options: [.set(.tcpNoDelay, to: isOn)])
        #expect(try await Self.text(session, server.url()) == "hello")
        let socket = try #require(ClientSocket(to: server.port))
        #expect(socket.option(Int32(IPPROTO_TCP), TCP_NODELAY) == (isOn ? 1 : 0))
    }
}
