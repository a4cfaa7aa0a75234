import HTTPHandlesCore
import Testing

@Suite("Request targets")
struct RequestTargetTests {
    static func target(_ text: String) -> RequestTarget? { RequestTarget(text.utf8) }

    // MARK: Bytes

    @Test func `every byte is sent as it is or encoded`() {
        for byte in UInt8.min...UInt8.max {
            for start in ["/a", "/a?b="] {
                let sent = RequestTarget(start.utf8 + [byte] + "c".utf8)?.text
                let expected: String? =
                    switch byte {
                    case 0..<0x20, 0x7F: nil
                    case 0x20, 0x80...: "\(start)%\(byte < 0x10 ? "0" : "")\(String(byte, radix: 16, uppercase: true))c"
                    case UInt8(ascii: "#"): start
                    default: start + String(decoding: [byte], as: UTF8.self) + "c"
                    }
                #expect(sent == expected, "\(byte)")
            }
        }
    }

    @Test(arguments: [
        ("", "/"), ("a", "/a"), ("?q", "/?q"), ("#f", "/"), ("/a#b#c", "/a"), ("/%20%c3%A9", "/%20%c3%A9"),
        // Before a combining mark, slash, question mark and number sign are a different `Character`.
        ("/\u{301}a", "/%CC%81a"), ("/a?\u{301}b/../c", "/a?%CC%81b/../c"), ("/a#\u{301}b", "/a"),
        ("/a/\u{301}../b", "/a/%CC%81../b"),
    ])
    func `a text becomes a target`(_ text: String, _ target: String) {
        #expect(Self.target(text)?.text == target)
    }

    // MARK: Dot segments

    @Test(arguments: [
        ("/a/../b/./c", "/b/c"), ("/..", "/"), ("/.", "/"), ("/a/.", "/a/"), ("/a/..", "/"), ("/a/b/..", "/a/"),
        ("/../../a", "/a"), ("/a//../b", "/a/b"), ("/..//b", "//b"), ("/./", "/"), ("/a/../", "/"),
        ("/%2e/a", "/a"), ("/a/%2E%2e/b", "/b"), ("/a/.%2E/b", "/b"), ("/a/%2e./b", "/b"),
        ("/a/../b?c/../d", "/b?c/../d"),
    ])
    func `dot segments are removed`(_ text: String, _ target: String) throws {
        let parsed = try #require(Self.target(text))
        #expect(parsed.hasDotSegments)
        #expect(parsed.text == text)
        #expect(parsed.withoutDotSegments.text == target)
        #expect(!parsed.withoutDotSegments.hasDotSegments)
    }

    @Test(arguments: [
        "/", "/a", "/...", "/.a", "/a.", "/..a", "/a..", "/%2e%2e%2e", "/%2", "/%2f..", "/a?/../b", "/a?.", "//",
        "/a//b",
        "/.\u{301}/a", "/..\u{301}",
    ])
    func `other segments are kept`(_ text: String) throws {
        let parsed = try #require(Self.target(text))
        #expect(!parsed.hasDotSegments)
        #expect(parsed.withoutDotSegments == parsed)
    }

    // MARK: References

    /// The examples of RFC 3986, section 5.4, without those with another scheme or authority.
    @Test(arguments: [
        ("g", "/b/c/g"), ("./g", "/b/c/g"), ("g/", "/b/c/g/"), ("/g", "/g"), ("?y", "/b/c/d;p?y"), ("g?y", "/b/c/g?y"),
        ("#s", "/b/c/d;p?q"), ("g#s", "/b/c/g"), ("g?y#s", "/b/c/g?y"), (";x", "/b/c/;x"), ("g;x", "/b/c/g;x"),
        ("g;x?y#s", "/b/c/g;x?y"), ("", "/b/c/d;p?q"), (".", "/b/c/"), ("./", "/b/c/"), ("..", "/b/"), ("../", "/b/"),
        ("../g", "/b/g"), ("../..", "/"), ("../../", "/"), ("../../g", "/g"), ("../../../g", "/g"),
        ("../../../../g", "/g"), ("/./g", "/g"), ("/../g", "/g"), ("g.", "/b/c/g."), (".g", "/b/c/.g"),
        ("g..", "/b/c/g.."), ("..g", "/b/c/..g"), ("./../g", "/b/g"), ("./g/.", "/b/c/g/"), ("g/./h", "/b/c/g/h"),
        ("g/../h", "/b/c/h"), ("g;x=1/./y", "/b/c/g;x=1/y"), ("g;x=1/../y", "/b/c/y"), ("g?y/./x", "/b/c/g?y/./x"),
        ("g?y/../x", "/b/c/g?y/../x"), ("g#s/./x", "/b/c/g"), ("g#s/../x", "/b/c/g"),
        // Similar to dot segments.
        (":8080/g", "/b/c/:8080/g"), ("127.0.0.1:8080/g", "/b/c/127.0.0.1:8080/g"), ("\\\\h\\g", "/b/c/\\\\h\\g"),
        ("/\\h/g", "/\\h/g"), ("@h/g", "/b/c/@h/g"), ("?", "/b/c/d;p?"),
    ])
    func `a reference is resolved`(_ reference: String, _ target: String) throws {
        let base = try #require(Self.target("/b/c/d;p?q"))
        let parts = URLReference(Array(reference.utf8))
        #expect(parts.scheme == nil && parts.authority == nil)
        #expect(base.resolving(parts)?.text == target)
    }

    @Test func `a redirect of a request about the whole server has a path`() {
        for reference in ["#f", "", "?q", "a"] {
            let target = RequestTarget.serverWide.resolving(URLReference(Array(reference.utf8)))
            #expect(target?.text.utf8.first == UInt8(ascii: "/"), "\(reference)")
        }
    }

    @Test(arguments: [
        ("http://h/p", "http", "h", "/p"), ("HTTPS://H:1?q", "HTTPS", "H:1", "?q"), ("//h", nil, "h", ""),
        ("http:p", "http", nil, "p"), ("http:/p", "http", nil, "/p"), ("///p", nil, "", "/p"),
        ("1http://h", nil, nil, "1http://h"), ("h\u{301}ttp://h", nil, nil, "h\u{301}ttp://h"),
        ("http:\u{301}//h", "http", nil, "\u{301}//h"), ("http://h\u{301}/p", "http", "h\u{301}", "/p"),
        ("http://h/\u{301}p", "http", "h", "/\u{301}p"), ("http://h#\u{301}f/p?q", "http", "h", ""),
    ])
    func `a URL is split at its delimiters`(_ text: String, _ scheme: String?, _ authority: String?, _ rest: String) {
        let parts = URLReference(Array(text.utf8))
        #expect(parts.scheme.map { String(decoding: $0, as: UTF8.self) } == scheme)
        #expect(parts.authority.map { String(decoding: $0, as: UTF8.self) } == authority)
        #expect(parts.pathAndQuery == Array(rest.utf8))
    }
}

@Suite("Addresses")
struct AddressTests {
    @Test(arguments: [
        "127.0.0.1", "0.0.0.0", "255.255.255.255", "::", "::1", "1::", "fe80::1", "FE80::A", "1:2:3:4:5:6:7:8",
        "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "::ffff:127.0.0.1", "1:2:3:4:5:6:127.0.0.1", "1::127.0.0.1",
    ])
    func `an address`(_ text: String) {
        #expect(IPAddress.isAddress(text))
        #expect(ResolveOverride(host: "h", port: 1, address: text).problem == nil)
        #expect(LocalAddress.address(text).problem == nil)
    }

    @Test(arguments: [
        "127.0.0.1:18888", "127.0.0", "127.0.0.1.2", "256.0.0.1", "127.0.0.01", "127.1", "0x7f.1", "0X7F.0.0.0x1", "1",
        "1.",
        "127.0.0.1.", "127..0.1", "[::1]", "::1%lo", "[::1]:80", ":::", "1::2::3", "1:2:3:4:5:6:7:8:9", "1:2:3",
        "12345::",
        "::g", "::127.0.0.1:1", "127.0.0.1::", ":1", "1:", "", ".", "..", "a..b", ".a", "a b", "a/b", "a@b", "h:80",
        "user@h", "http://h", "h\u{301}", "b\u{FC}cher.example", "a\r\nb", "a\u{0}", "1\u{301}27.0.0.1", "::1\u{301}",
        "*",
    ])
    func `an invalid address or name is refused when it is set`(_ text: String) {
        #expect(!IPAddress.isAddress(text))
        #expect(LocalAddress.address(text).problem == "\(text.debugDescription) is not an IP address")
        for override in [
            ResolveOverride(host: "h", port: 1, address: text), ResolveOverride(host: text, port: 1, address: "::1"),
        ] {
            let problem = override.problem
            #expect(problem?.contains("\"\(text)\" is n") == true, "\(text)")
        }
    }

    @Test(arguments: [
        "h", "localhost", "LOCALHOST.", "a.b", "a-b_c.example", "1a", "127.0.0.1a", "0xg", "xn--bcher-kva.example",
    ])
    func `a name`(_ text: String) {
        #expect(!IPAddress.isAddress(text))
        #expect(ResolveOverride(host: text, port: 1, address: text).problem == nil)
    }

    @Test func `only the case of ASCII letters is ignored`() {
        #expect("LOCALHOST".isEqualIgnoringASCIICase("localhost"))
        #expect("LOCALHOST\u{C9}".asciiLowercased == "localhost\u{C9}")
        // The Kelvin sign, which Swift regards as equal to "K".
        #expect(!"\u{212A}".isEqualIgnoringASCIICase("k"))
        #expect(!"e\u{301}".isEqualIgnoringASCIICase("\u{E9}"))
        let override = ResolveOverride(host: "Host", port: 1, address: "::1")
        #expect(override.applies(to: Origin(isSecure: true, host: "hOST", port: 1)))
        #expect(!override.applies(to: Origin(isSecure: true, host: "host.", port: 1)))
        #expect(!override.applies(to: Origin(isSecure: true, host: "hos\u{301}t", port: 1)))
    }
}
