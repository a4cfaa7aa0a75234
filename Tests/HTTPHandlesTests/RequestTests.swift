import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes
import Testing

@Suite("Requests", .timeLimit(.minutes(5)))
struct RequestTests {
    static func echo(_ connection: ServerConnection) throws {
        while let request = try connection.readRequest() {
            let text = request.head.requestLine + "|" + String(decoding: request.body, as: UTF8.self)
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(text.utf8.count)\r\n\r\n\(text)")
        }
    }

    // MARK: nginx

    @Test func `three levels of handles`() async throws {
        let nginx = try Nginx.shared.get()
        let session = try SessionHandle(userAgent: "test/1.0")
        let connection = try await session.connect(to: "127.0.0.1", port: nginx.httpPort)
        let request = try await connection.openRequest(.get, "/agent")
        try await request.send()
        let head = try await request.receiveResponse()
        #expect(head.status == .ok)
        #expect(head.version == .http1_1)
        #expect(head.headerFields[.contentType] == "text/plain")
        #expect(try await request.body.collect(upTo: 100) == Array("test/1.0".utf8))
        #expect(try await request.option(.url) == nginx.http("/agent"))
        try request.close()
        await request.closed()
    }

    @Test func `get and fetch`() async throws {
        let nginx = try Nginx.shared.get()
        let session = try SessionHandle()
        let response = try await session.get(nginx.http("/hello"))
        #expect(response.status == .ok)
        #expect(try await response.body.collect(upTo: 100) == Array("hello".utf8))
        await response.request.closed()
    }

    @Test(arguments: ["GET", "DELETE", "OPTIONS", "PURGE", "POST", "PUT", "PATCH"])
    func `methods`(name: String) async throws {
        let server = try ScriptedServer(RequestTests.echo)
        let session = try SessionHandle()
        let method = try #require(HTTPRequest.Method(name))
        let request = HTTPRequest(method: method, scheme: "http", authority: "127.0.0.1:\(server.port)", path: "/m")
        let response = try await session.fetch(request)
        #expect(try await response.body.collect(upTo: 100) == Array("\(name) /m HTTP/1.1|".utf8))
    }

    @Test func `HEAD has a length and no body`() async throws {
        let nginx = try Nginx.shared.get()
        let session = try SessionHandle()
        let authority = "127.0.0.1:\(nginx.httpPort)"
        let request = HTTPRequest(method: .head, scheme: "http", authority: authority, path: "/big")
        let response = try await session.fetch(request)
        #expect(response.headerFields[.contentLength] == "\(nginx.bigSize)")
        #expect(try await response.body.collect(upTo: 0) == [])
    }

    @Test func `https with a test authority`() async throws {
        let nginx = try Nginx.shared.get()
        let session = try SessionHandle(options: [.set(.serverTrust, to: .authorities(inFile: nginx.authorityFile))])
        let response = try await session.get(nginx.https1("/protocol"))
        #expect(response.head.version == .http1_1)
        #expect(try await response.body.collect(upTo: 100).starts(with: "HTTP/1.1".utf8))
    }

    @Test func `HTTP/2 over TLS`() async throws {
        let nginx = try Nginx.shared.get()
        let session = try SessionHandle(options: [.set(.serverTrust, to: .authorities(inFile: nginx.authorityFile))])
        let response = try await session.get(nginx.https("/protocol"))
        #expect(response.head.version == .http2)
        #expect(try await response.body.collect(upTo: 100).starts(with: "HTTP/2.0".utf8))
    }

    @Test func `HTTP/2 with prior knowledge, and HTTP/1.1 although HTTP/2 is offered`() async throws {
        let nginx = try Nginx.shared.get()
        let prior = try SessionHandle(options: [.set(.httpVersions, to: .http2PriorKnowledge)])
        #expect(try await prior.get(nginx.clearHTTP2("/hello")).head.version == .http2)
        let old = try SessionHandle(options: [
            .set(.httpVersions, to: .http1_1), .set(.serverTrust, to: .authorities(inFile: nginx.authorityFile)),
        ])
        #expect(try await old.get(nginx.https("/hello")).head.version == .http1_1)
    }

    @Test func `HTTP/2 with prior knowledge, without TLS, sequentially and concurrently`() async throws {
        let nginx = try Nginx.shared.get()
        let session = try SessionHandle(options: [.set(.httpVersions, to: .http2PriorKnowledge)])
        for _ in 0..<3 {
            #expect(try await session.get(nginx.clearHTTP2("/hello")).body.collectString(upTo: 9) == "hello")
        }
        try await withThrowingTaskGroup { group in
            for _ in 0..<8 {
                group.addTask { try await session.get(nginx.clearHTTP2("/hello")).body.collectString(upTo: 9) }
            }
            for try await text in group { #expect(text == "hello") }
        }
    }

    @Test func `a certificate of an unknown authority is refused, with the reason`() async throws {
        let nginx = try Nginx.shared.get()
        let session = try SessionHandle()
        let recorder = EventRecorder(of: session, [.secureFailure, .requestError], scope: .tree)
        let error = await #expect(throws: HandleError.self) { try await session.get(nginx.https1("/hello")) }
        #expect(error?.code == .secureFailure)
        #expect(error?.operation == .sendRequest)
        #expect(error?.curl?.code.rawValue == 60)
        try session.close()
        let kinds = try await recorder.finish().map(\.kind.name)
        #expect(kinds.prefix(2) == ["secureFailure", "requestError"])
    }

    @Test func `a certificate for another name is refused, unless verification is off`() async throws {
        let nginx = try Nginx.shared.get()
        let url = "https://127.0.0.2:\(nginx.http1TLSPort)/hello"
        let strict = try SessionHandle(options: [.set(.serverTrust, to: .authorities(inFile: nginx.authorityFile))])
        // nginx does not listen there: the connection is refused before the handshake.
        let error = await #expect(throws: HandleError.self) { try await strict.get(url) }
        #expect(error?.code == .cannotConnect)
        let lax = try SessionHandle(options: [.set(.serverTrust, to: .unverified)])
        #expect(try await lax.get(nginx.https1("/hello")).status == .ok)
    }

    @Test func `a hundred requests at once, and then a hundred more on the same connections`() async throws {
        let nginx = try Nginx.shared.get()
        let session = try SessionHandle()
        for _ in 0..<2 {
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<100 {
                    group.addTask { try await session.get(nginx.http("/hello")).body.collect(upTo: 5).count }
                }
                for try await count in group { #expect(count == 5) }
            }
        }
    }

    // MARK: Sending again

    @Test func `a request does not wait for the response to another`() async throws {
        let gate = Gate()
        let server = try ScriptedServer { connection in
            let head = try connection.readHead()
            if head?.target == "/slow" { gate.wait() }
            try connection.send(EventOrderTests.hello)
        }
        let session = try SessionHandle()
        let connection = try await session.connect(to: "127.0.0.1", port: server.port)
        let slow = try await connection.openRequest(.get, "/slow")
        try await slow.send()
        #expect(try await session.get(server.url("/quick")).body.collect(upTo: 5) == Array("hello".utf8))
        gate.open()
        #expect(try await slow.receiveResponse().status == .ok)
    }

    @Test func `a request can be sent again, before and after its response was read`() async throws {
        let server = try ScriptedServer(RequestTests.echo)
        let session = try SessionHandle()
        let connection = try await session.connect(to: "127.0.0.1", port: server.port)
        let request = try await connection.openRequest(.post, "/again")
        for body in ["one", "two"] {
            try await request.send(.string(body))
            _ = try await request.receiveResponse()
        }
        #expect(try await request.body.collect(upTo: 100) == Array("POST /again HTTP/1.1|two".utf8))
        try await request.send(.string("three"))
        _ = try await request.receiveResponse()
        #expect(try await request.body.collect(upTo: 100) == Array("POST /again HTTP/1.1|three".utf8))
    }

    // MARK: Request bodies

    @Test func `bytes`() async throws {
        let server = try ScriptedServer(RequestTests.echo)
        let session = try SessionHandle()
        let request = HTTPRequest(method: .post, scheme: "http", authority: "127.0.0.1:\(server.port)", path: "/")
        let response = try await session.fetch(request, body: .string("a body"))
        #expect(try await response.body.collect(upTo: 100) == Array("POST / HTTP/1.1|a body".utf8))
    }

    @Test(arguments: [9, nil] as [Int64?])
    func `an async sequence, of known and unknown length`(length: Int64?) async throws {
        let server = try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                let framing = request.head["content-length"] ?? request.head["transfer-encoding"] ?? "none"
                let text = framing + "|" + String(decoding: request.body, as: UTF8.self)
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(text.utf8.count)\r\n\r\n\(text)")
            }
        }
        let session = try SessionHandle()
        let request = HTTPRequest(method: .put, scheme: "http", authority: "127.0.0.1:\(server.port)", path: "/")
        let pieces = AsyncStream<[UInt8]> { continuation in
            for piece in ["one", "two", "", "thr"] { continuation.yield(Array(piece.utf8)) }
            continuation.finish()
        }
        let response = try await session.fetch(request, body: .stream(pieces, length: length))
        let framing = length.map { "\($0)" } ?? "chunked"
        #expect(try await response.body.collect(upTo: 100) == Array("\(framing)|onetwothr".utf8))
    }

    @Test func `a body that the caller writes`() async throws {
        let server = try ScriptedServer(RequestTests.echo)
        let session = try SessionHandle()
        let connection = try await session.connect(to: "127.0.0.1", port: server.port)
        let request = try await connection.openRequest(.post, "/w")
        let recorder = EventRecorder(of: request)
        try await request.send(.writes(length: 6))
        #expect(try await request.write(Array("abc".utf8)))
        #expect(try await request.write(Array("def".utf8)))
        try await request.finishWriting()
        _ = try await request.receiveResponse()
        #expect(try await request.body.collect(upTo: 100) == Array("POST /w HTTP/1.1|abcdef".utf8))
        try request.close()
        let writes = try await recorder.finish().map(\.kind).filter { $0.name == "writeComplete" }
        #expect(writes == [.writeComplete(bytes: 3), .writeComplete(bytes: 3)])
    }

    @Test func `a body belongs to one send: sending again ends its writer, and the next request has nothing of it`()
        async throws
    {
        let end = Gate()
        let server = try ScriptedServer { connection in
            // The bodies of the first two are not read.
            if connection.number < 2 { end.wait() } else { try RequestTests.echo(connection) }
        }
        defer { end.open() }
        let session = try SessionHandle()
        let connection = try await session.connect(to: "127.0.0.1", port: server.port)
        let request = try await connection.openRequest(.post, "/w")
        let refusal = HandleError.wrongState(.writeData, "the request was sent again")
        try await request.send(.writes())
        for body in [RequestBody.writes(), .string("def")] {
            try await request.write([UInt8](repeating: 0, count: 16 << 20))
            let writing = Task.immediate { try await request.write([1]) }
            try await request.send(body)
            await #expect(throws: refusal) { try await writing.value }
        }
        await #expect(throws: HandleError.wrongState(.writeData, "no request with a streamed body was sent")) {
            try await request.write([1])
        }
        _ = try await request.receiveResponse()
        #expect(try await request.body.collect(upTo: 100) == Array("POST /w HTTP/1.1|def".utf8))
    }

    @Test func `more or fewer bytes than announced are an error, and the request is closed`() async throws {
        let server = try ScriptedServer(RequestTests.echo)
        let session = try SessionHandle()
        for (length, reason) in [
            (Int64(3), "2 bytes more than the length announced"), (9, "4 bytes fewer than the length announced"),
        ] {
            let connection = try await session.connect(to: "127.0.0.1", port: server.port)
            let request = try await connection.openRequest(.post, "/")
            let pieces = AsyncStream<[UInt8]> { continuation in
                continuation.yield(Array("12345".utf8))
                continuation.finish()
            }
            await #expect(throws: HandleError.invalidParameter(.writeData, reason)) {
                try await request.send(.stream(pieces, length: length))
            }
            await request.closed()
        }
    }

    @Test func `an error of the sequence ends the request and is thrown to the caller`() async throws {
        struct Failure: Error, Equatable {}
        let server = try ScriptedServer { $0.waitForClose() }
        let session = try SessionHandle()
        let connection = try await session.connect(to: "127.0.0.1", port: server.port)
        let request = try await connection.openRequest(.post, "/")
        let pieces = AsyncThrowingStream<[UInt8], any Error> { $0.finish(throwing: Failure()) }
        let recorder = EventRecorder(of: request, .requestError)
        let error = await #expect(throws: HandleError.self) { try await request.send(.stream(pieces)) }
        let failure = HandleError(
            .requestBodyFailed,
            .writeData,
            reason: "the sequence of the request body threw: Failure()"
        )
        #expect(error == failure)
        #expect(error?.underlying is Failure)
        await request.closed()
        #expect(try await recorder.finish().map(\.kind) == [.requestError(failure), .handleClosing])
    }

    @Test func `the error of another response that is the body is requestBodyFailed`() async throws {
        let server = try ScriptedServer { connection in
            // It does not answer, so that only the body ends the request.
            guard try connection.readHead()?.method == "GET" else { return connection.waitForClose() }
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
        }
        let session = try SessionHandle()
        let source = try await session.get(server.url())
        let error = await #expect(throws: HandleError.self) {
            try await session.fetch(.put, server.url(), body: .stream(source.body))
        }
        #expect(error?.code == .requestBodyFailed)
        #expect((error?.underlying as? HandleError)?.code == .connectionError)
        let closed = try await session.get(server.url())
        try closed.request.close()
        let other = await #expect(throws: HandleError.self) {
            try await session.fetch(.put, server.url(), body: .stream(closed.body))
        }
        #expect(other?.code == .requestBodyFailed)
        #expect(other?.underlying as? HandleError == .closed(.readData))
    }

    @Test func `an early response ends the upload and is delivered`() async throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readHead()
            try connection.send("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno")
            connection.waitForClose()
        }
        let session = try SessionHandle()
        let request = HTTPRequest(method: .post, scheme: "http", authority: "127.0.0.1:\(server.port)", path: "/")
        let endless = AsyncStream<[UInt8]>(unfolding: { [UInt8](repeating: 0, count: 1000) })
        let response = try await session.fetch(request, body: .stream(endless))
        #expect(response.status.code == 413)
        #expect(try await response.body.collect(upTo: 10) == Array("no".utf8))
    }

    // MARK: Response bodies

    @Test func `a large body arrives completely, in pieces`() async throws {
        let nginx = try Nginx.shared.get()
        let session = try SessionHandle()
        let response = try await session.get(nginx.http("/big"))
        var total = 0
        var isRight = true
        for try await piece in response.body {
            for byte in piece {
                isRight = isRight && byte == UInt8(truncatingIfNeeded: total)
                total += 1
            }
        }
        #expect(total == nginx.bigSize)
        #expect(isRight)
        await response.request.closed()
    }

    @Test func `a large body over HTTP/2`() async throws {
        let nginx = try Nginx.shared.get()
        let session = try SessionHandle(options: [.set(.serverTrust, to: .authorities(inFile: nginx.authorityFile))])
        let response = try await session.get(nginx.https("/big"))
        #expect(try await response.body.collect(upTo: nginx.bigSize).count == nginx.bigSize)
    }

    @Test func `a body longer than the limit is an error, and the request is closed`() async throws {
        let nginx = try Nginx.shared.get()
        let session = try SessionHandle()
        let response = try await session.get(nginx.http("/big"))
        await #expect(throws: HandleError(.insufficientBuffer, .readData, reason: "the body is longer than 1000 bytes"))
        {
            try await response.body.collect(upTo: 1000)
        }
        await response.request.closed()
    }

    @Test func `releasing a response closes its request`() async throws {
        let nginx = try Nginx.shared.get()
        let session = try SessionHandle()
        let recorder = EventRecorder(of: session, .handles, scope: .tree)
        do {
            _ = try await session.get(nginx.http("/big"))
        }
        try await recorder.first { $0.kind == .handleClosing && $0.handle.level == .request }
    }

    @Test func `a chunked body, and one that ends with the connection`() async throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readHead()
            if connection.number == 0 {
                try connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                for piece in ["one", "two", ""] { try connection.sendChunk(piece) }
                _ = try connection.readHead()
                connection.close()
            } else {
                try connection.send("HTTP/1.0 200 OK\r\n\r\nuntil the end")
            }
        }
        let session = try SessionHandle()
        #expect(try await session.get(server.url()).body.collect(upTo: 100) == Array("onetwo".utf8))
        let response = try await session.get(server.url())
        #expect(response.head.version == .http1_0)
        #expect(try await response.body.collect(upTo: 100) == Array("until the end".utf8))
    }

    @Test func `a slow reader pauses the connection, and gets everything`() async throws {
        let size = 4 * 1024 * 1024
        let sent = Gate()
        let server = try ScriptedServer { connection in
            _ = try connection.readHead()
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(size)\r\n\r\n")
            try connection.send([UInt8](repeating: 7, count: size))
            sent.open()
            connection.waitForClose()
        }
        let session = try SessionHandle()
        let response = try await session.get(server.url())
        var iterator = response.body.makeAsyncIterator()
        var total = 0
        while let piece = try await iterator.next() {
            #expect(piece.count <= 256 * 1024 + 16 * 1024)
            total += piece.count
            await Task.yield()
        }
        #expect(total == size)
        await sent.passed()
    }

    // MARK: Facts

    @Test func `times are known after the response`() async throws {
        let nginx = try Nginx.shared.get()
        let session = try SessionHandle()
        let connection = try await session.connect(to: "127.0.0.1", port: nginx.httpPort)
        let request = try await connection.openRequest(.get, "/hello")
        await #expect(throws: HandleError.wrongState(.queryOption, "the value of requestTimes is not known yet")) {
            try await request.option(.requestTimes)
        }
        try await request.send()
        _ = try await request.receiveResponse()
        let times = try await request.option(.requestTimes)
        let firstByte = try #require(times.firstByte)
        #expect(times.connected != nil)
        #expect(times.secured == nil)
        #expect(firstByte <= times.total)
    }

    @Test func `available and small reads`() async throws {
        let gate = Gate()
        let server = try ScriptedServer { connection in
            _ = try connection.readRequest()
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
            gate.wait()
            try connection.send("world")
        }
        let session = try SessionHandle()
        let connection = try await session.connect(to: "127.0.0.1", port: server.port)
        let request = try await connection.openRequest(.get, "/")
        let recorder = EventRecorder(of: request, [.dataAvailable, .readComplete, .requestError])
        try await request.send()
        _ = try await request.receiveResponse()
        #expect(try await request.body.available() == 5)
        #expect(try await request.body.read(upTo: 2) == Array("he".utf8))
        #expect(try await request.body.read(upTo: 9) == Array("llo".utf8))
        await #expect(throws: HandleError.invalidParameter(.readData, "the limit must be at least 1, but is 0")) {
            try await request.body.read(upTo: 0)
        }
        let waiting = Task.immediate { try await request.body.available() }
        await #expect(throws: HandleError.wrongState(.readData, "queryDataAvailable has not finished yet")) {
            try await request.body.read(upTo: 1)
        }
        gate.open()
        #expect(try await waiting.value == 5)
        #expect(try await request.body.read(upTo: 5) == Array("world".utf8))
        #expect(try await request.body.available() == 0)
        #expect(try await request.body.read(upTo: 5) == [])
        try request.close()
        #expect(
            try await recorder.finish().map(\.kind) == [
                .dataAvailable(bytes: 5), .readComplete(bytes: 2), .readComplete(bytes: 3), .dataAvailable(bytes: 5),
                .readComplete(bytes: 5), .dataAvailable(bytes: 0), .readComplete(bytes: 0), .handleClosing,
            ]
        )
    }

    @Test func `closing while available waits`() async throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readRequest()
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")
            connection.waitForClose()
        }
        let session = try SessionHandle()
        let response = try await session.get(server.url("/"))
        let waiting = Task.immediate { try await response.body.available() }
        try response.request.close()
        await #expect(throws: HandleError.cancelled(.queryDataAvailable)) { try await waiting.value }
    }
}
