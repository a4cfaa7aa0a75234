import Foundation
import Testing

@testable import HTTPHandlesCore

@Suite("Option table")
struct OptionTableTests {
    @Test func `names and numbers are unique`() {
        #expect(Set(OptionEntry.all.map(\.row.name)).count == OptionEntry.all.count)
        let numbers = OptionEntry.all.compactMap(\.row.number)
        #expect(Set(numbers).count == numbers.count)
    }

    @Test func `every option of the source is in the table`() throws {
        let settable =
            try Self.declared(in: "HandleOption+Settable.swift") + Self.declared(in: "HandleOption+WebSocket.swift")
        let facts = try Self.declared(in: "HandleOption+Facts.swift")
        #expect(Set(settable) == Set(OptionEntry.all.filter(\.row.isSettable).map(\.row.name)))
        #expect(Set(facts) == Set(OptionEntry.all.filter { !$0.row.isSettable }.map(\.row.name)))
        #expect(settable.count + facts.count == OptionEntry.all.count)
    }

    @Test func `every option that can be set is set in a test with a real server`() throws {
        let folder = Self.top.appendingPathComponent("Tests/HTTPHandlesTests")
        let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        let text = try files.filter { $0.pathExtension == "swift" }.map { try String(contentsOf: $0, encoding: .utf8) }
            .joined()
        let untried = OptionEntry.all.filter(\.row.isSettable).map(\.row.name).filter { name in
            let isSet = text.contains(".set(.\(name), to:") || text.contains("setOption(.\(name), to:")
            // Or on separate lines.
            return !isSet && !text.contains("                .\(name),\n                to:")
        }
        #expect(untried == [])
    }

    /// The names of the options that a file declares.
    private static func declared(in file: String) throws -> [String] {
        let text = try String(
            contentsOf: top.appendingPathComponent("Sources/HTTPHandlesCore/Options/\(file)"),
            encoding: .utf8
        )
        return text.matches(of: /public static var (\w+): Self/).map { String($0.output.1) }
    }

    private static let top = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    // MARK: The page

    private static func cells(_ entry: OptionEntry) -> String {
        let row = entry.row
        let levels = [
            (HandleLevel.session, "S"), (.connection, "C"), (.request, "R"), (.webSocket, "W"), (.upgraded, "U"),
        ]
        .filter { row.levels.contains($0.0) }.map(\.1).joined(separator: " ")
        let cells = [
            "`\(row.name)`", row.number.map { "\($0)" } ?? "", "`\(entry.type)`", row.unit ?? "",
            entry.initial.map { "`\($0)`" } ?? "", levels, row.curlNames.joined(separator: ", "),
        ]
        return "| " + cells.map { $0.isEmpty ? "" : "\($0) " }.joined(separator: "| ") + "|"
    }

    @Test func `Docs/Options.md has the current rows of all options`() throws {
        let text = try String(contentsOf: Self.top.appendingPathComponent("Docs/Options.md"), encoding: .utf8)
        let lines = text.split(separator: "\n").filter { $0.hasPrefix("| `") }
        for entry in OptionEntry.all {
            let cells = Self.cells(entry)
            let line = lines.first { $0.hasPrefix("| `\(entry.row.name)` |") }
            #expect(line?.hasPrefix(cells) == true, "\(cells)")
            // Without the last column, the meaning.
            #expect((line?.utf8.count ?? 0) > cells.utf8.count + 10, "\(entry.row.name)")
        }
        #expect(lines.count == OptionEntry.all.count)
    }

    @Test func `Docs/Options.md has all other options of WinHTTP`() throws {
        let text = try String(contentsOf: Self.top.appendingPathComponent("Docs/Options.md"), encoding: .utf8)
        let others = text.split(separator: "\n").compactMap { $0.firstMatch(of: /^\| ([0-9, ]+) \| [A-Z]/)?.output.1 }
            .flatMap { $0.split(separator: ", ").compactMap { Int($0) } }
        let here = OptionEntry.all.compactMap(\.row.number)
        #expect(Set(others).count == others.count)
        #expect(Set(others).isDisjoint(with: here))
        #expect(Set(others).union(here).isSuperset(of: Self.winHTTP))
    }

    /// The numbers of `winhttp.h`'s options that are documented or in use.
    private static let winHTTP: Set<Int> = Set(
        [
            1...7, 9...9, 12...13, 21...21, 24...24, 31...32, 34...34, 36...36, 38...38, 41...41, 45...45, 47...47,
            58...59,
        ]
        .joined()
    ).union([63, 68, 73, 74, 77, 78, 79, 80]).union([
        81, 82, 83, 85, 86, 87, 88, 89, 90, 91, 92, 93, 94, 96, 97, 98, 99, 100, 101,
    ]).union([103, 104, 105, 106, 107, 108, 110, 111, 114, 115])
        .union([
            116, 118, 122, 123, 128, 131, 133, 134, 136, 138, 139, 140, 141, 142, 143, 144, 145, 146, 147, 150, 151,
        ])
        .union([
            152, 153, 154, 155, 158, 159, 160, 161, 162, 164, 165, 166, 167, 168, 169, 170, 171, 172, 173, 177, 178,
        ])
        .union([
            179, 183, 184, 185, 188, 189, 190, 191, 192, 193, 195, 196, 204, 205, 206, 207, 208, 209, 210, 211, 212,
        ])
        .union(0x1000...0x1003)
}

@Suite("Option values")
struct OptionValueTests {
    /// The reason of the error for a value.
    private static func refusal<Value>(_ option: HandleOption<Value>, _ value: Value) -> String? {
        var values = OptionValues()
        do {
            try values.set(option, to: value, on: .session, for: .setOption)
            return nil
        } catch {
            return values == OptionValues() && error.code == .invalidParameter ? error.reason : "\(error)"
        }
    }

    @Test func `values out of range are refused, with the allowed range`() {
        #expect(Self.refusal(.maximumHeadSize, 0) == "maximumHeadSize must be from 1 to 307200, but is 0")
        #expect(Self.refusal(.maximumHeadSize, 307_201) == "maximumHeadSize must be from 1 to 307200, but is 307201")
        #expect(Self.refusal(.maximumHeadSize, 307_200) == nil)
        #expect(
            Self.refusal(.receiveBuffer, BufferMarks(low: 5, high: 5))
                == "receiveBuffer: the low mark must be from 0 to less than the high mark, but the marks are 5 to 5"
        )
        #expect(Self.refusal(.sendBuffer, BufferMarks(low: -1, high: 5)) != nil)
        #expect(
            Self.refusal(.maximumConnections, 0)
                == "maximumConnections must be 1 or more, or nil (no limit), but is 0"
        )
        #expect(Self.refusal(.maximumRedirects, -1) != nil)
        for source in [CertificateSource.file(""), .file("a\u{0}b"), .bytes([])] {
            #expect(Self.refusal(.serverTrust, ServerTrust(.only([source]))) != nil)
            #expect(Self.refusal(.serverTrust, ServerTrust(revocationLists: [source])) != nil)
            #expect(Self.refusal(.clientIdentity, ClientIdentity(certificate: source)) != nil)
            #expect(Self.refusal(.clientIdentity, ClientIdentity(certificate: .file("a"), key: source)) != nil)
            #expect(Self.refusal(.clientIdentity, .pkcs12(source)) != nil)
        }
        #expect(Self.refusal(.serverTrust, ServerTrust(.only([]))) == "serverTrust: there are no authorities")
        #expect(Self.refusal(.serverTrust, ServerTrust(requiresStapledStatus: true, ignored: .all)) != nil)
        #expect(Self.refusal(.clientIdentity, ClientIdentity(certificate: .directory("a"))) != nil)
        let identity = ClientIdentity(certificate: .file("a"), password: String(repeating: "x", count: 1001))
        #expect(
            Self.refusal(.clientIdentity, identity) == "clientIdentity: the password is longer than 1000 bytes"
        )
        #expect(Self.refusal(.tlsAlgorithms, TLSAlgorithms(cipherSuites: "a b")) != nil)
        #expect(Self.refusal(.tlsAlgorithms, TLSAlgorithms(groups: "")) != nil)
    }

    @Test(
        arguments: [
            ("sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", true),
            ("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", true), ("", false), ("sha256//", false),
            ("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==", false),
            ("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA;=", false),
            ("/etc/ssl/key.pem", false),
        ]
    )
    func `a pin is the hash of a key`(text: String, isPin: Bool) {
        #expect((PublicKeyPin(sha256: text) != nil) == isPin)
    }

    /// libcurl would interpret a text that is similar to an address as a name, and resolve it synchronously.
    @Test(
        arguments: [
            "", "name", "127.0.0.1\r\n", "1", "::1%1", "[::1]", "if!lo", "127.1", "1.2.3.256", "1.2.3.04", "1.2.3.4.5",
            "1.2.3.", "cafe:80", ":", ":::", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4::5:6:7:8",
            "::12345", "::1.2.3", "1.2.3.4::", "::1.2.3.4:5", "1:2:3:4:5:6:7:1.2.3.4", "é::1",
        ]
    )
    func `a local address is an address`(text: String) {
        #expect(Self.refusal(.localAddress, .address(text))?.hasSuffix(" is not an IP address") == true)
    }

    @Test(arguments: ["", "a b", "0123456789abcdef", "a\u{0}"])
    func `names that are not those of interfaces`(name: String) {
        #expect(
            Self.refusal(.localAddress, .interface(name))?.hasSuffix(" is not the name of a network interface") == true
        )
    }

    @Test func `valid addresses and interfaces`() {
        for address in [
            "127.0.0.1", "255.255.255.255", "0.0.0.0", "fe80::1", "::", "::1", "1::", "1:2:3:4:5:6:7:8",
            "1::3:4:5:6:7:8", "::ffff:1.2.3.4", "1:2:3:4:5:6:1.2.3.4", "FE80::AbCd",
        ] {
            #expect(Self.refusal(.localAddress, .address(address)) == nil, "\(address)")
        }
        #expect(Self.refusal(.localAddress, .interface("eth0")) == nil)
    }

    @Test(arguments: [
        ("h", 0, "1.1.1.1"), ("h:1", 1, "1.1.1.1"), ("", 1, "1.1.1.1"), ("h", 1, ""), ("h", 1, "a:1\r\n"),
    ])
    func `an override has a host, a port and an address`(host: String, port: Int, address: String) {
        #expect(Self.refusal(.resolveOverrides, [ResolveOverride(host: host, port: port, address: address)]) != nil)
    }

    @Test func `overrides in libcurl's format`() {
        #expect(ResolveOverride(host: "h", port: 1, address: "127.0.0.1").line == "h:1:127.0.0.1:")
        #expect(ResolveOverride(host: "::1", port: 1, address: "::2").line == "[::1]:1:[::2]:")
        #expect(ResolveOverride(host: nil, port: nil, address: "::2", addressPort: 3).line == "::[::2]:3")
        #expect(ResolveOverride(host: "h", port: nil, address: nil, addressPort: 3).line == "h:::3")
    }

    @Test func `an override that changes nothing, or has a port that is none, is refused`() {
        for override in [
            ResolveOverride(host: "h", port: 1, address: nil),
            ResolveOverride(host: nil, port: 0, address: "a"),
            ResolveOverride(host: nil, port: nil, address: nil, addressPort: 65_536),
        ] {
            #expect(Self.refusal(.resolveOverrides, [override]) != nil)
        }
        #expect(Self.refusal(.resolveOverrides, [ResolveOverride(host: nil, port: nil, address: "a")]) == nil)
    }

    @Test func `the first override that applies decides what is connected to`() {
        let overrides = [
            ResolveOverride(host: "one", port: 80, address: "1.1.1.1"),
            ResolveOverride(host: nil, port: 80, address: nil, addressPort: 8080),
            ResolveOverride(host: "TWO", port: nil, address: "three"),
        ]
        func target(_ host: String, _ port: Int) -> String {
            let target = ConnectionTarget(of: Origin(isSecure: false, host: host, port: port), overrides)
            return "\(target.host) \(target.port) \(target.isAddress)"
        }
        #expect(target("one", 80) == "1.1.1.1 80 true")
        #expect(target("two", 80) == "two 8080 false")
        #expect(target("two", 81) == "three 81 false")
        #expect(target("::1", 80) == "::1 8080 true")
        #expect(target("other", 81) == "other 81 false")
    }

    @Test func `a Unix socket has a path or a name that fits into an address`() {
        #expect(Self.refusal(.unixSocket, .path(String(repeating: "p", count: 107))) == nil)
        #expect(Self.refusal(.unixSocket, .abstract(String(repeating: "p", count: 107))) == nil)
        let long = "unixSocket: the path of a Unix socket must have from 1 to 107 bytes, but has 108"
        #expect(Self.refusal(.unixSocket, .path(String(repeating: "p", count: 108))) == long)
        let empty = "unixSocket: the name of a Unix socket must have from 1 to 107 bytes, but has 0"
        #expect(Self.refusal(.unixSocket, .abstract("")) == empty)
        #expect(Self.refusal(.unixSocket, .path("a\u{0}b")) == "unixSocket: the path of a Unix socket contains a NUL")
    }

    @Test(arguments: [
        "", "dns.example", "http://dns.example/", "https://", "https:///query", "https://u:s3cret@dns.example/",
        "https://dns.example/a b", "https://dns.example/\u{E9}", "https://dns.example/\r\n",
    ])
    func `DNS over HTTPS needs an https URL`(url: String) {
        let problem = "nameResolver: DNS over HTTPS needs an https URL in ASCII, without credentials"
        #expect(Self.refusal(.nameResolver, .dnsOverHTTPS(url)) == problem)
        #expect(Self.refusal(.nameResolver, .dnsOverHTTPS("https://dns.example/query?x")) == nil)
    }

    @Test func `times of the resolver are whole`() {
        #expect(Self.refusal(.resolverCacheTime, .milliseconds(1500)) != nil)
        #expect(Self.refusal(.resolverCacheTime, .seconds(-1)) != nil)
        #expect(Self.refusal(.resolverCacheTime, .seconds(1 << 31)) != nil)
        #expect(Self.refusal(.connectionAttemptDelay, .microseconds(1)) != nil)
        #expect(Self.refusal(.connectionAttemptDelay, .seconds(Int64.max)) != nil)
        #expect(Self.refusal(.connectionAttemptDelay, .milliseconds(250)) == nil)
    }

    @Test(arguments: [Duration.zero, .milliseconds(1500), .seconds(32_768), .seconds(-1)])
    func `keep-alive times are whole seconds`(time: Duration) {
        #expect(Self.refusal(.tcpKeepAlive, TCPKeepAlive(idle: time)) != nil)
        #expect(Self.refusal(.tcpKeepAlive, TCPKeepAlive(interval: time)) != nil)
    }

    @Test(arguments: [HandleLevel.connection, .request])
    func `connections are limited for the whole session`(level: HandleLevel) {
        var values = OptionValues()
        let reason = "a \(level) handle has no option maximumConnections"
        #expect(throws: HandleError(.incorrectHandleType, .setOption, reason: reason)) {
            try values.set(.maximumConnections, to: 1, on: level, for: .setOption)
        }
    }

    @Test func `a password is never shown`() {
        let identity = ClientIdentity(certificate: .file("c"), key: .bytes([77, 78]), password: "secret")
        let text = "c with the key in 2 bytes"
        #expect("\(identity) \(String(reflecting: identity))" == "\(text) \(text)")
        var values = OptionValues()
        values.clientIdentity = identity
        var dumped = ""
        dump(identity, to: &dumped)
        #expect(!dumped.contains("secret") && !dumped.contains("77"))
        dump(values, to: &dumped)
        #expect(!dumped.contains("secret") && !"\(values)".contains("secret"))
    }
}

@Suite("Certificate problems")
struct CertificateProblemTests {
    @Test(
        arguments: [
            (60, 18, .selfSigned), (60, 20, .unknownAuthority), (60, 10, .expired), (60, 9, .notYetValid),
            (60, 0, .wrongName), (60, 1, .wrongName), (60, 62, .wrongName), (60, 23, .revoked),
            (60, 3, .revocationUnknown), (60, 26, .wrongUsage), (60, 66, .tooWeak), (60, 7, .invalid),
            (91, 0, .revocationUnknown), (60, 50, .refused), (90, 0, .wrongKey), (35, 18, nil), (77, 0, nil),
        ] as [(Int32, Int, CertificateProblem?)]
    )
    func `what is wrong with a certificate`(curl: Int32, verifyResult: Int, problem: CertificateProblem?) {
        #expect(CertificateProblem(CurlCode(curl), verifyResult: verifyResult) == problem)
    }

    @Test func `every problem has a sentence and bits of its own kind`() {
        #expect(Set(CertificateProblem.allCases.map(\.reason)).count == CertificateProblem.allCases.count)
        #expect(CertificateProblem.allCases.allSatisfy { !$0.secureFailure.isEmpty })
    }
}
