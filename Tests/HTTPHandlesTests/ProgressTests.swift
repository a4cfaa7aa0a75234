import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes
import Testing

@Suite("Progress", .timeLimit(.minutes(5)))
struct ProgressTests {
    let session: SessionHandle

    init() throws {
        session = try SessionHandle()
    }

    @Test(arguments: [false, true])
    func `a request body that is partly sent`(isFile: Bool) async throws {
        // More than both socket buffers.
        let bytes = [UInt8](repeating: 7, count: 24 << 20)
        let scratch = try Scratch()
        let path = try scratch.file("up", bytes)
        let gate = Gate()
        let server = try ScriptedServer { connection in
            guard let head = try connection.readHead() else { return }
            gate.wait()
            _ = try connection.readBody(of: head)
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        }
        let connection = try await session.connect(to: "127.0.0.1", port: server.port)
        let request = try await connection.openRequest(.put, "/")
        let progress = request.progress()
        let sending = Task { try await request.send(isFile ? .file(path) : .bytes(bytes)) }
        let part = try #require(await progress.first { $0.sent > 0 })
        #expect(part.sent < bytes.count)
        #expect(part.expectedToSend == Int64(bytes.count))
        #expect(part.expectedToReceive == nil)
        gate.open()
        try await sending.value
        _ = try await request.receiveResponse()
        let whole = try #require(await request.progress().first { _ in true })
        #expect(whole.sent == bytes.count)
        #expect(whole.received == 0)
        #expect(whole.expectedToReceive == 0)
        try request.close()
    }

    @Test func `a response body before it is read`() async throws {
        let gate = Gate()
        let server = try ScriptedServer { connection in
            _ = try connection.readHead()
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
            gate.wait()
            try connection.send("world")
            connection.waitForClose()
        }
        let response = try await session.get(server.url())
        let progress = response.request.progress()
        let half = try #require(await progress.first { $0.received == 5 })
        #expect(half.sent == 0)
        #expect(half.expectedToSend == 0)
        #expect(half.expectedToReceive == 10)
        gate.open()
        #expect(await progress.contains { $0.received == 10 })
        #expect(try await response.body.collect(upTo: 10) == Array("helloworld".utf8))
        // Releasing the body closes the request, which ends the sequence.
        for await _ in progress {}
        let late = response.request.progress()
        var elements: [TransferProgress] = []
        for await element in late { elements.append(element) }
        #expect(elements.map(\.received) == [10])
    }

    @Test func `a body of unknown length, and a missing body`() async throws {
        let nginx = try Nginx.shared.get()
        let connection = try await session.connect(to: "127.0.0.1", port: nginx.httpPort)
        let request = try await connection.openRequest(.head, "/big")
        try await request.send()
        #expect(try await request.receiveResponse().headerFields[.contentLength] == "\(nginx.bigSize)")
        #expect(await request.progress().first { _ in true }?.expectedToReceive == 0)
        try request.close()

        let server = try ScriptedServer { connection in
            _ = try connection.readRequest()
            try connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            try connection.sendChunk("hello")
            connection.waitForClose()
        }
        let writing = try await session.openRequest(.post, server.url())
        try await writing.send(.writes())
        try await writing.write([1, 2, 3])
        try await writing.finishWriting()
        _ = try await writing.receiveResponse()
        let known = try #require(await writing.progress().first { $0.received == 5 })
        #expect(known.sent == 3)
        #expect(known.expectedToSend == nil)
        #expect(known.expectedToReceive == nil)
        try writing.close()
    }

    @Test func `a body that is sent again is counted again, a discarded one is not`() async throws {
        let server = try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                let redirect = request.head.target == "/end" ? "200 OK" : "307 R\r\nLocation: /end"
                try connection.send("HTTP/1.1 \(redirect)\r\nContent-Length: 3\r\n\r\nabc")
            }
        }
        let request = try await session.openRequest(.post, server.url())
        try await request.send(.string("body"))
        _ = try await request.receiveResponse()
        let progress = try #require(await request.progress().first { $0.received == 3 })
        #expect(progress.sent == 4)
        #expect(progress.expectedToReceive == 3)
        try request.close()
    }
}
