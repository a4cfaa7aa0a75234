import HTTPHandles
import HTTPHandlesTesting
import Testing

@Suite("Verdicts on certificates", .timeLimit(.minutes(5)))
struct CertificateVerdictTests {
    @TaskLocal static var local = 0

    /// A verdict with a constant answer that records the questions.
    private final class Verdict: Sendable {
        let questions = Record<ServerCertificate>()
        private let answer: CertificateVerdict.Answer

        init(_ answer: CertificateVerdict.Answer) { self.answer = answer }

        func trust(_ servers: TLSServers, ignored: IgnoredCertificateProblems = []) -> ServerTrust {
            let verdict = CertificateVerdict { [questions, answer] certificate in
                questions.note(certificate)
                return answer
            }
            return ServerTrust(.only([.file(servers.authorityFile)]), ignored: ignored, verdict: verdict)
        }
    }

    @Test(
        arguments: [
            (.good, []), (.longChain, []), (.expired, [.expired]), (.notYetValid, [.notYetValid]),
            (.wrongName, [.wrongName]), (.selfSigned, [.selfSigned]), (.unknownAuthority, [.unknownAuthority]),
            (.wrongUsage, [.wrongUsage]), (.weakKey, [.tooWeak]), (.expiredAndUnknown, [.unknownAuthority, .expired]),
        ] as [(TLSServers.Kind, [CertificateProblem])]
    )
    func `the verdict is told of the chain and of every problem, and decides`(
        kind: TLSServers.Kind,
        problems: [CertificateProblem]
    ) async throws {
        let servers = try TLSServers.shared.get()
        for answer in CertificateVerdict.Answer.allCases {
            let verdict = Verdict(answer)
            let session = try SessionHandle(options: [
                .set(.serverTrust, to: verdict.trust(servers)), .set(.keepAlive, to: false),
            ])
            for _ in 0..<2 {
                do throws(HandleError) {
                    let status = try await session.get(servers.url(kind)).status
                    #expect(status == .ok && answer == .accept)
                } catch {
                    #expect(answer == .refuse && error.code == .secureFailure, "\(error)")
                    #expect(error.certificateProblem == (problems.first ?? .refused))
                    #expect(error.reason.hasPrefix(CertificateProblem.refused.reason) || error.curl != nil, "\(error)")
                }
            }
            // Asked once; the answer is kept.
            let question = try #require(verdict.questions.all.first)
            #expect(verdict.questions.all.count == 1)
            #expect(question.host == "localhost")
            #expect(Set(question.problems) == Set(problems), "\(question.problems)")
            #expect(question.chain.count == (kind == .longChain ? 4 : 1))
            #expect(question.chain.allSatisfy { $0.first == 0x30 && $0.count > 200 })
        }
    }

    @Test func `what is ignored is no problem`() async throws {
        let servers = try TLSServers.shared.get()
        let verdict = Verdict(.accept)
        let trust = verdict.trust(servers, ignored: [.dates, .wrongName])
        let session = try SessionHandle(options: [.set(.serverTrust, to: trust)])
        for kind in [TLSServers.Kind.expired, .wrongName, .expiredAndUnknown] {
            #expect(try await session.get(servers.url(kind)).status == .ok)
        }
        #expect(verdict.questions.all.map(\.problems) == [[], [], [.unknownAuthority]])
    }

    @Test func `the events of a request whose certificate is accepted`() async throws {
        let servers = try TLSServers.shared.get()
        let session = try SessionHandle(options: [.set(.serverTrust, to: Verdict(.accept).trust(servers))])
        let request = try await session.openRequest(.get, servers.url(.selfSigned))
        let recorder = EventRecorder(of: request)
        try await request.send()
        _ = try await request.receiveResponse()
        try request.close()
        let names = try await recorder.finish().map(\.kind.name)
        #expect(names.filter { $0 == "connectedToServer" }.count == 2)
        #expect(names.filter { $0 == "connectionClosed" }.count >= 1)
        #expect(names.filter { $0 == "sendingRequest" || $0 == "secureFailure" } == ["sendingRequest"])
    }

    @Test(arguments: [HTTPVersionPolicy.http1_1, .automatic])
    func `requests that begin at the same time`(versions: HTTPVersionPolicy) async throws {
        let servers = try TLSServers.shared.get()
        let verdict = Verdict(.accept)
        let session = try SessionHandle(options: [
            .set(.serverTrust, to: verdict.trust(servers)), .set(.httpVersions, to: versions),
        ])
        let statuses = try await withThrowingTaskGroup { group in
            for _ in 0..<8 { group.addTask { try await session.get(servers.url(.selfSigned)).status } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(statuses.count == 8 && statuses.allSatisfy { $0 == .ok })
        #expect(Set(verdict.questions.all).count == 1)
    }

    @Test func `the verdict has the values of the calling task`() async throws {
        let servers = try TLSServers.shared.get()
        let seen = Record<Int>()
        let verdict = CertificateVerdict { _ in
            seen.note(Self.local)
            return .accept
        }
        let session = try SessionHandle(options: [.set(.serverTrust, to: ServerTrust(verdict: verdict))])
        try await Self.$local.withValue(7) {
            let status = try await session.get(servers.url(.good)).status
            #expect(status == .ok)
        }
        #expect(seen.all == [7])
    }

    @Test(arguments: [true, false])
    func `a verdict that never answers`(isClosed: Bool) async throws {
        let servers = try TLSServers.shared.get()
        let (asked, isAsked) = AsyncStream.makeStream(of: Void.self)
        let (cancelled, isCancelled) = AsyncStream.makeStream(of: Void.self)
        let verdict = CertificateVerdict { _ in
            isAsked.finish()
            try? await Task.sleep(for: .seconds(1_000_000))
            isCancelled.finish()
            return .accept
        }
        let session = try SessionHandle(options: [.set(.serverTrust, to: ServerTrust(verdict: verdict))])
        let request = try await session.openRequest(.get, servers.url(.good))
        let limit = Duration.seconds(3600)
        try await request.setOption(.connectTimeout, to: limit)
        let sending = Task { try await request.send() }
        for await _ in asked {}
        // Others go on.
        let other = try OptionEffectTests.hello()
        #expect(try await session.get(other.url()).status == .ok)
        if isClosed { try request.close() } else { session.advanceClock(by: limit) }
        let error = await #expect(throws: HandleError.self) { try await sending.value }
        if isClosed {
            #expect(error?.code == .operationCancelled)
        } else {
            #expect(error == .timeout(.connect, after: limit, .sendRequest))
        }
        for await _ in cancelled {}
        try session.closeAll()
        await session.closed()
    }

    @Test func `a streamed body is sent once, after the verdict`() async throws {
        let servers = try TLSServers.shared.get()
        let session = try SessionHandle(options: [.set(.serverTrust, to: Verdict(.accept).trust(servers))])
        let pieces = AsyncStream<[UInt8]> { continuation in
            continuation.yield(Array("one".utf8))
            continuation.finish()
        }
        let request = try await session.openRequest(.put, servers.url(.good))
        try await request.send(.stream(pieces, length: 3))
        #expect(try await request.receiveResponse().status == .ok)
    }
}
