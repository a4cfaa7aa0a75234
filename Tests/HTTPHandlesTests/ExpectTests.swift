import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes
import Testing

@Suite("Expect: 100-continue", .timeLimit(.minutes(5)))
struct ExpectTests {
    let session: SessionHandle

    init() throws {
        session = try SessionHandle()
    }

    /// Sends a body with `Expect: 100-continue`, and returns the response.
    func put(_ server: ScriptedServer, _ body: RequestBody = .string("body")) async throws -> (Int, String, [String]) {
        let connection = try await session.connect(to: "127.0.0.1", port: server.port)
        let request = try await connection.openRequest(.put, "/", headerFields: [.expect: "100-continue"])
        let recorder = EventRecorder(of: request)
        try await request.send(body)
        let head = try await request.receiveResponse()
        let text = try await request.body.collectString(upTo: 1000)
        try request.close()
        return (head.status.code, text, try await recorder.finish().map(\.kind.name))
    }

    static func answer(_ connection: ServerConnection, _ head: ReceivedHead) throws {
        let body = try connection.read(exactly: Int(head["content-length"] ?? "") ?? 0)
        let text = "\(head["expect"] ?? "-") \(String(decoding: body, as: UTF8.self))"
        try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(text.utf8.count)\r\n\r\n\(text)")
    }

    @Test func `the body is sent after 100`() async throws {
        let server = try ScriptedServer { connection in
            guard let head = try connection.readHead() else { return }
            try connection.send("HTTP/1.1 100 Continue\r\n\r\n")
            try Self.answer(connection, head)
        }
        let (status, text, events) = try await put(server)
        #expect(status == 200)
        #expect(text == "100-continue body")
        #expect(events.filter { $0 == "intermediateResponse" }.count == 1)
    }

    @Test func `the body is sent if the server does not answer for a second`() async throws {
        let server = try ScriptedServer { connection in
            guard let head = try connection.readHead() else { return }
            try Self.answer(connection, head)
        }
        #expect(try await put(server).1 == "100-continue body")
    }

    @Test func `417 is delivered, and the request can be sent again without the field`() async throws {
        let server = try ScriptedServer { connection in
            while let head = try connection.readHead() {
                if head["expect"] != nil {
                    try connection.send("HTTP/1.1 417 No\r\nContent-Length: 2\r\n\r\nno")
                } else {
                    try Self.answer(connection, head)
                }
            }
        }
        let (status, text, _) = try await put(server)
        #expect(status == 417)
        // libcurl would repeat the request itself, so the connection is closed before the body.
        #expect(text == "")
        let again = try await session.fetch(.put, server.url(), body: .string("body"))
        #expect(try await again.body.collectString(upTo: 100) == "- body")
    }

    @Test func `after a final response the body is not sent`() async throws {
        let server = try ScriptedServer { connection in
            guard try connection.readHead() != nil else { return }
            try connection.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
            connection.waitForClose()
        }
        let (status, text, _) = try await put(server, .string(String(repeating: "x", count: 1_000_000)))
        #expect(status == 403)
        #expect(text == "no")
    }

    @Test func `closing while 100 is awaited`() async throws {
        // It does not read the body, which libcurl sends after a second without a response.
        let server = try GatedServer { connection, gate in
            _ = try connection.readHead()
            gate.wait()
        }
        defer { server.gate.open() }
        let connection = try await session.connect(to: "127.0.0.1", port: server.port)
        let request = try await connection.openRequest(.put, "/", headerFields: [.expect: "100-continue"])
        let recorder = EventRecorder(of: request)
        // More than is sent if the close happens after that second.
        let body = RequestBody.bytes([UInt8](repeating: 0, count: 24 << 20))
        let sending = Task.immediate { try await request.send(body) }
        try await recorder.first { $0.kind == .sendingRequest }
        try request.close()
        await #expect(throws: HandleError.cancelled(.sendRequest)) { try await sending.value }
        #expect(try await recorder.finish().last?.kind == .handleClosing)
    }
}
