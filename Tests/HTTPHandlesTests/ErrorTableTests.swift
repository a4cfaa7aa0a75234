import Foundation
import HTTPHandles
import HTTPHandlesTesting
import Testing

/// Every error code, provoked by a real server or a real mistake; and those that cannot be provoked.
@Suite("Error codes", .timeLimit(.minutes(5)))
struct ErrorTableTests {
    typealias Provocation = @Sendable () async throws -> Void

    /// Codes that do not occur in this version, or cannot be provoked by a test. Reasons: `Docs/Errors.md`.
    static let impossible: [HandleErrorCode] = [
        .notEnoughMemory, .internalError, .invalidOption, .headerNotFound,
        .invalidHeader, .chunkedEncodingHeaderSizeOverflow, .responseDrainOverflow,
    ]

    /// Provoked by `DriverDeathTests`.
    static let ofDeadDrivers: HandleErrorCode = .shutdown

    private static func throughProxy(at port: Int, _ trust: ServerTrust) async throws {
        let tls = ProxyTLSOptions(trust: trust)
        let proxy = Proxy(.https, host: "localhost", port: port, tls: tls)
        _ = try await SessionHandle(options: [.set(.proxy, to: .named(proxy))]).get("https://h/")
    }

    static let provocations: [HandleErrorCode: Provocation] = [
        .invalidHandle: {
            let session = try SessionHandle()
            try session.close()
            _ = try await session.connect(to: "127.0.0.1", port: 80)
        },
        .fileNotReadable: {
            _ = try await SessionHandle().fetch(.put, "http://127.0.0.1/", body: .file("/nowhere/file"))
        },
        .fileNotWritable: {
            let server = try answering(EventOrderTests.hello)
            _ = try await SessionHandle().get(server.url()).body.write(to: Scratch().path("no/where"))
        },
        .notSupported: {
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=koi8-r\r\n"
            let server = try answering(head + "Content-Length: 0\r\n\r\n")
            _ = try await SessionHandle().get(server.url()).body.collectString(upTo: 10)
        },
        .unsuccessfulStatus: {
            let server = try answering("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            _ = try await SessionHandle().get(server.url()).requireSuccess()
        },
        .invalidParameter: { _ = try await SessionHandle().connect(to: "127.0.0.1", port: 0) },
        .insufficientBuffer: {
            let server = try answering(EventOrderTests.hello)
            _ = try await SessionHandle().get(server.url()).body.collect(upTo: 4)
        },
        .requestBodyFailed: {
            struct Failure: Error {}
            let server = try answering(EventOrderTests.hello)
            let body = AsyncThrowingStream<[UInt8], any Error> { $0.finish(throwing: Failure()) }
            _ = try await SessionHandle().fetch(.put, server.url(), body: .stream(body))
        },
        .timeout: { try await timeouts[.response]?() },
        .httpProtocolMismatch: {
            let server = try ScriptedServer { try HTTP2RefusalTests.reset(HTTP2Connection($0), .http11Required) }
            _ = try await inClearHTTP2().get(server.url())
        },
        .invalidURL: { _ = try await SessionHandle().get("http://h:port/") },
        .unrecognizedScheme: { _ = try await SessionHandle().get("gopher://h/") },
        .nameNotResolved: { _ = try await SessionHandle().get("http://name.invalid/") },
        .optionNotSettable: { try await SessionHandle().setOption(.url, to: "http://127.0.0.1/") },
        .operationCancelled: {
            let hasRequest = Gate()
            let server = try ScriptedServer { connection in
                _ = try connection.readRequest()
                hasRequest.open()
                connection.waitForClose()
            }
            let session = try SessionHandle()
            let task = Task { try await session.get(server.url()) }
            await hasRequest.passed()
            task.cancel()
            _ = try await task.value
        },
        .incorrectHandleType: { _ = try await SessionHandle().option(.url) },
        .incorrectHandleState: {
            let session = try SessionHandle()
            _ = try await session.openRequest(.get, "http://127.0.0.1/").receiveResponse()
        },
        .cannotConnect: {
            let port = try ScriptedServer { _ in }.port
            _ = try await SessionHandle().get("http://127.0.0.1:\(port)/")
        },
        .connectionError: {
            let server = try answering("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
            _ = try await SessionHandle().get(server.url()).body.collect(upTo: 10)
        },
        .loginFailure: {
            let server = try DigestServer(staleNonces: .max)
            let session = try SessionHandle(options: [.set(.credentials, to: DigestServer.credentials)])
            _ = try await session.get(server.url())
        },
        .resendRequest: {
            let server = try answering("HTTP/1.1 307 R\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n")
            let body = AsyncStream<[UInt8]> { $0.finish() }
            _ = try await SessionHandle().fetch(.put, server.url(), body: .stream(body))
        },
        .clientAuthCertNeeded: {
            let servers = try TLSServers.shared.get()
            let session = try SessionHandle(options: [
                .set(.serverTrust, to: .authorities(inFile: servers.authorityFile))
            ])
            let server = try DemandingServer()
            // The server reports it after the client has completed the handshake.
            _ = try await session.get(server.url)
        },
        .invalidServerResponse: {
            let server = try answering("nonsense\r\n\r\n")
            _ = try await SessionHandle().get(server.url())
        },
        .redirectFailed: {
            let server = try answering("HTTP/1.1 302 R\r\nLocation: /\r\nContent-Length: 0\r\n\r\n")
            _ = try await SessionHandle(options: [.set(.maximumRedirects, to: 0)]).get(server.url())
        },
        .autoProxyServiceError: {
            let setting = ProxySetting.choosing(ProxyChooser { _ in [] })
            _ = try await SessionHandle(options: [.set(.proxy, to: setting)]).get("http://h/")
        },
        .clientAuthCertNeededProxy: {
            let server = try DemandingServer()
            try await throughProxy(at: server.port, .authorities(inFile: TLSServers.shared.get().authorityFile))
        },
        .secureFailureProxy: { try await throughProxy(at: TLSServers.shared.get().port(.selfSigned), .system) },
        .secureFailure: { _ = try await SessionHandle().get(TLSServers.shared.get().url(.selfSigned)) },
        .headerCountExceeded: {
            let lines = String(repeating: "a:\r\n", count: 5000)
            let server = try answering("HTTP/1.1 200 OK\r\n\(lines)\r\n")
            _ = try await SessionHandle().get(server.url())
        },
        .headerSizeOverflow: {
            let server = try answering("HTTP/1.1 200 OK\r\nA: \(String(repeating: "a", count: 1000))\r\n\r\n")
            _ = try await SessionHandle(options: [.set(.maximumHeadSize, to: 1000)]).get(server.url())
        },
        .clientCertNoPrivateKey: {
            let servers = try TLSServers.shared.get()
            let identity = ClientIdentity(
                certificate: .file(servers.clientFile),
                key: .file(servers.authorityFile)
            )
            _ = try await SessionHandle(options: [.set(.clientIdentity, to: identity)]).get(servers.url(.good))
        },
    ]

    /// A server that answers every request in the same way, one for each connection.
    static func answering(_ response: String) throws -> ScriptedServer {
        try ScriptedServer { connection in
            _ = try connection.readRequest()
            try connection.send(response)
        }
    }

    @Test(arguments: provocations.keys.sorted { $0.rawValue < $1.rawValue })
    func `a code can occur`(code: HandleErrorCode) async throws {
        let provoke = try #require(Self.provocations[code])
        let error = await #expect(throws: HandleError.self) { try await provoke() }
        #expect(error?.code == code)
        #expect(error?.reason.isEmpty == false)
        #expect(error?.description.contains("\(code.name) (\(code.rawValue)) in ") == true)
    }

    @Test func `every code is in one of the lists`() {
        #expect(Set(Self.provocations.keys).isDisjoint(with: Self.impossible))
        let known = Set(Self.provocations.keys).union(Self.impossible).union([Self.ofDeadDrivers])
        #expect(known == Set(HandleErrorCode.allCases))
    }

    // MARK: Timeouts

    /// All but `resolve`, which needs a name server that does not answer: `NeverBlockingTests`.
    static let timeouts: [TimeoutPhase: Provocation] = [
        .proxy: {
            let chooser = ProxyChooser { _ in
                try await Task.sleep(for: .seconds(1000))
                return [.direct]
            }
            let session = try SessionHandle(options: [
                .set(.proxy, to: .choosing(chooser)), .set(.connectTimeout, to: .milliseconds(50)),
            ])
            _ = try await session.get("http://h/")
        },
        .queue: {
            let server = try ScriptedServer { $0.waitForClose() }
            let session = try SessionHandle(options: [
                .set(.maximumConnections, to: 1), .set(.queueTimeout, to: .milliseconds(50)),
            ])
            let first = try await session.openRequest(.get, server.url())
            try await first.send()
            _ = try await session.get(server.url())
        },
        .connect: {
            // The connection is made, but the server does not take part in the handshake.
            let server = try ScriptedServer { $0.waitForClose() }
            let session = try SessionHandle(options: [.set(.connectTimeout, to: .milliseconds(50))])
            _ = try await session.get("https://127.0.0.1:\(server.port)/")
        },
        .send: {
            let isOver = Gate()
            let server = try ScriptedServer { connection in
                connection.limitReceiveBuffer(to: 4096)
                isOver.wait()
            }
            defer { isOver.open() }
            let session = try SessionHandle(options: [.set(.sendTimeout, to: .milliseconds(50))])
            let body = [UInt8](repeating: 0, count: 64 * 1024 * 1024)
            _ = try await session.fetch(.put, server.url(), body: .bytes(body))
        },
        .response: {
            let server = try ScriptedServer { $0.waitForClose() }
            let session = try SessionHandle(options: [.set(.responseTimeout, to: .milliseconds(50))])
            _ = try await session.get(server.url())
        },
        .receive: {
            let server = try ScriptedServer { connection in
                _ = try connection.readRequest()
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
                connection.waitForClose()
            }
            let session = try SessionHandle(options: [.set(.receiveTimeout, to: .milliseconds(50))])
            _ = try await session.get(server.url()).body.collect(upTo: 10)
        },
        .total: {
            let server = try ScriptedServer { $0.waitForClose() }
            let session = try SessionHandle(options: [.set(.totalTimeout, to: .milliseconds(50))])
            _ = try await session.get(server.url())
        },
    ]

    @Test(arguments: TimeoutPhase.allCases.filter { $0 != .resolve })
    func `a timeout has its phase`(phase: TimeoutPhase) async throws {
        let provoke = try #require(Self.timeouts[phase])
        let error = await #expect(throws: HandleError.self) { try await provoke() }
        #expect(error?.code == .timeout)
        #expect(error?.phase == phase)
        #expect(error?.reason.hasSuffix(" within 0.05 seconds") == true)
        #expect(error?.curl == nil)
    }

    // MARK: The document

    @Test func `Docs/Errors.md has every code with its number, and marks those that cannot occur`() throws {
        let page = try Document("Docs/Errors.md")
        let rows = page.table(in: "## Codes")
        #expect(rows.map { [$0[0], $0[1]] } == HandleErrorCode.allCases.map { ["`\($0.name)`", "\($0.rawValue)"] })
        for (row, code) in zip(rows, HandleErrorCode.allCases) {
            #expect(row.count == 4)
            #expect(row[2...].allSatisfy { !$0.isEmpty })
            #expect(row[2].hasPrefix("Not in this version") == Self.impossible.contains(code), "\(code)")
        }
        #expect(page.table(in: "## Timeouts").map { $0[0] } == TimeoutPhase.allCases.map { "`\($0)`" })
        let problems = page.table(in: "## Certificates").map { $0[0] }
        #expect(problems == CertificateProblem.allCases.map { "`\($0)`" })
        let operations = page.table(in: "## Operations").map { [$0[0], $0[1]] }
        #expect(operations == HandleOperation.allCases.map { ["`\($0)`", $0.number.map { "\($0)" } ?? ""] })
    }
}
