import HTTPHandles
import HTTPHandlesLock
import HTTPHandlesTesting
import HTTPTypes
import Testing

@Suite("Scripted client", .timeLimit(.minutes(5)))
struct ScriptedClientTests {
    private static let url = "http://a.example/"

    private static func closed(_ operation: HandleOperation) -> HandleError {
        HandleError(.invalidHandle, operation, reason: "the handle is closed")
    }

    private static func cancelled(_ operation: HandleOperation) -> HandleError {
        HandleError(.operationCancelled, operation, reason: "the handle was closed before the operation finished")
    }

    /// Time that passes when it is asked to.
    private final class ManualClock: Clock, Sendable {
        struct Instant: InstantProtocol {
            var offset = Duration.zero
            func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
            func duration(to other: Instant) -> Duration { other.offset - offset }
            static func < (one: Instant, other: Instant) -> Bool { one.offset < other.offset }
        }

        private let state = Lock((now: Instant(), slept: [Duration]()))
        var now: Instant { state.withLock { $0.now } }
        var minimumResolution: Duration { .nanoseconds(1) }
        var slept: [Duration] { state.withLock { $0.slept } }

        func sleep(until deadline: Instant, tolerance: Duration?) async throws {
            state.withLock { state in
                state.slept.append(deadline.offset - state.now.offset)
                state.now = deadline
            }
        }
    }

    @Test func `answers in order, with delays and failures, and keeps the requests`() async throws {
        let clock = ManualClock()
        let lost = HandleError(.connectionError, .receiveResponse, reason: "lost")
        let broken = HandleError(.connectionError, .readData, reason: "broken")
        let client = ScriptedClient(
            clock: clock,
            [
                .response(.created, [.location: "/x"], body: "hello").after(.seconds(1)),
                .failure(lost).after(.seconds(2)),
                .response(
                    pieces: [.bytes([1, 2]), .pause(.seconds(3)), .text("a"), .failure(broken)],
                    trailers: [.date: "never"]
                ),
                .response(pieces: [.text("ab"), .text("c")], trailers: [.date: "x"]),
            ]
        )
        let first = try await client.fetch(.post, Self.url, headerFields: [.accept: "a/b"], body: .string("body"))
        #expect(first.status == .created)
        #expect(first.head.url == Self.url)
        #expect(first.headerFields == [.location: "/x"])
        #expect(try await first.body.collectString(upTo: 5) == "hello")
        let failed = await #expect(throws: HandleError.self) { try await client.get(Self.url) }
        #expect(failed == lost)
        let third = try await client.get(Self.url)
        #expect(try await third.body.read(exactly: 3) == [1, 2, 0x61])
        for expected in [broken, Self.closed(.readData)] {
            let error = await #expect(throws: HandleError.self) { try await third.body.read(upTo: 1) }
            #expect(error == expected)
        }
        #expect(clock.slept == [.seconds(1), .seconds(2), .seconds(3)])
        let fourth = try await client.get(Self.url)
        #expect(try await fourth.body.available() == 2)
        #expect(try await fourth.body.read(upTo: 1) == Array("a".utf8))
        #expect(fourth.trailers == [:])
        #expect(try await fourth.body.collectString(upTo: 10) == "bc")
        #expect(fourth.trailers == [.date: "x"])
        let ended = await #expect(throws: HandleError.self) { try await fourth.body.read(upTo: 1) }
        #expect(ended == Self.closed(.readData))
        let error = await #expect(throws: HandleError.self) { try await client.get(Self.url) }
        #expect(error?.code == .cannotConnect)
        #expect(error?.reason == "the script has no answer for GET \(Self.url)")
        #expect(client.requests.map(\.method) == [.post, .get, .get, .get, .get])
        #expect(client.requests.first?.bodyText == "body")
        #expect(client.requests.first?.headerFields == [.accept: "a/b"])
    }

    @Test func `what reads a body does so here`() async throws {
        let client = ScriptedClient { request async throws(HandleError) in
            .response(
                .ok,
                [.contentType: "text/plain; charset=iso-8859-1"],
                pieces: [.bytes([0xE4]), .text("\r\nb\n\ndata: 1\n\n")]
            )
        }
        #expect(try await client.get(Self.url).body.collectString(upTo: 100).hasPrefix("ä"))
        var lines: [String] = []
        for try await line in try await client.get(Self.url).body.lines { lines.append(line) }
        #expect(lines.dropFirst() == ["b", "", "data: 1", ""])
        let scratch = try Scratch()
        #expect(try await client.get(Self.url).body.write(to: scratch.path("file")) == 15)
        let error = await #expect(throws: HandleError.self) { try await client.get(Self.url).body.collect(upTo: 3) }
        #expect(error?.code == .insufficientBuffer)
        let head = try await client.fetch(.head, Self.url)
        #expect(try await head.body.collect(upTo: 0) == [])
    }

    @Test func `bad input is the error of a session`() async throws {
        let client = ScriptedClient { _ async throws(HandleError) in .response() }
        let session = try SessionHandle()
        for (method, url) in [
            (HTTPRequest.Method.get, "nosuch://a/"), (.get, "relative"), (.get, "http://a b/"), (.get, ""),
        ] {
            let theirs = await #expect(throws: HandleError.self) {
                try await session.send(try ClientRequest(method, url))
            }
            let ours = await #expect(throws: HandleError.self) { try await client.send(try ClientRequest(method, url)) }
            #expect(ours == theirs)
        }
        let message = try HTTPRequest(url: Self.url)
        let theirs = await #expect(throws: HandleError.self) { try await session.fetch(message, body: .writes()) }
        let ours = await #expect(throws: HandleError.self) { try await client.fetch(message, body: .writes()) }
        #expect(ours == theirs)
        #expect(client.requests.isEmpty)
    }

    // MARK: Ends

    enum End: CaseIterable { case cancellation, closeAll }

    @Test(arguments: End.allCases)
    func `an answer that is waited for ends`(_ end: End) async throws {
        let begun = Gate()
        // Nothing looks at the cancellation here.
        let never = Gate()
        let client = ScriptedClient { _ async throws(HandleError) in
            begun.open()
            await never.passed()
            return .response()
        }
        let sending = Task { try await client.get(Self.url) }
        await begun.passed()
        switch end {
        case .cancellation: sending.cancel()
        case .closeAll: client.closeAll()
        }
        let error = await #expect(throws: HandleError.self) { try await sending.value }
        #expect(error == Self.cancelled(.receiveResponse))
        never.open()
    }

    @Test(arguments: End.allCases)
    func `a body that is waited for ends`(_ end: End) async throws {
        let never = Gate()
        let client = ScriptedClient([.response(pieces: [.text("a"), .gate(never), .text("b")])])
        let response = try await client.get(Self.url)
        #expect(try await response.body.read(upTo: 10) == Array("a".utf8))
        let reading = Task { try await response.body.read(upTo: 10) }
        switch end {
        case .cancellation: reading.cancel()
        case .closeAll: client.closeAll()
        }
        let error = await #expect(throws: HandleError.self) { try await reading.value }
        // The read may begin later.
        #expect(error == Self.cancelled(.readData) || end == .closeAll && error == Self.closed(.readData))
        let after = await #expect(throws: HandleError.self) { try await response.body.read(upTo: 10) }
        #expect(after == Self.closed(.readData))
        never.open()
    }

    @Test func `one read at a time`() async throws {
        let gate = Gate()
        let reads = Gate()
        let response = ClientResponse(
            head: ResponseHead(),
            body: .pieces { () async throws(HandleError) in
                reads.open()
                await gate.passed()
                return [1]
            }
        )
        let reading = Task { try await response.body.read(upTo: 1) }
        await reads.passed()
        let error = await #expect(throws: HandleError.self) { try await response.body.read(upTo: 1) }
        #expect(error == HandleError(.incorrectHandleState, .readData, reason: "readData has not finished yet"))
        gate.open()
        #expect(try await reading.value == [1])
    }

    @Test func `a closed client refuses what is new, and a scope closes its response`() async throws {
        let client = ScriptedClient([.response(body: "ab"), .response(body: "c")])
        let response = try await client.get(Self.url)
        let inner = try await client.perform(ClientRequest(.get, Self.url)) { $0 }
        let closed = await #expect(throws: HandleError.self) { try await inner.body.read(upTo: 1) }
        #expect(closed == Self.closed(.readData))
        client.close()
        let error = await #expect(throws: HandleError.self) { try await client.get(Self.url) }
        #expect(error == Self.closed(.openRequest))
        #expect(try await response.body.collectString(upTo: 2) == "ab")
    }

    // MARK: Bodies of requests

    private static func pieces() -> AsyncStream<[UInt8]> {
        AsyncStream { stream in
            for text in ["a", "b"] { stream.yield(Array(text.utf8)) }
            stream.finish()
        }
    }

    private static func bytes(_ count: Int) -> AsyncStream<[UInt8]> {
        AsyncStream { stream in
            for _ in 0..<count { stream.yield([UInt8](repeating: 0, count: 100_000)) }
            stream.finish()
        }
    }

    @Test func `every body can be collected, and most of them again`() async throws {
        let scratch = try Scratch()
        let file = try scratch.file("file", Array("file".utf8))
        let bodies: [(RequestBody, String, again: Bool)] = [
            (.none, "", true), (.string("x"), "x", true), (.file(file), "file", true),
            (.form([("a", "1")]), "a=1", true), (.restartable { Self.pieces() }, "ab", true),
            (.restartable({ Self.pieces() }, trailers: { [.date: "x"] }), "ab", true),
            (.stream(Self.pieces()), "ab", false),
            (.seekable { _ in Self.pieces() }, "ab", true),
        ]
        for (body, text, again) in bodies {
            #expect(body.canBeSentAgain == again)
            for _ in 0..<(again ? 2 : 1) {
                #expect(try await body.collect(upTo: 4) == Array(text.utf8))
            }
        }
        let form = try await RequestBody.multipart([.field("a", "1"), .file("f", path: file)]).buffered(upTo: 1000)
        #expect(try await form.collect(upTo: 1000) == (try await form.collect(upTo: 1000)))
    }

    @Test func `a body that is too long, or fails, is an error`() async throws {
        for body in [
            RequestBody.string("abc"), .form([("a", "1")]), .restartable { Self.bytes(10) }, .stream(Self.bytes(10)),
        ] {
            let error = await #expect(throws: HandleError.self) { try await body.collect(upTo: 2) }
            #expect(error?.code == .insufficientBuffer)
        }
        #expect(try await RequestBody.restartable { Self.bytes(10) }.collect(upTo: 1_000_000).count == 1_000_000)
        struct Broken: Error {}
        let broken = RequestBody.restartable { () -> AsyncStream<[UInt8]> in throw Broken() }
        let error = await #expect(throws: HandleError.self) { try await broken.collect(upTo: 2) }
        #expect(error?.code == .requestBodyFailed)
        #expect(error?.underlying is Broken)
        let missing = await #expect(throws: HandleError.self) {
            try await RequestBody.file("/no/file").collect(upTo: 2)
        }
        #expect(missing?.code == .fileNotReadable)
        let short = await #expect(throws: HandleError.self) {
            try await RequestBody.restartable(length: 5) { Self.bytes(0) }.collect(upTo: 10)
        }
        #expect(short?.code == .invalidParameter)
        let writes = await #expect(throws: HandleError.self) { try await RequestBody.writes().collect(upTo: 2) }
        #expect(writes?.code == .invalidParameter)
        let never = RequestBody.restartable { AsyncStream<[UInt8]> { _ in } }
        let collecting = Task { try await never.collect(upTo: 2) }
        collecting.cancel()
        let cancelled = await #expect(throws: HandleError.self) { try await collecting.value }
        #expect(cancelled?.isCancellation == true)
    }
}
