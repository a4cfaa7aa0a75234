import HTTPHandles
import HTTPHandlesTesting
import Testing

/// Compares the TLS options of the tool with those of the curl command.
@Suite("TLS options of the tool", .timeLimit(.minutes(5)))
struct ToolTLSTests {
    /// `NAME.pem` and its like stand for files of `TLSServers`, `PIN NAME` for the hash of a key.
    static let runs: [(TLSServers.Kind, [String])] = [
        (.good, []), (.good, ["--cacert", "authority.pem"]), (.good, ["--cacert", "other.pem"]),
        (.good, ["--cacert", "other.pem", "--capath", "hashed"]), (.good, ["-k"]),
        (.expired, ["--insecure"]), (.expired, ["--cacert", "authority.pem"]),
        (.good, ["-k", "--pinnedpubkey", "PIN other"]),
        (.good, ["-k", "--pinnedpubkey", "PIN other;PIN good"]),
        (.revoked, ["--cacert", "authority.pem", "--crlfile", "revoked.crl"]),
        (.stapled, ["--cacert", "authority.pem", "--cert-status"]),
        (.stapledRevoked, ["--cacert", "authority.pem", "--cert-status"]),
        (.good, ["-k", "--tls-max", "1.2"]), (.good, ["-k", "--tlsv1.3"]),
        (.tls1_2, ["-k", "--tlsv1.3"]), (.tls1_2, ["-k", "--tlsv1.2"]), (.good, ["-k", "--tlsv1"]),
        (.good, ["-k", "--tlsv1.0"]), (.tls1_2, ["-k", "--tlsv1.1"]),
        (.good, ["-k", "--tls-max", "1.2", "--ciphers", "ECDHE-ECDSA-AES128-GCM-SHA256"]),
        (.good, ["-k", "--tls13-ciphers", "TLS_CHACHA20_POLY1305_SHA256"]), (.good, ["-k", "--curves", "P-384"]),
        (.good, ["-k", "--http1.1"]), (.good, ["-k", "--http2"]), (.good, ["-k", "--http2-prior-knowledge"]),
        // Without HTTP/3 in libcurl both refuse it; with it, the server has none.
        (.good, ["-k", "--http3"]), (.good, ["-k", "--http3-only"]),
        (.asksForCertificate, ["-k", "--cert", "client.pem", "--key", "client.key"]),
        (.asksForCertificate, ["-k", "-E", "client.pem:secret", "--key", "client-encrypted.key"]),
        (.asksForCertificate, ["-k", "--cert", "client.pem", "--key", "client-encrypted.key", "--pass", "secret"]),
        (.asksForCertificate, ["-k", "--cert", "client.pem", "--key", "client-encrypted.key", "--pass", "wrong"]),
        (.asksForCertificate, ["-k", "--cert", "client-both.pem:secret"]),
        (.asksForCertificate, ["-k", "--cert", "client.p12:secret", "--cert-type", "P12"]),
        (.asksForCertificate, ["-k", "--cert", "client.p12:wrong", "--cert-type", "P12"]),
        (.asksForCertificate, ["-k", "--cert", "client.der", "--cert-type", "DER", "--key", "client.key"]),
    ]

    @Test func `the same answers and the same failures`() async throws {
        let servers = try TLSServers.shared.get()
        try await withThrowingTaskGroup(of: Void.self) { group in
            // Some at a time.
            for lane in 0..<4 {
                group.addTask {
                    for index in stride(from: lane, to: Self.runs.count, by: 4) {
                        try await Self.compare(Self.runs[index].0, Self.runs[index].1, servers)
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    private static func compare(_ kind: TLSServers.Kind, _ options: [String], _ servers: TLSServers) async throws {
        let curl = ["curl", "-q", "--silent", "--noproxy", "*"]
        let arguments = try options.map { try argument($0, servers) } + [servers.url(kind)]
        let expected = try await TestProgram.run("/usr/bin/env", curl + arguments)
        let run = try await TestProgram.run(TestProgram.path(of: "http-handles"), ["get"] + arguments)
        #expect((expected.status == 0) == (run.status == 0), "\(kind) \(options): \(expected) \(run)")
        if expected.status == 0 { #expect(facts(expected.output) == facts(run.output), "\(kind) \(options)") }
        #expect(!run.output.contains("secret"))
    }

    private static func argument(_ text: String, _ servers: TLSServers) throws -> String {
        if text.hasPrefix("PIN ") {
            return try text.split(separator: ";").map { "\(try servers.pin(String($0.dropFirst(4))))" }
                .joined(separator: ";")
        }
        let isFile = [".pem", ".key", ".p12", ".der", ".crl", "hashed"].contains { text.contains($0) }
        return isFile ? servers.path(text) : text
    }

    /// What the server says, without the number of the connection.
    private static func facts(_ answer: String) -> [Substring] {
        let parts = answer.split(separator: "|", omittingEmptySubsequences: false)
        return parts.count == 6 ? [parts[0], parts[1], parts[4], parts[5]] : parts
    }

    @Test(
        arguments: [
            (["--key", "x"], "--key, --pass and --cert-type need --cert."),
            (["--pinnedpubkey", "x"], "--pinnedpubkey must be sha256//BASE64"),
            (["--cert", "x", "--cert-type", "P12", "--key", "y"], "--key cannot be combined with --cert-type P12"),
            (["--tls-max", "1.0"], "The value '1.0' is invalid for '--tls-max <version>'"),
        ]
    )
    func `options that contradict each other`(arguments: [String], message: String) async throws {
        let run = try await TestProgram.run(
            TestProgram.path(of: "http-handles"),
            ["get"] + arguments + ["https://localhost:1/"]
        )
        #expect(run.status == 2)
        #expect(run.output.contains(message), "\(run.output)")
    }
}
