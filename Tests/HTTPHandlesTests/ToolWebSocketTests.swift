import HTTPHandles
import HTTPHandlesLock
import HTTPHandlesTesting
import Testing

/// `http-handles ws`: lines of standard input are messages, and messages are lines of standard output.
@Suite("WebSockets of the tool", .timeLimit(.minutes(5)))
struct ToolWebSocketTests {
    /// Runs the tool with an input that ends. Errors go to its output too.
    private static func run(_ options: [String], _ url: String, input: String = "") async throws -> TestProgram {
        let tool = TestProgram.path(of: "http-handles")
        let clean = ["-u", "http_proxy", "-u", "https_proxy", "-u", "all_proxy", "-u", "no_proxy"]
        return try await TestProgram.run(
            "/usr/bin/env",
            clean + ["/bin/sh", "-c", #"printf '%s' "$0" | "$@""#, input, tool, "ws", url] + options
        )
    }

    private final class Heads: Sendable {
        let all = Lock<[ReceivedHead]>([])
    }

    /// A server that keeps the head of the request, agrees, and then does what the script says.
    private static func server(
        fields: String = "",
        _ script: @escaping @Sendable (ServerWebSocket) throws -> Void = { _ in }
    ) throws -> (server: ScriptedServer, heads: Heads) {
        let heads = Heads()
        let server = try ScriptedServer { connection in
            let socket = try connection.acceptWebSocket(fields: fields)
            heads.all.withLock { $0.append(socket.request) }
            try script(socket)
            while let message = try socket.receive() { try socket.send(message) }
        }
        return (server, heads)
    }

    // MARK: Messages

    @Test(arguments: [
        ("one\ntwo\n", "one\ntwo\n"), ("no line end", "no line end\n"), ("\n", "\n"), ("", ""), ("grün\n", "grün\n"),
    ])
    func `lines are messages`(_ input: String, _ output: String) async throws {
        let (server, _) = try Self.server()
        let run = try await Self.run([], server.webSocketURL(), input: input)
        #expect(run.output == output)
        #expect(run.status == 0)
    }

    @Test(arguments: [[], ["--binary"]])
    func `text or bytes`(_ options: [String]) async throws {
        let messages = Lock<[WebSocketMessage?]>([])
        let (server, _) = try Self.server { socket in
            while true {
                let message = try socket.receive()
                messages.withLock { $0.append(message) }
                if message == nil { break }
            }
        }
        let run = try await Self.run(options, server.webSocketURL(), input: "one\n")
        #expect(run.status == 0)
        #expect(messages.withLock { $0 } == [options.isEmpty ? .text("one") : .binary(Array("one".utf8)), nil])
    }

    @Test func `what the server sends after the end of the input is printed`() async throws {
        let (server, _) = try Self.server { socket in
            #expect(try socket.receiveFrame().closeCode == 1000)
            for text in ["a", "b"] { try socket.send(.text(text)) }
            try socket.sendFrame(opcode: 8, [3, 232])
        }
        let run = try await Self.run([], server.webSocketURL())
        #expect(run.output == "a\nb\n")
        #expect(run.status == 0)
    }

    // MARK: Options

    @Test func `fields and subprotocols of the request`() async throws {
        let (server, heads) = try Self.server(fields: "Sec-WebSocket-Protocol: b\r\n")
        let options = ["-H", "X-One: 1", "--subprotocol", "a", "--subprotocol", "b", "--no-compression"]
        let run = try await Self.run(options, server.webSocketURL("/feed?x=1"))
        #expect(run.status == 0, "\(run.output)")
        let head = try #require(heads.all.withLock { $0.first })
        #expect(head.target == "/feed?x=1")
        #expect(head["x-one"] == "1")
        #expect(head["sec-websocket-protocol"] == "a, b")
        #expect(head["sec-websocket-extensions"] == nil)
        #expect(head["user-agent"] == "http-handles/0.1")
    }

    @Test func `credentials`() async throws {
        let (server, _) = try Self.server { socket in
            try socket.send(.text(socket.request["authorization"] ?? "none"))
        }
        let run = try await Self.run(["-u", "me:secret"], server.webSocketURL())
        #expect(run.output == "Basic bWU6c2VjcmV0\n")
        #expect(run.status == 0)
    }

    @Test(arguments: [false, true])
    func `through a proxy`(_ isSOCKS: Bool) async throws {
        let proxies = try ProxyServers.shared.get()
        let (server, _) = try Self.server()
        let options =
            isSOCKS
            ? ["--socks5", "127.0.0.1:\(proxies.socks5.address.port)"]
            : ["-x", "http://127.0.0.1:\(proxies.http.address.port)"]
        let run = try await Self.run(options, server.webSocketURL(), input: "one\n")
        #expect(run.output == "one\n")
        #expect(run.status == 0)
    }

    @Test(arguments: [["--cacert"], ["-k"], []])
    func `over TLS`(_ options: [String]) async throws {
        let servers = try WebSocketServers.shared.get()
        let file = options == ["--cacert"] ? [servers.authorityFile] : []
        // Without input: that server sends nothing after the close frame of the client.
        let run = try await Self.run(options + file, servers.url(.nginxTLS))
        #expect(run.status == (options.isEmpty ? 60 : 0))
        if options.isEmpty { #expect(run.output.contains("secureFailure")) } else { #expect(run.output == "") }
    }

    @Test func `a ping, the events and the times`() async throws {
        let (server, _) = try Self.server()
        let options = ["--ping", "--events", "text", "--timing"]
        let run = try await Self.run(options, server.webSocketURL(), input: "one\n")
        #expect(run.status == 0)
        let lines = run.output.split(separator: "\n").map(String.init)
        #expect(lines.contains("one"))
        #expect(lines.contains { $0.hasPrefix("ping: ") && $0.hasSuffix(" seconds") })
        #expect(lines.contains { $0.hasPrefix("   waiting ") })
        let names = lines.compactMap { $0.firstMatch(of: /ms  webSocket \d+ +(\w+)/).map { String($0.1) } }
        // The write may be done before or after the echo, and the end of the connection comes anywhere after the close frames.
        let expected = [
            "handleCreated", "webSocketWriteComplete", "webSocketReadComplete", "shutdownComplete",
            "webSocketCloseReceived", "handleClosing",
        ]
        #expect(names.first == "handleCreated" && names.last == "handleClosing")
        #expect(Set(names).subtracting(["closingConnection", "connectionClosed"]) == Set(expected))
    }

    @Test func `events as JSON`() async throws {
        let (server, _) = try Self.server { socket in
            try socket.send(.text("hello"))
            try socket.close(1001, reason: "gone")
        }
        let run = try await Self.run(["--events", "json"], server.webSocketURL())
        #expect(run.status == 0)
        #expect(run.output.contains(#""bytes":5,"#) && run.output.contains(#""message":"textMessage""#))
        #expect(run.output.contains(#""code":1001,"#) && run.output.contains(#""reason":"gone""#))
    }

    // MARK: Failures

    @Test(arguments: [
        (1000, 0, ""), (1001, 0, ""), (nil, 0, ""), (1011, 8, "closed the socket with"), (4000, 8, "enough"),
    ])
    func `the code of the server`(_ code: Int?, _ status: Int, _ text: String) async throws {
        let (server, _) = try Self.server { socket in
            if let code {
                try socket.close(code, reason: "enough")
            } else {
                try socket.sendFrame(opcode: 8, [])
                _ = try socket.receiveFrame()
            }
        }
        let run = try await Self.run([], server.webSocketURL())
        #expect(Int(run.status) == status, "\(run.output)")
        #expect(run.output.contains(text))
    }

    @Test func `an answer that is no 101, a violation, and a connection that breaks off`() async throws {
        let refusing = try ScriptedServer { connection in
            while try connection.readHead() != nil {
                try connection.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            }
        }
        var run = try await Self.run([], refusing.webSocketURL())
        #expect(run.status == 8)
        #expect(run.output.contains("403"))

        let (violating, _) = try Self.server { socket in
            try socket.sendFrame(opcode: 3, [])
            while try socket.receiveFrame().opcode != 8 {}
        }
        run = try await Self.run([], violating.webSocketURL())
        #expect(run.status == 8)
        #expect(run.output.contains("invalidServerResponse"), "\(run.output)")

        let (breaking, _) = try Self.server { socket in
            try socket.connection.send([0x81, 10, 65])
            socket.connection.reset()
        }
        run = try await Self.run([], breaking.webSocketURL())
        #expect(run.status == 56)
        #expect(run.output.contains("connectionError"), "\(run.output)")
    }

    @Test(arguments: [
        (["--nosuch"], "ws://127.0.0.1:1/", 2), (["-u", "name"], "ws://127.0.0.1:1/", 2),
        (["-H", "a b: c"], "ws://127.0.0.1:1/", 2), (["--subprotocol", "a b"], "ws://127.0.0.1:1/", 2),
        ([], "ws://127.0.0.1:1/", 7), ([], "ftp://127.0.0.1/", 1),
        (["-H", "Upgrade: tcp"], "ws://127.0.0.1:1/", 2),
    ])
    func `what cannot be used`(_ options: [String], _ url: String, _ status: Int) async throws {
        let run = try await Self.run(options, url)
        #expect(Int(run.status) == status, "\(run.output)")
    }
}
