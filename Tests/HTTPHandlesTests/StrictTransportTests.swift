import HTTPHandles
import HTTPHandlesTesting
import Testing

@Suite("Strict transport", .timeLimit(.minutes(5)))
struct StrictTransportTests {
    /// An http server and an https server with the same name; the second one has the field.
    private struct Servers {
        let plain: ScriptedServer
        let secure: ScriptedServer
        let secureURL: String
        let authorityFile: String

        init(_ value: String) throws {
            plain = try OptionEffectTests.hello()
            secure = try ScriptedServer { connection in
                while try connection.readRequest() != nil {
                    try connection.send(
                        "HTTP/1.1 200 OK\r\nStrict-Transport-Security: \(value)\r\nContent-Length: 6\r\n\r\nsecure"
                    )
                }
            }
            let front = try TLSFront.shared.get()
            authorityFile = front.authorityFile
            secureURL = try front.url(secure, .http1_1)
        }

        /// The http URL with the port of the https server: the port stays, so that it is upgraded to that.
        var plainURL: String { "http" + secureURL.dropFirst("https".count) }
    }

    @Test func usesStrictTransport() async throws {
        let servers = try Servers("max-age=1000")
        let session = try SessionHandle(options: [
            .set(.serverTrust, to: .authorities(inFile: servers.authorityFile)), .set(.usesStrictTransport, to: true),
        ])
        #expect(try await session.strictTransport.list().isEmpty)
        // What an http server says is of no effect.
        #expect(try await OptionEffectTests.text(session, servers.plain.url()) == "hello")
        #expect(try await OptionEffectTests.text(session, servers.secureURL) == "secure")
        #expect(try await session.strictTransport.list().map(\.host) == ["localhost"])
        let response = try await session.get(servers.plainURL)
        #expect(try await response.request.option(.url) == servers.secureURL)
        #expect(try await response.body.collectString(upTo: 100) == "secure")
        #expect(response.head.url == servers.secureURL)
        // A redirect, too.
        let redirecting = try ScriptedServer { connection in
            _ = try connection.readRequest()
            let location = servers.plainURL
            try connection.send("HTTP/1.1 302 Found\r\nLocation: \(location)\r\nContent-Length: 0\r\n\r\n")
        }
        #expect(try await OptionEffectTests.text(session, redirecting.url()) == "secure")
        // Not without the option.
        try await session.setOption(.usesStrictTransport, to: false)
        await #expect(throws: HandleError.self) { try await session.get(servers.plainURL) }
    }

    @Test func `a connection that is not verified makes no host known`() async throws {
        let servers = try Servers("max-age=1000")
        let session = try SessionHandle(options: [
            .set(.serverTrust, to: .unverified), .set(.usesStrictTransport, to: true),
        ])
        #expect(try await OptionEffectTests.text(session, servers.secureURL) == "secure")
        #expect(try await session.strictTransport.list().isEmpty)
    }

    @Test func `saving and loading`() async throws {
        let scratch = try Scratch()
        let session = try SessionHandle()
        let hosts = [
            StrictTransportHost(host: "a.example", expires: 4_102_444_800),
            StrictTransportHost(host: "B.example.", includesSubdomains: true),
        ]
        for host in hosts { try await session.strictTransport.set(host) }
        try await session.strictTransport.save(to: scratch.path("hosts"))
        #expect(try scratch.mode("hosts") == 0o600)
        let text = String(decoding: scratch.contents("hosts") ?? [], as: UTF8.self)
        #expect(text.hasSuffix("\na.example \"21000101 00:00:00\"\n.b.example \"unlimited\"\n"))
        try await session.strictTransport.removeAll()
        #expect(try await session.strictTransport.list().isEmpty)
        #expect(try await session.strictTransport.load(from: scratch.path("hosts")) == 2)
        #expect(try await session.strictTransport.list() == hosts)
        let missing = await #expect(throws: HandleError.self) {
            try await session.strictTransport.load(from: scratch.path("missing"))
        }
        #expect(missing?.code == .fileNotReadable && missing?.operation == .accessStrictTransport)
        let wrong = HandleError.invalidParameter(
            .accessStrictTransport,
            "\"127.0.0.1\" is not the name of a host in ASCII"
        )
        await #expect(throws: wrong) { try await session.strictTransport.set(.init(host: "127.0.0.1")) }
        try session.close()
        await #expect(throws: HandleError.closed(.accessStrictTransport)) { try await session.strictTransport.list() }
    }

    @Test func `the tool's --hsts, as curl's`() async throws {
        let servers = try Servers("max-age=1000; includeSubDomains")
        let scratch = try Scratch()
        for (program, arguments) in [
            ("/usr/bin/env", ["curl", "-q", "--silent", "--noproxy", "*"]),
            (TestProgram.path(of: "http-handles"), ["get"]),
        ] {
            let file = scratch.path("hosts-\(arguments.count)")
            let options = arguments + ["--cacert", servers.authorityFile, "--hsts", file]
            // The second one is upgraded.
            for url in [servers.secureURL, servers.plainURL] {
                let run = try await TestProgram.run(program, options + [url])
                #expect(run.status == 0 && run.output == "secure", "\(program) \(url): \(run)")
            }
            let lines = String(decoding: scratch.contents("hosts-\(arguments.count)") ?? [], as: UTF8.self)
                .split(separator: "\n").filter { !$0.hasPrefix("#") }
            #expect(lines.count == 1 && lines[0].hasPrefix(".localhost \"20"), "\(program): \(lines)")
        }
    }
}
