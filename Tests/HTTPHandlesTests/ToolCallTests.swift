import Foundation
import HTTPHandlesLock
import HTTPHandlesTesting
import Testing

/// Usual curl calls, given to curl and to the tool: exit status, output, files, and the requests as the server received them are
/// the same.
///
/// curl has `-L`, because the tool follows redirects by default.
@Suite("Calls of the tool", .timeLimit(.minutes(5)))
struct ToolCallTests {
    /// `U` is the server's URL, `H` is the same without the scheme.
    static let calls = [
        // URLs
        "-s U/echo", "-s H/echo", "-s U/a/../b", "-s --path-as-is U/a/../b", "-s U/one U/two",
        "-s --url U/one --url U/two",
        "-s 'U/{a,b}/[1-2]'", "-s 'U/[08-10]'", "-s 'U/[a-c:2]'", "-sg 'U/{a,b}'", #"-s 'U/\{a\}'"#, "-s 'U/[1-'",
        "-s 'U/{a,b}' -o 'out_#1'", "-sZ -o 1 -o 2 U/one U/two", "-sZ 'U/[1-20]' -o 'out#1'",
        "-s U/one -o 1 U/two -o 2", "-s --no-silent -s U/echo",
        // Output
        "-s -o out U/echo", "-s U/echo -o -", "-sO U/file.bin", "-s -O 'U/a/b.txt?x=1'", "-sOO U/a U/b", "-s -O U/",
        "-s --remote-name-all U/a U/b", "-sOJ U/named", "-sJO U/echo", "-sOJ U/named U/named -O", "-s -OJ U/file.txt",
        "-s --create-dirs -o a/b/c U/echo", "-s --output-dir dir --create-dirs -O U/x.txt", "-s -o nodir/x U/echo",
        "-si U/echo", "-sI U/echo", "-sIL U/redirect/301", "-s --include U/redirect/302", "-s -I -o head U/echo",
        "-s -D heads U/redirect/302", "-s -D - U/echo", "-s -D heads U/one U/two", "-# -sN --no-progress-meter U/echo",
        // Failures
        "-sf U/status/404", "-s U/status/404", "-s --fail-with-body U/status/500", "-sf -o out U/status/404",
        "-sf U/status/404 U/echo", "-s U/echo U/status/404 -f", "-sf --fail-early U/status/404 U/echo",
        "-s http://127.0.0.1:1/", "-sS http://127.0.0.1:1/", "-s http://name.invalid/", "-s U/cut", "-s -o out U/cut",
        "-s nosuch://127.0.0.1:1/", "-s 'http://a b/'",
        // Usage
        "-s", "-s -X", "-s -I -d a=1 U/echo", "-s -d a -F b=c U/echo", "-s --nosuch U/echo", "-s -T file -d a U/echo",
        "-s -m x U/echo", "-s -F a U/echo",
        // The request
        "-s -X DELETE U/echo", "-sXPUT -d x=1 U/echo", "-s -X OPTIONS U/echo",
        "-s -H 'X-A: b' -H 'Accept: text/plain' U/echo",
        "-s -H 'Accept:' U/echo", "-s -H 'X-Empty;' U/echo", "-s -A x -H 'User-Agent:' U/echo",
        "-s -H 'Host: other.example' U/echo", "-s -H @headers U/echo", "-s -A agent/1 U/echo", "-s -A '' U/echo",
        "-s -e http://ref.example/ U/echo", "-s -b a=b U/echo", "-s -u ann:secret U/echo", "-s http://ann:s%40c@H/echo",
        "-s -u ann:secret http://bob:x@H/echo", "-s --oauth2-bearer token U/echo", "-s -r 0-4 U/range",
        "-s -r -3 U/range",
        "-s -n U/echo", "-s --netrc-file logins U/echo", "-s --netrc-optional --netrc-file missing U/echo",
        "-s --compressed U/coded", "-s -K conf", "-s -K - U/stdin", "-s -q U/echo",
        // Bodies
        "-s -d a=1 -d b=2 U/echo", "-sd a=1 U/echo", "-s -d@file U/echo", "-s -d @- U/echo", "-s -d '' U/echo",
        "-s --data-raw @x -d y U/echo", "-s -d y --data-raw @x U/echo", "-s --data-binary @file U/echo",
        "-s --data-binary @- U/echo", "-s --data-ascii @file U/echo",
        "-s --data-urlencode 'a b&c' --data-urlencode 'n=x y' --data-urlencode n@file --data-urlencode '=a=b' U/echo",
        #"-s --json '{"a":1}' U/echo"#, "-s --json '{' --json '}' -H 'Accept: x/y' U/echo",
        "-s -G -d a=1 --data-urlencode 'b=c d' 'U/echo?z=0'", "-sI -G -d a=1 U/echo", "-s -G U/echo",
        "-s -d x -H 'Content-Type: text/plain' U/echo", "-s -d x -H 'Content-Type:' U/echo",
        "-s -F a=b -F f=@file.txt U/echo", "-s -F 'f=@file;type=text/csv;filename=n.csv' -F 't=<file' U/echo",
        "-s -F 'a=x;type=application/json' --form-string 'b=@;c' U/echo", "-s -F f=@- U/echo", "-s -F x= U/echo",
        "-s -T file U/echo", "-s -T file U/folder/", "-s -T - U/echo", "-s -T file -X POST U/echo", "-sT file U/a U/b",
        "-s -d a=1 U/redirect/302", "-s -d a=1 U/redirect/307", "-s --post301 -d a=1 U/redirect/301",
        "-s --post302 -d a=1 U/redirect/302", "-s --post303 -d a=1 U/redirect/303",
        // Redirects, time, and conditions
        "-s U/redirect/302", "-s --no-location U/redirect/302", "-s --max-redirs 3 U/loop",
        "-s --max-redirs 0 U/redirect/302",
        "-s -m 3600 --connect-timeout 3600 U/echo", "-s --max-time 3600 U/echo",
        "-s --retry 1 --retry-delay 1 -o out U/flaky",
        "-s --retry 1 -X PATCH -d a=1 --retry-delay 1 -o out U/flaky",
        "-s --limit-rate 1G U/echo", "-s --max-filesize 3 U/echo", "-s --max-filesize 1M U/echo",
        "-s -z 'Mon, 30 Nov 2020 12:00:00 GMT' U/dated", "-s -z 20190101 U/dated", "-s -z old U/dated",
        "-s -z -20300101 U/dated", "-s -z -20300101 -o out U/dated", "-s -z new -o new U/dated",
        "-s -z '30 Nov 2020 13:00:00 +0100' U/dated", "-s --etag-save tag2 U/tagged",
        "-s --etag-compare tag -o out U/tagged",
        "-s --etag-compare none --etag-save none U/tagged",
        // -w
        "-s -w @format U/echo", #"-s -w '%{http_code}\n' -o /dev/null U/status/404"#, "-s -w '%{header_json}' U/echo",
        #"-s -o out -w '%{filename_effective} %header{x-b} %% \t|%{onerror}no\n' U/echo"#,
        "-sf -w '%{exitcode}%{onerror} yes' U/status/500", "-s -w '%{http_code} %{exitcode}' http://127.0.0.1:1/",
        "-s -w '%{size_download} %{content_type} %{num_redirects} %{url_effective} %{method} %{scheme}' U/redirect/302",
        "-s -w '%{response_code} %{http_version} %{remote_ip} %{num_headers} %{size_upload} %{local_ip}' -d a=1 U/echo",
        "-s -w '%{url} %{urlnum} %{referer} %{size_header} %{remote_port}' -e r U/a U/b",
        "-s -w '%{redirect_url}' --no-location U/redirect/302", "-s -w '%{stderr}x' U/echo",
    ]

    @Test(arguments: calls)
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

    @Test(arguments: [
        ("-H Name U/", "--header: \"Name: value\", \"Name:\" or \"Name;\" is needed."),
        ("-H 'Name; x' U/", "--header: there is a text after \"Name;\"."),
        ("-H Host: U/", "--header: the field host cannot be left out."),
        ("-H 'a b: c' U/", "\"a…\" is not a valid field name"), ("-X 'a b' U/", "\"a b\" is not a valid method."),
        ("-r x U/", "--range: \"x\" is not a range."), ("-e 'x;auto' U/", "--referer: \";auto\" is not supported."),
        ("-F a=@x,y U/", "-F a: several files in one part are not supported; repeat -F."),
        ("-F 'a=b;c' U/", "-F a: \"c\" is not an attribute; see --form-string."),
        ("-F a=@missing U/", "missing cannot be read."), ("-d @missing U/", "missing cannot be read."),
        ("-T missing U/", "missing cannot be read as a regular file; -T - sends standard input."),
        ("-w '%{nosuch}' U/", "--write-out: there is no variable \"nosuch\"."),
        ("-w @missing U/", "missing cannot be read."), ("-K headers U/", "headers:1: there is no option --X-One."),
        ("-H @missing U/", "missing cannot be read."), ("--netrc-file missing U/", "missing cannot be read."),
        ("--netrc-file file U/", "file: a word is not a keyword."), ("--retry -1 U/", "--retry must be at least 0."),
        ("--retry-delay 1 U/", "--retry-delay, --retry-connrefused and --retry-all-errors need --retry."),
        ("--max-redirs -2 U/", "--max-redirs must be at least -1."),
        ("--parallel-max 0 U/", "--parallel-max must be at least 1."),
        ("--etag-save x U/ U/", "--har, -C and --etag-save are for one URL."), ("-X", "-X needs a value."),
        ("--fail --fail-with-body U/", "--fail and --fail-with-body cannot be combined."),
        ("-G -F a=b U/", "-G cannot be combined with -F."),
        ("-F a=b -H Content-Type: U/", "-F needs the field Content-Type."),
        ("-Id a U/", "-I cannot be combined with a body; -G makes data a query."),
        ("--raw --compressed U/", "--raw and --compressed cannot be combined."),
        ("--limit-rate 0 U/", "The value '0' is invalid for '--limit-rate <bytes/second>'"),
    ])
    func `bad input is a usage error, and nothing is sent`(_ call: String, _ reason: String) async throws {
        let run = try await Outcome(of: call, by: [TestProgram.path(of: "http-handles")], on: Self.server)
        #expect(run.status == 2)
        #expect(run.errors.hasPrefix("Error: \(reason)\n"), "\(run.errors)")
        #expect(run.output == "")
        #expect(run.requests == [])
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
        errors = text(scratch.contents("errors"))
            .replacing(/[^\n]*libcurl[^\n]*: no version information available[^\n]*\n/, with: "")
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
