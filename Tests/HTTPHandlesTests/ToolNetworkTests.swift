import Foundation
import HTTPHandlesTesting
import Testing

/// The tool's options for sockets and names, compared with the curl command.
@Suite("Sockets and names of the tool", .timeLimit(.minutes(5)))
struct ToolNetworkTests {
    /// Runs both with the same options; `PORT` is the server's.
    private static func compare(
        _ options: [String],
        _ url: String,
        port: Int
    ) async throws -> (ours: TestProgram, theirs: TestProgram) {
        func text(_ text: String) -> String { text.replacing("PORT", with: "\(port)") }
        let options = options.map(text)
        let curl = ToolOutputTests.curl + options
        let tool = ToolOutputTests.tool + options
        return (
            try await ToolOutputTests.run(#""$@" 2>/dev/null"#, tool, text(url)),
            try await ToolOutputTests.run(#""$@" 2>/dev/null"#, curl, text(url))
        )
    }

    /// Answers with its own address and the request's `Host`.
    @Sendable private static func answer(_ connection: ServerConnection) throws {
        while let request = try connection.readRequest() {
            let text = "\(request.head["host"] ?? "-") \(request.head.target)"
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(text.utf8.count)\r\n\r\n\(text)")
        }
    }

    @Test(arguments: [
        (["--resolve", "name.test:PORT:127.0.0.1"], "http://name.test:PORT/a"),
        (["--resolve", "NAME.test:PORT:127.0.0.1"], "http://name.test:PORT/a"),
        (["--resolve", "*:PORT:127.0.0.1"], "http://name.test:PORT/a"),
        (["--resolve", "+name.test:PORT:127.0.0.1"], "http://name.test:PORT/a"),
        (["--connect-to", "name.test:80:127.0.0.1:PORT"], "http://name.test/a"),
        (["--connect-to", "name.test::127.0.0.1:PORT"], "http://name.test:81/a"),
        (["--connect-to", ":80:127.0.0.1:PORT"], "http://name.test/a"),
        (["--connect-to", "::127.0.0.1:PORT"], "http://name.test:99/a"),
        (["--connect-to", "127.0.0.1:1::PORT"], "http://127.0.0.1:1/a"),
        (["--connect-to", "[::1]:1:127.0.0.1:PORT"], "http://[::1]:1/a"),
        (["--connect-to", "other.test:80:1.1.1.1:1", "--connect-to", "::127.0.0.1:PORT"], "http://name.test/a"),
        (["--interface", "127.0.0.1"], "http://127.0.0.1:PORT/a"), (["--interface", "lo"], "http://127.0.0.1:PORT/a"),
        (["--interface", "if!lo"], "http://127.0.0.1:PORT/a"),
        (["--interface", "host!127.0.0.1"], "http://127.0.0.1:PORT/a"),
        (["-4"], "http://localhost:PORT/a"), (["--ipv4"], "http://localhost:PORT/a"),
    ])
    func `reaches the same server as curl`(_ options: [String], _ url: String) async throws {
        let server = try ScriptedServer(Self.answer)
        let (ours, theirs) = try await Self.compare(options, url, port: server.port)
        #expect(ours.output == theirs.output)
        #expect(ours.output.hasSuffix(" /a"))
        #expect(ours.status == 0)
        #expect(theirs.status == 0)
    }

    @Test func `IPv6 only, as curl`() async throws {
        let server = try ScriptedServer(address: "::1", Self.answer)
        let (ours, theirs) = try await Self.compare(["-6"], "http://localhost:PORT/a", port: server.port)
        #expect(ours.output == theirs.output)
        #expect(ours.output == "localhost:\(server.port) /a")
    }

    @Test(arguments: [(TLSServers.Kind.good, true), (.unknownAuthority, false), (.wrongName, false)])
    func `DNS over HTTPS, as curl`(_ kind: TLSServers.Kind, _ isReached: Bool) async throws {
        let server = try ScriptedServer(Self.answer)
        let (names, url) = try NameResolverTests.server(of: kind)
        let options = ["--cacert", try TLSServers.shared.get().authorityFile, "--doh-url", url]
        let (ours, theirs) = try await Self.compare(options, "http://name.test:PORT/a", port: server.port)
        #expect(ours.output == theirs.output)
        #expect(ours.output == (isReached ? "name.test:\(server.port) /a" : ""))
        #expect((ours.status == 0) == isReached)
        #expect((theirs.status == 0) == isReached)
        _ = names
    }

    @Test(arguments: [
        (["-6"], "http://127.0.0.1:PORT/a"), (["--interface", "nosuch0"], "http://127.0.0.1:PORT/a"),
        (["--connect-to", "::127.0.0.1:1"], "http://127.0.0.1:PORT/a"),
        (["--resolve", "other.invalid:PORT:127.0.0.1"], "http://name.invalid:PORT/a"),
        (["--unix-socket", "/nowhere/at/all"], "http://127.0.0.1:PORT/a"),
    ])
    func `reaches no server, like curl`(_ options: [String], _ url: String) async throws {
        let server = try ScriptedServer(Self.answer)
        let (ours, theirs) = try await Self.compare(options, url, port: server.port)
        #expect(ours.output == theirs.output)
        #expect(ours.status == theirs.status)
        if options != ["-6"] { #expect(ours.status != 0) }
    }

    @Test(arguments: ["--unix-socket", "--abstract-unix-socket"])
    func `Unix sockets`(_ option: String) async throws {
        let scratch = try Scratch()
        let isAbstract = option == "--abstract-unix-socket"
        let name = isAbstract ? "http-handles-\(UUID().uuidString)" : scratch.path("socket")
        let server = try ScriptedServer(unixSocket: isAbstract ? "@\(name)" : name, Self.answer)
        let (ours, theirs) = try await Self.compare([option, name], "http://docker/v1/version", port: 0)
        #expect(ours.output == theirs.output)
        #expect(ours.output == "docker /v1/version")
        _ = server
    }

    @Test(arguments: [
        ["--unix-socket", "/" + String(repeating: "s", count: 107)], ["--unix-socket", ""],
        ["--unix-socket", "a", "--abstract-unix-socket", "b"], ["-4", "-6"], ["--resolve", "name:80"],
        ["--resolve", "name:x:127.0.0.1"], ["--resolve", "name:80:nowhere:1"],
        ["--resolve", "a:1:127.0.0.1,127.0.0.2"],
        ["--connect-to", "a:1:b"], ["--connect-to", "a:b:c:d"], ["--connect-to", "[::1:1:b:1"],
        ["--connect-to", "a:1::"],
        ["--doh-url", "http://dns.example/"], ["--interface", ""],
    ])
    func `what cannot be used is a usage error`(_ options: [String]) async throws {
        let run = try await ToolOutputTests.run(#""$@""#, ToolOutputTests.tool + options, "http://127.0.0.1:1/")
        #expect(run.status == 2, "\(run.output)")
    }
}
