import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes
import Testing

/// Equal, different and invalid hosts.
@Suite("Hosts", .timeLimit(.minutes(5)))
struct HostTests {
    /// Answers `/hop` with a redirect to `X-Location`; records the heads.
    private static func server(address: String = "127.0.0.1", _ heads: Record<ReceivedHead>) throws -> ScriptedServer {
        try ScriptedServer(address: address) { connection in
            while let request = try connection.readRequest() {
                heads.note(request.head)
                // The received bytes: a `String` would be repaired.
                let name = Array("\r\nX-Location: ".utf8)
                let location = request.head.bytes.firstRange(of: name).map { found in
                    request.head.bytes[found.upperBound...].prefix { $0 != UInt8(ascii: "\r") }
                }
                let hop =
                    location.map { Array("HTTP/1.1 307 R\r\nLocation: ".utf8) + $0 } ?? Array("HTTP/1.1 200 OK".utf8)
                let isHop = request.head.target == "/hop"
                try connection.send(
                    (isHop ? hop : Array("HTTP/1.1 200 OK".utf8)) + "\r\nContent-Length: 0\r\n\r\n".utf8
                )
            }
        }
    }

    private static func fields(location: String) throws -> HTTPFields {
        [try #require(HTTPField.Name("X-Location")): location, .authorization: "Bearer s3cret"]
    }

    // MARK: Same host

    @Test(arguments: [
        ("localhost", "LOCALHOST"), ("LocalHost", "localhost"), ("127.0.0.1", "0x7f.1"), ("127.0.0.1", "2130706433"),
        ("127.0.0.1", "0177.0.0.1"), ("localhost", "%6cocalhost"),
    ])
    func `different spellings of a host are the same origin`(_ first: String, _ second: String) async throws {
        let heads = Record<ReceivedHead>()
        let server = try Self.server(heads)
        let session = try SessionHandle(options: [.set(.ipVersion, to: .v4), .set(.maximumConnectionsPerServer, to: 1)])
        let recorder = EventRecorder(of: session, scope: .tree)
        let urls = [first, second].map { "http://\($0):\(server.port)" }
        let start = try await session.get(urls[0] + "/hop", headerFields: Self.fields(location: urls[1] + "/end"))
        // Credentials and the connection are kept.
        #expect(heads.all.map { $0["authorization"] } == ["Bearer s3cret", "Bearer s3cret"])
        _ = try await start.body.collect(upTo: 0)
        _ = try await session.get(urls[1]).body.collect(upTo: 0)
        _ = try await session.get(urls[0]).body.collect(upTo: 0)
        #expect(server.connectionsAccepted == 1)
        let hosts = Set(heads.all.map { $0["host"] })
        #expect(hosts.count == 1, "\(hosts)")
        try session.closeAll()
        // One connection handle for all.
        let created = try await recorder.finish().filter {
            $0.handle.level == .connection && $0.kind.name == "handleCreated"
        }
        #expect(created.count == 1)
    }

    @Test(arguments: ["localhost.", "127.0.0.2", "[::ffff:127.0.0.1]"])
    func `similar hosts are different origins`(_ host: String) async throws {
        // A trailing dot marks a complete name; in HTTP it is a different host.
        let heads = Record<ReceivedHead>()
        let server = try Self.server(address: "0.0.0.0", heads)
        let session = try SessionHandle()
        let fields = try Self.fields(location: "http://\(host):\(server.port)/end")
        _ = try? await session.get("http://localhost:\(server.port)/hop", headerFields: fields)
        #expect(heads.all.first?["authorization"] == "Bearer s3cret")
        #expect(heads.all.dropFirst().allSatisfy { $0["authorization"] == nil })
    }

    // MARK: Internationalized names

    static let names = [
        ("b\u{FC}cher.example", "xn--bcher-kva.example"), ("BU\u{308}CHER.example", "xn--bcher-kva.example"),
        ("b%C3%BCcher.example", "xn--bcher-kva.example"), ("\u{FF45}xample.com", "example.com"),
        ("example\u{3002}com", "example.com"), ("fa\u{DF}.example", "xn--fa-hia.example"),
    ]

    private static let overrides = ["xn--bcher-kva.example", "example.com", "xn--fa-hia.example"]

    private static func session(_ port: Int) throws -> SessionHandle {
        let overrides = overrides.map { ResolveOverride(host: $0, port: port, address: "127.0.0.1") }
        return try SessionHandle(options: [.set(.resolveOverrides, to: overrides)])
    }

    /// Whether the linked libcurl converts names and returns the result.
    private static func canConvert(_ session: SessionHandle) async throws -> Bool {
        let library = try await session.option(.linkedLibrary)
        return library.features.contains(.internationalNames) && !library.version.hasPrefix("7.87")
    }

    @Test(arguments: names)
    func `an internationalized name is equal to its A-labels`(_ name: String, _ labels: String) async throws {
        let heads = Record<ReceivedHead>()
        let server = try Self.server(heads)
        let session = try Self.session(server.port)
        let url = "http://\(name):\(server.port)/hop"
        guard try await Self.canConvert(session) else {
            let reason =
                "the linked libcurl cannot convert the internationalized host of \"\(url)\""
            await #expect(throws: HandleError(.notSupported, .openRequest, reason: reason)) {
                try await session.get(url)
            }
            return
        }
        let authority = "\(labels):\(server.port)"
        #expect(try await session.get(url).head.url == "http://\(authority)/hop")
        let connection = try await session.connect(to: name.replacing("%C3%BC", with: "\u{FC}"), port: server.port)
        let request = try await connection.openRequest(.get, "/")
        try await request.send()
        _ = try await request.receiveResponse()
        // In `Location` too; both are one origin.
        let response = try await session.get(
            "http://\(authority)/hop",
            headerFields: Self.fields(location: "http://\(name):\(server.port)/end")
        )
        #expect(response.head.url == "http://\(authority)/end")
        #expect(heads.all.map { $0["host"] } == [authority, authority, authority, authority])
        #expect(heads.all.last?["authorization"] == "Bearer s3cret")
    }

    @Test(arguments: [
        // Compatibility characters that are converted to a delimiter: slash, number sign, question mark, at sign, colon.
        "a\u{2100}b.example", "a\u{FF0F}b.example", "a\u{FF03}b.example", "a\u{FF1F}b.example", "u\u{FF20}b.example",
        "a\u{FF1A}1.example", "a\u{FF3C}b.example", "a\u{FF05}2fb.example", "a%2Fb.example", "a%40b.example", "a%00b",
        "a%23b", "a|b", "a\u{301}%2f", "\u{301}", "%FF", "\u{200D}",
    ])
    func `a name that is converted to another host is refused`(_ name: String) async throws {
        let server = try Self.server(Record())
        let session = try SessionHandle()
        for error in [
            await #expect(throws: HandleError.self, "\(name)") { try await session.get("http://\(name)/") },
            await #expect(throws: HandleError.self, "\(name)") {
                try await session.get(server.url("/hop"), headerFields: try Self.fields(location: "http://\(name)/"))
            },
        ] {
            #expect(error?.code == .invalidURL || error?.code == .notSupported, "\(name): \(String(describing: error))")
        }
    }

    @Test func `a name in another charset is refused`() async throws {
        let server = try ScriptedServer { connection in
            while try connection.readRequest() != nil {
                let head = "HTTP/1.1 302 R\r\nContent-Length: 0\r\nLocation: http://b".utf8
                try connection.send(head + [0xFC] + "cher.example/\r\n\r\n".utf8)
            }
        }
        let error = await #expect(throws: HandleError.self) { try await SessionHandle().get(server.url()) }
        #expect(error?.code == .invalidURL || error?.code == .notSupported)
    }

    // MARK: Zones

    @Test(arguments: ["[::1%25lo]", "[::1%lo]", "[::1%251]", "[::1]"])
    func `the zone of an address is used by the system and not sent`(_ host: String) async throws {
        let heads = Record<ReceivedHead>()
        let server = try Self.server(address: "::1", heads)
        let session = try SessionHandle()
        let response = try await session.get("http://\(host):\(server.port)/a")
        #expect(response.status == .ok)
        let request = try await session.connect(to: host, port: server.port).openRequest(.get, "/b")
        try await request.send()
        _ = try await request.receiveResponse()
        let bare = try await session.connect(to: String(host.dropFirst().dropLast()), port: server.port)
        let other = try await bare.openRequest(.get, "/c")
        try await other.send()
        _ = try await other.receiveResponse()
        #expect(heads.all.map { $0["host"] } == Array(repeating: "[::1]:\(server.port)", count: 3))
        #expect(heads.all.map(\.target) == ["/a", "/b", "/c"])
    }

    @Test func `a zone without an interface is an error`() async throws {
        // libcurl would omit the zone, and connect over the system's default interface.
        let heads = Record<ReceivedHead>()
        let server = try Self.server(address: "::1", heads)
        let session = try SessionHandle()
        for zone in ["none", "lo0x", "0", "4294967296", "1x"] {
            let reason = "there is no network interface \"\(zone)\""
            await #expect(throws: HandleError(.cannotConnect, .sendRequest, reason: reason)) {
                try await session.get("http://[::1%25\(zone)]:\(server.port)/")
            }
        }
        #expect(server.connectionsAccepted == 0)
    }

    @Test(arguments: ["[::1]", "[::1%251]"])
    func `two zones are two origins`(_ other: String) async throws {
        let heads = Record<ReceivedHead>()
        let server = try Self.server(address: "::1", heads)
        let session = try SessionHandle()
        _ = try await session.get(
            "http://[::1%25lo]:\(server.port)/hop",
            headerFields: Self.fields(location: "http://\(other):\(server.port)/end")
        )
        _ = try await session.get(
            "http://[::1%25lo]:\(server.port)/hop",
            headerFields: Self.fields(location: "/end")
        )
        #expect(heads.all.map { $0["authorization"] != nil } == [true, false, true, true])
    }

    @Test(arguments: [
        "[::1%]", "[::1%25a%20b]", "[::1%25a b]", "[::1%25a/b]", "[::1%25aaaaaaaaaaaaaaaa]", "[%25lo]",
        "[::1%25lo", "[127.0.0.1%25lo]", "[::1%25l\u{F6}]", "[v1.x]", "[::1]x",
    ])
    func `a malformed zone`(_ host: String) async throws {
        let session = try SessionHandle()
        let error = await #expect(throws: HandleError.self) { try await session.get("http://\(host)/") }
        #expect(error?.code == .invalidURL, "\(String(describing: error))")
    }
}
