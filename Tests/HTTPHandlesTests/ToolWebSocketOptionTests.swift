import HTTPHandles
import HTTPHandlesTesting
import Testing

/// The options of `http-handles ws` that it has in common with `get`, and what standard input may be.
@Suite("Options of the tool for WebSockets", .timeLimit(.minutes(5)))
struct ToolWebSocketOptionTests {
    /// Runs the tool with an input that ends, which may have escapes of `printf`. Errors go to its output too.
    private static func run(
        _ options: [String],
        _ url: String,
        input: String = "one\\n",
        variables: [String] = []
    ) async throws -> TestProgram {
        let clean = ["http_proxy", "https_proxy", "all_proxy", "no_proxy"].flatMap { ["-u", $0] }
        let script = ["/bin/sh", "-c", #"printf "$0" | "$@""#, input, TestProgram.path(of: "http-handles"), "ws", url]
        return try await TestProgram.run("/usr/bin/env", clean + variables + script + options)
    }

    private static func echo(_ messages: Record<WebSocketMessage> = Record()) throws -> ScriptedServer {
        try ScriptedServer { connection in
            let socket = try connection.acceptWebSocket()
            while let message = try socket.receive() {
                messages.note(message)
                try socket.send(message)
            }
        }
    }

    // MARK: Input and output

    @Test(
        arguments: [
            (#"\377\0\r\n\nend"#, [[0xFF, 0, 0x0D], [], Array("end".utf8)]), ("", []), (#"\n"#, [[]]),
        ] as [(String, [[UInt8]])]
    )
    func `--binary sends every byte of a line`(_ input: String, _ lines: [[UInt8]]) async throws {
        let messages = Record<WebSocketMessage>()
        let server = try Self.echo(messages)
        let run = try await Self.run(["--binary"], server.webSocketURL(), input: input)
        #expect(run.status == 0, "\(run.output)")
        #expect(messages.all == lines.map { .binary($0) })
        #expect(Array(run.output.utf8).filter { $0 == UInt8(ascii: "\n") }.count == lines.count)
    }

    @Test func `a line that is not UTF-8 is refused without --binary`() async throws {
        let messages = Record<WebSocketMessage>()
        let server = try Self.echo(messages)
        let run = try await Self.run([], server.webSocketURL(), input: #"one\nt\377wo\nthree\n"#)
        #expect(run.status == 2)
        #expect(run.output.contains("a line of standard input is not UTF-8, which only --binary can send"))
        #expect(!messages.all.contains(.text("three")))
    }

    @Test(arguments: [[], ["--binary"]])
    func `bytes of the server are written as they are`(_ options: [String]) async throws {
        let server = try ScriptedServer { connection in
            let socket = try connection.acceptWebSocket()
            for bytes in [Array("ab".utf8), Array("c".utf8)] { try socket.send(.binary(bytes)) }
            try socket.close()
        }
        let run = try await Self.run(options, server.webSocketURL(), input: "")
        #expect(run.output == (options.isEmpty ? "abc" : "ab\nc\n") && run.status == 0)
    }

    @Test func `the tool ends with the socket, though its input goes on`() async throws {
        let scratch = try Scratch()
        let server = try ScriptedServer { connection in
            let socket = try connection.acceptWebSocket()
            try socket.send(.text("only"))
            try socket.close()
        }
        let script = #"mkfifo "$0"; exec 3<>"$0"; exec "$@" <&3"#
        let tool = [TestProgram.path(of: "http-handles"), "ws", "--noproxy", "*", server.webSocketURL()]
        let run = try await TestProgram.run("/bin/sh", ["-c", script, scratch.path("input")] + tool)
        #expect(run.output == "only\n" && run.status == 0, "\(run.output)")
    }

    @Test(arguments: ["WS", "ws", "http", "Http"])
    func `schemes`(_ scheme: String) async throws {
        let server = try Self.echo()
        let run = try await Self.run([], scheme + server.url().dropFirst(4))
        #expect(run.output == "one\n" && run.status == 0)
    }

    // MARK: What is written to standard error

    @Test func `--ping, --timing and --events write nothing to standard output`() async throws {
        let server = try Self.echo()
        let tool = [TestProgram.path(of: "http-handles"), "ws", "--noproxy", "*", server.webSocketURL()]
        let script = #"printf 'one\n' | "$@" 2>/dev/null"#
        let run = try await TestProgram.run(
            "/bin/sh",
            ["-c", script, "sh"] + tool + ["--ping", "--timing", "--events", "json"]
        )
        #expect(run.output == "one\n" && run.status == 0)
    }

    @Test func `--timing shows the phases up to the 101, --ping how long the answer takes`() async throws {
        let server = try Self.echo()
        let run = try await Self.run(["--timing", "--ping"], server.webSocketURL())
        #expect(run.status == 0)
        let lines = run.output.split(separator: "\n").map(String.init)
        let labels = lines.filter { $0.hasPrefix("   ") && $0.contains(" ms ") }.map {
            $0.prefix(15).split(separator: " ").joined(separator: " ")
        }
        #expect(labels == ["connect", "request sent", "waiting", "receiving"])
        #expect(lines.contains { $0.hasPrefix("1  GET http://127.0.0.1:") })
        #expect(lines.contains { $0.hasPrefix("   status 101, new connection #") })
        #expect(lines.filter { $0.wholeMatch(of: /ping: [0-9.e-]+ seconds/) != nil }.count == 1)
        #expect(lines.filter { $0 == "one" }.count == 1 && lines.count == 9)
    }

    @Test func `--events shows every handle to its end`() async throws {
        let server = try Self.echo()
        let run = try await Self.run(["--events", "text"], server.webSocketURL())
        #expect(run.status == 0)
        let events = run.output.split(separator: "\n").compactMap { line in
            line.firstMatch(of: /ms  (\w+) \d+ +(\w+)/).map { "\($0.1) \($0.2)" }
        }
        for level in ["session", "connection", "request", "webSocket"] {
            #expect(events.last { $0.hasPrefix("\(level) ") } == "\(level) handleClosing", "\(run.output)")
        }
        #expect(events.last == "session handleClosing")
        #expect(events.filter { $0 == "webSocket shutdownComplete" }.count == 1)
    }

    // MARK: Fields and credentials

    @Test func `-H`() async throws {
        let heads = Record<ReceivedHead>()
        let server = try ScriptedServer { connection in
            let socket = try connection.acceptWebSocket()
            heads.note(socket.request)
            while try socket.receive() != nil {}
        }
        let fields = ["-H", "X-One: 1", "-H", "X-One: 2", "-H", "X-Empty:", "--header", "Origin: http://example.com"]
        let run = try await Self.run(fields, server.webSocketURL())
        #expect(run.status == 0, "\(run.output)")
        let lines = try #require(heads.all.first?.lines)
        for line in ["X-One: 1", "X-One: 2", "X-Empty:", "Origin: http://example.com"] {
            #expect(lines.filter { $0 == line }.count == 1, "\(lines)")
        }
    }

    @Test(arguments: [
        ("/basic", ["-u", "ann:secret"], 0), ("/basic", ["-u", "ann:secret", "--basic"], 0),
        ("/basic", ["-u", "ann:secret", "--anyauth"], 0), ("/digest", ["-u", "ann:secret", "--digest"], 0),
        ("/digest", ["-u", "ann:secret", "--auth", "any"], 0), ("/digest", ["-u", "ann:secret"], 8),
        ("/basic", ["-u", "ann:wrong"], 8), ("/digest", ["-u", "ann:wrong", "--digest"], 8), ("/digest", [], 8),
    ])
    func `-u and the schemes`(_ path: String, _ options: [String], _ status: Int) async throws {
        let servers = try WebSocketServers.shared.get()
        // Without input: that server sends nothing after the close frame of the client.
        let run = try await Self.run(options, servers.url(.apache, path), input: "")
        #expect(Int(run.status) == status, "\(run.output)")
        if status == 0 {
            #expect(run.output == "")
        } else {
            #expect(run.output.contains("the server answered with 401"), "\(run.output)")
        }
        #expect(!run.output.contains("secret"))
    }

    @Test func `--oauth2-bearer`() async throws {
        let server = try ScriptedServer { connection in
            let socket = try connection.acceptWebSocket()
            try socket.send(.text(socket.request["authorization"] ?? "none"))
            try socket.close()
        }
        let run = try await Self.run(["--oauth2-bearer", "t0ken"], server.webSocketURL(), input: "")
        #expect(run.output == "Bearer t0ken\n" && run.status == 0)
    }

    // MARK: Proxies and networks

    /// squid keeps the state of a login for a user, so each case with a password has a user of its own.
    @Test(arguments: [
        ("-x http://127.0.0.1:HTTP", 0), ("-x 127.0.0.1:TINY", 0), ("-p -x http://127.0.0.1:HTTP", 0),
        ("-x http://127.0.0.1:ASKING", 56), ("-x http://socket-9:op3n%20s3same@127.0.0.1:ASKING", 0),
        ("-U socket-10:wrong -x http://127.0.0.1:ASKING", 56),
        ("--proxy-digest -x http://socket-11:op3n%20s3same@127.0.0.1:ASKING", 0),
        ("--proxy-anyauth -x http://socket-12:op3n%20s3same@127.0.0.1:ASKING", 0),
        ("-x https://localhost:TLS --proxy-cacert CA", 0), ("-x https://localhost:TLS", 60),
        ("-x https://localhost:TLS --proxy-insecure", 0), ("--socks5 127.0.0.1:SOCKS", 0),
        ("--socks5-hostname 127.0.0.1:SOCKS", 0), ("-x socks5://me:op3n%20s3same@127.0.0.1:LOCKED", 0),
        ("-x socks5h://me:wrong@127.0.0.1:LOCKED", 97), ("-x http://127.0.0.1:CLOSED", 7),
        ("-x http://127.0.0.1:CLOSED --noproxy 127.0.0.1,localhost", 0),
        ("http_proxy=http://127.0.0.1:HTTP https_proxy=http://127.0.0.1:HTTP", 0),
        ("http_proxy=http://127.0.0.1:CLOSED https_proxy=http://127.0.0.1:CLOSED", 7),
        ("all_proxy=socks5h://127.0.0.1:SOCKS", 0),
        ("all_proxy=http://127.0.0.1:CLOSED no_proxy=127.0.0.1,localhost", 0),
        ("all_proxy=http://127.0.0.1:CLOSED -x http://127.0.0.1:HTTP", 0),
    ])
    func `proxies`(_ words: String, _ status: Int) async throws {
        let (servers, proxies) = (try WebSocketServers.shared.get(), try ProxyServers.shared.get())
        var words = words
        for (name, port) in [
            ("HTTP", proxies.http.address.port), ("ASKING", proxies.asking.address.port),
            ("TLS", proxies.https.address.port), ("TINY", proxies.tinyproxy.address.port),
            ("SOCKS", proxies.socks5.address.port), ("LOCKED", proxies.askingSOCKS.address.port),
            ("CLOSED", try freePorts(1)[0]),
        ] { words = words.replacing(name, with: "\(port)") }
        let parts = words.replacing("CA", with: servers.authorityFile).split(separator: " ").map(String.init)
        let variables = parts.prefix { $0.contains("_proxy=") }
        // The servers have no IPv6; a SOCKS proxy gets one address only.
        let options = Array(parts.dropFirst(variables.count)) + ["-4"]
        let ways: [(WebSocketServers.Way, [String])] = [
            (.websockets, []), (.nginxTLS, ["--cacert", servers.authorityFile]),
        ]
        for (way, more) in ways {
            // Without input: that server sends nothing after the close frame of the client.
            let run = try await Self.run(options + more, servers.url(way), input: "", variables: Array(variables))
            // A tunnel that the proxy refuses is curl's 56, and 7 with newer libcurls.
            let isRefused = status == 56 && run.status == 7
            #expect(Int(run.status) == status || isRefused, "\(way): \(run.output)")
            if status == 0 { #expect(run.output == "") }
        }
    }

    @Test func `Unix sockets and other addresses`() async throws {
        let scratch = try Scratch()
        let local = try ScriptedServer(unixSocket: scratch.path("socket")) { connection in
            let socket = try connection.acceptWebSocket()
            while let message = try socket.receive() { try socket.send(message) }
        }
        let server = try Self.echo()
        for (options, url) in [
            (["--unix-socket", local.address], "ws://example.com/"),
            (["--resolve", "example.com:\(server.port):127.0.0.1"], "ws://example.com:\(server.port)/"),
            (["--connect-to", "example.com:80:127.0.0.1:\(server.port)"], "ws://example.com/"),
        ] {
            let run = try await Self.run(options, url)
            #expect(run.output == "one\n" && run.status == 0, "\(options)")
        }
    }

    // MARK: TLS

    @Test func `TLS`() async throws {
        let (servers, server) = (try TLSServers.shared.get(), try Self.echo())
        let file = servers.path
        let pins = (good: "\(try servers.pin("good"))", other: "\(try servers.pin("other"))")
        let client = ["--cert", file("client.pem"), "--key", file("client.key")]
        let runs: [(TLSServers.Kind, [String], Int32)] = [
            (.good, [], 60), (.good, ["--cacert", file("authority.pem")], 0),
            (.good, ["--cacert", file("other.pem")], 60),
            (.good, ["--cacert", file("other.pem"), "--capath", file("hashed")], 0), (.expired, ["-k"], 0),
            (.good, ["-k", "--pinnedpubkey", pins.good], 0), (.good, ["-k", "--pinnedpubkey", pins.other], 90),
            (.revoked, ["--cacert", file("authority.pem"), "--crlfile", file("revoked.crl")], 60),
            (.stapled, ["--cacert", file("authority.pem"), "--cert-status"], 0),
            (.good, ["-k", "--tls-max", "1.2"], 0), (.tls1_2, ["-k", "--tlsv1.3"], 35), (.tls1_2, ["-k"], 0),
            (.asksForCertificate, ["-k"], 8), (.asksForCertificate, ["-k"] + client, 0),
            (
                .asksForCertificate,
                ["-k", "--cert", file("client.pem"), "--key", file("client-encrypted.key"), "--pass", "secret"], 0
            ),
            (.asksForCertificate, ["-k", "--cert", file("client.p12") + ":secret", "--cert-type", "P12"], 0),
        ]
        for (kind, options, status) in runs {
            let url = "wss" + servers.url(kind).dropFirst(5) + "socket/\(server.port)/"
            let run = try await Self.run(options, url)
            #expect(run.status == status, "\(kind) \(options): \(run.output)")
            if status == 0 { #expect(run.output == "one\n") }
        }
    }
}
