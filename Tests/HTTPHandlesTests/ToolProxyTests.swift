import HTTPHandles
import HTTPHandlesTesting
import Testing

/// The proxy options of the tool, compared with the curl command: what comes back, and what the proxy has seen.
@Suite("Proxy options of the tool", .timeLimit(.minutes(5)))
struct ToolProxyTests {
    /// Runs curl or the tool. `HTTP`, `ASKING`, `TLS`, `TINY`, `SOCKS`, `LOCKED` and `SCRIPT` in an argument are ports, `CA` is a
    /// file.
    private static func run(_ program: [String], _ words: String, _ script: Int, _ url: String) async throws
        -> TestProgram
    {
        let servers = try ProxyServers.shared.get()
        var words = words
        for (name, value) in [
            ("HTTP", "\(servers.http.address.port)"), ("ASKING", "\(servers.asking.address.port)"),
            ("TLS", "\(servers.https.address.port)"), ("TINY", "\(servers.tinyproxy.address.port)"),
            ("SOCKS", "\(servers.socks5.address.port)"), ("LOCKED", "\(servers.askingSOCKS.address.port)"),
            ("SCRIPT", "\(script)"), ("CA", try Nginx.shared.get().authorityFile),
        ] { words = words.replacing(name, with: value) }
        // Variables of the environment come first.
        let parts = words.split(separator: " ").map(String.init)
        let variables = parts.prefix { $0.contains("=") && !$0.hasPrefix("-") }
        let clean = ["-u", "http_proxy", "-u", "https_proxy", "-u", "all_proxy", "-u", "no_proxy"]
        return try await TestProgram.run(
            "/usr/bin/env",
            clean + variables + program + parts.dropFirst(variables.count) + [url]
        )
    }

    private static let curl = ["curl", "-q", "-s"]
    private static let tool = [TestProgram.path(of: "http-handles"), "get"]

    /// squid keeps the state of a login for a user, so each case with a password has a user of its own.
    @Test(arguments: [
        "-x http://127.0.0.1:HTTP", "--proxy 127.0.0.1:HTTP", "-x 127.0.0.1:TINY", "-p -x http://127.0.0.1:HTTP",
        "--proxytunnel -x 127.0.0.1:HTTP", "-x http://127.0.0.1:ASKING",
        "-x http://tool-1:op3n%20s3same@127.0.0.1:ASKING",
        "-x http://tool-2:wrong@127.0.0.1:ASKING", "-U tool-3:wrong -x http://tool-3:op3n%20s3same@127.0.0.1:ASKING",
        "--proxy-digest -x http://tool-4:op3n%20s3same@127.0.0.1:ASKING",
        "--proxy-anyauth -x http://tool-5:op3n%20s3same@127.0.0.1:ASKING",
        "--proxy-digest -p -x http://tool-6:op3n%20s3same@127.0.0.1:ASKING",
        "--proxy-basic -x http://tool-7:op3n%20s3same@127.0.0.1:ASKING",
        "-p -x http://127.0.0.1:ASKING", "-x https://localhost:TLS --proxy-cacert CA", "-x https://localhost:TLS",
        "-x https://localhost:TLS --proxy-insecure", "-p -x https://localhost:TLS --proxy-cacert CA",
        "--socks5 127.0.0.1:SOCKS", "--socks5-hostname 127.0.0.1:SOCKS", "--socks4 127.0.0.1:SOCKS",
        "--socks4a 127.0.0.1:SOCKS", "-x socks5h://127.0.0.1:SOCKS", "-x socks5://me:op3n%20s3same@127.0.0.1:LOCKED",
        "-x socks5h://127.0.0.1:LOCKED", "-x socks5h://me:wrong@127.0.0.1:LOCKED", "-x 127.0.0.1:1",
        "-x http://127.0.0.1:1 --noproxy 127.0.0.1", "-x http://127.0.0.1:1 --noproxy *",
        "-x http://127.0.0.1:1 --noproxy other",
        "http_proxy=http://127.0.0.1:HTTP", "http_proxy=http://127.0.0.1:1", "HTTP_PROXY=http://127.0.0.1:1",
        "all_proxy=http://127.0.0.1:1", "ALL_PROXY=socks5h://127.0.0.1:SOCKS", "https_proxy=http://127.0.0.1:1",
        "http_proxy=http://127.0.0.1:1 no_proxy=127.0.0.0/8", "http_proxy=http://127.0.0.1:1 NO_PROXY=localhost",
        "http_proxy=http://127.0.0.1:1 --noproxy 127.0.0.1", "no_proxy=127.0.0.1 -x http://127.0.0.1:1",
        "http_proxy=http://127.0.0.1:1 no_proxy=127.0.0.1 --noproxy other",
        "http_proxy=http://127.0.0.1:1 -x http://127.0.0.1:HTTP",
    ])
    func `the body, or a failure, is the same`(_ words: String) async throws {
        let nginx = try Nginx.shared.get()
        let theirs = try await Self.run(Self.curl, words, 0, nginx.http("/hello"))
        let ours = try await Self.run(Self.tool, words, 0, nginx.http("/hello"))
        #expect((ours.status == 0) == (theirs.status == 0), "\(ours.output)")
        // The texts of a proxy itself have the time in them.
        if [ours.output, theirs.output].contains("hello") { #expect(ours.output == theirs.output) }
        // A libcurl from PyPI looks for the authorities of another system, and curl ends with 77 where there are none.
        #expect(ours.status == (theirs.status == 77 ? 60 : theirs.status), "\(ours.output)")
    }

    @Test(arguments: [
        "-x http://127.0.0.1:SCRIPT", "-p -x http://127.0.0.1:SCRIPT", "-p -x http://me:secret@127.0.0.1:SCRIPT",
        "-x http://127.0.0.1:SCRIPT -U me:secret",
        "-x http://127.0.0.1:SCRIPT --proxy-header X-One:1 --proxy-header X-Two:2",
        "-p -x http://127.0.0.1:SCRIPT --proxy-header X-One:1 -H X-Two:2",
        "-p -x http://127.0.0.1:SCRIPT -u you:secret",
        "http_proxy=http://me:p%40ss@127.0.0.1:SCRIPT",
    ])
    func `the proxy sees the same`(_ words: String) async throws {
        func heads(_ program: [String]) async throws -> [[String]] {
            let proxy = try ProxyTests.Scripted()
            let run = try await Self.run(program, words, proxy.server.port, "http://origin.example/path")
            #expect(run.output == "hello")
            return proxy.heads.all.map { head in
                // What both say of themselves.
                head.lines.filter { !$0.hasPrefix("User-Agent") && !$0.hasPrefix("Accept") }
                    // curl sends fields as they are given.
                    .map { $0.replacing(": ", with: ":") }
            }
        }
        let theirs = try await heads(Self.curl)
        #expect(!theirs.isEmpty)
        #expect(try await heads(Self.tool) == theirs)
    }

    @Test(arguments: [
        ("-x ftp://127.0.0.1", "a proxy cannot have the scheme ftp"), ("-x http://h:p", "its port is not a number"),
        ("-x h:1 --noproxy 10.0.0.0/99", "\"10.0.0.0/99\" cannot be an entry of a bypass list"),
        ("-x h:1 --socks5 h:1", "one proxy only"), ("-x h:1 -U me", "NAME:PASSWORD"),
        ("-x h:1 --proxy-header Proxy-Connection:close", "the field Proxy-Connection is not allowed"),
    ])
    func `usage errors`(_ words: String, _ reason: String) async throws {
        let run = try await Self.run(Self.tool, words, 0, "http://127.0.0.1:1/")
        #expect(run.status == 2)
        #expect(run.output.contains(reason), "\(run.output)")
    }
}
