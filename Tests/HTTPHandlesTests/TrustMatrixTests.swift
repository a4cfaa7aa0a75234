import HTTPHandles
import HTTPHandlesTesting
import Testing

/// "Made under A, asked for under B": a request never uses a connection, nor resumes a TLS session, that was made with other
/// TLS options. Every ordered pair of the options below, with HTTP/1.1 and HTTP/2.
@Suite("Trust matrix", .timeLimit(.minutes(10)))
struct TrustMatrixTests {
    /// TLS options, with what becomes of a request to the server `good`.
    private struct Entry {
        let name: String
        let trust: ServerTrust
        var identity: ClientIdentity?
        var versions: ClosedRange<Int> = 2...3
        var algorithms: TLSAlgorithms?
        /// `nil` for a response.
        var code: HandleErrorCode?
    }

    private static func entries(_ servers: TLSServers) throws -> [Entry] {
        let authority = CertificateSource.file(servers.authorityFile)
        func trusting(_ name: String, _ trust: ServerTrust, _ code: HandleErrorCode? = nil) -> Entry {
            Entry(name: name, trust: trust, code: code)
        }
        let usual = ServerTrust.authorities(inFile: servers.authorityFile)
        func identity(_ name: String) -> ClientIdentity {
            ClientIdentity(certificate: .file(servers.path(name + ".pem")), key: .file(servers.path(name + ".key")))
        }
        let (right, wrong) = (try servers.pin("good"), try servers.pin("other"))
        let accept = CertificateVerdict { _ in .accept }
        let refuse = CertificateVerdict { _ in .refuse }
        return [
            trusting("system", .system, .secureFailure),
            trusting("file", .authorities(inFile: servers.authorityFile)),
            trusting("bytes", ServerTrust(.only([.bytes(try servers.bytes("authority.pem"))]))),
            trusting("other authority", .authorities(inFile: servers.path("other.pem")), .secureFailure),
            trusting("unverified", .unverified),
            trusting("any authority", ServerTrust(.only([authority]), ignored: .unknownAuthority)),
            trusting("any name", ServerTrust(.only([authority]), ignored: .wrongName)),
            trusting("any date", ServerTrust(.only([authority]), ignored: .dates)),
            trusting("any usage", ServerTrust(.only([authority]), ignored: .wrongUsage)),
            trusting("right pin", ServerTrust(.only([authority]), pins: [right])),
            trusting("wrong pin", ServerTrust(.only([authority]), pins: [wrong]), .secureFailure),
            trusting("lists", ServerTrust(.only([authority]), revocationLists: [.file(servers.path("revoked.crl"))])),
            trusting("status", ServerTrust(.only([authority]), requiresStapledStatus: true), .secureFailure),
            trusting("accepted", ServerTrust(.only([authority]), verdict: accept)),
            trusting("refused", ServerTrust(.only([authority]), verdict: refuse), .secureFailure),
            Entry(name: "identity", trust: usual, identity: identity("client")),
            Entry(name: "other identity", trust: usual, identity: identity("client2")),
            Entry(name: "TLS 1.2", trust: usual, versions: 2...2),
            Entry(name: "TLS 1.3", trust: usual, versions: 3...3),
            Entry(
                name: "suites",
                trust: usual,
                algorithms: TLSAlgorithms(tls1_3CipherSuites: "TLS_CHACHA20_POLY1305_SHA256")
            ),
            Entry(name: "groups", trust: usual, algorithms: TLSAlgorithms(groups: "P-384")),
        ]
    }

    /// A few of them with a sanitizer, where each pair takes ten times as long.
    private static func some(_ entries: [Entry]) -> [Entry] {
        Sanitizer.isPresent ? Array(entries.shuffled().prefix(6)) : entries
    }

    /// A response of the server, in its words.
    private struct Answer {
        let isResumed: Bool
        let connection: Substring

        init(_ text: String) throws {
            let parts = text.split(separator: "|", omittingEmptySubsequences: false)
            try #require(parts.count == 6, "\(text)")
            isResumed = parts[2] == "r"
            connection = parts[3]
        }
    }

    private static func connect(
        _ session: SessionHandle,
        _ servers: TLSServers,
        _ entry: Entry
    ) async throws -> ConnectionHandle {
        let connection = try await session.connect(to: "localhost", port: servers.port(.good))
        try await connection.setOption(.serverTrust, to: entry.trust)
        try await connection.setOption(.clientIdentity, to: entry.identity)
        try await connection.setOption(.tlsAlgorithms, to: entry.algorithms)
        if entry.versions.lowerBound == 3 { try await connection.setOption(.minimumTLSVersion, to: .tls1_3) }
        if entry.versions.upperBound == 2 { try await connection.setOption(.maximumTLSVersion, to: .tls1_2) }
        return connection
    }

    /// A request with the options of an entry; `nil` if it fails as it should.
    private static func ask(_ connection: ConnectionHandle, _ entry: Entry) async throws -> Answer? {
        let text: String
        do throws(HandleError) {
            let request = try await connection.openRequest(.get, "/", secure: true)
            try await request.send()
            _ = try await request.receiveResponse()
            text = try await request.body.collectString(upTo: 1000)
        } catch {
            #expect(error.code == entry.code, "\(entry.name): \(error)")
            return nil
        }
        #expect(entry.code == nil, "\(entry.name)")
        return try Answer(text)
    }

    @Test(arguments: [HTTPVersionPolicy.http1_1, .automatic])
    func `every pair`(versions: HTTPVersionPolicy) async throws {
        let servers = try TLSServers.shared.get()
        let entries = Self.some(try Self.entries(servers))
        var pairs = 0
        for first in entries.indices {
            // One session for the pairs (first, second) and (second, first), in the order first, second, first, third, …
            let session = try SessionHandle(options: [.set(.httpVersions, to: versions)])
            var used: [Substring: Int] = [:]
            func ask(_ index: Int) async throws {
                let connection = try await Self.connect(session, servers, entries[index])
                guard let answer = try await Self.ask(connection, entries[index]) else { return }
                let owner = used[answer.connection]
                #expect(
                    owner == nil || owner == index,
                    "made under \(entries[owner ?? 0].name), used under \(entries[index].name)"
                )
                // What it resumes can only be its own: then it would have found its idle connection.
                #expect(!answer.isResumed || owner == index, "\(entries[index].name) resumes a session of another")
                used[answer.connection] = index
            }
            try await ask(first)
            for second in entries.indices where second > first {
                try await ask(second)
                try await ask(first)
                pairs += 2
            }
            // Each connection is used again with the same options: otherwise nothing would be shown.
            let before = used.count
            for index in entries.indices where index >= first { try await ask(index) }
            #expect(used.count == before)
            try session.closeAll()
            await session.closed()
        }
        #expect(pairs == entries.count * (entries.count - 1))
    }

    @Test func `every pair, with TLS sessions only`() async throws {
        let servers = try TLSServers.shared.get()
        let entries = Self.some(try Self.entries(servers).filter { $0.code == nil })
        for first in entries {
            for second in entries {
                let session = try SessionHandle(options: [
                    .set(.httpVersions, to: .http1_1), .set(.keepAlive, to: false),
                ])
                let connections = [
                    try await Self.connect(session, servers, first),
                    try await Self.connect(session, servers, second),
                ]
                _ = try await Self.ask(connections[0], first)
                let answer = try #require(try await Self.ask(connections[1], second))
                let pair: Comment = "\(first.name), then \(second.name)"
                if first.name != second.name {
                    #expect(!answer.isResumed, pair)
                } else {
                    #expect(answer.isResumed, pair)
                }
                try session.closeAll()
                await session.closed()
            }
        }
    }
}
