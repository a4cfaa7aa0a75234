import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes
import Testing

/// `session.perform`.
@Suite("Requests in a scope", .timeLimit(.minutes(5)))
struct ScopedRequestTests {
    private struct Failure: Error {}

    let session: SessionHandle

    init() throws {
        session = try SessionHandle()
    }

    /// The body is never complete.
    private static func half() throws -> ScriptedServer {
        try ScriptedServer { connection in
            _ = try connection.readRequest()
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
            connection.waitForClose()
        }
    }

    enum End: CaseIterable { case body, part, nothing, error, refusal }

    @Test(arguments: End.allCases)
    func `the request is gone when the scope is left`(_ end: End) async throws {
        let whole = try OneLineCallTests.answering(Record())
        let half = try Self.half()
        let recorder = EventRecorder(of: session, scope: .tree)
        let context = Record<Int>()
        let url = end == .refusal ? "http://127.0.0.1:1/" : end == .body ? whole.url() : half.url()
        var last: RequestHandle?
        let request = try HTTPRequest(url: url)
        do {
            let count = try await session.perform(request, context: context) { response in
                last = response.request
                #expect(response.request.context as? Record<Int> === context)
                switch end {
                case .body: return try await response.body.collect(upTo: 5).count
                case .part: return try await response.body.read(upTo: 5).count
                case .nothing: return 0
                case .error, .refusal: throw Failure()
                }
            }
            #expect(count == (end == .nothing ? 0 : 5))
        } catch is Failure {
            #expect(end == .error)
        } catch {
            #expect(end == .refusal && (error as? HandleError)?.code == .cannotConnect)
        }
        // It is over, and not only closed: its context is released.
        if let last {
            #expect(last.context == nil)
            #expect(throws: HandleError.closed(.closeHandle)) { try last.close() }
        }
        try session.closeAll()
        let events = try await recorder.finish()
        let closed = events.firstIndex { $0.kind == .handleClosing && $0.handle.level == .request }
        #expect(closed != nil)
    }

    @Test(arguments: [true, false])
    func `cancelling the task ends the request, and the scope waits for that`(inBody: Bool) async throws {
        let inside = Gate()
        let server = try ScriptedServer { connection in
            _ = try connection.readRequest()
            if inBody {
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
            } else {
                inside.open()
            }
            connection.waitForClose()
        }
        let request = try HTTPRequest(url: server.url())
        let handles = Record<RequestHandle>()
        let performing = Task {
            try await session.perform(request) { response in
                handles.note(response.request)
                _ = try await response.body.read(exactly: 5)
                inside.open()
                return try await response.body.read(upTo: 1).count
            }
        }
        await inside.passed()
        performing.cancel()
        let error = await #expect(throws: HandleError.self) { try await performing.value }
        #expect(error?.code == .operationCancelled)
        #expect(handles.all.count == (inBody ? 1 : 0))
        for handle in handles.all { #expect(throws: HandleError.closed(.closeHandle)) { try handle.close() } }
    }

    @Test func `the slot of the request is free`() async throws {
        let server = try Self.half()
        try await session.setOption(.maximumConnections, to: 1)
        try await session.setOption(.queueTimeout, to: .seconds(60))
        for _ in 0..<5 {
            let status = try await session.perform(try HTTPRequest(url: server.url())) { $0.status }
            #expect(status == .ok)
        }
    }

    @Test func `a body is sent, and its trailers and those of the response are seen`() async throws {
        let received = Record<[UInt8]>()
        let server = try ScriptedServer { connection in
            guard try connection.readHead() != nil else { return }
            received.note(try TrailerTests.wireBody(connection))
            try connection.send(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-End: yes\r\n\r\n"
            )
        }
        let request = try HTTPRequest(method: .put, url: server.url())
        let content = RequestBody.restartable {
            TrailerTests.pieces("body")
        } trailers: {
            TrailerTests.digest
        }
        let name = try #require(HTTPField.Name("X-End"))
        let end = try await session.perform(request, body: content) { response in
            _ = try await response.body.collect(upTo: 2)
            return response.trailers[name]
        }
        #expect(end == "yes")
        let expected = "4\r\nbody\r\n0\r\nContent-Digest: sha-256=:YWJj:\r\n\r\n"
        #expect(received.all.map { String(decoding: $0, as: UTF8.self) } == [expected])
    }

    @Test func `what cannot be sent is refused`() async throws {
        let reason = "a body that the caller writes needs a request handle to write to"
        await #expect(throws: HandleError.invalidParameter(.sendRequest, reason)) {
            try await session.perform(try HTTPRequest(url: "http://127.0.0.1:1/"), body: .writes()) { _ in }
        }
        await #expect(throws: HandleError.self) {
            try await session.perform(HTTPRequest(method: .get, scheme: nil, authority: nil, path: "/")) { _ in }
        }
    }
}
