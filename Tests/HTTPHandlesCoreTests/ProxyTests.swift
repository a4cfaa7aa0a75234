import HTTPTypes
import Testing

@testable import HTTPHandlesCore

@Suite("Proxies as values")
struct ProxyTests {
    // MARK: URLs

    @Test(arguments: [
        ("proxy.example", ProxyAddress(.http, host: "proxy.example", port: 1080)),
        ("proxy.example:3128", ProxyAddress(.http, host: "proxy.example", port: 3128)),
        ("http://Proxy.Example:3128/", ProxyAddress(.http, host: "proxy.example", port: 3128)),
        ("HTTPS://proxy.example", ProxyAddress(.https, host: "proxy.example", port: 443)),
        ("socks://127.0.0.1", ProxyAddress(.socks4, host: "127.0.0.1", port: 1080)),
        ("socks4a://127.0.0.1:1", ProxyAddress(.socks4a, host: "127.0.0.1", port: 1)),
        ("socks5h://[::1]:9050", ProxyAddress(.socks5h, host: "::1", port: 9050)),
    ])
    func `a proxy from its URL`(_ url: String, _ address: ProxyAddress) throws {
        let proxy = try Proxy(url: url)
        #expect(proxy.address == address)
        #expect(proxy.credentials == nil)
        #expect(try Proxy(url: address.description).address == address)
    }

    @Test func `user and password of a URL are decoded`() throws {
        let proxy = try Proxy(url: "http://m%65:p%40ss%3Aword@proxy.example:1")
        #expect(proxy.credentials == .basic(user: "me", password: "p@ss:word"))
        #expect(try Proxy(url: "http://me@proxy.example").credentials == .basic(user: "me", password: ""))
        #expect("\(proxy) \(String(reflecting: proxy))" == "http://proxy.example:1 http://proxy.example:1")
    }

    @Test(arguments: [
        ("ftp://s3cret:s3cret@proxy.example", HandleErrorCode.unrecognizedScheme),
        ("socks6://proxy.example", .unrecognizedScheme),
        ("", .invalidURL), ("http://", .invalidURL), ("http://s3cret@", .invalidURL),
        ("proxy.example:s3cret", .invalidURL),
        ("proxy.example:0", .invalidURL), ("proxy.example:65536", .invalidURL), ("http://[::1", .invalidURL),
        ("http://[::1]s3cret", .invalidURL), ("http://s3cret%zz@proxy.example", .invalidURL),
        ("http://proxy.example/s3cret", .invalidURL), ("http://pröxy.example", .invalidURL),
        ("http://s3cret:s3\ncret@proxy.example", .invalidURL), ("http://s3cret%0a:x@proxy.example", .invalidURL),
        ("http://s3cret?x@proxy example", .invalidURL),
    ])
    func `a URL that is none, and an error that hides it`(_ url: String, _ code: HandleErrorCode) {
        let error = #expect(throws: HandleError.self) { try Proxy(url: url) }
        #expect(error?.code == code)
        #expect(error?.reason.contains("s3cret") == false, "\(error?.reason ?? "")")
    }

    @Test func `a proxy that cannot be one`() {
        var values = OptionValues()
        func problem(_ proxy: Proxy) -> String? {
            do throws(HandleError) {
                try values.set(.proxy, to: .named(proxy), on: .session, for: .setOption)
                return nil
            } catch {
                return error.code == .invalidParameter ? error.reason : "\(error)"
            }
        }
        #expect(
            problem(Proxy(.http, host: "proxy.example", port: 0)) == "proxy: the port must be from 1 to 65535, but is 0"
        )
        let host = "proxy: its host is neither an ASCII name nor an IP address without zone"
        for name in ["", "a b", "me:s3cret@host", "http://host", "fe80::1%eth0", "1.2.3"] {
            #expect(problem(Proxy(.http, host: name, port: 1)) == host)
        }
        #expect(
            problem(Proxy(.socks5, host: "h", port: 1, credentials: .bearer("s3cret")))
                == "proxy: SOCKS has no authentication by token"
        )
        #expect(
            problem(Proxy(.socks5, host: "h", port: 1, headerFields: [.accept: "x"]))
                == "proxy: a SOCKS proxy gets no header fields"
        )
        let long = String(repeating: "s", count: 256)
        #expect(
            problem(Proxy(.socks5, host: "h", port: 1, credentials: .basic(user: "u", password: long)))
                == "proxy: SOCKS allows 255 bytes for the user name and for the password"
        )
        #expect(
            problem(Proxy(.http, host: "h", port: 1, headerFields: [.connection: "close"]))
                == "proxy: the field Connection is not allowed: libcurl controls the connection"
        )
        #expect(
            problem(Proxy(.http, host: "h", port: 1, tls: ProxyTLSOptions(trust: .authorities(inFile: ""))))
                == "proxy: the path of a file is empty"
        )
        #expect(problem(Proxy(.https, host: "[::1]", port: 1, headerFields: [.accept: "x"])) == nil)
    }

    // MARK: The environment

    private static func proxy(_ variables: [String: String], _ url: Origin) throws -> ProxyAddress? {
        try ProxyEnvironment { variables[$0] }.proxy(for: url)?.address
    }

    private static let http = Origin(isSecure: false, host: "example.com", port: 80)
    private static let https = Origin(isSecure: true, host: "example.com", port: 443)

    @Test(
        arguments: [
            (["http_proxy": "h:1"], "http://h:1", nil), (["HTTP_PROXY": "h:1"], nil, nil),
            (["https_proxy": "h:1"], nil, "http://h:1"), (["HTTPS_PROXY": "h:1"], nil, "http://h:1"),
            (["https_proxy": "a:1", "HTTPS_PROXY": "b:1"], nil, "http://a:1"),
            (["https_proxy": "", "HTTPS_PROXY": "b:1"], nil, "http://b:1"),
            (["all_proxy": "socks5://h:1"], "socks5://h:1", "socks5://h:1"),
            (["ALL_PROXY": "h:1"], "http://h:1", "http://h:1"),
            (["http_proxy": "a:1", "all_proxy": "b:1"], "http://a:1", "http://b:1"),
            (["all_proxy": "h:1", "no_proxy": "example.com"], nil, nil),
            (["all_proxy": "h:1", "NO_PROXY": "*"], nil, nil),
            (["all_proxy": "h:1", "no_proxy": "", "NO_PROXY": ".com"], nil, nil),
            (["all_proxy": "h:1", "no_proxy": "other", "NO_PROXY": "*"], "http://h:1", "http://h:1"),
            (["all_proxy": "h:1", "no_proxy": "example.com:80"], nil, "http://h:1"),
            (["all_proxy": "h:1", "no_proxy": "%%%, com"], nil, nil), ([:], nil, nil),
        ] as [([String: String], String?, String?)]
    )
    func `the environment by curl's rules`(_ variables: [String: String], _ clear: String?, _ secure: String?) throws {
        #expect(try Self.proxy(variables, Self.http)?.description == clear)
        #expect(try Self.proxy(variables, Self.https)?.description == secure)
    }

    @Test func `a proxy of the environment that cannot be used is an error, and not a direct connection`() {
        let variables = ["http_proxy": "ftp://me:s3cret@h", "no_proxy": "other"]
        let error = #expect(throws: HandleError.self) { try Self.proxy(variables, Self.http) }
        #expect(
            error?.description
                == "unrecognizedScheme (12006) in sendRequest: the environment variable http_proxy: a proxy cannot have the "
                + "scheme ftp: it must be http, https, socks4, socks4a, socks5 or socks5h"
        )
        #expect(throws: Never.self) { try Self.proxy(variables, Self.https) }
        #expect(throws: Never.self) {
            try Self.proxy(variables, Origin(isSecure: false, host: "other", port: 80))
        }
    }

    // MARK: Bypass lists

    @Test(arguments: [
        "example.com,,b@d", "a:b", "a:0", "a:65536", "10.0.0.0/33", "::/129", "x/8", "[::1", "[::1]x", "[h]",
        "<loopback>",
        "http://example.com", "a..b", "é.example", "1.2.3.4/", "[::1]:", "-:", "..", "a*é",
    ])
    func `an entry that cannot be one`(_ list: String) throws {
        let error = #expect(throws: HandleError.self) { try ProxyBypassList(list) }
        #expect(error?.code == .invalidParameter)
    }

    @Test func `a bypass list is a value`() throws {
        let list: ProxyBypassList = ["localhost", "10.0.0.0/8"]
        #expect(try list == ProxyBypassList("localhost; 10.0.0.0/8"))
        #expect(list.description == "localhost,10.0.0.0/8")
        #expect(try ProxyBypassList(list.description) == list)
        #expect(!list.isEmpty && ProxyBypassList().isEmpty)
        #expect(!ProxyBypassList().contains(host: ""))
    }

    @Test func `ports, patterns and <local>`() throws {
        let list = try ProxyBypassList("a.example:8443 [::1]:80 *.b.example 10.1.* <local> fe80::/10")
        for (host, port, isIn) in [
            ("a.example", 8443, true), ("a.example", 443, false), ("a.example", nil, false), ("[::1]", 80, true),
            ("::1", 81, false), ("b.example", 1, false), ("x.b.example", 1, true), ("10.1.2.3", 1, true),
            ("10.2.2.3", 1, false), ("host", 1, true), ("host.", 1, true), ("fe80::1%eth0", 1, true),
            ("fec0::1", 1, false),
        ] as [(String, Int?, Bool)] {
            #expect(list.contains(host: host, port: port) == isIn, "\(host) \(port ?? 0)")
        }
    }
}
