import Foundation
import HTTPHandlesCommandLine
import HTTPHandlesLock
import HTTPHandlesTesting
import Testing

/// Usual curl calls, given to curl and to the tool: exit status, output, files, and the requests as the server received them are
/// the same.
///
/// curl has `-L`, because the tool follows redirects by default.
@Suite("Calls of the tool", .timeLimit(.minutes(5)))
struct ToolCallTests {
    /// All calls take minutes in a debug build, where the parser of the command line checks itself at each start.
    private static let testsAll = ProcessInfo.processInfo.environment["HTTP_HANDLES_ALL_TOOL_CALLS"] != nil

    @Test(arguments: ToolCalls.usual + (testsAll ? ToolCalls.all : []))
    func `as curl`(_ call: String) async throws {
        let theirs = try await Outcome(of: call, by: ["curl", "-q", "-L", "--noproxy", "*"], on: Self.server)
        let ours = try await Outcome(
            of: call,
            by: [TestProgram.path(of: "http-handles"), "--noproxy", "*"],
            on: Self.server
        )
        #expect(ours == theirs)
    }

    /// The response heads of `-v`, and what is different from curl: no secrets.
    @Test func `-v shows heads and no secrets`() async throws {
        let call = "-sv -u ann:s3cret U/redirect/302"
        let theirs = try await Outcome(of: call, by: ["curl", "-q", "-L", "--noproxy", "*"], on: Self.server)
        let ours = try await Outcome(
            of: call,
            by: [TestProgram.path(of: "http-handles"), "--noproxy", "*"],
            on: Self.server
        )
        func lines(_ outcome: Outcome, _ mark: String) -> [String] {
            // The key in the URL is not the same.
            outcome.errors.utf8.split(separator: 0x0A).map { String(decoding: $0.filter { $0 != 0x0D }, as: UTF8.self) }
                .filter { $0.hasPrefix(mark) && !$0.contains("ocation") }
        }
        #expect(lines(ours, "<") == lines(theirs, "<"))
        #expect(lines(ours, "<").count == 9)
        #expect(lines(ours, ">").count == 4)
        #expect(lines(ours, "* connectingToServer").count == 1)
        #expect(!ours.errors.contains("s3cret"))
    }

    // MARK: Bad input

    @Test(arguments: testsAll ? ToolCalls.allBad : ToolCalls.bad)
    func `bad input is a usage error, and nothing is sent`(_ call: String, _ reason: String) async throws {
        let run = try await Outcome(of: call, by: [TestProgram.path(of: "http-handles")], on: Self.server)
        #expect(run.status == 2)
        #expect(run.errors.hasPrefix("Error: \(reason)\n"), "\(run.errors)")
        #expect(run.output == "")
        #expect(run.requests == [])
    }

    @Test func `the table of options is that of the parser`() async throws {
        struct Tool: Decodable {
            let command: Command
            struct Command: Decodable {
                let commandName: String
                let subcommands: [Command]?
                let arguments: [Argument]?
            }
            struct Argument: Decodable {
                let kind: String
                let names: [Name]?
            }
            struct Name: Decodable { let kind, name: String }
        }
        let run = try await TestProgram.run(TestProgram.path(of: "http-handles"), ["--experimental-dump-help"])
        let tool = try JSONDecoder().decode(Tool.self, from: Data(run.output.utf8))
        let get = try #require(tool.command.subcommands?.first { $0.commandName == "get" })
        let options = (get.arguments ?? []).compactMap { argument in
            argument.names.map { names in
                KnownOption(
                    names.map { ($0.kind == "long" ? "--" : "-") + $0.name },
                    takesValue: argument.kind == "option"
                )
            }
        }
        let own = options.filter { !$0.names.contains("--help") && !$0.names.contains("--version") }
        #expect(Set(ToolOptions.all) == Set(own))
    }

    // MARK: The server

    static let server = Result { try CallServer() }
}

/// The result of a call.
struct Outcome: Equatable {
    let status: Int32
    let output: String
    let files: [String: String]
    let requests: [String]
    let hasErrors: Bool
    /// Not compared.
    let errors: String

    static func == (left: Outcome, right: Outcome) -> Bool {
        left.status == right.status && left.output == right.output && left.files == right.files
            && left.requests == right.requests && left.hasErrors == right.hasErrors
    }

    /// Runs a program in a folder with some files.
    init(of call: String, by program: [String], on server: Result<CallServer, any Error>) async throws {
        let server = try server.get()
        let key = server.newKey()
        let (url, host) = (server.url(key), "127.0.0.1:\(server.port)/\(key)")
        let scratch = try Scratch()
        let work = scratch.path("work")
        try FileManager.default.createDirectory(atPath: work, withIntermediateDirectories: false)
        for (name, content) in Self.files(url) { _ = try scratch.file("work/\(name)", Array(content.utf8)) }
        let words = call.replacing(/\bU(?=\/)/, with: url).replacing(/\bH(?=\/)/, with: host)
        let script =
            #"cd "$0/work" && export HOME="$PWD" && touch -d 2020-01-01 old && "#
            + #"printf 'user-agent = stdin/1' | "$@" \#(words) >../output 2>../errors"#
        let run = try await TestProgram.run("/bin/sh", ["-c", script, scratch.folder] + program)
        status = run.status
        func text(_ bytes: [UInt8]?) -> String {
            String(decoding: bytes ?? [], as: UTF8.self).replacing(key, with: "KEY")
        }
        output = text(scratch.contents("output"))
        errors = TestProgram.withoutLoaderWarnings(text(scratch.contents("errors")))
        // Usage errors are shown regardless of -s, and in curl the progress of -Z.
        hasErrors = !errors.isEmpty && status != 2 && !call.hasPrefix("-sZ")
        var files: [String: String] = [:]
        for case let name as String in FileManager.default.enumerator(atPath: work) ?? FileManager.DirectoryEnumerator()
        {
            files[name] = text(scratch.contents("work/\(name)"))
        }
        self.files = files
        requests = server.requests(of: key).map { $0.replacing(key, with: "KEY") }.sorted()
    }

    private static func files(_ url: String) -> [(String, String)] {
        [
            ("file", "f=1\r\nline two & more\n"), ("file.txt", "text"), ("headers", "X-One: 1\nX-Two: 2\n"),
            ("format", "%{http_code} %{num_headers}\\n"), (".netrc", "default login any password netrc\n"),
            ("logins", "machine 127.0.0.1 login ann password s3\n"), ("tag", "\"v1\"\n"), ("old", ""),
            ("conf", "# comment\nurl = \"\(url)/conf\"\nuser-agent = \"conf/1\"\nheader = \"X-C: 1\"\n-d a=1\n"),
        ]
    }
}

/// Answers all calls, and keeps the requests of each: its key is the first segment of the path.
final class CallServer: Sendable {
    private let server: ScriptedServer
    private let log: Log

    private final class Log: Sendable {
        let state = Lock((requests: [String: [String]](), keys: 0))
    }

    init() throws {
        let log = Log()
        self.log = log
        server = try ScriptedServer { connection in
            while let head = try connection.readHead() {
                if head["expect"] != nil { try connection.send("HTTP/1.1 100 Continue\r\n\r\n") }
                let body = try connection.readBody(of: head)
                let parts = head.target.split(separator: "/", maxSplits: 1)
                let (key, path) = (String(parts.first ?? ""), "/" + (parts.count > 1 ? String(parts[1]) : ""))
                let text = Self.description(head, body)
                log.state.withLock { $0.requests[key, default: []].append(text) }
                try Self.answer(connection, head, key, path, log)
                if path == "/cut" { return }
            }
        }
    }

    var port: Int { server.port }
    func url(_ key: String) -> String { server.url("/\(key)") }
    func requests(of key: String) -> [String] { log.state.withLock { $0.requests[key] ?? [] } }

    /// All have the same length.
    func newKey() -> String {
        log.state.withLock { state in
            state.keys += 1
            return "k\(10_000 + state.keys)"
        }
    }

    /// What must be the same: without the names of the programs, random boundaries, and what the tool does on purpose.
    private static func description(_ head: ReceivedHead, _ body: [UInt8]) -> String {
        let boundary = head["content-type"]?.firstMatch(of: /boundary=(.*)/).map { String($0.output.1) }
        let ignored = ["accept-encoding", "expect"] + (boundary == nil ? [] : ["content-length"])
        let lines = head.lines.dropFirst().filter { line in
            let name = line.prefix { $0 != ":" }.lowercased()
            return !ignored.contains(name) && !line.contains(": curl/") && !line.contains(": http-handles/")
        }
        let text =
            ([head.requestLine] + lines.sorted()).joined(separator: "\n") + "\n\n"
            + String(decoding: body, as: UTF8.self)
        return boundary.map { text.replacing($0, with: "BOUNDARY") } ?? text
    }

    private static func answer(
        _ connection: ServerConnection,
        _ head: ReceivedHead,
        _ key: String,
        _ path: String,
        _ log: Log
    )
        throws
    {
        func send(_ status: String, _ fields: [String], _ body: String) throws {
            let lines = ["HTTP/1.1 \(status)"] + fields + ["Content-Length: \(body.utf8.count)", "", ""]
            try connection.send(lines.joined(separator: "\r\n") + (head.method == "HEAD" ? "" : body))
        }
        let parts = path.split(separator: "/").map(String.init)
        switch (parts.first ?? "", parts.last ?? "") {
        case ("status", let code): try send("\(code) Reason", [], "status \(code)\n")
        case ("redirect", let code): try send("\(code) Reason", ["Location: /\(key)/echo"], "old")
        case ("loop", _): try send("302 Found", ["Location: /\(key)/loop"], "")
        case ("flaky", _):
            let isFirst = log.state.withLock { $0.requests[key]?.count == 1 }
            try send(isFirst ? "503 Later" : "200 OK", [], isFirst ? "later" : "now")
        case ("cut", _): try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\npart")
        case ("coded", _):
            // "zipped"
            let coded: [UInt8] = [
                0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 2, 3, 0xAB, 0xCA, 0x2C, 0x28, 0x48, 0x4D, 1, 0, 0x57, 0x68, 0xC2, 0xE2, 6,
                0, 0, 0,
            ]
            try connection.send("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: \(coded.count)\r\n\r\n")
            try connection.send(coded)
        case ("tagged", _) where head["if-none-match"] == "\"v1\"":
            try connection.send("HTTP/1.1 304 Not Modified\r\nETag: \"v1\"\r\n\r\n")
        case ("tagged", _): try send("200 OK", ["ETag: \"v1\""], "tagged")
        case ("dated", _): try send("200 OK", ["Last-Modified: Mon, 30 Nov 2020 12:00:00 GMT"], "dated")
        case ("named", _):
            try send("200 OK", ["Content-Disposition: attachment; filename=\"../../named.txt\""], "named")
        case ("range", _):
            guard head["range"] == nil else { return try send("206 Partial", ["Content-Range: bytes 0-4/10"], "01234") }
            try send("200 OK", [], "0123456789")
        default: try send("200 OK", ["Content-Type: text/plain", "X-A: 1", "X-B: two"], "body of \(path)\n")
        }
    }
}
