import Foundation
import HTTPHandles
import HTTPHandlesLock
import HTTPHandlesTesting
import HTTPTypes
import Testing

@Suite("Retries", .timeLimit(.minutes(5)))
struct RetryTests {
    let clock = TestClock()

    func policy(
        attempts: Int = 3,
        methods: Set<HTTPRequest.Method> = RetryPolicy.idempotentMethods,
        errors: Set<HandleErrorCode> = [.cannotConnect, .connectionError, .timeout, .invalidServerResponse],
        firstDelay: Duration = .seconds(1),
        jitter: RetryJitter = .none,
        budget: RetryBudget? = nil
    ) -> RetryPolicy {
        RetryPolicy(
            maximumAttempts: attempts,
            methods: methods,
            errors: errors,
            firstDelay: firstDelay,
            maximumDelay: .seconds(100),
            jitter: jitter,
            budget: budget,
            clock: clock
        )
    }

    func session(_ policy: RetryPolicy?, _ options: [OptionSetting] = []) throws -> SessionHandle {
        try SessionHandle(options: [.set(.retryPolicy, to: policy)] + options)
    }

    /// Answers the requests with these responses in order; an empty one closes the connection. The last one is repeated, with the
    /// received request.
    static func server(_ answers: String...) throws -> ScriptedServer {
        let left = Lock(answers)
        return try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                guard let answer = left.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) else {
                    let text = "\(request.head.requestLine) \(String(decoding: request.body, as: UTF8.self))"
                    try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(text.utf8.count)\r\n\r\n\(text)")
                    continue
                }
                if answer.isEmpty { return }
                try connection.send(answer)
            }
        }
    }

    static func busy(_ status: Int = 503, _ fields: String...) -> String {
        "HTTP/1.1 \(status) Busy\r\nContent-Length: 4\r\n\(fields.map { $0 + "\r\n" }.joined())\r\nbusy"
    }

    func text(_ response: Response) async throws -> String {
        String(decoding: try await response.body.collect(upTo: 1000), as: UTF8.self)
    }

    // MARK: Events and results

    @Test func `each attempt has events, and there is one result`() async throws {
        let busy = Self.busy(503, "Connection: close")
        let server = try Self.server(busy, "")
        let session = try session(policy())
        let connection = try await session.connect(to: "127.0.0.1", port: server.port)
        let request = try await connection.openRequest(.get, "/")
        let recorder = EventRecorder(of: request)
        try await request.send()
        #expect(try await request.receiveResponse().status == .ok)
        #expect(try await request.body.collect(upTo: 100) == Array("GET / HTTP/1.1 ".utf8))
        try request.close()
        let kinds = try await recorder.finish().map(\.kind)
        guard case .connectingToServer(let address) = kinds.first else { throw UnexpectedEvents(kinds: kinds) }
        let head = "GET / HTTP/1.1\r\nHost: 127.0.0.1:\(server.port)\r\n\(EventOrderTests.ownFields)\r\n"
        let sent = StatusEvent.Kind.requestSent(bytes: head.utf8.count)
        let lost = HandleError(
            .invalidServerResponse,
            .sendRequest,
            reason: "Empty reply from server",
            curl: CurlFailure(code: CurlCode(rawValue: 52), message: "Server returned nothing (no headers, no data)")
        )
        let closing: [StatusEvent.Kind] = [.closingConnection, .connectionClosed]
        let connecting: [StatusEvent.Kind] = [
            .connectingToServer(address: address), .connectedToServer(address: address),
        ]
        #expect(
            kinds == connecting + [
                .sendingRequest, sent, .sendRequestComplete, .receivingResponse,
                .responseReceived(status: 503, bytes: busy.utf8.count - 4),
            ] + closing + [.retry(attempt: 2, after: .seconds(1), cause: .status(503))] + connecting + [
                .sendingRequest, sent, .receivingResponse,
            ] + closing + [.retry(attempt: 3, after: .seconds(2), cause: .error(lost))] + connecting + [
                .sendingRequest, sent, .receivingResponse, .responseReceived(bytes: 39), .headersAvailable,
                .readComplete(bytes: 15), .readComplete(bytes: 0), .handleClosing,
            ]
        )
        #expect(clock.sleeps == [.seconds(1), .seconds(2)])
    }

    @Test func `the result is that of the last attempt`() async throws {
        let busy = try Self.server(Self.busy(), Self.busy(), Self.busy(502))
        let response = try await session(policy()).get(busy.url())
        #expect(response.status.code == 502)
        #expect(try await text(response) == "busy")
        #expect(clock.sleeps == [.seconds(1), .seconds(2)])
        #expect(busy.connectionsAccepted == 1)
    }

    @Test func `the error of the last attempt is thrown`() async throws {
        let port = 1
        let session = try session(policy(attempts: 4))
        let request = try await session.openRequest(.get, "http://127.0.0.1:\(port)/")
        let recorder = EventRecorder(of: request)
        let error = try #require(await #expect(throws: HandleError.self) { try await request.send() })
        #expect(error.code == .cannotConnect)
        #expect(error.operation == .sendRequest)
        try request.close()
        // libcurl's text contains the duration of the attempt, so that no two errors are equal.
        let kinds = try await recorder.finish().map(\.kind)
        let names = kinds.map(\.name)
        #expect(
            names == [
                "connectingToServer", "retry", "connectingToServer", "retry", "connectingToServer", "retry",
                "connectingToServer", "retryRefused", "requestError", "handleClosing",
            ]
        )
        #expect(
            kinds.suffix(3) == [
                .retryRefused(.attempts, cause: .error(error)), .requestError(error), .handleClosing,
            ]
        )
        let retries = kinds.compactMap { kind -> String? in
            guard case .retry(let attempt, let delay, .error(let error)) = kind else { return nil }
            return "\(attempt) \(delay) \(error.code)"
        }
        #expect(
            retries == ["2 1.0 seconds cannotConnect", "3 2.0 seconds cannotConnect", "4 4.0 seconds cannotConnect"]
        )
        #expect(clock.sleeps == [.seconds(1), .seconds(2), .seconds(4)])
    }

    @Test func `without a policy nothing is sent again`() async throws {
        let server = try Self.server(Self.busy())
        let response = try await session(nil).get(server.url())
        #expect(response.status.code == 503)
        #expect(try await SessionHandle().option(.retryPolicy) == nil)
    }

    // MARK: Conditions

    @Test func `only idempotent methods by default`() async throws {
        let server = try Self.server(Self.busy(), Self.busy())
        let refusing = try session(policy())
        #expect(try await refusing.fetch(.post, server.url(), body: .string("body")).status.code == 503)
        let asked = try session(policy(methods: [.post]))
        #expect(try await text(asked.fetch(.post, server.url(), body: .string("body"))) == "POST / HTTP/1.1 body")
        #expect(clock.sleeps == [.seconds(1)])
    }

    @Test func `other statuses and errors are final`() async throws {
        let server = try Self.server(Self.busy(500, "Connection: close"), "")
        let session = try session(policy(errors: [.cannotConnect]))
        #expect(try await session.get(server.url()).status.code == 500)
        await #expect(throws: HandleError.self) {
            try await session.get(server.url())
        }
        #expect(clock.sleeps == [])
    }

    @Test func `bytes, files and forms are sent again from their beginning`() async throws {
        let scratch = try Scratch()
        let bytes = pattern(300_000)
        let file = try scratch.file("up", bytes)
        let server = try ScriptedServer { connection in
            var isBusy = true
            while let request = try connection.readRequest() {
                try connection.send(
                    isBusy ? Self.busy() : "HTTP/1.1 200 OK\r\nContent-Length: \(request.body.count)\r\n\r\n"
                )
                if !isBusy { try connection.send(request.body) }
                isBusy.toggle()
            }
        }
        let session = try session(policy())
        for body in [RequestBody.file(file), .bytes(bytes)] {
            #expect(try await session.fetch(.put, server.url(), body: body).body.collect(upTo: 300_000) == bytes)
        }
        let form = try await session.fetch(.put, server.url(), body: .form([("a", "b")]))
        #expect(try await text(form) == "a=b")
        #expect(clock.sleeps == [.seconds(1), .seconds(1), .seconds(1)])
    }

    @Test func `a streamed body can be sent by a later attempt, but not twice`() async throws {
        func pieces() -> AsyncStream<[UInt8]> {
            AsyncStream { stream in
                stream.yield(Array("body".utf8))
                stream.finish()
            }
        }
        let server = try Self.server(Self.busy())
        let session = try session(policy())
        let answered = try await session.fetch(.put, server.url(), body: .stream(pieces(), length: 4))
        #expect(answered.status.code == 503)
        #expect(clock.sleeps == [])
        let port = 1
        let error = await #expect(throws: HandleError.self) {
            try await session.fetch(.put, "http://127.0.0.1:\(port)/", body: .stream(pieces(), length: 4))
        }
        #expect(error?.code == .cannotConnect)
        #expect(clock.sleeps == [.seconds(1), .seconds(2)])
    }

    @Test func `a timeout of a phase is retried, the total one is not`() async throws {
        let silent = Gate()
        let server = try ScriptedServer { connection in
            guard try connection.readRequest() != nil else { return }
            if connection.number == 0 { silent.wait() }
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        }
        defer { silent.open() }
        let patient = try session(policy(), [.set(.responseTimeout, to: .seconds(3600))])
        let recorder = EventRecorder(of: patient, .sendRequest, scope: .tree)
        let response = Task { try await patient.get(server.url()) }
        _ = try await recorder.first { $0.kind.name == "requestSent" }
        patient.advanceClock(by: .seconds(3600))
        #expect(try await response.value.status == .ok)
        #expect(clock.sleeps == [.seconds(1)])
        let port = 1
        let hurried = try session(policy(firstDelay: .seconds(99)), [.set(.totalTimeout, to: .seconds(98))])
        let error = await #expect(throws: HandleError.self) { try await hurried.get("http://127.0.0.1:\(port)/") }
        // The delay would have exceeded the remaining time.
        #expect(error?.code == .cannotConnect)
        #expect(clock.sleeps == [.seconds(1)])
    }

    @Test func `after a redirect only the last hop is sent again`() async throws {
        let server = try Self.server(
            "HTTP/1.1 302 Found\r\nLocation: /end\r\nContent-Length: 0\r\n\r\n",
            Self.busy()
        )
        let response = try await session(policy()).get(server.url("/start"))
        #expect(try await text(response) == "GET /end HTTP/1.1 ")
        #expect(clock.sleeps == [.seconds(1)])
    }

    @Test func `a request is retried before receiveResponse, and can be sent by the caller in the delay`() async throws
    {
        let server = try Self.server(Self.busy())
        let request = try await session(policy()).openRequest(.get, server.url())
        let recorder = EventRecorder(of: request)
        try await request.send()
        try await recorder.first { $0.kind.name == "retry" }
        try await recorder.first { $0.kind == .responseReceived(bytes: 39) }
        #expect(try await request.receiveResponse().status == .ok)
        try request.close()
        _ = try await recorder.finish()

        let stopped = TestClock(isStopped: true)
        var policy = policy()
        policy.clock = stopped
        let other = try Self.server(Self.busy())
        let again = try await session(policy).openRequest(.get, other.url())
        let events = EventRecorder(of: again)
        try await again.send()
        try await events.first { $0.kind.name == "retry" }
        try await again.send()
        #expect(try await again.receiveResponse().status == .ok)
        try again.close()
        let kinds = try await events.finish().map(\.kind.name)
        #expect(kinds.filter { $0 == "retry" }.count == 1)
        #expect(kinds.filter { $0 == "sendRequestComplete" }.count == 2)
    }

    // MARK: Delays

    @Test(arguments: [
        (["Retry-After: 7"], [Duration.seconds(7)]), (["Retry-After: 0"], [.seconds(1)]),
        (["Retry-After: soon"], [.seconds(1)]), (["Retry-After: 100"], [.seconds(100)]),
        (["Retry-After: 101"], []), (["Retry-After: 99999999999999999999"], []),
        (["Date: Sun, 06 Nov 1994 08:49:37 GMT", "Retry-After: Sun, 06 Nov 1994 08:49:46 GMT"], [.seconds(9)]),
        (["Retry-After: Sun, 06 Nov 1994 08:49:46 GMT"], [.seconds(1)]),
        (["Retry-After: Sun, 06 Nov 2594 08:49:46 GMT"], []),
    ])
    func `a server may require a longer delay`(fields: [String], sleeps: [Duration]) async throws {
        let server = try Self.server(Self.busy(429, fields.joined(separator: "\r\n")))
        let response = try await session(policy()).get(server.url())
        #expect(response.status.code == (sleeps.isEmpty ? 429 : 200))
        #expect(clock.sleeps == sleeps)
    }

    @Test func `delays are random, and the same for the same seed`() async throws {
        let session = try session(policy(jitter: .seeded(1)))
        for _ in 0..<2 {
            let server = try Self.server(Self.busy(), Self.busy(), Self.busy())
            #expect(try await session.get(server.url()).status.code == 503)
        }
        let sleeps = clock.sleeps
        #expect(sleeps.count == 4 && sleeps.prefix(2) == sleeps.suffix(2) && sleeps[0] != sleeps[1])
        #expect(sleeps[0] <= .seconds(1) && sleeps[1] <= .seconds(2))
    }

    // MARK: Refusals

    /// A small program with a handful of failures.
    @Test func `forty requests that need two retries each are within the default budget`() async throws {
        let attempts = Lock<[String: Int]>([:])
        let server = try ScriptedServer { connection in
            while let head = try connection.readHead() {
                let attempt = attempts.withLock { attempts in
                    attempts[head.target, default: 0] += 1
                    return attempts[head.target]
                }
                try connection.send(attempt == 3 ? "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" : Self.busy())
            }
        }
        let session = try session(RetryPolicy(maximumAttempts: 4, clock: clock))
        for number in 0..<40 { #expect(try await session.get(server.url("/\(number)")).status == .ok) }
    }

    struct Refused: Sendable, CustomTestStringConvertible {
        let refusal: RetryRefusal
        var attempts = 1
        var answer = RetryTests.busy()
        var method = HTTPRequest.Method.put
        var body = RequestBody.string("body")
        var options: [OptionSetting] = []
        var budget: RetryBudget? = nil
        var maximumTime: Duration? = nil

        var testDescription: String { "\(refusal)" }

        static let all = [
            Refused(refusal: .attempts, attempts: 3), Refused(refusal: .method, method: .post),
            Refused(
                refusal: .body,
                body: .stream(
                    AsyncStream<[UInt8]> { stream in
                        stream.yield(Array("body".utf8))
                        stream.finish()
                    }
                )
            ),
            Refused(refusal: .serverDelay(.seconds(101)), answer: RetryTests.busy(503, "Retry-After: 101")),
            Refused(refusal: .maximumTime, answer: RetryTests.busy(503, "Retry-After: 95"), maximumTime: .seconds(90)),
            Refused(
                refusal: .totalTimeout,
                answer: RetryTests.busy(503, "Retry-After: 95"),
                options: [.set(.totalTimeout, to: .seconds(90))]
            ),
            Refused(refusal: .budget, attempts: 2, budget: RetryBudget(share: 0, reserve: 1)),
        ]
    }

    @Test(arguments: Refused.all)
    func `the reason for no further attempt is an event and a fact`(_ refused: Refused) async throws {
        let server = try Self.server(refused.answer, refused.answer, refused.answer)
        var policy = policy(budget: refused.budget)
        policy.maximumTime = refused.maximumTime
        let session = try session(policy, refused.options)
        let request = try await session.openRequest(refused.method, server.url())
        let recorder = EventRecorder(of: request)
        await #expect(throws: HandleError.wrongState(.queryOption, "the value of retrySummary is not known yet")) {
            try await request.option(.retrySummary)
        }
        try await request.send(refused.body)
        #expect(try await request.receiveResponse().status == 503)
        let summary = try await request.option(.retrySummary)
        #expect(summary.attempts == refused.attempts && summary.refusal == refused.refusal)
        try request.close()
        let kinds = try await recorder.finish().map(\.kind)
        let expected = StatusEvent.Kind.retryRefused(refused.refusal, cause: .status(503))
        #expect(kinds.filter { $0.name == "retryRefused" } == [expected])
        #expect(kinds.suffix(3) == [expected, .headersAvailable, .handleClosing])
        #expect(clock.sleeps.count == refused.attempts - 1)
    }

    @Test func `no retryRefused if the policy does not cover the result, or without a policy`() async throws {
        for policy in [policy(errors: [.cannotConnect]), nil] {
            let server = try Self.server(Self.busy(500, "Connection: close"), "")
            let session = try session(policy)
            let recorder = EventRecorder(of: session, .retry, scope: .tree)
            #expect(try await session.get(server.url()).status.code == 500)
            await #expect(throws: HandleError.self) { try await session.get(server.url()) }
            let request = try await session.openRequest(.get, server.url())
            try await request.send()
            _ = try await request.receiveResponse()
            if policy == nil {
                let unknown = HandleError.wrongState(.queryOption, "the value of retrySummary is not known yet")
                await #expect(throws: unknown) { try await request.option(.retrySummary) }
            } else {
                let summary = try await request.option(.retrySummary)
                #expect(summary.attempts == 1 && summary.refusal == nil)
            }
            try request.close()
            try session.closeAll()
            #expect(try await recorder.finish().count { $0.kind != .handleClosing } == 0)
        }
    }

    @Test func `the total time limit is the reason if it ends an attempt`() async throws {
        let silent = Gate()
        let server = try ScriptedServer { connection in
            _ = try connection.readRequest()
            silent.wait()
        }
        defer { silent.open() }
        let session = try session(policy(), [.set(.totalTimeout, to: .milliseconds(100))])
        let recorder = EventRecorder(of: session, [.retry, .requestError], scope: .tree)
        let error = try #require(
            await #expect(throws: HandleError.self) { try await session.get(server.url()) }
        )
        #expect(error.phase == .total)
        try session.closeAll()
        let kinds = try await recorder.finish().map(\.kind).filter { $0 != .handleClosing }
        #expect(kinds.map(\.name) == ["retryRefused", "requestError"])
        guard case .retryRefused(.totalTimeout, .error) = kinds.first else { throw UnexpectedEvents(kinds: kinds) }
    }

    // MARK: Limits

    @Test func `a budget belongs to the session, and is refilled by new requests`() async throws {
        let server = try Self.server(Self.busy(), Self.busy(), Self.busy(), Self.busy())
        let session = try session(policy(budget: RetryBudget(share: 0.5, reserve: 1)))
        // One retry, which takes the reserve; half a retry back; a whole one back.
        #expect(try await session.get(server.url()).status.code == 503)
        #expect(try await session.get(server.url()).status.code == 503)
        #expect(try await session.get(server.url()).status.code == 200)
        #expect(clock.sleeps == [.seconds(1), .seconds(1)])
    }

    @Test(arguments: [
        RetryPolicy(maximumAttempts: 0), RetryPolicy(firstDelay: .seconds(-1)), RetryPolicy(maximumDelay: .seconds(-1)),
        RetryPolicy(budget: RetryBudget(share: -1)), RetryPolicy(budget: RetryBudget(reserve: -1)),
        RetryPolicy(budget: RetryBudget(share: .nan)),
    ])
    func `a policy out of range is refused`(policy: RetryPolicy) async throws {
        let session = try SessionHandle()
        let error = await #expect(throws: HandleError.self) { try await session.setOption(.retryPolicy, to: policy) }
        #expect(error?.code == .invalidParameter)
    }

    @Test func `closing in the delay ends it with the usual events`() async throws {
        let stopped = TestClock(isStopped: true)
        var policy = policy()
        policy.clock = stopped
        let server = try Self.server(Self.busy())
        let session = try session(policy)
        let request = try await session.openRequest(.get, server.url())
        let recorder = EventRecorder(of: request)
        try await request.send()
        try await recorder.first { $0.kind.name == "retry" }
        let exchange = Task.immediate { try await request.receiveResponse().status }
        try request.close()
        let error = await #expect(throws: HandleError.self) { try await exchange.value }
        #expect(error?.isCancellation == true)
        let kinds = try await recorder.finish().map(\.kind)
        #expect(kinds.suffix(2) == [.requestError(.cancelled(.receiveResponse)), .handleClosing])
        await request.closed()
    }
}
