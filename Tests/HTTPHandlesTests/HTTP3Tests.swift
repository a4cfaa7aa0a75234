import HTTPHandles
import HTTPHandlesTesting
import Testing

/// Only with a libcurl that has HTTP/3: that of `Scripts/libcurl`.
@Suite("HTTP/3", .timeLimit(.minutes(5)))
struct HTTP3Tests {
    private static func session(_ versions: HTTPVersionPolicy, _ authorityFile: String) async throws -> SessionHandle? {
        let session = try SessionHandle(options: [
            .set(.serverTrust, to: .authorities(inFile: authorityFile)), .set(.httpVersions, to: versions),
        ])
        return try await session.option(.linkedLibrary).has(.http3) ? session : nil
    }

    @Test(arguments: [HTTPVersionPolicy.http3, .http3Only])
    func `requests over HTTP/3 share a connection`(versions: HTTPVersionPolicy) async throws {
        guard Caddy.isInstalled else { return }
        let caddy = try Caddy.shared.get()
        guard let session = try await Self.session(versions, caddy.authorityFile) else { return }
        let recorder = EventRecorder(of: session, scope: .tree)
        for _ in 0..<3 {
            let response = try await session.get(caddy.url("/protocol"))
            #expect(response.head.version == .http3)
            #expect(try await response.body.collectString(upTo: 100) == "HTTP/3.0 GET")
        }
        let response = try await session.get(caddy.url("/big"))
        #expect(try await response.body.collect(upTo: 2 << 20) == pattern(1 << 20))
        let request = try await session.openRequest(.post, caddy.url("/protocol"))
        try await request.send(.bytes(pattern(100_000)))
        _ = try await request.receiveResponse()
        #expect(try await request.body.collectString(upTo: 100) == "HTTP/3.0 POST")
        try session.closeAll()
        await session.closed()
        let names = try await recorder.finish().map(\.kind.name)
        #expect(names.filter { $0 == "connectionReused" }.count == 4, "\(names)")
        #expect(names.filter { $0 == "connectionSecured" }.count == 1, "\(names)")
    }

    @Test func `trust and verdicts are those of other versions`() async throws {
        guard Caddy.isInstalled else { return }
        let caddy = try Caddy.shared.get()
        guard let session = try await Self.session(.http3Only, caddy.authorityFile) else { return }
        try await session.setOption(.serverTrust, to: .system)
        let error = await #expect(throws: HandleError.self) { try await session.get(caddy.url("/protocol")) }
        #expect(error?.certificateProblem == .unknownAuthority, "\(error?.description ?? "")")
        for answer in CertificateVerdict.Answer.allCases {
            let asked = Record<ServerCertificate>()
            let verdict = CertificateVerdict { certificate in
                asked.note(certificate)
                return answer
            }
            try await session.setOption(.serverTrust, to: ServerTrust(verdict: verdict))
            let result = try? await session.get(caddy.url("/protocol"))
            #expect((result?.status == .ok) == (answer == .accept))
            #expect(asked.all.map(\.problems) == [[.unknownAuthority]])
        }
    }

    @Test func `the alternative service that Caddy announces`() async throws {
        guard Caddy.isInstalled else { return }
        let caddy = try Caddy.shared.get()
        guard let session = try await Self.session(.automatic, caddy.authorityFile) else { return }
        try await session.setOption(.usesAlternativeServices, to: true)
        var versions: [HTTPVersion] = []
        for _ in 0..<3 {
            let response = try await session.get(caddy.url("/protocol"))
            versions.append(response.head.version)
            #expect(try await response.body.collectString(upTo: 100).hasSuffix(" GET"))
        }
        #expect(versions == [.http2, .http3, .http3])
        #expect(try await session.alternativeServices.list().map(\.version) == [.http3])
        // There is nothing at the service.
        let origin = try #require(try await session.alternativeServices.list().first)
        try await session.alternativeServices.removeAll()
        let closed = try ClosedPort()
        let nowhere = AlternativeService(
            originHost: origin.originHost,
            originPort: origin.originPort,
            version: .http3,
            host: "127.0.0.1",
            port: closed.port,
            expires: 4_102_444_800
        )
        try await session.alternativeServices.set(nowhere)
        #expect(try await session.get(caddy.url("/protocol")).head.version == .http2)
        withExtendedLifetime(closed) {}
    }

    @Test func `a server without HTTP/3`() async throws {
        let nginx = try Nginx.shared.get()
        guard let session = try await Self.session(.http3, nginx.authorityFile) else { return }
        #expect(try await session.get(nginx.https("/hello")).head.version == .http2)
        try await session.setOption(.httpVersions, to: .http3Only)
        let reason = "httpVersions requires HTTP/3 over TLS, but the URL is http"
        await #expect(throws: HandleError(.httpProtocolMismatch, .sendRequest, reason: reason)) {
            try await session.get(nginx.http("/hello"))
        }
    }
}
