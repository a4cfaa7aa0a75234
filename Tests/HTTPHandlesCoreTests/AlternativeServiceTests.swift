import Testing

@testable import HTTPHandlesCore

@Suite("Alternative services (Alt-Svc)")
struct AlternativeServiceTests {
    private static let origin = Origin(isSecure: true, host: "a.example", port: 443)

    private static func received(_ value: String, from origin: Origin = origin) -> AlternativeServices {
        var store = AlternativeServices()
        store.received(value, from: origin, .http2, at: 1000)
        return store
    }

    /// The services in short: version, host, port and age, and "+" for one that persists.
    private static func text(_ services: [AlternativeService]) -> [String] {
        services.map { "\($0.version) \($0.host) \($0.port) \($0.expires - 1000)\($0.persists ? "+" : "")" }
    }

    @Test(
        arguments: [
            ("h2=\":8443\"", ["HTTP/2 a.example 8443 86400"]), ("h3=\":443\"; ma=60", ["HTTP/3 a.example 443 60"]),
            ("http%2F1.1=\"b.example:1\"", ["HTTP/1.1 b.example 1 86400"]),
            ("h2=\"B.Example:1\";ma=\"5\";persist=1", ["HTTP/2 b.example 1 5+"]),
            (" h2 = \"[::1]:1\" ; MA = 5 ; x=y ", ["HTTP/2 ::1 1 5"]),
            ("h2=\"127.0.0.1:1\"; persist=2", ["HTTP/2 127.0.0.1 1 86400"]),
            ("h3-29=\":1\", h2=\":2\",, h3=\":3\"", ["HTTP/2 a.example 2 86400", "HTTP/3 a.example 3 86400"]),
            ("H2=\":1\", foo=bar, h2=\":2\"", ["HTTP/2 a.example 2 86400"]),
            ("h2=\"\\:\\1\"", ["HTTP/2 a.example 1 86400"]),
            ("h2=\":1\";ma=99999999999999999999", ["HTTP/2 a.example 1 \(Int64.max - 1000)"]),
            // What cannot be, and what is over at once, is left out.
            ("h2=\":0\", h2=\":65536\", h2=\"b.example\", h2=\"\", h2=\":x\", h2=\":-1\"", []),
            ("h2=\"b example:1\", h2=\"[b.example]:1\", h2=\"::1:1\", h2=\"[::1:1\", h2=\"0x7f.1:1\"", []),
            ("h2=\"b@c:1\", h2=\"b/c:1\", h2=\"ä.example:1\", h2=\"[fe80::1%25eth0]:1\"", []),
            ("h2=\":1\";ma=0", []), ("h2=\":1\";ma=-1", []), ("h2=\":1\";ma=x", []), ("clear", []), (" clear ", []),
            // What is malformed is ignored as a whole.
            ("", nil), (",", nil), ("h2", nil), ("h2=", nil), ("h2=:1", nil), ("h2=\":1", nil), ("h2=\":1\" x", nil),
            ("h2=\":1\"; ma", nil), ("h2=\":1\";", nil), ("Clear", nil), ("clear, h2=\":1\"", nil),
            ("http/1.1=\":1\"", nil),
            ("h2=\":1\", h2=\":2", nil), ("h2=\":1\"; ma=\"", nil),
        ] as [(String, [String]?)]
    )
    func `the field`(value: String, services: [String]?) {
        // A field that is not ignored takes the place of what was known.
        var store = Self.received("h2=\"old.example:1\"")
        store.received(value, from: Self.origin, .http2, at: 1000)
        #expect(Self.text(store.list(at: 0)) == services ?? ["HTTP/2 old.example 1 86400"])
    }

    @Test func `what makes no services known`() {
        #expect(
            Self.received("h2=\":1\"", from: Origin(isSecure: false, host: "a.example", port: 80)).list(at: 0) == []
        )
        // Nor can a server fill the memory.
        let many = (1...100).map { "h2=\":\($0)\"" }.joined(separator: ", ")
        #expect(Self.received(many).list(at: 0).map(\.port) == Array(1...8))
        var store = AlternativeServices()
        for number in 0..<1200 {
            let origin = Origin(isSecure: true, host: "a\(number).example", port: 443)
            store.received("h2=\":1\"; ma=\(number < 100 ? 10 : 10_000)", from: origin, .http2, at: 1000)
        }
        #expect(store.list(at: 1000).count == 1000)
        // What has come to its end makes room.
        store.received("h2=\":1\"", from: Origin(isSecure: true, host: "b.example", port: 443), .http2, at: 1010)
        #expect(store.list(at: 1010).map(\.originHost).contains("b.example"))
        #expect(store.list(at: 1010).count == 901)
    }

    @Test func `the age of a response counts`() {
        var store = AlternativeServices()
        store.received("h2=\":1\"; ma=100, h2=\":2\"; ma=10", from: Self.origin, .http2, age: 30, at: 1000)
        #expect(Self.text(store.list(at: 1000)) == ["HTTP/2 a.example 1 70"])
        #expect(store.list(at: 1070) == [])
    }

    private static func choice(
        _ store: AlternativeServices,
        _ versions: HTTPVersionPolicy = .automatic,
        hasHTTP3: Bool = false,
        at now: Int64 = 1000
    ) -> Int? {
        store.choice(for: origin, versions, hasHTTP3: hasHTTP3, at: now)?.port
    }

    @Test func `which one a request uses`() {
        let store = Self.received("h3=\":3\"; ma=100, http%2F1.1=\":1\", h2=\":2\"")
        #expect(Self.choice(store) == 1)
        #expect(Self.choice(store, hasHTTP3: true) == 3)
        #expect(Self.choice(store, hasHTTP3: true, at: 1100) == 1)
        #expect(Self.choice(store, at: 1000 + 86_400) == nil)
        for (versions, port) in [
            (.http1_1, 1), (.http2Only, 2), (.http2PriorKnowledge, 2), (.http3, 3), (.http3Only, 3),
        ] as [(HTTPVersionPolicy, Int)] {
            #expect(Self.choice(store, versions, hasHTTP3: true) == port)
        }
        #expect(Self.choice(store, .http3Only) == nil)
        for other in [
            Origin(isSecure: true, host: "a.example", port: 444), Origin(isSecure: true, host: "b.example", port: 443),
            Origin(isSecure: false, host: "a.example", port: 443),
        ] {
            #expect(store.choice(for: other, .automatic, hasHTTP3: false, at: 1000) == nil)
        }
        // The origin itself is no alternative, but may come first.
        #expect(Self.choice(Self.received("h2=\":443\", h2=\":2\"")) == nil)
        #expect(Self.choice(Self.received("h3=\":443\", h2=\":2\""), hasHTTP3: true) == 443)
    }

    @Test func `the versions of requests there`() {
        let store = Self.received("h3=\":3\", http%2F1.1=\":1\", h2=\":2\"")
        let places = store.list(at: 1000).map(\.place)
        #expect(places.map { $0.versions(.automatic) } == [.http3Only, .http1_1, .automatic])
        #expect(places.map { $0.versions(.http3) } == [.http3Only, .http1_1, .automatic])
        #expect(places[2].versions(.http2Only) == .http2Only)
        #expect(Self.received("h2=\"[::1]:1\"").list(at: 0).map(\.place.authority) == ["[::1]:1"])
    }

    @Test func `one that could not be reached is avoided for a while, also if it is announced again`() {
        var store = Self.received("h2=\":1\", h2=\":2\"")
        guard let first = store.choice(for: Self.origin, .automatic, hasHTTP3: false, at: 1000) else {
            Issue.record("none")
            return
        }
        store.failed(first, at: 1000)
        #expect(Self.choice(store, at: 1299) == 2)
        store.received("h2=\":1\", h2=\":3\"", from: Self.origin, .http2, at: 1001)
        #expect(Self.choice(store, at: 1299) == 3)
        #expect(Self.choice(store, at: 1300) == 1)
        store.remove(first)
        #expect(store.list(at: 1001).map(\.port) == [3])
        store.removeAll()
        #expect(store.list(at: 1001) == [])
    }

    @Test(
        arguments: [
            ("h2 a.example 443 h2 b.example 8443 \"20301231 23:59:59\" 1 0", "HTTP/2 b.example 8443 1924990999+"),
            ("h1 a.example 443 h3 [::1] 8443 \"20240229 00:00:01\" 0 0", "HTTP/3 ::1 8443 1709163801"),
            ("h1 [::1] 1 h1 127.0.0.1 1 \"20240229 00:00:01\" 0 0", "HTTP/1.1 127.0.0.1 1 1709163801"),
            ("# h2 a.example 443 h2 b.example 8443 \"20301231 23:59:59\" 1", nil), ("", nil),
            ("h2 a.example 443 h2 b.example 8443 20301231 23:59:59 1 0", nil),
            ("h2 a.example 443 h2 b.example 8443 \"20301231\" 1 0", nil),
            ("h2 a.example 443 h2 b.example 8443 \"20301331 23:59:59\" 1 0", nil),
            ("h2 a.example 443 h4 b.example 8443 \"20301231 23:59:59\" 1 0", nil),
            ("h2 a.example 0 h2 b.example 8443 \"20301231 23:59:59\" 1 0", nil),
            ("h2 a.example 443 h2 b.example 65536 \"20301231 23:59:59\" 1 0", nil),
            ("h2 a/b 443 h2 b.example 1 \"20301231 23:59:59\" 1 0", nil),
        ]
    )
    func `lines of a file`(line: String, text: String?) {
        let service = AlternativeServices.service(in: line.utf8)
        #expect(service.map { Self.text([$0]) } == text.map { [$0] })
        guard let service else { return }
        var store = AlternativeServices()
        store.set(service)
        #expect(store.fileContents(at: 0).split(separator: UInt8(ascii: "\n")).last.map(Array.init) == Array(line.utf8))
    }

    @Test func `services that cannot be`() {
        for (service, problem) in [
            (AlternativeService(originHost: "a.example", host: "b.example", port: 1, expires: 1), nil),
            (
                AlternativeService(originHost: "a.example", host: "b.example", port: 0, expires: 1),
                "the port must be from 1 to 65535, but is 0"
            ),
            (
                AlternativeService(originHost: "a b", host: "b.example", port: 1, expires: 1),
                "\"a b\" is neither a name nor an IP address (without brackets, port and zone)"
            ),
            (
                AlternativeService(
                    originHost: "a.example",
                    originPort: 443,
                    version: .http1_0,
                    host: "b.example",
                    port: 1,
                    expires: 1
                ),
                "HTTP/1.0 has no alternative services"
            ),
        ] as [(AlternativeService, String?)] {
            #expect(service.problem == problem)
        }
    }
}
