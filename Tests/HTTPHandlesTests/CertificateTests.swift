import HTTPHandles
import HTTPHandlesTesting
import Testing

@Suite("Certificates", .timeLimit(.minutes(5)))
struct CertificateTests {
    @Test(
        arguments: [
            (.expired, .expired, .dateInvalid), (.notYetValid, .notYetValid, .dateInvalid),
            (.wrongName, .wrongName, .nameMismatch), (.selfSigned, .selfSigned, .unknownAuthority),
            (.unknownAuthority, .unknownAuthority, .unknownAuthority), (.wrongUsage, .wrongUsage, .wrongUsage),
        ] as [(TLSServers.Kind, CertificateProblem, SecureFailure)]
    )
    func `a refused certificate, with the problem`(
        kind: TLSServers.Kind,
        problem: CertificateProblem,
        flags: SecureFailure
    ) async throws {
        let servers = try TLSServers.shared.get()
        let session = try SessionHandle(options: [.set(.certificateAuthorityFile, to: servers.authorityFile)])
        let recorder = EventRecorder(of: session, [.secureFailure, .requestError], scope: .tree)
        let error = try #require(
            await #expect(throws: HandleError.self) { try await session.get(servers.url(kind)) }
        )
        #expect(error.code == .secureFailure)
        #expect(error.operation == .sendRequest)
        #expect(error.certificateProblem == problem)
        #expect(error.reason.hasPrefix(problem.reason + ": "))
        #expect(error.curl?.code.rawValue == 60)
        try session.closeAll()
        let kinds = try await recorder.finish().map(\.kind)
        #expect(kinds.prefix(2) == [.secureFailure(flags), .requestError(error)])
    }

    @Test func `a valid certificate is accepted`() async throws {
        let servers = try TLSServers.shared.get()
        let session = try SessionHandle(options: [.set(.certificateAuthorityFile, to: servers.authorityFile)])
        #expect(try await session.get(servers.url(.good)).status == .ok)
    }

    // MARK: Requests with and without verification

    /// Every option that weakens verification, with a server that is refused without it.
    static let relaxations: [(OptionSetting, TLSServers.Kind)] = [
        (.set(.verifiesServer, to: false), .selfSigned), (.set(.verifiesServer, to: false), .expired),
        (.set(.verifiesServer, to: false), .wrongName), (.set(.verifiesServerName, to: false), .wrongName),
    ]

    @Test(arguments: relaxations.indices, [HTTPVersionPolicy.automatic, .http1_1])
    func `a request with verification never uses the connection of one without`(
        index: Int,
        versions: HTTPVersionPolicy
    ) async throws {
        let servers = try TLSServers.shared.get()
        let (relaxation, kind) = Self.relaxations[index]
        let session = try SessionHandle(options: [
            .set(.certificateAuthorityFile, to: servers.authorityFile), .set(.httpVersions, to: versions), relaxation,
        ])
        let relaxed = try await session.connect(to: "localhost", port: servers.port(kind))
        try await session.setOption(.verifiesServer, to: true)
        try await session.setOption(.verifiesServerName, to: true)
        let strict = try await session.connect(to: "localhost", port: servers.port(kind))

        // While the connection without verification is in use, while it is idle, and with its TLS session in the cache.
        for round in 0..<3 {
            let request = try await relaxed.openRequest(.get, "/", secure: true)
            try await request.send()
            if round > 0 { _ = try await request.receiveResponse().status }
            if round > 1 { _ = try await request.body.collect(upTo: 1000) }
            let other = try await strict.openRequest(.get, "/", secure: true)
            let error = await #expect(throws: HandleError.self) { try await other.send() }
            #expect(error?.code == .secureFailure)
            try request.close()
        }
    }

    @Test func `without verifiesServer the name is not verified either`() async throws {
        let servers = try TLSServers.shared.get()
        let session = try SessionHandle(options: [
            .set(.certificateAuthorityFile, to: servers.authorityFile), .set(.verifiesServerName, to: false),
        ])
        #expect(try await session.get(servers.url(.wrongName)).status == .ok)
        let error = await #expect(throws: HandleError.self) { try await session.get(servers.url(.expired)) }
        #expect(error?.certificateProblem == .expired)
    }
}
