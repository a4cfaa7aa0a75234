import Foundation
import HTTPHandles
import HTTPHandlesTesting
import Testing

@Suite("Client identities", .timeLimit(.minutes(5)))
struct ClientIdentityTests {
    private static func identities(_ servers: TLSServers) throws -> [ClientIdentity] {
        let (certificate, key) = (
            CertificateSource.file(servers.clientFile), CertificateSource.file(servers.clientKeyFile)
        )
        func bytes(_ name: String) throws -> CertificateSource { .bytes(try servers.bytes(name)) }
        let both = try servers.bytes("client.pem") + servers.bytes("client.key")
        return [
            ClientIdentity(certificate: certificate, key: key),
            ClientIdentity(certificate: .bytes(both)),
            ClientIdentity(certificate: .file(servers.path("client-both.pem")), password: "secret"),
            ClientIdentity(certificate: try bytes("client.pem"), key: try bytes("client.key.der")),
            ClientIdentity(certificate: try bytes("client.der"), key: key),
            ClientIdentity(certificate: certificate, key: try bytes("client-encrypted.key"), password: "secret"),
            ClientIdentity(certificate: certificate, key: try bytes("client-encrypted.key.der"), password: "secret"),
            ClientIdentity(
                certificate: certificate,
                key: .file(servers.path("client-traditional.key")),
                password: "secret"
            ),
            .pkcs12(.file(servers.path("client.p12")), password: "secret"),
            .pkcs12(try bytes("client.p12"), password: "secret"),
            .pkcs12(try bytes("client-open.p12")), .pkcs12(try bytes("client-open.p12"), password: ""),
        ]
    }

    @Test func `certificates and keys in all formats, in files and in memory`() async throws {
        let servers = try TLSServers.shared.get()
        for identity in try Self.identities(servers) {
            let session = try TLSOptionTests.session(servers, .set(.clientIdentity, to: identity))
            let text = try await OptionEffectTests.text(session, servers.url(.asksForCertificate))
            #expect(text.contains("|CN=http-handles test client|"), "\(identity)")
            #expect(!"\(identity)\(String(reflecting: identity))".contains("secret"))
        }
    }

    /// Identities that cannot be used, with the code and the reason of the error.
    private static func unusable(_ servers: TLSServers) throws -> [(ClientIdentity, HandleErrorCode, String)] {
        let certificate = CertificateSource.file(servers.clientFile)
        let encrypted = servers.encryptedClientKeyFile
        let authority = servers.authorityFile
        let noKey = HandleErrorCode.clientCertNoPrivateKey
        return [
            (ClientIdentity(certificate: certificate), noKey, "there is no private key in \(servers.clientFile)"),
            (
                ClientIdentity(certificate: certificate, key: .file(authority)), noKey,
                "there is no private key in \(authority)"
            ),
            (
                ClientIdentity(certificate: certificate, key: .file(servers.path("client2.key"))), noKey,
                "the private key does not fit the certificate"
            ),
            (
                ClientIdentity(certificate: certificate, key: .file(encrypted)), noKey,
                "the private key in \(encrypted) needs a password"
            ),
            (
                ClientIdentity(certificate: certificate, key: .file(encrypted), password: "wr0ng"), noKey,
                "the private key in \(encrypted) cannot be decrypted with the password"
            ),
            (
                ClientIdentity(certificate: certificate, key: .bytes(try servers.bytes("client-encrypted.key.der"))),
                noKey,
                "the private key in \(try servers.bytes("client-encrypted.key.der").count) bytes needs a password"
            ),
            (
                ClientIdentity(certificate: certificate, key: .bytes([0x30, 1, 2])), noKey,
                "there is no private key in 3 bytes"
            ),
            (
                ClientIdentity(certificate: .bytes(Array("none".utf8)), key: .file(servers.clientKeyFile)),
                .invalidParameter, "4 bytes: it is not a certificate in PEM or DER"
            ),
            (
                .pkcs12(.file(servers.path("client.p12")), password: "wr0ng"), noKey,
                "\(servers.path("client.p12")) cannot be decrypted with the password"
            ),
            (
                .pkcs12(.file(servers.path("client.p12"))), noKey,
                "\(servers.path("client.p12")) cannot be decrypted without a password"
            ),
            (
                .pkcs12(.file(servers.clientFile), password: "secret"), .invalidParameter,
                "\(servers.clientFile): it is not in the format of PKCS #12"
            ),
            (
                .pkcs12(.bytes(Array(try servers.bytes("client.p12").dropLast(100))), password: "secret"),
                .invalidParameter,
                "\(try servers.bytes("client.p12").count - 100) bytes: it is not in the format of PKCS #12"
            ),
            (
                .pkcs12(.file(servers.path("client-keyless.p12")), password: "secret"), .invalidParameter,
                "\(servers.path("client-keyless.p12")): there is no certificate in it"
            ),
            (
                ClientIdentity(
                    certificate: .file(servers.path("weakClient.pem")),
                    key: .file(servers.path("weakClient.key"))
                ), noKey, "OpenSSL refuses the certificate or its key, which may be too weak"
            ),
        ]
    }

    @Test func `what cannot be used is refused before anything is sent, and no error has a secret`() async throws {
        let servers = try TLSServers.shared.get()
        let server = try ScriptedServer { $0.waitForClose() }
        for (identity, code, reason) in try Self.unusable(servers) {
            let session = try SessionHandle(options: [.set(.clientIdentity, to: identity)])
            let recorder = EventRecorder(of: session, scope: .tree)
            let error = await #expect(throws: HandleError.self) { try await session.get(server.url()) }
            #expect(error == HandleError(code, .sendRequest, reason: "clientIdentity: " + reason))
            try session.closeAll()
            let text = "\(try await recorder.finish().map(\.kind)) \(error?.description ?? "")"
            for secret in ["secret", "wr0ng", "PRIVATE"] { #expect(!text.contains(secret)) }
        }
        #expect(server.connectionsAccepted == 0)
    }

    @Test func `a request made after an identity was replaced uses the new one`() async throws {
        let servers = try TLSServers.shared.get()
        let scratch = try Scratch()
        func replace(_ name: String) throws -> ClientIdentity {
            let certificate = try scratch.file("c.pem", try servers.bytes(name + ".pem"))
            return ClientIdentity(
                certificate: .file(certificate),
                key: .file(try scratch.file("k.pem", servers.bytes(name + ".key")))
            )
        }
        // In its file.
        let session = try TLSOptionTests.session(servers, .set(.clientIdentity, to: try replace("client")))
        let url = servers.url(.asksForCertificate)
        #expect(try await OptionEffectTests.text(session, url).contains("|CN=http-handles test client|"))
        _ = try replace("client2")
        #expect(try await OptionEffectTests.text(session, url).contains("|CN=http-handles test client2|"))
        // By the option.
        let first = ClientIdentity(certificate: .file(servers.clientFile), key: .file(servers.clientKeyFile))
        try await session.setOption(.clientIdentity, to: first)
        #expect(try await OptionEffectTests.text(session, url).contains("|CN=http-handles test client|"))
        try await session.setOption(.clientIdentity, to: nil)
        #expect(try await session.get(url).status == .badRequest)
    }

    @Test func `the issuers that a server names which refuses the client`() async throws {
        let servers = try TLSServers.shared.get()
        let server = try DemandingServer()
        let session = try TLSOptionTests.session(servers, .set(.recordsSecurityInfo, to: true))
        let request = try await session.openRequest(.get, server.url)
        let error = await #expect(throws: HandleError.self) {
            try await request.send()
            _ = try await request.receiveResponse()
        }
        #expect(error?.code == .clientAuthCertNeeded)
        #expect(
            try await request.option(.clientCertificateIssuers).map(\.description) == [
                "/CN=http-handles test authority"
            ]
        )
    }

    @Test(arguments: [TLSVersion.tls1_2, .tls1_3])
    func `the issuers that the server names`(version: TLSVersion) async throws {
        let servers = try TLSServers.shared.get()
        let session = try TLSOptionTests.session(
            servers,
            .set(.recordsSecurityInfo, to: true),
            .set(.maximumTLSVersion, to: version)
        )
        let request = try await session.get(servers.url(.wantsCertificate)).request
        let issuers = try await request.option(.clientCertificateIssuers)
        #expect(issuers.map(\.description) == ["/CN=http-handles test authority", "/CN=http-handles test other"])
        #expect(issuers.allSatisfy { $0.der.first == 0x30 })
        let other = try await session.get(servers.url(.good)).request
        await #expect(throws: HandleError.self) { try await other.option(.clientCertificateIssuers) }
    }
}
