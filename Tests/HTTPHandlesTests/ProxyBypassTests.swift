import Foundation
import HTTPHandles
import HTTPHandlesTesting
import Testing

/// The bypass list, compared with `--noproxy` of the curl command (7.88).
@Suite("Bypass lists of proxies", .timeLimit(.minutes(5)))
struct ProxyBypassTests {
    struct Case: Sendable {
        let list: String
        let host: String
        /// Whether the connection is direct.
        let isDirect: Bool
        /// What curl does where that is something else.
        var curl: Bool?

        init(_ list: String, _ host: String, _ isDirect: Bool, curl: Bool? = nil) {
            (self.list, self.host, self.isDirect, self.curl) = (list, host, isDirect, curl)
        }
    }

    static let cases: [Case] = [
        // Names
        Case("example.com", "example.com", true), Case("example.com", "www.example.com", true),
        Case("example.com", "a.b.example.com", true), Case("example.com", "nonexample.com", false),
        Case("example.com", "example.com.au", false), Case("example.com", "com", false),
        Case(".example.com", "example.com", true), Case(".example.com", "www.example.com", true),
        Case(".example.com", "nonexample.com", false), Case("example.com.", "example.com", true),
        Case("example.com", "example.com.", true), Case(".example.com.", "www.example.com.", true),
        Case("EXAMPLE.com", "example.COM", true), Case("com", "example.com", true), Case(".com", "example.com", true),
        Case("om", "example.com", false), Case("xample.com", "example.com", false),
        Case("www.example.com", "example.com", false), Case("localhost", "localhost", true),
        Case("localhost", "notlocalhost", false), Case("local", "localhost", false),
        Case("a-b_c.example", "a-b_c.example", true),
        // Lists
        Case("a.example,example.com", "example.com", true), Case("a.example, example.com", "example.com", true),
        Case("a.example example.com", "example.com", true), Case("a.example ,example.com", "example.com", true),
        Case(" example.com ", "example.com", true), Case(",,example.com,,", "example.com", true),
        Case("a.example,b.example", "example.com", false), Case(",", "example.com", false),
        Case("a.example\texample.com", "example.com", true),
        // Everything
        Case("*", "example.com", true), Case("*", "127.0.0.7", true), Case("*", "[::7]", true),
        Case("a.example,*", "example.com", true, curl: false), Case("*,a.example", "example.com", true, curl: false),
        Case("*.example.com", "www.example.com", true, curl: false), Case("*.example.com", "example.com", false),
        Case("www.*", "www.example.com", true, curl: false),
        Case("w*w.example.com", "www.example.com", true, curl: false),
        // IPv4
        Case("192.0.2.1", "192.0.2.1", true), Case("192.0.2.1", "192.0.2.10", false),
        Case("192.0.2.1", "192.0.2.2", false),
        Case("192.0.2.0/24", "192.0.2.99", true), Case("192.0.2.0/24", "192.0.3.1", false),
        Case("192.0.2.99/24", "192.0.2.1", true), Case("192.0.0.0/9", "192.127.0.1", true),
        Case("192.0.0.0/9", "192.128.0.1", false), Case("192.0.2.1/32", "192.0.2.1", true),
        Case("192.0.2.1/32", "192.0.2.0", false), Case("192.0.2.1/31", "192.0.2.0", true),
        Case("128.0.0.0/1", "192.0.2.1", true), Case("128.0.0.0/1", "127.0.0.1", false),
        Case("0.0.0.0/0", "192.0.2.1", true, curl: false), Case("192.0.2", "192.0.2.1", false),
        Case("2.1", "192.0.2.1", false), Case("1", "192.0.2.1", false), Case("192.0.2.1", "example.com", false),
        Case("example.com", "192.0.2.1", false), Case("10.0.0.0/8,192.0.2.0/24", "192.0.2.1", true),
        Case("192.0.2.*", "192.0.2.1", true, curl: false),
        // IPv6, which curl 7.88 compares as text
        Case("::7", "[::7]", true), Case("::7", "[0:0:0:0:0:0:0:7]", true),
        Case("0:0:0:0:0:0:0:7", "[::7]", true, curl: false),
        Case("2001:db8::1", "[2001:db8::2]", false), Case("2001:db8::/32", "[2001:db8:1::1]", true, curl: false),
        Case("2001:db8::/32", "[2001:db9::1]", false), Case("2001:DB8::/33", "[2001:db8:7fff::1]", true, curl: false),
        Case("2001:db8::/33", "[2001:db8:8000::1]", false), Case("fe80::/10", "[febf::1]", true, curl: false),
        Case("fe80::/10", "[fec0::1]", false), Case("::/0", "[::7]", true, curl: false),
        Case("::7/128", "[::7]", true, curl: false),
        Case("[::7]", "[::7]", true, curl: false), Case("192.0.2.0/24", "[::7]", false),
        Case("::/0", "192.0.2.1", false),
        Case("::ffff:192.0.2.1", "192.0.2.1", false),
        // Only here
        Case("example.com:80", "example.com", true, curl: false), Case("example.com:81", "example.com", false),
        Case("<local>", "localhost", true, curl: false), Case("<local>", "example.com", false),
        Case("a.example;example.com", "example.com", true, curl: false),
    ]

    @Test func `each case, with the curl command`() async throws {
        try #require(Self.cases.count >= 60)
        let agents = Record<String>()
        let proxy = try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                agents.note(request.head["User-Agent"] ?? "")
                try connection.send("HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n")
            }
        }
        let scratch = try Scratch()
        // The proxy knows a case by its user agent. Direct connections lead to a port that refuses them.
        let transfers = Self.cases.enumerated().map { number, test in
            """
            url = "http://\(test.host)/"
            user-agent = "\(number)"
            noproxy = "\(test.list.replacingOccurrences(of: "\t", with: "\\t"))"
            proxy = "http://127.0.0.1:\(proxy.port)"
            connect-to = "::127.0.0.1:1"
            silent
            """
        }
        let file = try scratch.file("configuration", transfers.joined(separator: "\nnext\n").utf8)
        _ = try await TestProgram.run("/usr/bin/env", ["-u", "LD_LIBRARY_PATH", "curl", "-q", "--config", file])
        let proxied = Set(agents.all.compactMap { Int($0) })
        #expect(!proxied.isEmpty)
        for (number, test) in Self.cases.enumerated() {
            let list = try ProxyBypassList(test.list)
            #expect(list.contains(host: test.host, port: 80) == test.isDirect, "\(test)")
            #expect(!proxied.contains(number) == test.curl ?? test.isDirect, "curl: \(test)")
        }
    }
}
