import Foundation
import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes
import Testing

@Suite("Bodies from files", .timeLimit(.minutes(5)))
struct StoredBodyTests {
    let scratch: Scratch
    let session: SessionHandle

    init() throws {
        scratch = try Scratch()
        session = try SessionHandle()
    }

    /// Answers with the received request: a description line, then the body.
    static func echo() throws -> ScriptedServer {
        try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                let parts = request.head.target.split(separator: "/")
                if parts.first == "307" {
                    try connection.send("HTTP/1.1 307 R\r\nLocation: /end\r\nContent-Length: 0\r\n\r\n")
                    continue
                }
                let type = request.head["content-type"] ?? "-"
                let line = "\(request.head.method) \(request.head["content-length"] ?? "-") \(type)\n"
                let length = line.utf8.count + request.body.count
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(length)\r\n\r\n\(line)")
                try connection.send(request.body)
            }
        }
    }

    @Test(arguments: [0, 1, 65_536, 262_144, 262_145, 3_000_000])
    func `a file arrives completely`(size: Int) async throws {
        let server = try Self.echo()
        let path = try scratch.file("up", pattern(size))
        let response = try await session.fetch(.put, server.url("/"), body: .file(path))
        #expect(try await response.body.collect(upTo: 4_000_000) == Array("PUT \(size) -\n".utf8) + pattern(size))
    }

    @Test func `a file over HTTP/2, and over TLS`() async throws {
        let nginx = try Nginx.shared.get()
        let bytes = pattern(2_000_000)
        let path = try scratch.file("up", bytes)
        let old = try SessionHandle(options: [.set(.serverTrust, to: .authorities(inFile: nginx.authorityFile))])
        for url in [nginx.https("/upload/one-\(UUID())"), nginx.https1("/upload/two-\(UUID())")] {
            let created = try await old.fetch(.put, url, body: .file(path))
            #expect(created.status.code == 201)
            #expect(try await old.get(url).body.collect(upTo: bytes.count) == bytes)
        }
    }

    @Test func `each piece has an event, before sendRequestComplete`() async throws {
        let server = try Self.echo()
        let path = try scratch.file("up", pattern(300_000))
        let connection = try await session.connect(to: "127.0.0.1", port: server.port)
        let request = try await connection.openRequest(.put, "/")
        let recorder = EventRecorder(of: request)
        try await request.send(.file(path))
        _ = try await request.receiveResponse()
        try request.close()
        let kinds = try await recorder.finish().map(\.kind)
        var sent = 0
        for kind in kinds.prefix(while: { $0 != .sendRequestComplete }) {
            if case .writeComplete(let bytes) = kind { sent += bytes }
        }
        #expect(sent == 300_000)
    }

    @Test func `a file is sent again if a redirect keeps the body`() async throws {
        let server = try Self.echo()
        let path = try scratch.file("up", pattern(700_000))
        let connection = try await session.connect(to: "127.0.0.1", port: server.port)
        let request = try await connection.openRequest(.post, "/307")
        let recorder = EventRecorder(of: request)
        try await request.send(.file(path))
        let head = try await request.receiveResponse()
        #expect(head.url == server.url("/end"))
        #expect(try await request.body.collect(upTo: 800_000) == Array("POST 700000 -\n".utf8) + pattern(700_000))
        try request.close()
        _ = try await recorder.finish()
    }

    @Test func `a file is sent again if the pooled connection was dead`() async throws {
        let server = try ScriptedServer { connection in
            guard let request = try connection.readRequest() else { return }
            let text = "\(connection.number) \(request.body == pattern(500_000))"
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(text.utf8.count)\r\n\r\n\(text)")
            // Resets the connection when the next request has begun.
            if try connection.readHead() != nil { connection.reset() }
        }
        let path = try scratch.file("up", pattern(500_000))
        for expected in ["0 true", "1 true"] {
            let response = try await session.fetch(.put, server.url("/"), body: .file(path))
            #expect(try await response.body.collect(upTo: 100) == Array(expected.utf8))
        }
    }

    @Test func `a file that cannot be read is an error before anything is sent`() async throws {
        let server = try Self.echo()
        _ = unsafe mkfifo(scratch.path("pipe"), 0o600)
        let refused = [
            ("nothing", "No such file or directory"), ("", "it is not a regular file"),
            ("pipe", "it is not a regular file"), ("a\0b", "the path contains a NUL"),
        ]
        for (name, reason) in refused {
            let path = scratch.path(name)
            let error = HandleError(
                .fileNotReadable,
                .sendRequest,
                reason: "the file \(path) cannot be read: \(reason)"
            )
            await #expect(throws: error) { try await session.fetch(.put, server.url("/"), body: .file(path)) }
            let connection = try await session.connect(to: "127.0.0.1", port: server.port)
            let request = try await connection.openRequest(.put, "/")
            await #expect(throws: error) { try await request.send(.file(path)) }
            // The handle can still be used.
            try await request.send(.string("instead"))
            #expect(try await request.receiveResponse().status == .ok)
        }
        #expect(server.connectionsAccepted > 0)
    }

    @Test func `the error of a closed handle precedes those of the file`() async throws {
        let connection = try await session.connect(to: "127.0.0.1", port: 1)
        let request = try await connection.openRequest(.put, "/")
        try request.close()
        await #expect(throws: HandleError.closed(.sendRequest)) { try await request.send(.file("/nothing")) }
    }

    @Test func `a file that is truncated while it is sent is an error`() async throws {
        let path = try scratch.file("up", pattern(8_000_000))
        let gate = Gate()
        let server = try ScriptedServer { connection in
            connection.limitReceiveBuffer(to: 4096)
            _ = try connection.readHead()
            gate.wait()
            connection.waitForClose()
        }
        let connection = try await session.connect(to: "127.0.0.1", port: server.port)
        let request = try await connection.openRequest(.put, "/")
        let recorder = EventRecorder(of: request)
        let sending = Task.immediate { try await request.send(.file(path)) }
        try await recorder.first { if case .writeComplete = $0.kind { true } else { false } }
        #expect(unsafe truncate(path, 1000) == 0)
        gate.open()
        let error = HandleError(
            .fileNotReadable,
            .sendRequest,
            reason: "the file \(path) cannot be read: it was truncated while it was sent"
        )
        await #expect(throws: error) { try await sending.value }
        try request.close()
        let kinds = try await recorder.finish().map(\.kind)
        #expect(kinds.contains(.requestError(error)))
    }

    @Test func `closing and cancelling while a file is sent`() async throws {
        let path = try scratch.file("up", pattern(8_000_000))
        let end = Gate()
        defer { end.open() }
        let server = try ScriptedServer { connection in
            connection.limitReceiveBuffer(to: 4096)
            _ = try connection.readHead()
            end.wait()
        }
        for isCancelled in [false, true] {
            let connection = try await session.connect(to: "127.0.0.1", port: server.port)
            let request = try await connection.openRequest(.put, "/")
            let recorder = EventRecorder(of: request)
            let sending = Task.immediate { try await request.send(.file(path)) }
            try await recorder.first { if case .writeComplete = $0.kind { true } else { false } }
            if isCancelled { sending.cancel() } else { try request.close() }
            await #expect(throws: HandleError.cancelled(.sendRequest)) { try await sending.value }
            await request.closed()
            let kinds = try await recorder.finish().map(\.kind)
            #expect(kinds.suffix(2) == [.requestError(.cancelled(.sendRequest)), .handleClosing])
        }
    }

    @Test func `an early response to a file is delivered`() async throws {
        let path = try scratch.file("up", pattern(8_000_000))
        let server = try ScriptedServer { connection in
            connection.limitReceiveBuffer(to: 4096)
            _ = try connection.readHead()
            try connection.send("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno")
            connection.waitForClose()
        }
        let response = try await session.fetch(.put, server.url("/"), body: .file(path))
        #expect(response.status.code == 413)
        #expect(try await response.body.collect(upTo: 10) == Array("no".utf8))
    }

    // MARK: Forms

    @Test func `a form has its Content-Type, unless the caller sets one`() async throws {
        let server = try Self.echo()
        let form = RequestBody.form([("a b", "1&2"), ("ü", "")])
        let response = try await session.fetch(.post, server.url("/307"), body: form)
        let encoded = "a+b=1%262&%C3%BC="
        #expect(
            try await response.body.collect(upTo: 1000)
                == Array("POST \(encoded.utf8.count) application/x-www-form-urlencoded\n\(encoded)".utf8)
        )
        let other = try await session.fetch(.post, server.url("/"), headerFields: [.contentType: "a/b"], body: form)
        #expect(try await other.body.collect(upTo: 1000).starts(with: "POST \(encoded.utf8.count) a/b\n".utf8))
        let dropped = try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                let type = request.head["content-type"] ?? "-"
                let location = request.head.target == "/" ? "Location: /end\r\n" : ""
                let status = location.isEmpty ? 200 : 303
                let length = "Content-Length: \(type.utf8.count)"
                try connection.send("HTTP/1.1 \(status) R\r\n\(location)\(length)\r\n\r\n\(type)")
            }
        }
        // Redirected to GET, without the body and its fields.
        let got = try await session.fetch(.post, dropped.url("/"), body: form)
        #expect(try await got.body.collect(upTo: 1000) == Array("-".utf8))
    }

    @Test func `a multipart form with files arrives completely, also if it is sent twice`() async throws {
        let server = try Self.echo()
        let big = try scratch.file("big.bin", pattern(600_000))
        let empty = try scratch.file("empty", [])
        let form = RequestBody.multipart([
            .field("text", "ü"), .file("big", path: big), .bytes("b", [0, 13, 10], filename: "b"),
            .file("empty", path: empty, contentType: "text/plain"), .file("big", path: big, filename: "again"),
        ])
        for path in ["/", "/307"] {
            let response = try await session.fetch(.post, server.url(path), body: form)
            let bytes = try await response.body.collect(upTo: 2_000_000)
            let end = try #require(bytes.firstIndex(of: 10))
            let line = String(decoding: bytes[..<end], as: UTF8.self)
            let boundary = try #require(line.split(separator: "boundary=").last)
            func head(_ rest: String) -> [UInt8] {
                Array("--\(boundary)\r\nContent-Disposition: form-data; \(rest)\r\n\r\n".utf8)
            }
            let binary = "Content-Type: application/octet-stream"
            let ending = Array("\r\n".utf8)
            var body = head("name=\"text\"") + Array("ü".utf8) + ending
            body += head("name=\"big\"; filename=\"big.bin\"\r\n\(binary)") + pattern(600_000) + ending
            body += head("name=\"b\"; filename=\"b\"") + [0, 13, 10] + ending
            body += head("name=\"empty\"; filename=\"empty\"\r\nContent-Type: text/plain") + ending
            body += head("name=\"big\"; filename=\"again\"\r\n\(binary)") + pattern(600_000) + ending
            body += Array("--\(boundary)--\r\n".utf8)
            #expect(line == "POST \(body.count) multipart/form-data; boundary=\(boundary)")
            #expect(Array(bytes[(end + 1)...]) == body)
        }
    }

    @Test func `an invalid multipart form is an error before anything is sent`() async throws {
        let server = try Self.echo()
        let bad: [(MultipartPart, HandleErrorCode)] = [
            (.field("a\r\nb", ""), .invalidParameter), (.file("a", path: scratch.path("none")), .fileNotReadable),
        ]
        for (part, code) in bad {
            let error = await #expect(throws: HandleError.self) {
                try await session.fetch(.post, server.url("/"), body: .multipart([.field("good", ""), part]))
            }
            #expect(error?.code == code)
            #expect(error?.operation == .sendRequest)
        }
        #expect(server.connectionsAccepted == 0)
    }

    /// ThreadSanitizer regards values of size zero, such as the system's generator, as one variable.
    @Test func `many tasks make forms concurrently`() async throws {
        let session = try SessionHandle()
        await withTaskGroup { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<50 {
                        let error = await #expect(throws: HandleError.self) {
                            try await session.fetch(.post, "http://127.0.0.1:1/", body: .multipart([.field("a", "b")]))
                        }
                        #expect(error?.code == .cannotConnect)
                    }
                }
            }
        }
        try session.close()
        await session.closed()
    }
}
