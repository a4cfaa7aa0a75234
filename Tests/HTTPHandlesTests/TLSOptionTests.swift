import HTTPHandles
import HTTPHandlesSystem
import HTTPHandlesTesting
import Testing

/// TLS options and their effects. (Verification: `CertificateTests`.)
@Suite("TLS options", .timeLimit(.minutes(5)))
struct TLSOptionTests {
    static func session(_ servers: TLSServers, _ options: OptionSetting...) throws -> SessionHandle {
        try SessionHandle(options: [.set(.serverTrust, to: .authorities(inFile: servers.authorityFile))] + options)
    }

    @Test func serverTrust() async throws {
        let servers = try TLSServers.shared.get()
        let session = try Self.session(servers)
        #expect(try await session.get(servers.url(.good)).status == .ok)
        // A connection that was verified with one authority is not used with another.
        try await session.setOption(.serverTrust, to: .system)
        let error = await #expect(throws: HandleError.self) { try await session.get(servers.url(.good)) }
        #expect(error?.certificateProblem == .unknownAuthority)
    }

    @Test func minimumTLSVersion() async throws {
        let servers = try TLSServers.shared.get()
        let session = try Self.session(servers)
        #expect(try await OptionEffectTests.text(session, servers.url(.tls1_2)).hasPrefix("TLSv1.2"))
        #expect(try await OptionEffectTests.text(session, servers.url(.good)).hasPrefix("TLSv1.3"))
        // The TLS version of the pooled connection is too old now.
        try await session.setOption(.minimumTLSVersion, to: .tls1_3)
        #expect(try await OptionEffectTests.text(session, servers.url(.good)).hasPrefix("TLSv1.3"))
        let error = await #expect(throws: HandleError.self) { try await session.get(servers.url(.tls1_2)) }
        #expect(error?.code == .secureFailure)
        #expect(error?.certificateProblem == nil)
    }

    @Test func maximumTLSVersion() async throws {
        let servers = try TLSServers.shared.get()
        let session = try Self.session(servers)
        #expect(try await OptionEffectTests.text(session, servers.url(.good)).hasPrefix("TLSv1.3"))
        try await session.setOption(.maximumTLSVersion, to: .tls1_2)
        #expect(try await OptionEffectTests.text(session, servers.url(.good)).hasPrefix("TLSv1.2"))
        try await session.setOption(.minimumTLSVersion, to: .tls1_3)
        let reason = "maximumTLSVersion is older than minimumTLSVersion"
        await #expect(throws: HandleError.invalidParameter(.sendRequest, reason)) {
            try await session.get(servers.url(.good))
        }
    }

    @Test func tlsAlgorithms() async throws {
        let servers = try TLSServers.shared.get()
        for (algorithms, version, part, value) in [
            (TLSAlgorithms(tls1_3CipherSuites: "TLS_CHACHA20_POLY1305_SHA256"), nil, 4, "TLS_CHACHA20_POLY1305_SHA256"),
            (
                TLSAlgorithms(cipherSuites: "ECDHE-ECDSA-AES128-GCM-SHA256"), .tls1_2, 4,
                "ECDHE-ECDSA-AES128-GCM-SHA256"
            ),
            (TLSAlgorithms(groups: "P-384"), nil, 5, "secp384r1"),
        ] as [(TLSAlgorithms, TLSVersion?, Int, String)] {
            let session = try Self.session(
                servers,
                .set(.tlsAlgorithms, to: algorithms),
                .set(.maximumTLSVersion, to: version)
            )
            let parts = try await OptionEffectTests.text(session, servers.url(.good)).split(separator: "|")
            #expect(parts.contains { $0 == value }, "\(part): \(parts)")
            // Not with the session's default.
            try await session.setOption(.tlsAlgorithms, to: nil)
            let others = try await OptionEffectTests.text(session, servers.url(.good)).split(separator: "|")
            #expect(!others.contains { $0 == value }, "\(part): \(others)")
        }
    }

    @Test func `unknown algorithms are refused before anything is sent`() async throws {
        let server = try ScriptedServer { $0.waitForClose() }
        for algorithms in [
            TLSAlgorithms(cipherSuites: "no-such-suite"), TLSAlgorithms(tls1_3CipherSuites: "TLS_NO_SUCH"),
            TLSAlgorithms(groups: "X25519:no-such-group"),
        ] {
            let session = try SessionHandle(options: [.set(.tlsAlgorithms, to: algorithms)])
            let error = await #expect(throws: HandleError.self) { try await session.get(server.url()) }
            #expect(error?.code == .invalidParameter && error?.operation == .sendRequest)
            #expect(error?.reason.hasPrefix("tlsAlgorithms: OpenSSL does not know all of ") == true)
        }
        #expect(server.connectionsAccepted == 0)
    }

    // MARK: HTTP versions

    @Test func `HTTP/2 or fail`() async throws {
        let nginx = try Nginx.shared.get()
        let session = try SessionHandle(options: [
            .set(.serverTrust, to: .authorities(inFile: nginx.authorityFile)), .set(.httpVersions, to: .http2Only),
        ])
        #expect(try await session.get(nginx.https("/hello")).head.version == .http2)
        // A pooled connection of HTTP/1.1 does not count.
        let other = try SessionHandle(options: [
            .set(.serverTrust, to: .authorities(inFile: nginx.authorityFile)), .set(.httpVersions, to: .http1_1),
        ])
        #expect(try await OptionEffectTests.text(other, nginx.https("/protocol")).hasPrefix("HTTP/1.1"))
        try await other.setOption(.httpVersions, to: .http2Only)
        #expect(try await other.get(nginx.https("/hello")).head.version == .http2)
        for (url, reason) in [
            (nginx.https1("/hello"), "the server does not offer HTTP/2, which httpVersions requires"),
            (nginx.http("/hello"), "httpVersions requires HTTP/2 over TLS, but the URL is http"),
        ] {
            let error = HandleError(.httpProtocolMismatch, .sendRequest, reason: reason)
            await #expect(throws: error) { try await session.get(url) }
        }
    }

    @Test func `a request is not sent over a version that is not allowed`() async throws {
        let received = Record<Int>()
        let server = try ScriptedServer { connection in
            if let request = try connection.readRequest() { received.note(request.head.bytes.count) }
        }
        let front = try TLSFront.shared.get()
        let session = try SessionHandle(options: [
            .set(.serverTrust, to: .authorities(inFile: front.authorityFile)), .set(.httpVersions, to: .http2Only),
        ])
        let error = await #expect(throws: HandleError.self) { try await session.get(try front.url(server, .http1_1)) }
        #expect(error?.code == .httpProtocolMismatch)
        #expect(received.all.isEmpty)
    }

    @Test(arguments: [HTTPVersionPolicy.http3, .http3Only])
    func `HTTP/3 without support for it`(versions: HTTPVersionPolicy) async throws {
        let nginx = try Nginx.shared.get()
        let session = try SessionHandle(options: [
            .set(.serverTrust, to: .authorities(inFile: nginx.authorityFile)), .set(.httpVersions, to: versions),
        ])
        guard try await !session.option(.linkedLibrary).has(.http3) else { return }
        let error = await #expect(throws: HandleError.self) { try await session.get(nginx.https("/hello")) }
        #expect(error?.code == .notSupported)
        #expect(error?.reason == "the linked libcurl does not support \(versions) for httpVersions")
    }

    @Test func clientIdentity() async throws {
        let servers = try TLSServers.shared.get()
        let url = servers.url(.asksForCertificate)
        let session = try Self.session(servers)
        #expect(try await session.get(url).status == .badRequest)
        for certificate in [
            ClientIdentity(certificate: .file(servers.clientFile), key: .file(servers.clientKeyFile)),
            ClientIdentity(
                certificate: .file(servers.clientFile),
                key: .file(servers.encryptedClientKeyFile),
                password: "secret"
            ),
        ] {
            try await session.setOption(.clientIdentity, to: certificate)
            // The pooled connection was made without the certificate.
            #expect(try await OptionEffectTests.text(session, url).contains("CN=http-handles test client"))
            #expect(!"\(certificate)".contains("secret"))
        }
        // The connection that was made with it is not used for others either.
        try await session.setOption(.clientIdentity, to: nil)
        #expect(try await session.get(url).status == .badRequest)
    }

    @Test func `a client certificate is not sent to another origin after a redirect`() async throws {
        let servers = try TLSServers.shared.get()
        let certificate = ClientIdentity(certificate: .file(servers.clientFile), key: .file(servers.clientKeyFile))
        let session = try Self.session(servers, .set(.clientIdentity, to: certificate))
        let server = try ScriptedServer { connection in
            _ = try connection.readRequest()
            let location = servers.url(.asksForCertificate)
            try connection.send("HTTP/1.1 302 Found\r\nLocation: \(location)\r\nContent-Length: 0\r\n\r\n")
        }
        #expect(try await session.get(server.url()).status == .badRequest)
        #expect(try await session.get(servers.url(.asksForCertificate)).status == .ok)
    }

    @Test func `files that cannot be read are refused before anything is sent`() async throws {
        let server = try ScriptedServer { $0.waitForClose() }
        let scratch = try Scratch()
        let pipe = scratch.path("pipe")
        #expect(unsafe mkfifo(pipe, 0o600) == 0)
        // A sparse file.
        let long = try scratch.file("long", [])
        #expect(unsafe truncate(long, 1 << 40) == 0)
        let certificate = try TLSServers.shared.get().clientFile
        for (file, problem) in [
            ("/no/such", "No such file or directory"), (scratch.folder, "it is not a regular file"),
            (pipe, "it is not a regular file"), (long, "it is longer than \(4 << 20) bytes"),
        ] {
            for (setting, name) in [
                (.set(.serverTrust, to: .authorities(inFile: file)), "serverTrust"),
                (.set(.clientIdentity, to: ClientIdentity(certificate: .file(file))), "clientIdentity"),
                (
                    .set(.clientIdentity, to: ClientIdentity(certificate: .file(certificate), key: .file(file))),
                    "clientIdentity"
                ),
            ] as [(OptionSetting, String)] {
                let session = try SessionHandle(options: [setting])
                let reason = "\(name) cannot be read: \(file): \(problem)"
                await #expect(throws: HandleError.invalidParameter(.sendRequest, reason)) {
                    try await session.get(server.url())
                }
            }
        }
        #expect(server.connectionsAccepted == 0)
    }

    @Test func `the keys are written to SSLKEYLOGFILE`() async throws {
        let servers = try TLSServers.shared.get()
        let scratch = try Scratch()
        let log = scratch.path("keys")
        let run = try await TestProgram.run(
            "/usr/bin/env",
            ["SSLKEYLOGFILE=\(log)", TestProgram.path(), "client-keys", servers.url(.asksForCertificate)]
                + [servers.authorityFile, "input-is-not-read", "\(servers.clientFile),\(servers.clientKeyFile)"]
        )
        #expect(run.output == "200\nneighbour: 200\nsession closed\n")
        let lines = String(decoding: scratch.contents("keys") ?? [], as: UTF8.self).split(separator: "\n")
        #expect(lines.contains { $0.hasPrefix("CLIENT_RANDOM ") }, "\(lines)")
    }

    // MARK: TLS parameters

    @Test(arguments: [(TLSServers.Kind.good, "TLSv1.3"), (.tls1_2, "TLSv1.2")])
    func recordsSecurityInfo(kind: TLSServers.Kind, version: String) async throws {
        let servers = try TLSServers.shared.get()
        let session = try Self.session(servers, .set(.recordsSecurityInfo, to: true))
        let connection = try await session.connect(to: "localhost", port: servers.port(kind))
        for isReused in [false, true] {
            let request = try await connection.openRequest(.get, "/", secure: true)
            let early = await #expect(throws: HandleError.self) { try await request.option(.securityInfo) }
            #expect(early?.code == .incorrectHandleState)
            try await request.send()
            _ = try await request.receiveResponse()
            _ = try await request.body.collect(upTo: 1000)
            let information = try await request.option(.securityInfo)
            #expect(information.version == version)
            #expect(information.cipher?.contains("AES") == true)
            #expect(information.applicationProtocol == "h2")
            #expect(information.verifyResult == (isReused ? nil : 0))
            #expect(information.certificates.count == (isReused ? 0 : 1))
            guard let certificate = information.certificates.first else { continue }
            #expect(certificate.subject.contains("http-handles test good"))
            #expect(certificate.issuer.contains("http-handles test authority"))
            #expect(certificate.serialNumber == "01")
            #expect(certificate.notBefore.hasSuffix("GMT"))
            #expect(certificate.notAfter.hasSuffix("GMT"))
            #expect(certificate.pem.hasPrefix("-----BEGIN CERTIFICATE-----"))
        }
    }

    @Test func `without verification there are no authorities, which is the result`() async throws {
        let servers = try TLSServers.shared.get()
        for (kind, result) in [(TLSServers.Kind.good, 20), (.selfSigned, 18)] {
            let session = try SessionHandle(options: [
                .set(.recordsSecurityInfo, to: true), .set(.serverTrust, to: .unverified),
            ])
            let response = try await session.get(servers.url(kind))
            let information = try await response.request.option(.securityInfo)
            #expect(information.verifyResult == result)
            #expect(information.certificates.count == 1)
        }
    }

    @Test func `without recordsSecurityInfo nothing is recorded`() async throws {
        let servers = try TLSServers.shared.get()
        let session = try Self.session(servers)
        let response = try await session.get(servers.url(.good))
        await #expect(throws: HandleError.wrongState(.queryOption, "the value of securityInfo is not known yet")) {
            try await response.request.option(.securityInfo)
        }
    }
}
