import HTTPHandles
import HTTPHandlesLock
import HTTPHandlesTesting
import HTTPTypes
import Testing

/// The behaviours of Apple's conformance suite for HTTP clients, with `session.perform`: `Docs/Decisions/0036`.
@Suite("Behaviours of HTTP clients", .timeLimit(.minutes(5)))
struct ClientBehaviourTests {
    let session: SessionHandle

    init() throws {
        session = try SessionHandle()
    }

    /// Answers each request with these bytes, and closes the connection if there is no other end.
    private static func answering(_ response: String, closes: Bool = true) throws -> ScriptedServer {
        try ScriptedServer { connection in
            while try connection.readRequest() != nil {
                try connection.send(response)
                if closes { return }
            }
        }
    }

    /// Answers with the received request, head and body.
    private static func mirror() throws -> ScriptedServer {
        try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                let whole = request.head.bytes + request.body
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(whole.count)\r\n\r\n")
                try connection.send(whole)
            }
        }
    }

    private func text(_ url: String, _ request: (inout HTTPRequest) -> Void = { _ in }, _ content: RequestBody = .none)
        async throws -> String
    {
        var message = try HTTPRequest(url: url)
        request(&message)
        return try await session.perform(message, body: content) { try await $0.body.collectString(upTo: 1 << 21) }
    }

    // MARK: Heads

    @Test(arguments: ["nonsense", "Http/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"])
    func `what is not HTTP is an error`(response: String) async throws {
        let server = try Self.answering(response)
        let error = await #expect(throws: HandleError.self) { _ = try await text(server.url()) }
        #expect(error?.code == .invalidServerResponse)
    }

    @Test(arguments: [
        ("200", 200), ("200 ", 200), ("299 Odd", 299), ("404 Not Found", 404), ("418 I'm a teapot", 418), ("599", 599),
        ("999", 999),
    ])
    func `statuses are delivered, with and without a reason`(line: String, status: Int) async throws {
        let server = try Self.answering("HTTP/1.1 \(line)\r\nContent-Length: 2\r\n\r\nok")
        let request = try HTTPRequest(url: server.url())
        let seen = try await session.perform(request) { response in
            let body = try await response.body.collect(upTo: 2)
            #expect(body == Array("ok".utf8))
            return response.status.code
        }
        #expect(seen == status)
    }

    @Test(arguments: [HTTPRequest.Method.head, .get, .put, .post, .delete])
    func `an empty body and no trailer fields`(method: HTTPRequest.Method) async throws {
        let server = try Self.answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        let request = try HTTPRequest(method: method, url: server.url())
        let (status, body, trailers) = try await session.perform(request) { response in
            (response.status, try await response.body.collect(upTo: 1), response.trailers)
        }
        #expect(status == .ok)
        #expect(body == [])
        #expect(trailers == [:])
    }

    @Test(arguments: ["204 No Content", "304 Not Modified"])
    func `a response without a body may say a length`(line: String) async throws {
        let server = try Self.answering("HTTP/1.1 \(line)\r\nContent-Length: 1000\r\n\r\n", closes: false)
        for _ in 0..<2 { #expect(try await text(server.url()) == "") }
        #expect(server.connectionsAccepted == 1)
    }

    @Test func `a response to HEAD may say a length`() async throws {
        let server = try Self.answering("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", closes: false)
        let request = try HTTPRequest(method: .head, url: server.url())
        for _ in 0..<2 {
            let length = try await session.perform(request) { response in
                let body = try await response.body.collect(upTo: 0)
                #expect(body == [])
                return response.headerFields[.contentLength]
            }
            #expect(length == "1000")
        }
        #expect(server.connectionsAccepted == 1)
    }

    @Test func `header fields are sent and received, empty ones and several of one name too`() async throws {
        let server = try Self.answering("HTTP/1.1 200 OK\r\nX-A: 1\r\nX-E:\r\nX-A: 2\r\nContent-Length: 0\r\n\r\n")
        let (a, e) = (try #require(HTTPField.Name("X-A")), try #require(HTTPField.Name("X-E")))
        let request = try HTTPRequest(url: server.url())
        let fields = try await session.perform(request) { $0.headerFields }
        #expect(fields[values: a] == ["1", "2"])
        #expect(fields[values: e] == [""])
        let mirror = try Self.mirror()
        let sent = try await text(mirror.url()) { request in
            request.headerFields.append(HTTPField(name: a, value: "1"))
            request.headerFields.append(HTTPField(name: a, value: "2"))
            request.headerFields.append(HTTPField(name: e, value: ""))
        }
        let lines = sent.split(separator: "\r\n").filter { $0.hasPrefix("X-") }
        #expect(lines == ["X-A: 1", "X-A: 2", "X-E:"])
    }

    @Test func `parameters of the URL arrive`() async throws {
        let mirror = try Self.mirror()
        #expect(try await text(mirror.url("/a?x=1&y=%20&z")).hasPrefix("GET /a?x=1&y=%20&z HTTP/1.1\r\n"))
    }

    // MARK: Bodies

    @Test(arguments: [
        ("Content-Length: 10\r\n\r\nhello", HandleErrorCode.connectionError),
        ("Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", .invalidServerResponse),
        ("Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", .connectionError),
    ])
    func `a body that is incomplete, or has two lengths, is an error`(rest: String, code: HandleErrorCode) async throws
    {
        let server = try Self.answering("HTTP/1.1 200 OK\r\n\(rest)")
        let error = await #expect(throws: HandleError.self) { _ = try await text(server.url()) }
        #expect(error?.code == code)
    }

    @Test(arguments: ["\r\nhello", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"])
    func `a body without a length ends with its connection or its last chunk`(rest: String) async throws {
        let server = try Self.answering("HTTP/1.1 200 OK\r\n\(rest)")
        #expect(try await text(server.url()) == "hello")
    }

    @Test func `an empty chunked body`() async throws {
        let server = try Self.answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", closes: false)
        for _ in 0..<2 { #expect(try await text(server.url()) == "") }
        let mirror = try Self.mirror()
        let body = RequestBody.restartable { AsyncStream<[UInt8]> { $0.finish() } }
        let sent = try await text(mirror.url(), { $0.method = .put }, body)
        #expect(sent.contains("\r\nTransfer-Encoding: chunked\r\n") && sent.hasSuffix("\r\n\r\n"))
    }

    @Test(arguments: [("identity", "hello"), ("deflate", "\u{1}\u{5}\u{0}")])
    func `codings are undone`(coding: String, start: String) async throws {
        let hello = Array("hello".utf8)
        let body = coding == "identity" ? hello : [1, 5, 0, 0xFA, 0xFF] + hello
        let server = try ScriptedServer { connection in
            _ = try connection.readRequest()
            let fields = "Content-Encoding: \(coding)\r\nContent-Length: \(body.count)\r\n\r\n"
            try connection.send("HTTP/1.1 200 OK\r\n\(fields)")
            try connection.send(body)
        }
        #expect(try await text(server.url()) == "hello")
    }

    @Test func `a megabyte is sent and received`() async throws {
        let mirror = try Self.mirror()
        let whole = String(repeating: "0123456789abcdef", count: 1 << 16)
        let echoed = try await text(mirror.url(), { $0.method = .put }, .string(whole))
        #expect(echoed.hasSuffix("\r\n\r\n\(whole)"))
    }

    @Test(arguments: [3, 5])
    func `a body may be read byte by byte, and not to its end`(count: Int) async throws {
        let server = try Self.answering("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", closes: false)
        let request = try HTTPRequest(url: server.url())
        let bytes = try await session.perform(request) { response in
            var bytes: [UInt8] = []
            while bytes.count < count { bytes += try await response.body.read(exactly: 1) }
            return bytes
        }
        #expect(bytes == Array("hello".utf8.prefix(count)))
        #expect(try await text(server.url()) == "hello")
    }

    @Test func `trailer fields are read and written`() async throws {
        let server = try ScriptedServer { connection in
            guard try connection.readHead() != nil else { return }
            let body = try TrailerTests.wireBody(connection)
            try connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            try connection.sendChunk(String(decoding: body, as: UTF8.self))
            try connection.send("0\r\nX-End: 1\r\n\r\n")
        }
        let request = try HTTPRequest(method: .put, url: server.url())
        let body = RequestBody.stream(TrailerTests.pieces("a")) { TrailerTests.digest }
        let name = try #require(HTTPField.Name("X-End"))
        let (text, end) = try await session.perform(request, body: body) { response in
            (try await response.body.collectString(upTo: 1000), response.trailers[name])
        }
        #expect(text == "1\r\na\r\n0\r\nContent-Digest: sha-256=:YWJj:\r\n\r\n")
        #expect(end == "1")
    }

    // MARK: Both directions at once

    @Test func `bytes are echoed one by one while the body is written`() async throws {
        let server = try ScriptedServer { connection in
            guard try connection.readHead() != nil else { return }
            try connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            for _ in 0..<5 {
                // "1\r\n", the byte and "\r\n".
                let chunk = try connection.read(exactly: 6)
                try connection.sendChunk(String(decoding: chunk[3...3], as: UTF8.self))
            }
            _ = try connection.read(exactly: 5)
            try connection.sendChunk("")
        }
        let request = try await session.openRequest(.put, server.url())
        try await request.send(.writes())
        for (index, byte) in "hello".utf8.enumerated() {
            try await request.write([byte])
            if index == 0 { _ = try await request.receiveResponse() }
            #expect(try await request.body.read(exactly: 1) == [byte])
        }
        try await request.finishWriting()
        #expect(try await request.body.read(upTo: 1) == [])
    }

    /// The server answers before it has the request, whose body is written when the response was read to its end, and an hour
    /// later.
    @Test(arguments: [
        ("200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello"), ("200 OK\r\nContent-Length: 0\r\n\r\n", ""),
        ("204 No Content\r\n\r\n", ""),
        ("200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-End: 1\r\n\r\n", "hello"),
    ])
    func `client and server speak independently`(response: String, text: String) async throws {
        let received = Lock("")
        let isRead = Gate()
        let server = try ScriptedServer { connection in
            guard let head = try connection.readHead() else { return }
            try connection.send("HTTP/1.1 \(response)")
            let body = try connection.readBody(of: head)
            received.withLock { $0 = String(decoding: body, as: UTF8.self) }
            isRead.open()
        }
        let request = try await session.openRequest(
            .put,
            server.url(),
            options: [.set(.receiveTimeout, to: .seconds(3600))]
        )
        try await request.send(.writes())
        _ = try await request.receiveResponse()
        #expect(try await request.body.collectString(upTo: 5) == text)
        let name = try #require(HTTPField.Name("X-End"))
        #expect(request.trailers[name] == (response.contains("X-End") ? "1" : nil))
        session.advanceClock(by: .seconds(7200))
        // The driver has looked at the time limits before anything is written.
        for _ in 0..<2 { _ = try await request.option(.url) }
        #expect(try await request.write(Array("later".utf8)))
        try await request.finishWriting()
        await isRead.passed()
        #expect(received.withLock { $0 } == "later")
    }

    // MARK: Redirects, cookies, validation

    @Test(arguments: ["301 Moved Permanently", "302 Found", "308 Permanent Redirect"])
    func `redirects are followed, but not without end`(status: String) async throws {
        let server = try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                let isEnd = request.head.target == "/end"
                let next = request.head.target == "/once" ? "/end" : "/again"
                let head = isEnd ? "200 OK\r\nContent-Length: 2" : "\(status)\r\nLocation: \(next)\r\nContent-Length: 0"
                try connection.send("HTTP/1.1 \(head)\r\n\r\n\(isEnd ? "ok" : "")")
            }
        }
        #expect(try await text(server.url("/once")) == "ok")
        let error = await #expect(throws: HandleError.self) { _ = try await text(server.url("/again")) }
        #expect(error?.code == .redirectFailed)
    }

    @Test func `cookies are kept and sent`() async throws {
        let server = try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                let cookie = request.head["Cookie"] ?? "none"
                let fields = "Set-Cookie: a=1\r\nContent-Length: \(cookie.utf8.count)"
                try connection.send("HTTP/1.1 200 OK\r\n\(fields)\r\n\r\n\(cookie)")
            }
        }
        #expect(try await text(server.url()) == "none")
        #expect(try await text(server.url()) == "a=1")
    }

    @Test func `a validator is sent, and 304 delivered`() async throws {
        let server = try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                let isKnown = request.head["If-None-Match"] == "\"1\""
                let head = isKnown ? "304 Not Modified" : "200 OK\r\nContent-Length: 2"
                try connection.send("HTTP/1.1 \(head)\r\nETag: \"1\"\r\n\r\n\(isKnown ? "" : "ok")")
            }
        }
        var request = try HTTPRequest(url: server.url())
        let tag = try await session.perform(request) { $0.head.entityTag }
        request.headerFields.append(contentsOf: HTTPFields.ifNoneMatch(try #require(tag)))
        #expect(try await session.perform(request) { $0.status } == .notModified)
    }

    // MARK: Cancellation and many requests

    @Test(arguments: [true, false])
    func `a request is cancelled before its head, and in its body`(inBody: Bool) async throws {
        let begun = Gate()
        let server = try ScriptedServer { connection in
            _ = try connection.readRequest()
            if inBody {
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
            } else {
                begun.open()
            }
            connection.waitForClose()
        }
        let request = try HTTPRequest(url: server.url())
        let performing = Task {
            try await session.perform(request) { response in
                _ = try await response.body.read(exactly: 5)
                begun.open()
                _ = try await response.body.collect(upTo: 10)
            }
        }
        await begun.passed()
        performing.cancel()
        let error = await #expect(throws: HandleError.self) { try await performing.value }
        #expect(error?.isCancellation == true)
    }

    @Test func `a hundred requests at a time`() async throws {
        let mirror = try Self.mirror()
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<100 {
                group.addTask { try await text(mirror.url("/\(number)")).hasPrefix("GET /\(number) HTTP/1.1\r\n") }
            }
            for try await isRight in group { #expect(isRight) }
        }
    }
}
