import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes
import Testing

extension HTTPField.Name {
    fileprivate static let name = HTTPField.Name("Name") ?? .date
}

@Suite("Responses before the end of the request", .timeLimit(.minutes(5)))
struct EarlyAnswerTests {
    // MARK: HTTP/1.1

    /// The server answers and closes the connection without reading the request.
    @Test(
        arguments: [
            "200 OK\r\nContent-Length: 4\r\n\r\nbody", "413 No\r\nContent-Length: 4\r\n\r\nbody", "204 OK\r\n\r\n",
            "304 OK\r\nContent-Length: 4\r\n\r\n",
        ],
        [true, false]
    )
    func `a complete response is delivered although the request is not sent completely`(
        _ answer: String,
        isSecure: Bool
    ) async throws {
        let gate = Gate()
        let server = try ScriptedServer(limitsReceiveBuffers: true) { connection in
            guard try connection.readHead() != nil else { return }
            try connection.send("HTTP/1.1 " + answer)
            gate.wait()
        }
        let (session, url) = isSecure ? try await overTLS(server, .http1_1) : (try SessionHandle(), server.url())
        let request = try await session.openRequest(.post, url)
        let recorder = EventRecorder(of: request)
        async let sent: Void = request.send(.bytes([UInt8](repeating: 1, count: 8_000_000)))
        try await sent
        #expect(try await request.receiveResponse().status.code == Int(answer.prefix(3)))
        gate.open()
        #expect(try await request.body.collectString(upTo: 100) == (answer.hasSuffix("body") ? "body" : ""))
        try request.close()
        #expect(try await !recorder.finish().contains { $0.kind.name == "requestError" })
    }

    /// The same with a chunked body.
    @Test(arguments: [("200 OK", ""), ("200 OK", "Name: value\r\n"), ("413 No", "")], [true, false])
    func `a complete chunked response is delivered although the request is lost`(
        _ answer: (status: String, trailer: String),
        isSecure: Bool
    ) async throws {
        let gate = Gate()
        let server = try ScriptedServer(limitsReceiveBuffers: true) { connection in
            guard try connection.readHead() != nil else { return }
            let body = "1\r\nb\r\n3\r\nody\r\n0\r\n\(answer.trailer)\r\n"
            try connection.send("HTTP/1.1 \(answer.status)\r\nTransfer-Encoding: Chunked\r\n\r\n" + body)
            gate.wait()
        }
        let (session, url) = isSecure ? try await overTLS(server, .http1_1) : (try SessionHandle(), server.url())
        let response = try await session.fetch(.post, url, body: .bytes([UInt8](repeating: 1, count: 8_000_000)))
        var body = response.body.makeAsyncIterator()
        var text = ""
        // The response arrives in one piece, with its end.
        while text != "body", let piece = try await body.next() { text += String(decoding: piece, as: UTF8.self) }
        gate.open()
        #expect(try await body.next() == nil)
        #expect(text == "body")
        #expect(response.trailers == (answer.trailer.isEmpty ? [:] : [.name: "value"]))
    }

    @Test(
        arguments: [
            "Content-Length: 5\r\n\r\nbody", "\r\nbody", "Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n",
            "Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n",
            "Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r",
            "Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\nName: value\r\n",
        ]
    )
    func `an incomplete response is an error`(_ answer: String) async throws {
        let gate = Gate()
        let server = try ScriptedServer(limitsReceiveBuffers: true) { connection in
            guard try connection.readHead() != nil else { return }
            try connection.send("HTTP/1.1 200 OK\r\n" + answer)
            gate.wait()
        }
        let session = try SessionHandle()
        let response = try await session.fetch(
            .post,
            server.url(),
            body: .bytes([UInt8](repeating: 1, count: 8_000_000))
        )
        gate.open()
        let error = await #expect(throws: HandleError.self) { try await response.body.collect(upTo: 100) }
        #expect(error?.code == .connectionError)
    }

    @Test func `a complete response is delivered although the server does not read any more`() async throws {
        let server = try ScriptedServer(limitsReceiveBuffers: true) { connection in
            guard try connection.readHead() != nil else { return }
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody")
            Gate().wait()
        }
        let session = try SessionHandle(options: [.set(.receiveTimeout, to: .seconds(3600))])
        let recorder = EventRecorder(of: session, .readComplete, scope: .tree)
        let response = try await session.fetch(
            .post,
            server.url(),
            body: .bytes([UInt8](repeating: 1, count: 8_000_000))
        )
        let text = Task { try await response.body.collectString(upTo: 100) }
        _ = try await recorder.first(.readComplete(bytes: 4))
        session.advanceClock(by: .seconds(3600))
        #expect(try await text.value == "body")
    }

    // MARK: HTTP/2

    enum Answer: String, CaseIterable {
        case ok, okWithLength, noContent, tooLarge, tooLargeWithLength, notModified

        var status: Int {
            switch self {
            case .ok, .okWithLength: 200
            case .noContent: 204
            case .tooLarge, .tooLargeWithLength: 413
            case .notModified: 304
            }
        }

        var body: String { self == .noContent || self == .notModified ? "" : "body" }

        func send(on stream: UInt32, _ http2: HTTP2Connection, thenReset: Bool = false) throws {
            let hasLength = self == .okWithLength || self == .tooLargeWithLength
            let fields = hasLength ? [("content-length", "4")] : []
            var frames = [HTTP2Connection.head(status, fields, on: stream, isEnd: body.isEmpty)]
            if !body.isEmpty { frames.append(HTTP2Connection.data(body, on: stream, isEnd: true)) }
            if thenReset { frames.append(HTTP2Connection.reset(stream, HTTP2ErrorCode.noError.rawValue)) }
            try http2.send(frames)
        }

        static func server(thenReset: Bool = false) throws -> (Answer) throws -> ScriptedServer {
            { answer in
                try ScriptedServer { connection in
                    let http2 = try HTTP2Connection(connection)
                    let (stream, _) = try http2.readRequest()
                    try answer.send(on: stream, http2, thenReset: thenReset)
                    // The client may only send the bytes of the initial window.
                    while true { _ = try http2.readFrame() }
                }
            }
        }
    }

    static func isOld(_ session: SessionHandle) async throws -> Bool {
        try await session.option(.linkedLibrary).version < "8.1"
    }

    /// The producer waits for the response, and then writes three bytes.
    @Test(arguments: Answer.allCases, [true, false])
    func `the end of a response is detected if the request ends after it`(_ answer: Answer, isSecure: Bool) async throws
    {
        let server = try Answer.server()(answer)
        let (session, url) = isSecure ? try await overTLS(server) : (try inClearHTTP2(), server.url())
        let request = try await session.openRequest(.post, url)
        let recorder = EventRecorder(of: request)
        try await request.send(.writes())
        #expect(try await request.receiveResponse().status.code == answer.status)
        // From 300 on the rest of the request is not sent.
        if answer.status < 300 {
            try await request.write(Array("abc".utf8))
            try await request.finishWriting()
        }
        #expect(try await request.body.collectString(upTo: 100) == answer.body)
        try request.close()
        #expect(try await !recorder.finish().contains { $0.kind.name == "requestError" })
    }

    /// The server reads the first 65,535 bytes of 200,000.
    @Test(arguments: Answer.allCases, [true, false])
    func `an upload that the server stops reading`(_ answer: Answer, isSecure: Bool) async throws {
        let server = try Answer.server()(answer)
        let (session, url) = isSecure ? try await overTLS(server) : (try inClearHTTP2(), server.url())
        try await session.setOption(.receiveTimeout, to: .seconds(3600))
        let recorder = EventRecorder(of: session, .readComplete, scope: .tree)
        let response = try await session.fetch(.post, url, body: .bytes([UInt8](repeating: 1, count: 200_000)))
        #expect(response.status.code == answer.status)
        let isOld = try await Self.isOld(session)
        switch answer {
        case .ok:
            // No version of libcurl reports the end of such a response.
            let body = Task { try await response.body.collect(upTo: 100) }
            _ = try await recorder.first(.readComplete(bytes: 4))
            session.advanceClock(by: .seconds(3600))
            let error = await #expect(throws: HandleError.self) { try await body.value }
            #expect(error?.phase == .receive)
        case .tooLarge where isOld:
            // If the window has space for the early end of the request, such a version detects the end of the response.
            do {
                #expect(try await response.body.collectString(upTo: 100) == answer.body)
            } catch {
                #expect(error.code == .connectionError)
                #expect(error.reason.contains("cannot see the end of such an answer"))
            }
        default:
            #expect(try await response.body.collectString(upTo: 100) == answer.body)
        }
    }

    /// The response and the reset of the stream arrive together.
    @Test(arguments: Answer.allCases, [true, false])
    func `a complete response together with a reset`(_ answer: Answer, isSecure: Bool) async throws {
        let server = try Answer.server(thenReset: true)(answer)
        let (session, url) = isSecure ? try await overTLS(server) : (try inClearHTTP2(), server.url())
        let isOld = try await Self.isOld(session)
        do {
            let response = try await session.fetch(.post, url, body: .bytes([UInt8](repeating: 1, count: 200_000)))
            let text = try await response.body.collectString(upTo: 100)
            #expect(response.status.code == answer.status)
            #expect(text == answer.body)
        } catch {
            // Such versions drop the part of the response that they have read together with the reset.
            #expect(isOld)
            #expect(error.code == .connectionError)
            #expect(error.http2StreamError == .noError)
        }
    }

    /// The reset arrives after the response was read.
    @Test(arguments: Answer.allCases, [true, false])
    func `a reset after a complete response`(_ answer: Answer, isSecure: Bool) async throws {
        let gate = Gate()
        let server = try ScriptedServer { connection in
            let http2 = try HTTP2Connection(connection)
            let (stream, _) = try http2.readRequest()
            try answer.send(on: stream, http2)
            gate.wait()
            try http2.send(HTTP2Connection.reset(stream, HTTP2ErrorCode.noError.rawValue))
            while true { _ = try http2.readFrame() }
        }
        let (session, url) = isSecure ? try await overTLS(server) : (try inClearHTTP2(), server.url())
        let response = try await session.fetch(.post, url, body: .bytes([UInt8](repeating: 1, count: 200_000)))
        if !answer.body.isEmpty { #expect(try await response.body.read(upTo: 4) == Array("body".utf8)) }
        gate.open()
        let isOld = try await Self.isOld(session)
        do {
            let rest = try await response.body.collect(upTo: 100)
            #expect(rest == [])
        } catch {
            // Old versions cannot distinguish such an end from a truncated body, unless its length was announced.
            #expect(isOld)
            #expect(answer == .ok)
            #expect(error.http2StreamError == .noError)
        }
    }
}
