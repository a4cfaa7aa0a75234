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
            (.weakKey, .tooWeak, .invalidCertificate), (.shortChain, .unknownAuthority, .unknownAuthority),
        ] as [(TLSServers.Kind, CertificateProblem, SecureFailure)]
    )
    func `a refused certificate, with the problem`(
        kind: TLSServers.Kind,
        problem: CertificateProblem,
        flags: SecureFailure
    ) async throws {
        let servers = try TLSServers.shared.get()
        let session = try SessionHandle(options: [.set(.serverTrust, to: .authorities(inFile: servers.authorityFile))])
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
        let session = try SessionHandle(options: [.set(.serverTrust, to: .authorities(inFile: servers.authorityFile))])
        #expect(try await session.get(servers.url(.good)).status == .ok)
    }

    @Test func `a long chain is accepted`() async throws {
        let servers = try TLSServers.shared.get()
        let session = try SessionHandle(options: [.set(.serverTrust, to: .authorities(inFile: servers.authorityFile))])
        #expect(try await session.get(servers.url(.longChain)).status == .ok)
    }
}
