import Testing

@testable import HTTPHandlesCore

@Suite("Strict transport (HSTS)")
struct StrictTransportTests {
    private static func url(_ host: String, isSecure: Bool = false, port: Int? = nil) throws -> RequestURL {
        let origin = Origin(isSecure: isSecure, host: host, port: port ?? (isSecure ? 443 : 80))
        return RequestURL(origin, try #require(RequestTarget(Array("/a?b".utf8))))
    }

    @Test(
        arguments: [
            ("max-age=10", 10, false), ("MAX-AGE=10; IncludeSubDomains", 10, true), ("max-age=\"10\"", 10, false),
            (" ; max-age = 10 ;; preload ; x=y", 10, false), ("includeSubDomains;max-age=0", 0, true),
            ("max-age=99999999999999999999", .max, false), ("", nil, false), ("max-age", nil, false),
            ("max-age=", nil, false), ("max-age=-1", nil, false), ("max-age=1x", nil, false),
            ("max-age=1;max-age=2", nil, false), ("includeSubDomains", nil, false), ("max-age=1 2", nil, false),
            ("max-age=\"\"", nil, false), ("max-age=\"", nil, false),
        ] as [(String, Int64?, Bool)]
    )
    func `the field`(value: String, maximumAge: Int64?, includesSubdomains: Bool) {
        let policy = StrictTransport.policy(value)
        #expect(policy?.maximumAge == maximumAge)
        if maximumAge != nil { #expect(policy?.includesSubdomains == includesSubdomains) }
    }

    @Test func `which URLs are upgraded`() throws {
        var store = StrictTransport()
        store.received(
            "max-age=100; includeSubDomains",
            from: try Self.url("a.example", isSecure: true).origin,
            at: 1000
        )
        store.received("max-age=100", from: try Self.url("b.example", isSecure: true).origin, at: 1000)
        for (host, isUpgraded) in [
            ("a.example", true), ("a.example.", true), ("x.a.example", true), ("y.x.a.example", true),
            ("xa.example", false), ("b.example", true), ("x.b.example", false), ("example", false),
            ("127.0.0.1", false),
        ] {
            let upgraded = store.upgraded(try Self.url(host), at: 1050)
            #expect(upgraded.text == "\(isUpgraded ? "https" : "http")://\(host)/a?b")
            #expect(upgraded.target == "/a?b" && upgraded.isSecure == isUpgraded)
            // Afterwards nothing is left of it.
            #expect(!store.upgraded(try Self.url(host), at: 1100).isSecure)
        }
        #expect(store.upgraded(try Self.url("b.example", port: 8080), at: 1050).text == "https://b.example:8080/a?b")
        store.received("max-age=0", from: try Self.url("b.example", isSecure: true).origin, at: 1050)
        #expect(store.list(at: 1050).map(\.host) == ["a.example"])
    }

    @Test func `what makes no host known`() throws {
        var store = StrictTransport()
        store.received("max-age=100", from: try Self.url("a.example").origin, at: 1000)
        store.received("max-age=100", from: try Self.url("127.0.0.1", isSecure: true).origin, at: 1000)
        store.received("nothing", from: try Self.url("a.example", isSecure: true).origin, at: 1000)
        #expect(store.list(at: 1000).isEmpty)
    }

    @Test(
        arguments: [
            ("a.example \"20301231 23:59:59\"", "a.example", false, 1_924_991_999),
            (".a.example \"20240229 00:00:01\"", "a.example", true, 1_709_164_801),
            ("a.example \"unlimited\"", "a.example", false, nil),
            ("a.example \"20230229 00:00:00\"", nil, false, nil), ("a.example 20301231 23:59:59", nil, false, nil),
            ("# a.example \"20301231 23:59:59\"", nil, false, nil), ("a.example", nil, false, nil),
            ("a.example \"20301231 24:00:00\"", nil, false, nil), ("127.0.0.1 \"unlimited\"", nil, false, nil),
            ("a.example \"20301331 00:00:00\"", nil, false, nil), (" \"unlimited\"", nil, false, nil),
            ("..a.example \"unlimited\"", nil, false, nil), (".#a \"unlimited\"", nil, false, nil),
        ] as [(String, String?, Bool, Int64?)]
    )
    func `lines of a file`(line: String, host: String?, includesSubdomains: Bool, expires: Int64?) {
        let expected = host.map {
            StrictTransportHost(host: $0, includesSubdomains: includesSubdomains, expires: expires)
        }
        #expect(StrictTransport.host(in: line.utf8) == expected)
        guard let expected else { return }
        var store = StrictTransport()
        store.set(expected)
        #expect(store.fileContents(at: 0).split(separator: UInt8(ascii: "\n")).last.map(Array.init) == Array(line.utf8))
    }

    @Test func `dates there and back`() {
        for day in stride(from: Int64(0), to: 253_402_300_799, by: 86_400 * 311 + 4321) {
            let date = CalendarDate(secondsSince1970: day)
            #expect(date.secondsSince1970 == day)
            #expect(CalendarDate(compactText: date.compactText) == date)
        }
    }
}
