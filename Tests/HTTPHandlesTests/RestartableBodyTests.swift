import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes
import Testing

/// Bodies that a closure makes anew each time they are sent.
@Suite("Restartable bodies", .timeLimit(.minutes(5)))
struct RestartableBodyTests {
    private struct Failure: Error, Equatable {}

    @TaskLocal private static var name = "no name"

    let session: SessionHandle

    init() throws {
        session = try SessionHandle()
    }

    static let pieces = ["hello ", "", "world", " again"]
    static let whole = Array(pieces.joined().utf8)

    static func stream(_ pieces: [String] = pieces) -> AsyncStream<[UInt8]> {
        AsyncStream { continuation in
            for piece in pieces { continuation.yield(Array(piece.utf8)) }
            continuation.finish()
        }
    }

    /// Waits until its task is cancelled.
    struct Endless: AsyncSequence, AsyncIteratorProtocol {
        let begun: Gate
        let cancelled: Gate

        func makeAsyncIterator() -> Endless { self }

        mutating func next() async -> [UInt8]? {
            begun.open()
            try? await Task.sleep(for: .seconds(1_000_000))
            cancelled.open()
            return nil
        }
    }

    /// Notes whole requests, and answers with one head after the other, without a body.
    static func answering(_ heads: [String], _ received: Record<ReceivedRequest>) throws -> ScriptedServer {
        try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                received.note(request)
                let head = heads[min(received.all.count, heads.count) - 1]
                try connection.send("HTTP/1.1 \(head)\r\nContent-Length: 0\r\n\r\n")
            }
        }
    }

    /// Each cause for sending a body again.
    static let causes: [(head: String, options: @Sendable () -> [OptionSetting])] = [
        ("307 Again\r\nLocation: /end", { [] }), ("308 Again\r\nLocation: /end", { [] }),
        (
            "401 No\r\nWWW-Authenticate: Basic realm=\"r\"",
            { [.set(.credentialProvider, to: CredentialProvider { _ in .basic(user: "u", password: "p") })] }
        ),
        ("503 Busy", { [.set(.retryPolicy, to: RetryPolicy(firstDelay: .zero))] }),
    ]

    @Test(arguments: causes.indices, [nil, Int64(whole.count)])
    func `a body follows a redirect, an authentication and a retry`(cause: Int, length: Int64?) async throws {
        let (head, options) = Self.causes[cause]
        let received = Record<ReceivedRequest>()
        let server = try Self.answering([head, "200 OK"], received)
        let made = Record<Int>()
        let body = RequestBody.restartable(length: length) {
            made.note(1)
            return Self.stream()
        }
        let response = try await session.fetch(.put, server.url(), body: body, options: options())
        #expect(response.status == .ok)
        #expect(received.all.map(\.body) == [Self.whole, Self.whole])
        let framing = length.map { "\($0)" }
        #expect(received.all.map { $0.head["Content-Length"] } == [framing, framing])
        #expect(made.all.count == 2)
        // And the same value is sent once more.
        let request = try await session.openRequest(.put, server.url())
        try await request.send(body)
        #expect(try await request.receiveResponse().status == .ok)
        #expect(received.all.last?.body == Self.whole)
    }

    @Test func `a body follows the authentication that libcurl does`() async throws {
        let server = try DigestServer()
        let body = RequestBody.restartable { Self.stream() }
        let options = [OptionSetting.set(.credentials, to: DigestServer.credentials)]
        let response = try await session.fetch(.put, server.url(), body: body, options: options)
        #expect(try await response.body.collect(upTo: 100) == Self.whole)
    }

    @Test func `a body is sent again over a new connection where a pooled one is dead`() async throws {
        let received = Record<ReceivedRequest>()
        let server = try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                // The first connection answers one request, and closes at the next one.
                if connection.number == 0, request.head.method == "PUT" { return }
                received.note(request)
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            }
        }
        _ = try await session.get(server.url()).body.collect(upTo: 0)
        let body = RequestBody.restartable { Self.stream() }
        let response = try await session.fetch(.put, server.url(), body: body)
        #expect(response.status == .ok)
        #expect(received.all.map(\.body) == [[], Self.whole])
    }

    @Test func `a seekable body begins at an offset`() async throws {
        let received = Record<ReceivedRequest>()
        let server = try Self.answering(["307 Again\r\nLocation: /end", "200 OK"], received)
        let offsets = Record<Int64>()
        let body = RequestBody.seekable(length: Int64(Self.whole.count)) { offset in
            offsets.note(offset)
            return Self.stream()
        }
        _ = try await session.fetch(.put, server.url(), body: body)
        #expect(offsets.all == [0, 0])
        #expect(received.all.map(\.body) == [Self.whole, Self.whole])
    }

    @Test(arguments: [true, false])
    func `over HTTP/2 too`(hasLength: Bool) async throws {
        let nginx = try Nginx.shared.get()
        let options = [OptionSetting.set(.serverTrust, to: .authorities(inFile: nginx.authorityFile))]
        let url = nginx.https("/upload/restartable-\(hasLength)-\(session.id.number)")
        let body = RequestBody.restartable(length: hasLength ? Int64(Self.whole.count) : nil) { Self.stream() }
        #expect(try await session.fetch(.put, url, body: body, options: options).status.code == 201)
        #expect(try await session.get(url, options: options).body.collect(upTo: 100) == Self.whole)
    }

    @Test func `pieces that the server does not take suspend the producer`() async throws {
        let mayRead = Gate()
        let server = try ScriptedServer(limitsReceiveBuffers: true) { connection in
            guard let head = try connection.readHead() else { return }
            mayRead.wait()
            let body = try connection.readBody(of: head)
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Bytes: \(body.count)\r\n\r\n")
        }
        let written = Record<Int>()
        let body = RequestBody.restartable {
            AsyncStream<[UInt8]> {
                guard written.all.count < 64 else { return nil }
                written.note(1)
                if written.all.count == 8 { mayRead.open() }
                return [UInt8](repeating: 7, count: 1 << 20)
            }
        }
        let options = [OptionSetting.set(.sendBuffer, to: BufferMarks(low: 1 << 20, high: 16 << 20))]
        let response = try await session.fetch(.put, server.url(), body: body, options: options)
        #expect(response.headerFields[try #require(HTTPField.Name("X-Bytes"))] == "\(64 << 20)")
    }

    // MARK: Failures

    @Test(arguments: [true, false])
    func `what the closure or its sequence throws ends the request`(atOnce: Bool) async throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readHead()
            connection.waitForClose()
        }
        let body = RequestBody.restartable {
            if atOnce { throw Failure() }
            return AsyncThrowingStream<[UInt8], any Error> { continuation in
                continuation.yield([1, 2, 3])
                continuation.finish(throwing: Failure())
            }
        }
        let request = try await session.openRequest(.put, server.url())
        let recorder = EventRecorder(of: request)
        let error = await #expect(throws: HandleError.self) { try await request.send(body) }
        #expect(error?.code == .requestBodyFailed)
        #expect(error?.operation == .sendRequest)
        #expect(error?.underlying as? Failure == Failure())
        try request.close()
        let errors = try await recorder.finish().filter { $0.kind.name == "requestError" }
        #expect(errors.map(\.kind) == [.requestError(try #require(error))])
    }

    @Test(arguments: [
        (Int64(3), "\(whole.count - 3) bytes more than the length announced"),
        (Int64(whole.count + 2), "2 bytes fewer than the length announced"),
    ])
    func `another length than announced ends the request`(length: Int64, reason: String) async throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readHead()
            connection.waitForClose()
        }
        let text = String(decoding: Self.whole, as: UTF8.self)
        let body = RequestBody.restartable(length: length) { Self.stream([text]) }
        await #expect(throws: HandleError.invalidParameter(.sendRequest, reason)) {
            try await session.fetch(.put, server.url(), body: body)
        }
    }

    @Test func `a negative length is refused before anything is sent`() async throws {
        let server = try ScriptedServer { _ in }
        let body = RequestBody.restartable(length: -1) { Self.stream() }
        let reason = "the length of a body must be at least 0, but is -1"
        await #expect(throws: HandleError.invalidParameter(.sendRequest, reason)) {
            try await session.fetch(.put, server.url(), body: body)
        }
        #expect(server.connectionsAccepted == 0)
    }

    // MARK: Ends

    enum End: CaseIterable { case close, cancel, answer }

    @Test(arguments: End.allCases, [nil, 1000])
    func `the producer is cancelled with the request, and when the server answers before the end`(
        _ end: End,
        length: Int64?
    ) async throws {
        let (begun, cancelled) = (Gate(), Gate())
        let server = try ScriptedServer { connection in
            _ = try connection.readHead()
            begun.wait()
            if end == .answer { try connection.send("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n") }
            connection.waitForClose()
        }
        let request = try await session.openRequest(.put, server.url())
        let sending = Task {
            try await request.send(.restartable(length: length) { Endless(begun: begun, cancelled: cancelled) })
            return try await request.receiveResponse().status
        }
        await begun.passed()
        switch end {
        case .close: try request.close()
        case .cancel: sending.cancel()
        case .answer: #expect(try await sending.value == 413)
        }
        await cancelled.passed()
        guard end != .answer else { return }
        let error = await #expect(throws: HandleError.self) { try await sending.value }
        #expect(error?.code == .operationCancelled)
        await request.closed()
    }

    @Test func `the producer has the local values and the priority of the calling task`() async throws {
        let received = Record<ReceivedRequest>()
        let server = try Self.answering(["307 Again\r\nLocation: /end", "200 OK"], received)
        let seen = Record<String>()
        try await Self.$name.withValue("a name") {
            _ = try await session.fetch(
                .put,
                server.url(),
                body: .restartable {
                    seen.note(Self.name)
                    return Self.stream()
                }
            )
        }
        #expect(seen.all == ["a name", "a name"])
    }

    // MARK: Forms

    @Test(arguments: [nil, Int64(whole.count)])
    func `parts of a form are streamed, with header fields of their own, and sent again`(length: Int64?) async throws {
        let received = Record<ReceivedRequest>()
        let server = try Self.answering(["307 Again\r\nLocation: /end", "200 OK"], received)
        let scratch = try Scratch()
        let path = try scratch.file("photo", pattern(300_000))
        let custom = try #require(HTTPField.Name("X-Part"))
        let form = RequestBody.multipart([
            .field("a", "b", headerFields: [custom: "1"]),
            .stream("s", length: length, filename: "s.txt", contentType: "text/plain", headerFields: [custom: "2"]) {
                Self.stream()
            },
            .file("f", path: path),
        ])
        let response = try await session.fetch(.put, server.url(), body: form)
        #expect(response.status == .ok)
        #expect(received.all.count == 2)
        for request in received.all {
            let type = try #require(request.head["Content-Type"])
            let boundary = try #require(type.split(separator: "boundary=").last)
            let start = """
                --\(boundary)\r\nContent-Disposition: form-data; name="a"\r\nX-Part: 1\r\n\r\nb\r
                --\(boundary)\r\nContent-Disposition: form-data; name="s"; filename="s.txt"\r
                Content-Type: text/plain\r\nX-Part: 2\r\n\r\n\(String(decoding: Self.whole, as: UTF8.self))\r
                --\(boundary)\r\nContent-Disposition: form-data; name="f"; filename="photo"\r
                Content-Type: application/octet-stream\r\n\r\n
                """
            #expect(request.body == Array(start.utf8) + pattern(300_000) + Array("\r\n--\(boundary)--\r\n".utf8))
            #expect((request.head["Content-Length"] == nil) == (length == nil))
        }
    }

    @Test(arguments: [(Int64(3), "more"), (Int64(100), "\(whole.count)")])
    func `a part with another length than announced ends the request`(length: Int64, shown: String) async throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readHead()
            connection.waitForClose()
        }
        let form = RequestBody.multipart([
            .stream("s", length: length) { Self.stream([String(decoding: Self.whole, as: UTF8.self)]) }
        ])
        let reason = "the length of a part is \(length), but it has \(shown) bytes"
        await #expect(throws: HandleError.invalidParameter(.sendRequest, reason)) {
            try await session.fetch(.put, server.url(), body: form)
        }
    }

    @Test func `header fields that a part must not have are refused`() async throws {
        let disposition = try #require(HTTPField.Name("Content-Disposition"))
        for part in [
            MultipartPart.field("a", "b", headerFields: [disposition: "x"]),
            .bytes("a", [], contentType: "text/plain", headerFields: [.contentType: "text/html"]),
        ] {
            let error = await #expect(throws: HandleError.self) {
                try await session.fetch(.put, "http://127.0.0.1:1/", body: .multipart([part]))
            }
            #expect(error?.code == .invalidParameter)
        }
    }
}
