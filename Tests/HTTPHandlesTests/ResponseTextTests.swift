import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes
import Testing

@Suite("Bodies as texts, lines and events", .timeLimit(.minutes(5)))
struct ResponseTextTests {
    let session: SessionHandle

    init() throws {
        session = try SessionHandle()
    }

    /// Answers each connection with one response.
    func server(_ head: String = "", _ body: [UInt8]) throws -> ScriptedServer {
        try ScriptedServer { connection in
            _ = try connection.readRequest()
            try connection.send("HTTP/1.1 200 OK\r\n\(head)Content-Length: \(body.count)\r\n\r\n")
            try connection.send(body)
        }
    }

    /// Sends its pieces on request, and never ends the body.
    func endless(_ pieces: [String], _ gates: [Gate]) throws -> ScriptedServer {
        try ScriptedServer { connection in
            _ = try connection.readRequest()
            try connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            for (piece, gate) in zip(pieces, gates) {
                gate.wait()
                try connection.sendChunk(piece)
            }
            connection.waitForClose()
        }
    }

    // MARK: Texts

    @Test func `a text is decoded by its charset`() async throws {
        let plain = try server("", Array("ü".utf8))
        #expect(try await session.get(plain.url()).body.collectString(upTo: 10) == "ü")
        let latin = try server("Content-Type: text/plain; charset=iso-8859-1\r\n", [0xFC])
        #expect(try await session.get(latin.url()).body.collectString(upTo: 10) == "ü")
        let connection = try await session.connect(to: "127.0.0.1", port: latin.port)
        let request = try await connection.openRequest(.get, "/")
        try await request.send()
        _ = try await request.receiveResponse()
        #expect(try await request.body.collectString(upTo: 10) == "ü")
    }

    @Test func `an unknown charset is an error, and the bytes can still be read`() async throws {
        let server = try server("Content-Type: text/plain; charset=ebcdic\r\n", [1, 2])
        let response = try await session.get(server.url())
        let error = HandleError(
            .notSupported,
            .readData,
            reason: "the charset of the body, \"ebcdic\", is not supported"
        )
        await #expect(throws: error) { try await response.body.collectString(upTo: 10) }
        #expect(try await response.body.collect(upTo: 10) == [1, 2])
    }

    @Test func `a text longer than the limit, of no response, of a closed request`() async throws {
        let server = try server("", Array("hello".utf8))
        let error = HandleError(.insufficientBuffer, .readData, reason: "the body is longer than 4 bytes")
        await #expect(throws: error) { try await session.get(server.url()).body.collectString(upTo: 4) }
        let connection = try await session.connect(to: "127.0.0.1", port: server.port)
        let request = try await connection.openRequest(.get, "/")
        await #expect(throws: HandleError.wrongState(.readData, "no response was received")) {
            try await request.body.collectString(upTo: 4)
        }
        try request.close()
        await #expect(throws: HandleError.closed(.readData)) { try await request.body.collectString(upTo: 4) }
    }

    // MARK: Lines

    @Test func `lines`() async throws {
        let server = try server("", Array("one\r\ntwo\n\nü\rlast".utf8))
        let response = try await session.get(server.url())
        var lines: [String] = []
        for try await line in response.body.lines { lines.append(line) }
        #expect(lines == ["one", "two", "", "ü", "last"])
        await response.request.closed()
    }

    @Test func `a line is delivered as soon as its end arrives`() async throws {
        let gates = [Gate(), Gate()]
        let server = try endless(["one\nt", "wo\r"], gates)
        let response = try await session.get(server.url())
        var lines = response.body.lines.makeAsyncIterator()
        gates[0].open()
        #expect(try await lines.next() == "one")
        gates[1].open()
        #expect(try await lines.next() == "two")
    }

    @Test func `a line that is too long ends the response`() async throws {
        let server = try server("", Array("1234\n12345\n".utf8))
        let response = try await session.get(server.url())
        var lines = response.body.lines(upTo: 4).makeAsyncIterator()
        #expect(try await lines.next() == "1234")
        let error = HandleError(.insufficientBuffer, .readData, reason: "a line or an event is longer than allowed")
        await #expect(throws: error) { try await lines.next() }
        #expect(try await lines.next() == nil)
        await response.request.closed()
    }

    @Test func `a truncated body delivers its complete lines, then the error`() async throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readRequest()
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\none\ntw")
        }
        var lines = try await session.get(server.url()).body.lines.makeAsyncIterator()
        #expect(try await lines.next() == "one")
        let error = await #expect(throws: HandleError.self) { try await lines.next() }
        #expect(error?.code == .connectionError)
        #expect(try await lines.next() == nil)
    }

    @Test func `closing and cancelling while a line or an event is awaited`() async throws {
        for isCancelled in [false, true] {
            for isLine in [false, true] {
                let server = try endless([], [])
                let connection = try await session.connect(to: "127.0.0.1", port: server.port)
                let request = try await connection.openRequest(.get, "/")
                let recorder = EventRecorder(of: request)
                try await request.send()
                _ = try await request.receiveResponse()
                let waiting = Task.immediate {
                    if isLine {
                        for try await _ in request.body.lines {}
                    } else {
                        for try await _ in request.body.serverSentEvents {}
                    }
                }
                if isCancelled { waiting.cancel() } else { try request.close() }
                await #expect(throws: HandleError.cancelled(.readData)) { try await waiting.value }
                await request.closed()
                let kinds = try await recorder.finish().map(\.kind)
                #expect(kinds.suffix(2) == [.requestError(.cancelled(.readData)), .handleClosing])
            }
        }
    }

    // MARK: Server-sent events

    @Test func `server-sent events, with the state for a reconnection`() async throws {
        let gates = [Gate(), Gate(), Gate()]
        let server = try endless(
            ["retry: 2000\n\ndata: 1\nid: a\n", "\nevent: add\ndata: 2\ndata: 3\n\n", "id: b\n\ndata: 4\n\n"],
            gates
        )
        let response = try await session.get(server.url())
        var events = response.body.serverSentEvents.makeAsyncIterator()
        for gate in gates { gate.open() }
        let first = try #require(try await events.next())
        #expect((first.type, first.data, first.id) == ("message", "1", "a"))
        #expect(events.reconnectionTime == .seconds(2))
        let second = try #require(try await events.next())
        #expect((second.type, second.data, second.id) == ("add", "2\n3", "a"))
        #expect(try await events.next()?.data == "4")
        #expect(events.lastEventID == "b")
        let fields: HTTPFields = [.lastEventID: events.lastEventID]
        #expect(fields.map(\.description) == ["Last-Event-ID: b"])
    }

    @Test func `an event that is too long ends the response`() async throws {
        let server = try server("", Array("data: 1\n\ndata: 1234567890\n\n".utf8))
        let response = try await session.get(server.url())
        var events = response.body.serverSentEvents(upTo: 10).makeAsyncIterator()
        #expect(try await events.next()?.data == "1")
        let error = HandleError(.insufficientBuffer, .readData, reason: "a line or an event is longer than allowed")
        await #expect(throws: error) { try await events.next() }
        await response.request.closed()
    }

    // MARK: Trailers and 1xx responses

    @Test func `trailers are available when the body was read`() async throws {
        let gate = Gate()
        let server = try ScriptedServer { connection in
            while try connection.readRequest() != nil {
                try connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
                gate.wait()
                try connection.send("0\r\nDigest: abc\r\nX-Two:  2 \r\nX-Two: 3\r\n\r\n")
            }
        }
        let response = try await session.get(server.url())
        #expect(response.trailers.isEmpty)
        gate.open()
        #expect(try await response.body.collect(upTo: 10) == Array("hello".utf8))
        #expect(response.trailers.map(\.description) == ["Digest: abc", "X-Two: 2", "X-Two: 3"])
        #expect(response.headerFields[.digest] == nil)
        // After the next send, those of the earlier response are gone.
        let second = try ScriptedServer { connection in
            _ = try connection.readRequest()
            try connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nDigest: abc\r\n\r\n")
            _ = try connection.readRequest()
            try connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
            connection.waitForClose()
        }
        let connection = try await session.connect(to: "127.0.0.1", port: second.port)
        let request = try await connection.openRequest(.get, "/")
        for count in [1, 0] {
            try await request.send()
            _ = try await request.receiveResponse()
            #expect(try await request.body.collect(upTo: 10) == [])
            #expect(request.trailers.count == count)
        }
        #expect(second.connectionsAccepted == 1)
    }

    @Test func `a malformed trailer field is an error`() async throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readRequest()
            try connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n")
            try connection.send("not a field\r\n\r\n")
        }
        let error = await #expect(throws: HandleError.self) {
            try await session.get(server.url()).body.collect(upTo: 10)
        }
        #expect(error?.code == .invalidServerResponse)
    }

    @Test func `trailers longer than a head may be are an error`() async throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readRequest()
            try connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n")
            for number in 0..<100_000 { try connection.send("X-\(number): y\r\n") }
        }
        let response = try await session.get(server.url())
        let error = await #expect(throws: HandleError.self) { try await response.body.collect(upTo: 10) }
        #expect(error?.operation == .readData)
        await response.request.closed()
    }

    @Test func `a trailer field that is similar to a status line is harmless`() async throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readRequest()
            try connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n")
            try connection.send("HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n")
        }
        let connection = try await session.connect(to: "127.0.0.1", port: server.port)
        let request = try await connection.openRequest(.get, "/")
        let recorder = EventRecorder(of: request)
        try await request.send()
        #expect(try await request.receiveResponse().status == .ok)
        _ = try? await request.body.collect(upTo: 10)
        try request.close()
        _ = try await recorder.finish()
    }

    @Test func `1xx responses are values`() async throws {
        let server = try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                if request.head.target == "/old" {
                    try connection.send("HTTP/1.1 103 Early Hints\r\nLink: </old>\r\n\r\n")
                    try connection.send("HTTP/1.1 302 Found\r\nLocation: /new\r\nContent-Length: 0\r\n\r\n")
                    continue
                }
                try connection.send("HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            }
        }
        for path in ["/new", "/old"] {
            let response = try await session.get(server.url(path))
            let heads = response.informationalHeads
            #expect(heads.map(\.status.code) == [102, 103])
            #expect(heads.last?.headerFields.map(\.description) == ["Link: </a>"])
            #expect(heads.map(\.url) == [server.url("/new"), server.url("/new")])
        }
    }
}

extension HTTPField.Name {
    fileprivate static var digest: Self { HTTPField.Name(parsed: "digest") ?? .date }
}
