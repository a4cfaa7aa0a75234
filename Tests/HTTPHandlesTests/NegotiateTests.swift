import HTTPHandles
import HTTPHandlesTesting
import Testing

/// Negotiate with a real ticket: MIT Kerberos, Apache with its GSSAPI module, and squid.
@Suite("Negotiate authentication", .timeLimit(.minutes(5)))
struct NegotiateTests {
    private static let tool = [TestProgram.path(of: "http-handles"), "get", "--negotiate"]
    private static let curl = ["/usr/bin/env", "curl", "-q", "-s", "--noproxy", "*", "--negotiate", "-u", ":"]

    private static func isSupported() async throws -> Bool {
        try await SessionHandle().option(.linkedLibrary).has(.negotiate)
    }

    @Test func `a ticket authenticates the user, after a challenge`() async throws {
        guard try await Self.isSupported() else { return }
        let realm = try KerberosRealm()
        let run = try await realm.run(Self.tool + [realm.url()])
        #expect(run.output == "hello")
        let requests = await realm.requests(2)
        #expect(requests == ["- GET 401 -", "ann@TEST.EXAMPLE GET 200 -"])
    }

    @Test func `a body is sent with the ticket`() async throws {
        guard try await Self.isSupported() else { return }
        let realm = try KerberosRealm()
        let run = try await realm.run(Self.tool + ["-d", "a=1", realm.url()])
        #expect(run.output == "hello")
        let requests = await realm.requests(2)
        #expect(requests == ["- POST 401 3", "ann@TEST.EXAMPLE POST 200 3"])
    }

    @Test func `without a ticket the challenge is the response`() async throws {
        guard try await Self.isSupported() else { return }
        let realm = try KerberosRealm()
        for command in [Self.tool + ["--include"], Self.curl + ["-i"]] {
            let run = try await realm.run(command + [realm.url()], hasTicket: false)
            #expect(run.output.hasPrefix("HTTP/1.1 401 Unauthorized\r\n"), "\(run.output)")
        }
    }

    @Test(arguments: [[], ["--proxytunnel"]])
    func `a ticket for a proxy`(_ tunnel: [String]) async throws {
        guard try await Self.isSupported() else { return }
        let realm = try KerberosRealm()
        let server = try OptionEffectTests.hello()
        let proxy = ["--proxy-negotiate", "--proxy", "http://localhost:\(realm.proxyPort)"] + tunnel
        let tool = [TestProgram.path(of: "http-handles"), "get"] + proxy
        let run = try await realm.run(tool + [server.url()])
        #expect(run.output == "hello")
        let method = tunnel.isEmpty ? "GET" : "CONNECT"
        // The first one is from the setup.
        let requests = await realm.proxyRequests(3)
        #expect(requests.suffix(2) == ["- \(method) 407", "ann@TEST.EXAMPLE \(method) 200"])
        let denied = try await realm.run(tool + ["--include", server.url()], hasTicket: false)
        if tunnel.isEmpty {
            #expect(denied.output.hasPrefix("HTTP/1.1 407 "), "\(denied.output)")
        } else {
            #expect(denied.status != 0 && denied.output.contains("loginFailure"), "\(denied.output)")
        }
        // Proxy and server, which libcurl 8.23 cannot both where there is a tunnel.
        let both = try await realm.run(tool + ["--negotiate", realm.url()])
        let theirs = try await realm.run(Self.curl + ["--noproxy", "", "-U", ":"] + proxy + [realm.url()])
        #expect(both.output == theirs.output)
        #expect(both.output == "hello" || !tunnel.isEmpty)
        #expect(server.connectionsAccepted == 1)
    }
}
