import Foundation
import HTTPHandles
import HTTPHandlesTesting
import Testing

/// What a request trusts: authorities, pins, revocation, leniencies. (The caller's verdict: `CertificateVerdictTests`.)
@Suite("Server trust", .timeLimit(.minutes(5)))
struct ServerTrustTests {
    /// `nil` if a request is answered, else what is wrong with the certificate.
    static func problem(_ kind: TLSServers.Kind, _ trust: ServerTrust) async throws -> CertificateProblem? {
        let servers = try TLSServers.shared.get()
        let session = try SessionHandle(options: [.set(.serverTrust, to: trust)])
        do throws(HandleError) {
            let response = try await session.get(servers.url(kind))
            #expect(response.status == .ok)
            return nil
        } catch {
            #expect(error.code == .secureFailure && error.operation == .sendRequest, "\(error)")
            let problem: CertificateProblem = try #require(error.certificateProblem, "\(error)")
            return problem
        }
    }

    // MARK: Authorities

    @Test func `authorities in files and in memory`() async throws {
        let servers = try TLSServers.shared.get()
        for source in [
            CertificateSource.file(servers.authorityFile), .file(servers.path("authority.der")),
            .file(servers.path("authorities.pem")), .directory(servers.path("hashed")),
            .bytes(try servers.bytes("authority.pem")), .bytes(try servers.bytes("authority.der")),
        ] {
            #expect(try await Self.problem(.good, ServerTrust(.only([source]))) == nil, "\(source)")
            #expect(try await Self.problem(.good, ServerTrust(.systemAnd([source]))) == nil, "\(source)")
        }
        let other = CertificateSource.file(servers.path("other.pem"))
        #expect(try await Self.problem(.good, .system) == .unknownAuthority)
        #expect(try await Self.problem(.good, ServerTrust(.only([other]))) == .unknownAuthority)
        #expect(try await Self.problem(.good, ServerTrust(.systemAnd([other]))) == .unknownAuthority)
        let both = ServerTrust(.only([other, .file(servers.authorityFile)]))
        #expect(try await Self.problem(.good, both) == nil)
        #expect(try await Self.problem(.unknownAuthority, both) == nil)
        // The authority itself may be an intermediate one.
        #expect(try await Self.problem(.shortChain, ServerTrust(.only([.file(servers.path("middle3.pem"))]))) == nil)
    }

    @Test func `a file that has changed is read again`() async throws {
        let servers = try TLSServers.shared.get()
        let scratch = try Scratch()
        let file = try scratch.file("authority.pem", try servers.bytes("other.pem"))
        let session = try SessionHandle(options: [.set(.serverTrust, to: .authorities(inFile: file))])
        let error = await #expect(throws: HandleError.self) { try await session.get(servers.url(.good)) }
        #expect(error?.certificateProblem == .unknownAuthority)
        _ = try scratch.file("authority.pem", try servers.bytes("authorities.pem"))
        #expect(try await session.get(servers.url(.good)).status == .ok)
        _ = try scratch.file("authority.pem", try servers.bytes("other.pem"))
        await #expect(throws: HandleError.self) { try await session.get(servers.url(.good)) }
    }

    // MARK: Leniencies

    /// Each leniency, with the servers that it accepts; all others are refused.
    @Test(
        arguments: [
            (.unknownAuthority, [.unknownAuthority, .selfSigned, .shortChain]), (.dates, [.expired, .notYetValid]),
            (.wrongName, [.wrongName]), (.wrongUsage, [.wrongUsage]),
            (
                [.unknownAuthority, .dates],
                [.unknownAuthority, .selfSigned, .shortChain, .expired, .notYetValid, .expiredAndUnknown]
            ),
        ] as [(IgnoredCertificateProblems, [TLSServers.Kind])]
    )
    func `each problem is ignored alone`(ignored: IgnoredCertificateProblems, accepted: [TLSServers.Kind]) async throws
    {
        let servers = try TLSServers.shared.get()
        let trust = ServerTrust(.only([.file(servers.authorityFile)]), ignored: ignored)
        let kinds: [(TLSServers.Kind, CertificateProblem)] = [
            (.expired, .expired), (.notYetValid, .notYetValid), (.wrongName, .wrongName), (.selfSigned, .selfSigned),
            (.unknownAuthority, .unknownAuthority), (.shortChain, .unknownAuthority), (.wrongUsage, .wrongUsage),
            (.expiredAndUnknown, ignored.contains(.unknownAuthority) ? .expired : .unknownAuthority),
            (.weakKey, .tooWeak),
        ]
        for (kind, problem) in kinds {
            let found = try await Self.problem(kind, trust)
            #expect(found == (accepted.contains(kind) ? nil : problem), "\(kind)")
        }
        #expect(try await Self.problem(.good, trust) == nil)
        #expect(try await Self.problem(.longChain, trust) == nil)
    }

    @Test(arguments: TLSServers.Kind.allCases)
    func `unverified accepts every server`(kind: TLSServers.Kind) async throws {
        let servers = try TLSServers.shared.get()
        let session = try SessionHandle(options: [.set(.serverTrust, to: .unverified)])
        let status = try await session.get(servers.url(kind)).status
        #expect(status == (kind == .asksForCertificate ? .badRequest : .ok))
    }

    // MARK: Pins

    @Test func `the server's key must be one of the pinned ones`() async throws {
        let servers = try TLSServers.shared.get()
        let (right, wrong) = (try servers.pin("good"), try servers.pin("other"))
        for (pins, isAccepted) in [([right], true), ([wrong], false), ([wrong, right], true)] {
            for base in [ServerTrust.authorities(inFile: servers.authorityFile), .unverified] {
                var trust = base
                trust.pins = pins
                let session = try SessionHandle(options: [.set(.serverTrust, to: trust)])
                if isAccepted {
                    #expect(try await session.get(servers.url(.good)).status == .ok)
                } else {
                    let error = await #expect(throws: HandleError.self) { try await session.get(servers.url(.good)) }
                    #expect(error?.code == .secureFailure && error?.certificateProblem == .wrongKey)
                }
            }
        }
    }

    // MARK: Revocation

    @Test(arguments: ["revoked.crl", "revoked.crl.der"])
    func `revocation lists`(name: String) async throws {
        let servers = try TLSServers.shared.get()
        for list in [CertificateSource.file(servers.path(name)), .bytes(try servers.bytes(name))] {
            let trust = ServerTrust(.only([.file(servers.authorityFile)]), revocationLists: [list])
            #expect(try await Self.problem(.revoked, trust) == .revoked)
            #expect(try await Self.problem(.good, trust) == nil)
            // There is no list of the intermediate authorities.
            #expect(try await Self.problem(.longChain, trust) == .revocationUnknown)
        }
        #expect(try await Self.problem(.revoked, .authorities(inFile: servers.authorityFile)) == nil)
    }

    @Test func `stapled status`() async throws {
        let servers = try TLSServers.shared.get()
        let trust = ServerTrust(.only([.file(servers.authorityFile)]), requiresStapledStatus: true)
        #expect(try await Self.problem(.stapledRevoked, trust) == .revoked)
        #expect(try await Self.problem(.good, trust) == .revocationUnknown)
        // Not with a resumed session, to which nothing is stapled.
        let session = try SessionHandle(options: [.set(.serverTrust, to: trust), .set(.keepAlive, to: false)])
        for _ in 0..<3 { #expect(try await session.get(servers.url(.stapled)).status == .ok) }
    }

    // MARK: Bad input

    @Test func `what is no certificate is refused before anything is sent`() async throws {
        let servers = try TLSServers.shared.get()
        let server = try ScriptedServer { $0.waitForClose() }
        let scratch = try Scratch()
        let certificate = try servers.bytes("authority.pem")
        let bad: [[UInt8]] = [
            Array("no certificate".utf8), [0x30, 0x82], [0x30], Array(certificate.dropLast(40)),
            certificate + Array("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".utf8),
            try servers.bytes("client.key"), try servers.bytes("client-encrypted.pem"),
        ]
        for bytes in bad {
            let file = try scratch.file("bad", bytes)
            for (source, text) in [(CertificateSource.bytes(bytes), "\(bytes.count) bytes"), (.file(file), file)] {
                let session = try SessionHandle(options: [.set(.serverTrust, to: ServerTrust(.systemAnd([source])))])
                let reason = "serverTrust: \(text): it is not a certificate in PEM or DER"
                await #expect(throws: HandleError.invalidParameter(.sendRequest, reason)) {
                    try await session.get(server.url())
                }
                let trust = ServerTrust(revocationLists: [source])
                try await session.setOption(.serverTrust, to: trust)
                let other = "serverTrust: \(text): it is not a revocation list in PEM or DER"
                await #expect(throws: HandleError.invalidParameter(.sendRequest, other)) {
                    try await session.get(server.url())
                }
            }
        }
        let long = CertificateSource.bytes([UInt8](repeating: 0, count: 5 << 20))
        let session = try SessionHandle(options: [.set(.serverTrust, to: ServerTrust(.only([long])))])
        let reason = "serverTrust: \(5 << 20) bytes: it is longer than \(4 << 20) bytes"
        await #expect(throws: HandleError.invalidParameter(.sendRequest, reason)) {
            try await session.get(server.url())
        }
        #expect(server.connectionsAccepted == 0)
    }
}
