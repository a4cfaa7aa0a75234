import HTTPHandles
import HTTPHandlesLock
import HTTPHandlesTesting
import HTTPTypes
import Testing

/// A session that trusts the test servers, and a URL on one of them.
func overTLS(
    _ server: ScriptedServer,
    _ protocols: TLSFront.Protocols = .http2
) async throws -> (SessionHandle, url: String) {
    let front = try TLSFront.shared.get()
    let session = try SessionHandle(options: [.set(.serverTrust, to: .authorities(inFile: front.authorityFile))])
    return (session, try front.url(server, protocols))
}

func inClearHTTP2() throws -> SessionHandle {
    try SessionHandle(options: [.set(.httpVersions, to: .http2PriorKnowledge)])
}

@Suite("HTTP/2 requests that the server does not process", .timeLimit(.minutes(5)))
struct HTTP2RefusalTests {
    /// What the servers received: the length of each request body.
    final class Seen: Sendable {
        private let list = Lock<[Int]>([])

        func append(_ length: Int) { list.withLock { $0.append(length) } }
        func take() -> [Int] { list.withLock { exchange(&$0, with: []) } }
        private func exchange(_ list: inout [Int], with new: [Int]) -> [Int] {
            defer { list = new }
            return list
        }
    }

    /// Answers the requests of a connection, each with as many bytes as its body.
    static func answer(_ http2: HTTP2Connection, _ seen: Seen) throws {
        while true {
            let (stream, hasBody) = try http2.readRequest()
            let count = hasBody ? try http2.readBody(of: stream) : 0
            seen.append(count)
            try http2.send(HTTP2Connection.head(200, on: stream), HTTP2Connection.data("yes", on: stream, isEnd: true))
        }
    }

    static func reset(_ http2: HTTP2Connection, _ code: HTTP2ErrorCode) throws {
        let (stream, hasBody) = try http2.readRequest()
        if hasBody { _ = try http2.readBody(of: stream) }
        try http2.send(HTTP2Connection.reset(stream, code.rawValue))
        http2.connection.waitForClose()
    }

    struct Request: Sendable, CustomTestStringConvertible {
        let method: HTTPRequest.Method
        let body: RequestBody
        let length: Int
        let testDescription: String

        static let all = [
            Request(method: .get, body: .none, length: 0, testDescription: "GET"),
            Request(method: .post, body: .string("abc"), length: 3, testDescription: "POST"),
            Request(method: .patch, body: .none, length: 0, testDescription: "PATCH without a body"),
            Request(
                method: .post,
                body: .bytes(pattern(50_000)),
                length: 50_000,
                testDescription: "POST of 50,000 bytes"
            ),
        ]
    }

    // MARK: HTTP_1_1_REQUIRED

    @Test(arguments: Request.all)
    func `over TLS a request that needs HTTP 1.1 is sent again with it`(_ request: Request) async throws {
        let bodies = Seen()
        let server = try ScriptedServer { connection in
            if connection.number == 0 { return try Self.reset(HTTP2Connection(connection), .http11Required) }
            while let request = try connection.readRequest() {
                bodies.append(request.body.count)
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes")
            }
        }
        let (session, url) = try await overTLS(server, .both)
        let handle = try await session.openRequest(request.method, url)
        let recorder = EventRecorder(of: handle)
        try await handle.send(request.body)
        #expect(try await handle.receiveResponse().version == .http1_1)
        #expect(try await handle.body.collectString(upTo: 100) == "yes")
        try handle.close()
        let names = try await recorder.finish().map(\.kind.name)
        #expect(names.filter { ["headersAvailable", "requestError", "retry"].contains($0) } == ["headersAvailable"])
        #expect(bodies.take() == [request.length])
    }

    @Test func `without TLS it is a specific error`() async throws {
        let server = try ScriptedServer { try Self.reset(HTTP2Connection($0), .http11Required) }
        let session = try inClearHTTP2()
        let error = await #expect(throws: HandleError.self) { try await session.get(server.url()) }
        #expect(error?.code == .httpProtocolMismatch)
        #expect(error?.http2StreamError == .http11Required)
        #expect(error?.reason == "the server requires HTTP/1.1 for this request (HTTP_1_1_REQUIRED)")
    }

    // MARK: REFUSED_STREAM

    @Test(arguments: Request.all, [true, false])
    func `a refused request is sent again once`(_ request: Request, isSecure: Bool) async throws {
        let seen = Seen()
        let server = try ScriptedServer { connection in
            let http2 = try HTTP2Connection(connection)
            if connection.number == 0 { return try Self.reset(http2, .refusedStream) }
            try Self.answer(http2, seen)
        }
        for (session, url) in [try await overTLS(server), (try inClearHTTP2(), server.url())] {
            let response = try await session.fetch(request.method, url, body: request.body)
            #expect(try await response.body.collectString(upTo: 100) == "yes")
            #expect(seen.take() == [request.length])
        }
    }

    @Test(arguments: [HTTP2ErrorCode.refusedStream, .http11Required])
    func `a file is sent again from its beginning`(code: HTTP2ErrorCode) async throws {
        let seen = Seen()
        let server = try ScriptedServer { connection in
            if connection.number == 0 { return try Self.reset(HTTP2Connection(connection), code) }
            guard code == .http11Required else { return try Self.answer(HTTP2Connection(connection), seen) }
            while let request = try connection.readRequest() {
                seen.append(request.body.count)
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes")
            }
        }
        let scratch = try Scratch()
        let file = try scratch.file("body", pattern(50_000))
        let (session, url) = try await overTLS(server, code == .http11Required ? .both : .http2)
        let response = try await session.fetch(.post, url, body: .file(file))
        #expect(try await response.body.collectString(upTo: 100) == "yes")
        #expect(seen.take() == [50_000])
    }

    @Test(arguments: Request.all) func `a request that is refused twice is not sent again`(_ request: Request)
        async throws
    {
        let server = try ScriptedServer { try Self.reset(HTTP2Connection($0), .refusedStream) }
        let (session, url) = try await overTLS(server)
        let error = await #expect(throws: HandleError.self) {
            try await session.fetch(request.method, url, body: request.body)
        }
        #expect(error?.code == .connectionError)
        #expect(error?.http2StreamError == .refusedStream)
        #expect(error?.reason.hasSuffix("(REFUSED_STREAM), twice") == true)
    }

    @Test func `a body that was consumed from a sequence is not sent again`() async throws {
        let server = try ScriptedServer { connection in
            let http2 = try HTTP2Connection(connection)
            let (stream, _) = try http2.readRequest()
            try http2.readSomeBody(of: stream)
            try http2.send(HTTP2Connection.reset(stream, HTTP2ErrorCode.refusedStream.rawValue))
            connection.waitForClose()
        }
        let (session, url) = try await overTLS(server)
        let request = try await session.openRequest(.post, url)
        try await request.send(.writes())
        try await request.write(Array("abc".utf8))
        let error = await #expect(throws: HandleError.self) { try await request.receiveResponse() }
        #expect(error?.code == .connectionError)
        #expect(error?.http2StreamError == .refusedStream)
    }

    // MARK: GOAWAY

    /// The first connection has three requests; GOAWAY names the last one that the server processes.
    @Test(arguments: [0, 1, 2], [HTTPRequest.Method.get, .post])
    func `requests after the last stream of GOAWAY are sent again`(_ last: Int, _ method: HTTPRequest.Method)
        async throws
    {
        let seen = Seen()
        let server = try ScriptedServer { connection in
            let http2 = try HTTP2Connection(connection)
            guard connection.number == 0 else { return try Self.answer(http2, seen) }
            let streams = try http2.readWholeRequests(3)
            for stream in streams[..<last] {
                try http2.send(
                    HTTP2Connection.head(200, on: stream),
                    HTTP2Connection.data("yes", on: stream, isEnd: true)
                )
            }
            try http2.send(HTTP2Connection.goAway(last: last == 0 ? 0 : streams[last - 1]))
            // libcurl 8.23 drops a response that it has not read where it cannot send any more.
            connection.waitForClose()
        }
        let (session, url) = try await overTLS(server)
        try await withThrowingTaskGroup { group in
            for _ in 0..<3 {
                group.addTask {
                    let response = try await session.fetch(method, url, body: method == .get ? .none : .string("abc"))
                    #expect(try await response.body.collectString(upTo: 100) == "yes")
                }
            }
            try await group.waitForAll()
        }
        #expect(seen.take() == Array(repeating: method == .get ? 0 : 3, count: 3 - last))
    }

    @Test func `a request that may have been processed before GOAWAY is not sent again`() async throws {
        let server = try ScriptedServer { connection in
            let http2 = try HTTP2Connection(connection)
            let (stream, hasBody) = try http2.readRequest()
            if hasBody { _ = try http2.readBody(of: stream) }
            try http2.send(HTTP2Connection.goAway(last: stream))
        }
        let (session, url) = try await overTLS(server)
        let error = await #expect(throws: HandleError.self) {
            try await session.fetch(.post, url, body: .string("abc"))
        }
        #expect(error?.code == .connectionError)
        #expect(error?.http2StreamError == nil)
        #expect(server.connectionsAccepted == 1)
    }

    /// nginx sends GOAWAY after the fifth request of each connection, while others are in flight.
    @Test(arguments: [HTTPRequest.Method.get, .post])
    func `ten tasks and a server that often sends GOAWAY`(_ method: HTTPRequest.Method) async throws {
        let nginx = try Nginx.shared.get()
        let session = try SessionHandle(options: [.set(.serverTrust, to: .authorities(inFile: nginx.authorityFile))])
        try await withThrowingTaskGroup { group in
            for _ in 0..<10 {
                group.addTask {
                    for _ in 0..<100 {
                        let body: RequestBody = method == .get ? .none : .string("abc")
                        let response = try await session.fetch(method, nginx.fewRequests("/"), body: body)
                        #expect(try await response.body.collectString(upTo: 100) == "hello")
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    // MARK: Other errors

    static let codes: [HTTP2ErrorCode] = [
        .protocolError, .internalError, .flowControlError, .settingsTimeout, .streamClosed, .frameSizeError, .cancel,
        .compressionError, .connectError, .enhanceYourCalm, .inadequateSecurity, HTTP2ErrorCode(rawValue: 0x4D),
    ]

    @Test(arguments: codes) func `the error has the code of a stream error`(_ code: HTTP2ErrorCode) async throws {
        let server = try ScriptedServer { try Self.reset(HTTP2Connection($0), code) }
        let session = try inClearHTTP2()
        let error = await #expect(throws: HandleError.self) { try await session.get(server.url()) }
        #expect(error?.code == .connectionError)
        #expect(error?.http2StreamError == code)
        #expect(server.connectionsAccepted == 1)
    }

    @Test func `a stream that ends without a response is an error`() async throws {
        let server = try ScriptedServer { try Self.reset(HTTP2Connection($0), .noError) }
        let session = try inClearHTTP2()
        let error = await #expect(throws: HandleError.self) { try await session.get(server.url()) }
        #expect(error?.code == .invalidServerResponse)
        #expect(error?.http2StreamError == .noError)
    }
}
