import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes
import Testing

/// Trailer fields of requests; those of responses are in `ResponseTextTests`.
@Suite("Trailers of requests", .timeLimit(.minutes(5)))
struct TrailerTests {
    static let digest: HTTPFields = HTTPField.Name("Content-Digest").map { [$0: "sha-256=:YWJj:"] } ?? [:]
    static let missing = "trailer fields cannot be sent over HTTP/2: set the option httpVersions to http1_1"

    /// Answers each request with the received bytes of its body, including the chunk framing.
    static func mirror(_ connection: ServerConnection) throws {
        while try connection.readHead() != nil {
            let body = try wireBody(connection)
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(body.count)\r\n\r\n")
            try connection.send(body)
        }
    }

    /// A chunked body up to the empty line at its end.
    static func wireBody(_ connection: ServerConnection) throws -> [UInt8] {
        var body: [UInt8] = []
        while body.suffix(4) != Array("\r\n\r\n".utf8)[...] { body += try connection.read(exactly: 1) }
        return body
    }

    static func pieces(_ texts: String...) -> AsyncStream<[UInt8]> {
        AsyncStream { stream in
            for text in texts { stream.yield(Array(text.utf8)) }
            stream.finish()
        }
    }

    // MARK: Sending

    @Test func `they follow the last chunk of a sequence, unchanged`() async throws {
        let server = try ScriptedServer(Self.mirror)
        let session = try SessionHandle()
        let name = try #require(HTTPField.Name("X-Two"))
        var fields: HTTPFields = [name: "1", name: "", name: "a: b;"]
        fields.append(contentsOf: Self.digest)
        fields.append(HTTPField(name: name, lenientValue: [0xE9]))
        let sent = fields
        let response = try await session.fetch(.put, server.url(), body: .stream(Self.pieces("body")) { sent })
        let expected =
            "4\r\nbody\r\n0\r\nX-Two: 1\r\nX-Two: \r\nX-Two: a: b;\r\nContent-Digest: sha-256=:YWJj:\r\nX-Two: "
        #expect(try await response.body.collect(upTo: 1000) == Array(expected.utf8) + [0xE9] + Array("\r\n\r\n".utf8))
    }

    @Test func `they follow the written pieces, and do not change the order of events`() async throws {
        let server = try ScriptedServer(Self.mirror)
        let session = try SessionHandle()
        var traces: [[StatusEvent.Kind]] = []
        let cases: [(RequestBody, HTTPFields, String)] = [
            (.writes(), [:], "4\r\nbody\r\n0\r\n\r\n"),
            (.writes(trailers: true), Self.digest, "4\r\nbody\r\n0\r\nContent-Digest: sha-256=:YWJj:\r\n\r\n"),
            (.writes(trailers: true), [:], "4\r\nbody\r\n0\r\n\r\n"),
            (.writes(), [:], "4\r\nbody\r\n0\r\n\r\n"),
        ]
        // So that all of them use the same connection.
        _ = try await session.fetch(.put, server.url(), body: .stream(Self.pieces("a"))).body.collect(upTo: 100)
        for (body, trailers, expected) in cases {
            let request = try await session.openRequest(.put, server.url())
            let recorder = EventRecorder(of: request)
            try await request.send(body)
            try await request.write(Array("body".utf8))
            try await recorder.first(.writeComplete(bytes: 4))
            try await request.finishWriting(trailers: trailers)
            _ = try await request.receiveResponse()
            #expect(try await request.body.collectString(upTo: 1000) == expected)
            try request.close()
            traces.append(
                try await recorder.finish().map(\.kind).filter { !["readComplete", "dataAvailable"].contains($0.name) }
            )
        }
        #expect(server.connectionsAccepted == 1)
        let names = [
            "connectionReused", "sendingRequest", "requestSent", "sendRequestComplete", "writeComplete",
            "receivingResponse", "responseReceived", "headersAvailable", "handleClosing",
        ]
        // The numbers of bytes differ: those of the head, and of the echoed body.
        for trace in traces { #expect(trace.map(\.name) == names) }
    }

    @Test func `an empty body can have trailers, and there can be many`() async throws {
        let server = try ScriptedServer(Self.mirror)
        let session = try SessionHandle()
        var fields: HTTPFields = [:]
        for number in 0..<50 {
            let value = String(repeating: "v", count: 1000)
            fields.append(HTTPField(name: try #require(HTTPField.Name("X-\(number)")), value: value))
        }
        let sent = fields
        let response = try await session.fetch(.put, server.url(), body: .stream(Self.pieces()) { sent })
        let expected = "0\r\n" + sent.map { "\($0.name): \($0.value)\r\n" }.joined() + "\r\n"
        #expect(try await response.body.collectString(upTo: 100_000) == expected)
    }

    @Test func `they are produced after the end of the sequence`() async throws {
        let server = try ScriptedServer(Self.mirror)
        let session = try SessionHandle()
        let record = Record<String>()
        let pieces = AsyncStream<[UInt8]>(unfolding: {
            record.note("piece")
            return record.all.count < 3 ? [0x61] : nil
        })
        let body = RequestBody.stream(pieces) {
            record.note("trailers")
            return Self.digest
        }
        _ = try await session.fetch(.put, server.url(), body: body).body.collect(upTo: 1000)
        #expect(record.all == ["piece", "piece", "piece", "trailers"])
    }

    @Test func `over TLS with HTTP/1.1`() async throws {
        let nginx = try Nginx.shared.get()
        let options: [OptionSetting] = [
            .set(.serverTrust, to: .authorities(inFile: nginx.authorityFile)), .set(.httpVersions, to: .http1_1),
        ]
        let session = try SessionHandle(options: options)
        let body = RequestBody.stream(Self.pieces("body")) { Self.digest }
        let response = try await session.fetch(.put, nginx.https("/upload/trailers"), body: body)
        #expect(response.head.status == .created)
        #expect(response.head.version == .http1_1)
    }

    // MARK: No effect on later requests

    @Test(arguments: ["finished", "closed in the middle", "closed at the end"])
    func `the next chunked body of the session is correct`(how: String) async throws {
        let server = try ScriptedServer { connection in
            if connection.number == 0 { connection.waitForClose() } else { try Self.mirror(connection) }
        }
        let session = try SessionHandle()
        let request = try await session.openRequest(.put, server.url())
        try await request.send(.writes(trailers: true))
        try await request.write(Array("body".utf8))
        if how != "closed in the middle" { try await request.finishWriting(trailers: Self.digest) }
        if how == "finished" {
            let other = try await session.openRequest(.put, server.url())
            try await other.send(.writes(trailers: true))
            try await other.finishWriting(trailers: Self.digest)
            _ = try await other.receiveResponse()
            let expected = "0\r\nContent-Digest: sha-256=:YWJj:\r\n\r\n"
            #expect(try await other.body.collectString(upTo: 1000) == expected)
            try other.close()
            await other.closed()
        }
        try request.close()
        await request.closed()
        for _ in 0..<3 {
            let next = try await session.fetch(.put, server.url(), body: .stream(Self.pieces("next")))
            #expect(try await next.body.collectString(upTo: 1000) == "4\r\nnext\r\n0\r\n\r\n")
        }
    }

    @Test func `they are not sent twice after a dead pooled connection`() async throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readHead()
            _ = try Self.wireBody(connection)
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            _ = try connection.readHead()
            _ = try Self.wireBody(connection)
        }
        let session = try SessionHandle()
        _ = try await session.fetch(.put, server.url(), body: .stream(Self.pieces()) { Self.digest })
            .body.collect(upTo: 1)
        let error = await #expect(throws: HandleError.self) {
            try await session.fetch(.put, server.url(), body: .stream(Self.pieces()) { Self.digest })
        }
        #expect(error?.code == .resendRequest)
    }

    // MARK: Refused

    /// A session, and the URL of an upload over HTTP/2, negotiated or known before.
    private static func http2(_ isSecure: Bool) throws -> (SessionHandle, String) {
        let nginx = try Nginx.shared.get()
        let session = try SessionHandle(options: [
            .set(.serverTrust, to: .authorities(inFile: nginx.authorityFile)),
            .set(.httpVersions, to: isSecure ? .automatic : .http2PriorKnowledge),
        ])
        let path = "/upload/trailers-\(session.id.number)"
        return (session, isSecure ? nginx.https(path) : nginx.clearHTTP2(path))
    }

    @Test(arguments: [true, false])
    func `over HTTP/2 empty ones are none, and others end the request before the end of its body`(isSecure: Bool)
        async throws
    {
        let (session, url) = try Self.http2(isSecure)
        for body in [
            RequestBody.stream(Self.pieces("a")) { [:] },
            .restartable {
                Self.pieces("a")
            } trailers: {
                [:]
            },
        ] {
            let response = try await session.fetch(.put, url, body: body)
            #expect((200..<300).contains(response.status.code))
            #expect(response.head.version == .http2)
        }
        for (body, operation) in [
            (RequestBody.stream(Self.pieces("a")) { Self.digest }, HandleOperation.writeData),
            (
                .restartable {
                    Self.pieces("a")
                } trailers: {
                    Self.digest
                }, .sendRequest
            ),
        ] {
            await #expect(throws: HandleError(.notSupported, operation, reason: Self.missing)) {
                try await session.fetch(.put, url, body: body)
            }
        }
    }

    @Test(arguments: [true, false])
    func `over HTTP/2 a body that is written goes on after trailers were refused`(isSecure: Bool) async throws {
        let (session, url) = try Self.http2(isSecure)
        let request = try await session.openRequest(.put, url)
        try await request.send(.writes(trailers: true))
        try await request.write(Array("a".utf8))
        await #expect(throws: HandleError(.notSupported, .writeData, reason: Self.missing)) {
            try await request.finishWriting(trailers: Self.digest)
        }
        try await request.write(Array("b".utf8))
        try await request.finishWriting()
        #expect((200..<300).contains(try await request.receiveResponse().status.code))
        #expect(try await session.get(url).body.collectString(upTo: 10) == "ab")
    }

    @Test func `over https they are sent where the server has only HTTP/1.1`() async throws {
        let nginx = try Nginx.shared.get()
        let session = try SessionHandle(options: [.set(.serverTrust, to: .authorities(inFile: nginx.authorityFile))])
        let url = nginx.https1("/upload/trailers-\(session.id.number)")
        for body in [
            RequestBody.stream(Self.pieces("ab")) { Self.digest },
            .restartable {
                Self.pieces("ab")
            } trailers: {
                Self.digest
            },
        ] {
            let response = try await session.fetch(.put, url, body: body)
            #expect((200..<300).contains(response.status.code))
            #expect(response.head.version == .http1_1)
        }
        #expect(try await session.get(url).body.collectString(upTo: 10) == "ab")
    }

    @Test func `fields that must not be trailers are refused, and the body can still be ended`() async throws {
        let server = try ScriptedServer(Self.mirror)
        let session = try SessionHandle()
        let request = try await session.openRequest(.put, server.url())
        try await request.send(.writes(trailers: true))
        await #expect(throws: HandleError.invalidParameter(.writeData, "Host is not allowed as a trailer field")) {
            try await request.finishWriting(trailers: [try #require(HTTPField.Name("Host")): "a"])
        }
        var split = HTTPFields()
        split.append(HTTPField(name: .accept, lenientValue: Array("a\u{1}b".utf8)))
        let control = HandleError.invalidParameter(.writeData, "the value of Accept contains a control character")
        await #expect(throws: control) { try await request.finishWriting(trailers: split) }
        try await request.finishWriting(trailers: Self.digest)
        _ = try await request.receiveResponse()
        let expected = "0\r\nContent-Digest: sha-256=:YWJj:\r\n\r\n"
        #expect(try await request.body.collectString(upTo: 1000) == expected)
    }

    @Test(arguments: ["a field that does not belong there", "an error"])
    func `an error in the trailers of a sequence ends the request`(what: String) async throws {
        struct Failure: Error {}
        let (hasBody, isOver) = (Gate(), Gate())
        let record = Record<String>()
        let server = try ScriptedServer { connection in
            _ = try connection.readHead()
            record.note(String(decoding: try connection.read(exactly: 9), as: UTF8.self))
            hasBody.open()
            if let more = try? connection.read(exactly: 1) { record.note("\(more)") }
            isOver.open()
        }
        let session = try SessionHandle()
        let body = RequestBody.stream(Self.pieces("body")) {
            await hasBody.passed()
            if what == "an error" { throw Failure() }
            return [.contentLength: "4"]
        }
        let error = await #expect(throws: HandleError.self) { try await session.fetch(.put, server.url(), body: body) }
        if what == "an error" {
            #expect(error?.code == .requestBodyFailed)
            #expect(error?.underlying is Failure)
        } else {
            #expect(error == .invalidParameter(.writeData, "Content-Length is not allowed as a trailer field"))
        }
        await isOver.passed()
        #expect(record.all == ["4\r\nbody\r\n"])
    }

    @Test(arguments: [nil, 0] as [Int64?])
    func `a body that was declared without trailers cannot have them`(length: Int64?) async throws {
        let server = try ScriptedServer { connection in
            guard let head = try connection.readHead() else { return }
            if head["transfer-encoding"] != nil { _ = try Self.wireBody(connection) }
            try connection.send("HTTP/1.1 204 No Content\r\n\r\n")
        }
        let session = try SessionHandle()
        let request = try await session.openRequest(.put, server.url())
        try await request.send(.writes(length: length))
        let refused = HandleError.invalidParameter(.writeData, "trailer fields were not announced to send")
        await #expect(throws: refused) { try await request.finishWriting(trailers: Self.digest) }
        try await request.finishWriting()
        #expect(try await request.receiveResponse().status == .noContent)
    }

    @Test func `the header field Trailer announces those of a body that the caller writes`() async throws {
        let record = Record<String>()
        let server = try ScriptedServer { connection in
            while let head = try connection.readHead() {
                let body = try Self.wireBody(connection)
                record.note("\(head["trailer"] ?? "") \(String(decoding: body, as: UTF8.self))")
                try connection.send("HTTP/1.1 204 No Content\r\n\r\n")
            }
        }
        let session = try SessionHandle()
        let announced: HTTPFields = [.trailer: "Content-Digest"]
        for trailers in [Self.digest, [:]] {
            let request = try await session.openRequest(.put, server.url(), headerFields: announced)
            try await request.send(.writes())
            try await request.write(Array("a".utf8))
            try await request.finishWriting(trailers: trailers)
            #expect(try await request.receiveResponse().status == .noContent)
            try request.close()
        }
        let digest = "Content-Digest: sha-256=:YWJj:\r\n"
        #expect(record.all == [digest, ""].map { "Content-Digest 1\r\na\r\n0\r\n\($0)\r\n" })
        let request = try await session.openRequest(.put, server.url(), headerFields: announced)
        let reason = "the field Trailer is not allowed: the request has no trailer fields"
        await #expect(throws: HandleError.invalidParameter(.sendRequest, reason)) {
            try await request.send(.writes(length: 1))
        }
    }

    @Test func `the header field Trailer requires trailers`() async throws {
        let server = try ScriptedServer { connection in
            while let head = try connection.readHead() {
                if head["transfer-encoding"] != nil { _ = try Self.wireBody(connection) }
                let text = "\(head.method) \(head["trailer"] ?? "-")"
                let location = head.target == "/" ? "Location: /there\r\n" : ""
                try connection.send("HTTP/1.1 \(location.isEmpty ? "200 OK" : "303 See Other")\r\n\(location)")
                try connection.send("Content-Length: \(text.utf8.count)\r\nX-Seen: \(text)\r\n\r\n\(text)")
            }
        }
        let session = try SessionHandle()
        let announced: HTTPFields = [.trailer: "Content-Digest"]
        for (path, seen) in [("/there", "PUT Content-Digest"), ("/", "GET -")] {
            let response = try await session.fetch(
                .put,
                server.url(path),
                headerFields: announced,
                body: .stream(Self.pieces("body")) { Self.digest }
            )
            #expect(try await response.body.collectString(upTo: 100) == seen)
        }
        let reason = "the field Trailer is not allowed: the request has no trailer fields"
        for body in [RequestBody.none, .string("body"), .stream(Self.pieces("body"))] {
            await #expect(throws: HandleError.invalidParameter(.sendRequest, reason)) {
                try await session.fetch(.put, server.url(), headerFields: announced, body: body)
            }
        }
    }

    // MARK: Early ends

    @Test func `after an early response they are not sent`() async throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readHead()
            try connection.send("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno")
            connection.waitForClose()
        }
        let session = try SessionHandle()
        let endless = AsyncStream<[UInt8]>(unfolding: { [UInt8](repeating: 0, count: 1000) })
        let record = Record<String>()
        let body = RequestBody.stream(endless) {
            record.note("asked")
            return Self.digest
        }
        let response = try await session.fetch(.put, server.url(), body: body)
        #expect(response.status.code == 413)
        #expect(try await response.body.collect(upTo: 10) == Array("no".utf8))
        #expect(record.all == [])

        let request = try await session.openRequest(.put, server.url())
        try await request.send(.writes(trailers: true))
        #expect(try await request.receiveResponse().status.code == 413)
        // They are not needed any more, which is not an error.
        try await request.finishWriting(trailers: Self.digest)
        #expect(try await request.body.collect(upTo: 10) == Array("no".utf8))
    }

    @Test func `closing cancels the closure that produces them`() async throws {
        let server = try ScriptedServer { $0.waitForClose() }
        let session = try SessionHandle()
        let request = try await session.openRequest(.put, server.url())
        let recorder = EventRecorder(of: request)
        let (isAsked, isCancelled) = (Gate(), Gate())
        let body = RequestBody.stream(Self.pieces("body")) {
            await withTaskCancellationHandler {
                isAsked.open()
                await isCancelled.passed()
                return Self.digest
            } onCancel: {
                isCancelled.open()
            }
        }
        let sending = Task.immediate { try await request.send(body) }
        await isAsked.passed()
        try request.close()
        await #expect(throws: HandleError.self) { try await sending.value }
        await request.closed()
        #expect(try await recorder.finish().last?.kind == .handleClosing)
    }
}
