import Testing

@testable import HTTPHandlesCore

@Suite("Cookies as lines")
struct CookieLineTests {
    private static func line(_ text: String) -> CookieLine? { CookieLine(Array(text.utf8)) }

    @Test func `a line is converted to a cookie and back`() throws {
        let cookie = Cookie(
            name: "a",
            value: "b=c",
            domain: "example.com",
            includesSubdomains: true,
            path: "/p",
            isSecure: true,
            isHTTPOnly: true,
            expires: 4_000_000_000
        )
        let line = CookieLine(cookie)
        #expect(line.bytes == Array("#HttpOnly_.example.com\tTRUE\t/p\tTRUE\t4000000000\ta\tb=c".utf8))
        #expect(line.cookie == cookie)
        #expect(
            Self.line("example.com\tFALSE\t/\tFALSE\t0\ta\t")?.cookie
                == Cookie(name: "a", value: "", domain: "example.com")
        )
        #expect(line.expired == Array("#HttpOnly_.example.com\tTRUE\t/p\tTRUE\t1\ta\tb=c".utf8))
    }

    @Test func `a value that is not UTF-8 is unchanged`() throws {
        let bytes = Array("x\tFALSE\t/\tFALSE\t0\ta\t".utf8) + [0xE9, 0x31]
        let line = try #require(CookieLine(bytes))
        #expect(line.bytes == bytes)
        #expect(line.expired.suffix(2) == [0xE9, 0x31])
        #expect(line.cookie.value == "\u{FFFD}1")
    }

    @Test(arguments: [
        "", "# Netscape HTTP Cookie File", "#HttpOnly_", "x\tFALSE\t/\tFALSE\t0\ta", "x\tFALSE\t/\tFALSE\t0\ta\tb\tc",
        "x\tFALSE\t/\tFALSE\tnever\ta\tb", "x\tFALSE\t/\tFALSE\t\ta\tb",
        "x\tFALSE\t/\tFALSE\t99999999999999999999\ta\tb",
    ])
    func `malformed lines are not cookies`(text: String) {
        #expect(Self.line(text) == nil)
    }

    private static func lines(_ counts: KeyValuePairs<String, Int>) -> [CookieLine] {
        counts.flatMap { domain, count in
            (0..<count).map { CookieLine(Cookie(name: "n\($0)", value: "", domain: domain)) }
        }
    }

    private static func gone(_ counts: KeyValuePairs<String, Int>, _ total: Int) -> [String] {
        CookieLimit.surplus(lines(counts), total: total).map { "\($0.cookie.domain) \($0.cookie.name)" }.sorted()
    }

    @Test func `the oldest cookies of the largest site are removed`() {
        #expect(Self.gone(["a.x": 2, "b.x": 2], 4) == [])
        #expect(Self.gone(["a.x": 4, "b.x": 2], 4) == ["a.x n0", "a.x n1"])
        // Subdomains count as one site, so that many of them are no advantage.
        #expect(Self.gone(["1.a.x": 1, "2.a.x": 1, "3.a.x": 1, "b.x": 2], 4) == ["1.a.x n0"])
        #expect(Self.gone(["a.x": 3, "b.x": 3, "127.0.0.1": 1], 3) == ["a.x n0", "a.x n1", "b.x n0", "b.x n1"])
        #expect(Self.gone(["10.0.0.1": 1, "20.0.0.1": 1, "a.x": 2], 3) == ["a.x n0"])
        #expect(CookieLimit.surplus(Self.lines(["a.x": 5000]), total: 10).count == 4990)
    }
}
