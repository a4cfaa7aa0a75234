import Foundation
import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes
import Testing

/// The cookie jar of a session, with a real server.
@Suite("Cookies", .timeLimit(.minutes(5)))
struct CookieTests {
    let scratch: Scratch
    let server: ScriptedServer
    let session: SessionHandle

    /// Names of the server. libcurl treats 127.0.0.1 like https, but not these.
    static let hosts = [
        "www.example.com", "example.com", "other.example.com", "example.net", "www.example.co.uk", "example.co.uk",
        "other.co.uk",
    ]

    init() throws {
        scratch = try Scratch()
        server = try Self.mirror()
        session = try Self.session(server)
    }

    static func session(_ server: ScriptedServer, _ options: [OptionSetting] = []) throws -> SessionHandle {
        let overrides = hosts.map { ResolveOverride(host: $0, port: server.port, address: "127.0.0.1") }
        return try SessionHandle(options: [.set(.resolveOverrides, to: overrides)] + options)
    }

    /// Sets the cookies of the `X-Set` fields, redirects to `X-Location`, and answers with the `Cookie` fields.
    static func mirror() throws -> ScriptedServer {
        try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                let lines = request.head.lines
                func values(_ name: String) -> [String] {
                    lines.filter { $0.lowercased().hasPrefix("\(name): ") }.map { String($0.dropFirst(name.count + 2)) }
                }
                let body = values("cookie").joined(separator: " & ")
                let location = values("x-location").first.map { "Location: \($0)\r\n" } ?? ""
                let isHop = !location.isEmpty && request.head.target != "/end"
                try connection.send(
                    "HTTP/1.1 \(isHop ? "307 R" : "200 OK")\r\n\(isHop ? location : "")Content-Length: \(body.utf8.count)\r\n"
                        + values("x-set").map { "Set-Cookie: \($0)\r\n" }.joined() + "\r\n" + body
                )
            }
        }
    }

    func url(_ host: String, _ path: String = "/") -> String { "http://\(host):\(server.port)\(path)" }

    /// Sends a request and returns the `Cookie` field that the server received.
    @discardableResult
    func get(
        _ url: String,
        set lines: [String] = [],
        _ fields: HTTPFields = [:],
        _ session: SessionHandle? = nil
    ) async throws -> String {
        var fields = fields
        fields[values: .set] = lines
        let response = try await (session ?? self.session).get(url, headerFields: fields)
        return Self.sorted(String(decoding: try await response.body.collect(upTo: 20_000), as: UTF8.self))
    }

    /// A `Cookie` field with its cookies in alphabetical order.
    static func sorted(_ field: String) -> String { field.split(separator: "; ").sorted().joined(separator: "; ") }

    /// The jar as "name=value domain path flags".
    func jar(_ session: SessionHandle? = nil) async throws -> [String] {
        try await (session ?? self.session).cookies.list().map { cookie in
            let flags = [(cookie.isSecure, "Secure"), (cookie.isHTTPOnly, "HttpOnly"), (cookie.expires != nil, "ends")]
            let dot = cookie.includesSubdomains ? "." : ""
            return "\(cookie.name)=\(cookie.value) \(dot)\(cookie.domain) \(cookie.path)"
                + flags.filter(\.0).map { " \($0.1)" }.joined()
        }.sorted()
    }

    // MARK: Storing and sending

    @Test func `a cookie is sent to its host and path, and the server can replace and remove it`() async throws {
        let host = "www.example.com"
        #expect(try await get(url(host), set: ["a=1", "b=2; Path=/deep; HttpOnly; Max-Age=1000"]) == "")
        #expect(try await get(url(host)) == "a=1")
        #expect(try await get(url(host, "/deep/er")) == "a=1; b=2")
        #expect(try await get(url(host, "/deeper")) == "a=1")
        #expect(try await get(url("example.com")) == "")
        #expect(try await get(url("other.example.com")) == "")
        #expect(try await jar() == ["a=1 www.example.com /", "b=2 www.example.com /deep HttpOnly ends"])
        try await get(url(host), set: ["a=3", "b=; Path=/deep; Max-Age=0"])
        #expect(try await get(url(host, "/deep/er")) == "a=3")
        try await get(url(host), set: ["a=4; Expires=Sun, 06 Nov 1994 08:49:37 GMT"])
        #expect(try await jar() == [])
        #expect(try await get(url(host)) == "")
    }

    @Test func `the default path is that of the request without its last segment`() async throws {
        try await get(url("example.net", "/one/two"), set: ["a=1"])
        #expect(try await get(url("example.net", "/one/three")) == "a=1")
        #expect(try await get(url("example.net", "/one")) == "a=1")
        #expect(try await get(url("example.net", "/onerous")) == "")
        #expect(try await get(url("example.net")) == "")
    }

    @Test func `a domain is the host or a parent of it, and never a public suffix`() async throws {
        #expect(try await session.option(.linkedLibrary).features.contains(.publicSuffixList))
        try await get(
            url("www.example.co.uk"),
            set: [
                "own=1; Domain=www.example.co.uk", "parent=1; Domain=example.co.uk", "suffix=1; Domain=co.uk",
                "top=1; Domain=uk", "foreign=1; Domain=example.com", "child=1; Domain=deep.www.example.co.uk",
                "tail=1; Domain=ample.co.uk",
            ]
        )
        #expect(try await jar() == ["own=1 .www.example.co.uk /", "parent=1 .example.co.uk /"])
        #expect(try await get(url("example.co.uk")) == "parent=1")
        #expect(try await get(url("other.co.uk")) == "")
    }

    @Test func `a Secure cookie is neither set nor sent without TLS, except on this machine`() async throws {
        try await get(url("example.net"), set: ["a=1; Secure"])
        #expect(try await jar() == [])
        try await session.cookies.set(Cookie(name: "b", value: "2", domain: "example.net", isSecure: true))
        #expect(try await get(url("example.net")) == "")
        // It cannot be replaced without TLS either.
        try await get(url("example.net"), set: ["b=3"])
        #expect(try await jar() == ["b=2 example.net / Secure"])
        try await get(server.url(), set: ["c=1; Secure"])
        #expect(try await get(server.url()) == "c=1")
    }

    @Test func `the requirements of name prefixes are enforced`() async throws {
        try await get(
            server.url(),
            set: [
                "__Secure-a=1", "__Secure-b=1; Secure", "__Host-c=1; Secure; Path=/deep", "__Host-d=1; Secure; Path=/",
                "__Host-e=1; Path=/", "__Host-f=1; Secure; Path=/; Domain=127.0.0.1",
            ]
        )
        let names = try await session.cookies.list().map(\.name).sorted()
        #expect(names.filter { $0 != "__Host-f" } == ["__Host-d", "__Secure-b"])
    }

    @Test func `SameSite is accepted and ignored`() async throws {
        try await get(url("example.net"), set: ["a=1; SameSite=Strict", "b=1; SameSite=None"])
        #expect(try await get(url("example.net")) == "a=1; b=1")
    }

    @Test func `cookies that are too long, too many or malformed are ignored`() async throws {
        let long = String(repeating: "v", count: 5000)
        try await get(url("example.net"), set: ["long=\(long)", "=nameless"])
        #expect(try await session.cookies.list().map(\.name).filter { !$0.isEmpty } == [])
        try await get(url("example.net"), set: (0..<60).map { "n\($0)=1" })
        #expect(try await session.cookies.list().filter { $0.domain == "example.net" }.count <= 51)
        let filling = (0..<10).map { "m\($0)=\(String(repeating: "v", count: 2000)); Path=/" }
        for line in filling { try await get(url("example.com"), set: [line]) }
        #expect(try await get(url("example.com")).utf8.count < 8200)
    }

    @Test func `a jar has a limit, and a site that exceeds it loses its own cookies`() async throws {
        let lines = (0..<2990).map { "many.example\tFALSE\t/\tFALSE\t0\tn\($0)\tv" }
        try await session.cookies.load(from: scratch.file("jar", Array(lines.joined(separator: "\n").utf8)))
        try await session.cookies.set(Cookie(name: "a", value: "1", domain: "example.net"))
        for turn in 0..<6 { try await get(url("example.com"), set: (0..<50).map { "t\(turn)n\($0)=1" }) }
        let full = try await session.cookies.list()
        #expect(full.count <= 3000 + 256)
        try await session.cookies.set(Cookie(name: "b", value: "1", domain: "example.net"))
        let rest = try await session.cookies.list()
        #expect(rest.count == 3000)
        #expect(rest.filter { $0.domain == "example.com" }.count == 300)
        #expect(rest.filter { $0.domain == "example.net" }.map(\.name) == ["a", "b"])
        #expect(rest.first { $0.domain == "many.example" }?.name == "n292")
    }

    // MARK: Hops and fields of the caller

    @Test func `a hop sends the cookies that the hop before it has set`() async throws {
        #expect(try await get(url("example.com"), set: ["a=1"], [.location: "/end"]) == "a=1")
        let cross: HTTPFields = [.location: url("example.net", "/end"), .cookie: "own=1"]
        #expect(try await get(url("example.com"), set: ["b=1"], cross) == "")
        // The first hop set it for its own host; at the second, the server set it again and nothing else was sent.
        #expect(try await get(url("example.net")) == "b=1")
        #expect(try await get(url("example.com")) == "a=1; b=1")
    }

    @Test func `a field of the caller follows those of the jar, and belongs to its request only`() async throws {
        try await get(url("example.com"), set: ["a=1"])
        #expect(try await get(url("example.com"), [.cookie: "own=2; more=3"]) == "a=1; more=3; own=2")
        #expect(try await get(url("example.com")) == "a=1")
        var two: HTTPFields = [:]
        two[values: .cookie] = ["x=1", "y=2"]
        #expect(try await get(url("example.com"), two) == "a=1; x=1; y=2")
        #expect(try await get(url("example.net"), [.cookie: "own=2"]) == "own=2")
        #expect(try await get(url("example.net")) == "")
        #expect(try await get(url("example.com"), [.age: "1"]) == "a=1")
        // A field of the caller is not stored.
        #expect(try await jar() == ["a=1 example.com /"])
    }

    @Test func `a field of the caller is not sent to another origin, and the jar is used at each hop`()
        async throws
    {
        try await session.cookies.set(Cookie(name: "near", value: "1", domain: "example.com"))
        try await session.cookies.set(Cookie(name: "far", value: "1", domain: "example.net"))
        #expect(try await get(url("example.com"), [.location: "/end", .cookie: "own=1"]) == "near=1; own=1")
        let cross = url("example.net", "/end")
        #expect(try await get(url("example.com"), [.location: cross, .cookie: "own=1"]) == "far=1")
    }

    @Test func `a Host field determines the host for its own request only`() async throws {
        let host = try #require(HTTPField.Name("Host"))
        try await session.cookies.set(Cookie(name: "a", value: "1", domain: "example.com"))
        #expect(try await get(server.url(), [host: "example.com"]) == "a=1")
        #expect(try await get(server.url()) == "")
        #expect(try await get(server.url(), [.age: "1"]) == "")
    }

    // MARK: On and off

    @Test func usesCookies() async throws {
        let session = try Self.session(server, [.set(.usesCookies, to: false)])
        try await get(url("example.com"), set: ["a=1"], session)
        #expect(try await get(url("example.com"), session) == "")
        #expect(try await jar(session) == [])
        try await session.setOption(.usesCookies, to: true)
        try await get(url("example.com"), set: ["a=1"], session)
        #expect(try await get(url("example.com"), session) == "a=1")
    }

    @Test func `cookies can be off and on again with the same easy handle`() async throws {
        let connection = try await session.connect(to: "example.com", port: server.port)
        for (turn, isOn) in [true, false, true, true, false, false, true].enumerated() {
            let request = try await connection.openRequest(
                .get,
                "/",
                headerFields: [.set: "n\(turn)=1", .age: "\(turn)"]
            )
            try await request.setOption(.usesCookies, to: isOn)
            try await request.send()
            _ = try await request.receiveResponse()
            let seen = Self.sorted(String(decoding: try await request.body.collect(upTo: 1000), as: UTF8.self))
            let expected = [0: [], 2: [0], 3: [0, 2], 6: [0, 2, 3]][turn] ?? []
            #expect(seen == expected.map { "n\($0)=1" }.joined(separator: "; "), "\(turn)")
            try request.close()
            await request.closed()
        }
        #expect(try await jar().map { $0.prefix(2) } == ["n0", "n2", "n3", "n6"])
    }

    @Test func `sessions share nothing`() async throws {
        let other = try Self.session(server)
        try await get(url("example.com"), set: ["a=1"])
        #expect(try await get(url("example.com"), other) == "")
        #expect(try await jar(other) == [])
    }

    // MARK: Access by the caller

    @Test func `cookies are set, replaced and removed before anything is sent`() async throws {
        var cookie = Cookie(
            name: "a",
            value: "1",
            domain: "Example.com",
            includesSubdomains: true,
            expires: 4_000_000_000
        )
        try await session.cookies.set(cookie)
        cookie.value = "two words"
        try await session.cookies.set(cookie)
        try await session.cookies.set(
            Cookie(name: "b", value: "", domain: "www.example.com", path: "/p", isHTTPOnly: true)
        )
        #expect(try await jar() == ["a=two words .Example.com / ends", "b= www.example.com /p HttpOnly"])
        #expect(try await session.cookies.list().contains(cookie))
        #expect(try await get(url("www.example.com", "/p")) == "a=two words; b=")
        cookie.domain = "example.com"
        try await session.cookies.remove(cookie)
        #expect(try await jar() == ["b= www.example.com /p HttpOnly"])
        #expect(try await get(url("www.example.com")) == "")
        try await session.cookies.removeAll()
        #expect(try await jar() == [])
    }

    @Test(arguments: [
        Cookie(name: "", value: "v", domain: "example.com"), Cookie(name: "a=b", value: "v", domain: "example.com"),
        Cookie(name: "a", value: "s3cret\tv", domain: "example.com"),
        Cookie(name: "a", value: "s3cret\r\nv", domain: "example.com"),
        Cookie(name: "a", value: "s3cret;v", domain: "example.com"),
        Cookie(name: "a", value: String(repeating: "s3cret", count: 1000), domain: "example.com"),
        Cookie(name: "a", value: "s3cret", domain: ""), Cookie(name: "a", value: "s3cret", domain: "exämple.com"),
        Cookie(name: "a", value: "s3cret", domain: ".example.com"),
        Cookie(name: "a", value: "s3cret", domain: "Set-Cookie: x"),
        Cookie(name: "a", value: "s3cret", domain: "#comment"),
        Cookie(name: "a", value: "s3cret", domain: "x", path: "p"),
        Cookie(name: "a", value: "s3cret", domain: "127.0.0.1", includesSubdomains: true),
        Cookie(name: "a", value: "s3cret", domain: "x", expires: 0),
        Cookie(name: "__Secure-a", value: "s3cret", domain: "x"),
        Cookie(name: "__Secure-\u{301}a", value: "s3cret", domain: "x"),
        Cookie(name: "a=\u{301}b", value: "s3cret", domain: "x"),
        Cookie(name: "a", value: "s3cret;\u{301}v", domain: "x"),
        Cookie(name: "__hOST-a", value: "s3cret", domain: "x", path: "/deep", isSecure: true),
    ])
    func `an invalid cookie is refused, and the error hides its value`(cookie: Cookie) async throws {
        let error = await #expect(throws: HandleError.self) { try await session.cookies.set(cookie) }
        #expect(error?.code == .invalidParameter)
        #expect(error?.operation == .accessCookies)
        #expect(!"\(error as Any) \(cookie) \(String(reflecting: cookie))".contains("s3cret"))
        #expect(try await jar() == [])
    }

    @Test func `a jar can be saved and loaded, also with curl`() async throws {
        let path = scratch.path("jar")
        let text = "a=\u{E9}1"
        try await get(url("example.com"), set: [text, "b=2; HttpOnly; Domain=example.com; Max-Age=9999"])
        try await session.cookies.set(Cookie(name: "empty", value: "", domain: "example.com"))
        try await session.cookies.save(to: path)
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        #expect(scratch.names == ["jar"])
        let next = try Self.session(server)
        #expect(try await next.cookies.load(from: path) == 3)
        #expect(try await jar(next) == jar())
        #expect(try await get(url("example.com"), next) == get(url("example.com")))

        let command =
            "curl -s --noproxy '*' --resolve example.com:\(server.port):127.0.0.1 -b \"$1/jar\" -c \"$1/curl\""
        try runShell("\(command) -H 'X-Set: c=3' \(url("example.com")) -o \"$1/seen\"", scratch.folder)
        let seen = String(decoding: scratch.contents("seen") ?? [], as: UTF8.self)
        #expect(Set(seen.split(separator: "; ")) == ["a=\u{E9}1", "b=2", "empty="])
        #expect(try await next.cookies.load(from: scratch.path("curl")) == 4)
        #expect(try await get(url("example.com"), next).contains("c=3"))
    }

    @Test func `malformed lines are skipped, and an unreadable file is an error`() async throws {
        let lines = [
            "# a comment", "", "example.com\tFALSE\t/\tFALSE\t0\tgood\t1", "example.com\tFALSE\t/\tFALSE\tsoon\tbad\t1",
            "example.com\tFALSE\t/\tFALSE\t0", "ALL", "\u{0}", "example.com\tFALSE\t/\tFALSE\t1000\told\t1",
            "exa\u{0}mple.com\tFALSE\t/\tFALSE\t0\tnul\t1",
        ]
        let path = try scratch.file("jar", Array(lines.joined(separator: "\r\n").utf8))
        #expect(try await session.cookies.load(from: path) == 2)
        #expect(try await jar() == ["good=1 example.com /"])
        let missing = await #expect(throws: HandleError.self) { try await session.cookies.load(from: path + "-") }
        #expect(missing?.code == .fileNotReadable && missing?.operation == .accessCookies)
        let folder = await #expect(throws: HandleError.self) { try await session.cookies.save(to: scratch.folder) }
        #expect(folder?.code == .fileNotWritable && folder?.operation == .accessCookies)
    }

    @Test func `the jar ends with its session`() async throws {
        let jar = session.cookies
        let path = try scratch.file("jar", [])
        try await jar.set(Cookie(name: "a", value: "1", domain: "example.com"))
        try session.close()
        let closed = HandleError(.invalidHandle, .accessCookies, reason: "the handle is closed")
        await #expect(throws: closed) { try await jar.list() }
        await #expect(throws: closed) { try await jar.removeAll() }
        await #expect(throws: closed) { try await jar.set(Cookie(name: "a", value: "1", domain: "example.com")) }
        await #expect(throws: closed) { try await jar.save(to: path) }
        await #expect(throws: closed) { try await jar.load(from: path) }
        await session.closed()
    }

    /// With credentials that need a challenge, an easy handle is reset between exchanges; libcurl keeps the share.
    @Test func `a reset easy handle uses the jar only if cookies are on`() async throws {
        let url = url("example.com")
        try await session.setOption(.credentials, to: .password(user: "Aladdin", password: "open sesame"))
        try await get(url, set: ["a=1"])
        #expect(try await get(url) == "a=1")
        #expect(try await get(url, set: [], [.cookie: "own=2"]) == "a=1; own=2")
        #expect(try await get(url) == "a=1")
        try await session.setOption(.usesCookies, to: false)
        #expect(try await get(url) == "")
        try await session.setOption(.credentials, to: nil)
        #expect(try await get(url) == "")
        try await session.setOption(.usesCookies, to: true)
        #expect(try await get(url) == "a=1")
    }
}

extension CookieTests {
    @discardableResult
    fileprivate func get(_ url: String, set lines: [String] = [], _ session: SessionHandle) async throws -> String {
        try await get(url, set: lines, [:], session)
    }

    fileprivate func get(_ url: String, _ fields: HTTPFields) async throws -> String {
        try await get(url, set: [], fields, nil)
    }
}

extension HTTPField.Name {
    fileprivate static var set: Self { HTTPField.Name("X-Set") ?? .age }
    fileprivate static var location: Self { HTTPField.Name("X-Location") ?? .age }
}
