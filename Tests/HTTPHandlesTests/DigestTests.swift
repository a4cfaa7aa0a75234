import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes
import Testing

@Suite("Digest authentication", .timeLimit(.minutes(5)))
struct DigestTests {
    static func session(_ credentials: Credentials? = DigestServer.credentials) throws -> SessionHandle {
        try SessionHandle(options: [.set(.credentials, to: credentials)])
    }

    /// RFC 1321 and RFC 6234.
    @Test func `the test's own hashes are correct`() {
        #expect(MessageDigest.md5("") == "d41d8cd98f00b204e9800998ecf8427e")
        #expect(MessageDigest.md5("message digest") == "f96b697d7cb7938d525a2f31aaf161d0")
        #expect(MessageDigest.sha256("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    }

    @Test(arguments: MessageDigest.allCases, ["auth", "auth-int", "auth,auth-int", nil])
    func `the hash is correct`(_ digest: MessageDigest, _ qop: String?) async throws {
        let server = try DigestServer(digest, qop: qop)
        let session = try Self.session()
        #expect(try await session.get(server.url("/a?b=c")).head.status == 200)
        #expect(server.requests.map { $0.head["Authorization"] != nil } == [false, true])
    }

    @Test(arguments: MessageDigest.allCases)
    func `the hash of a -sess algorithm is correct`(_ digest: MessageDigest) async throws {
        let server = try DigestServer(digest, algorithm: digest.rawValue + "-sess")
        #expect(try await Self.session().get(server.url()).head.status == 200)
    }

    @Test func `both rounds have events, on one connection`() async throws {
        let server = try DigestServer()
        let session = try Self.session()
        let request = try await session.openRequest(.get, server.url())
        let recorder = EventRecorder(of: request)
        try await request.complete()
        try request.close()
        let kinds = try await recorder.finish().map(\.kind)
        let sent = server.requests.map { StatusEvent.Kind.requestSent(bytes: $0.head.bytes.count) }
        try #require(sent.count == 2)
        let address = SocketAddress(host: "127.0.0.1", port: server.server.port)
        #expect(
            kinds == [
                .connectingToServer(address: address), .connectedToServer(address: address), .sendingRequest, sent[0],
                .sendRequestComplete, .receivingResponse, .responseReceived(status: 401, bytes: 147), .sendingRequest,
                sent[1],
                .receivingResponse, .responseReceived(bytes: 38), .headersAvailable, .readComplete(bytes: 0),
                .handleClosing,
            ]
        )
    }

    @Test func `a wrong password is refused once, and the 401 is the response`() async throws {
        let server = try DigestServer()
        let session = try Self.session(.digest(user: DigestServer.user, password: "wrong"))
        let response = try await session.get(server.url())
        #expect(response.head.status == 401)
        #expect(try await response.body.collectString(upTo: 100) == DigestServer.refusal)
        #expect(response.head.challenges.map(\.scheme) == [.digest])
        #expect(response.head.challenges.first?.realm == DigestServer.realm)
        #expect(server.requests.count == 2)
    }

    @Test func `without credentials the 401 is the response`() async throws {
        let server = try DigestServer()
        let response = try await SessionHandle().get(server.url())
        #expect(response.head.status == 401)
        #expect(try await response.body.collectString(upTo: 100) == DigestServer.refusal)
        #expect(server.requests.count == 1)
    }

    /// libcurl interprets a second challenge of the same easy handle as a refusal.
    @Test func `an unanswered challenge does not affect the next one`() async throws {
        let server = try DigestServer()
        let session = try SessionHandle()
        for _ in 0..<3 {
            try await session.setOption(.credentials, to: nil)
            #expect(try await session.get(server.url()).body.collectString(upTo: 100) == DigestServer.refusal)
            try await session.setOption(.credentials, to: DigestServer.credentials)
            #expect(try await session.get(server.url()).body.collectString(upTo: 100) == "")
        }
    }

    @Test func `a stale nonce is followed by another round`() async throws {
        let server = try DigestServer(staleNonces: 2)
        let session = try Self.session()
        #expect(try await session.get(server.url()).head.status == 200)
        #expect(server.requests.map { $0.head["Authorization"] != nil } == [false, true, true, true])
    }

    @Test func `stale nonces are followed at most ten times`() async throws {
        let server = try DigestServer(staleNonces: .max)
        let session = try Self.session()
        let reason = "the server asks for credentials more than 10 times"
        await #expect(throws: HandleError(.loginFailure, .receiveResponse, reason: reason)) {
            try await session.get(server.url())
        }
        #expect(server.requests.count == 11)
    }

    @Test func `each request starts without a nonce`() async throws {
        let server = try DigestServer(nextNonce: true)
        let session = try Self.session()
        for _ in 0..<3 {
            let response = try await session.get(server.url())
            #expect(response.head.status == 200)
            _ = try await response.body.collect(upTo: 10)
        }
        #expect(server.requests.map { $0.head["Authorization"] != nil } == [false, true, false, true, false, true])
        #expect(server.server.connectionsAccepted == 1)
    }

    // MARK: Bodies

    @Test(arguments: ["bytes", "file", "multipart"])
    func `the whole body is sent in each round`(_ kind: String) async throws {
        let server = try DigestServer()
        let session = try Self.session()
        let folder = try Scratch()
        let text = String(repeating: "0123456789", count: 1000)
        let body: RequestBody =
            switch kind {
            case "bytes": .string(text)
            case "file": .file(try folder.file("body", text.utf8))
            default: .multipart([.field("name", text)])
            }
        let response = try await session.fetch(.post, server.url(), body: body)
        #expect(response.head.status == 200)
        let echo = try await response.body.collectString(upTo: 20_000)
        #expect(echo.contains(text))
        #expect(server.requests.map { String(decoding: $0.body, as: UTF8.self) } == [echo, echo])
    }

    @Test func `with auth-int a body is refused by the server`() async throws {
        // libcurl computes `auth-int` for an empty body.
        let server = try DigestServer(qop: "auth-int")
        let session = try Self.session()
        let response = try await session.fetch(.post, server.url(), body: .string("body"))
        #expect(response.head.status == 401)
    }

    @Test func `a streamed body is not sent again`() async throws {
        let server = try DigestServer()
        let session = try Self.session()
        let request = try await session.openRequest(.post, server.url())
        let error = HandleError(
            .resendRequest,
            .receiveResponse,
            reason: "the server asks for credentials, and a streamed body cannot be sent again"
        )
        try await request.send(.writes(length: 4))
        try await request.write(Array("body".utf8))
        try await request.finishWriting()
        await #expect(throws: error) { try await request.receiveResponse() }
        try request.close()
        #expect(server.requests.count == 1)
    }

    @Test func `a streamed body that waits for 100 is sent with the credentials`() async throws {
        let heads = Record<String?>()
        let server = try ScriptedServer { connection in
            while let head = try connection.readHead() {
                heads.note(head["Authorization"])
                guard head["Authorization"] != nil else {
                    try connection.send(
                        "HTTP/1.1 401 No\r\nWWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n"
                            + "Connection: close\r\nContent-Length: 0\r\n\r\n"
                    )
                    return
                }
                try connection.send("HTTP/1.1 100 Continue\r\n\r\n")
                let body = try connection.readBody(of: head)
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(body.count)\r\n\r\n")
                try connection.send(body)
            }
        }
        let session = try Self.session()
        let request = try await session.openRequest(
            .put,
            server.url(),
            headerFields: [.expect: "100-continue"]
        )
        let recorder = EventRecorder(of: request)
        let stream = AsyncStream<[UInt8]> { stream in
            stream.yield(Array("body".utf8))
            stream.finish()
        }
        try await request.send(.stream(stream))
        #expect(try await request.receiveResponse().status == 200)
        #expect(try await request.body.collectString(upTo: 10) == "body")
        try request.close()
        _ = try await recorder.finish()
        #expect(heads.all.map { $0?.hasPrefix("Digest") } == [nil, true])
    }

    // MARK: Origins

    @Test func `credentials do not follow a redirect to another origin`() async throws {
        let there = try DigestServer()
        let here = try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                let target = request.head.target == "/far" ? there.url("/end") : there.url("/end")
                try connection.send("HTTP/1.1 302 Found\r\nLocation: \(target)\r\nContent-Length: 0\r\n\r\n")
            }
        }
        let session = try Self.session()
        #expect(try await session.get(here.url("/far")).head.status == 401)
        #expect(there.requests.map { $0.head["Authorization"] } == [nil])
    }

    @Test func `the credentials of a connection handle are sent to its origin only`() async throws {
        let (first, second) = (try DigestServer(), try DigestServer())
        let session = try SessionHandle()
        let connection = try await session.connect(to: "127.0.0.1", port: first.server.port)
        try await connection.setOption(.credentials, to: DigestServer.credentials)
        let inherited = try await connection.openRequest(.get, "/")
        try await inherited.send()
        #expect(try await inherited.receiveResponse().status == 200)
        #expect(try await session.get(second.url()).head.status == 401)
        let own = try await session.openRequest(.get, second.url())
        try await own.setOption(.credentials, to: DigestServer.credentials)
        try await own.send()
        #expect(try await own.receiveResponse().status == 200)
    }
}
