import HTTPHandles
import HTTPHandlesLock
import HTTPHandlesTesting
import HTTPTypes
import Testing

@Suite("Redirect deciders", .timeLimit(.minutes(5)))
struct RedirectDeciderTests {
    /// Answers `/<status>/<target>` with a redirect there, anything else with the request line.
    let server: ScriptedServer

    init() throws {
        server = try RedirectTests.redirecting()
    }

    private func session(_ decide: @escaping @Sendable (RedirectProposal) async -> RedirectDecision) throws
        -> SessionHandle
    {
        try SessionHandle(options: [.set(.redirectDecider, to: RedirectDecider(decide))])
    }

    private func text(_ response: Response) async throws -> String {
        String(decoding: try await response.body.collect(upTo: 1000), as: UTF8.self)
    }

    @Test func `a decider gets the response and the next request`() async throws {
        let seen = Lock<[String]>([])
        let session = try session { proposal in
            let fields = proposal.headerFields.map { "\($0.name)=\($0.value)" }.joined(separator: ",")
            let line =
                "\(proposal.status.code) \(proposal.responseFields[.location] ?? "") \(proposal.method) \(proposal.url)"
            seen.withLock { $0.append("\(line) [\(fields)] \(proposal.keepsBody)") }
            return .follow
        }
        let near = try await session.fetch(
            .post,
            server.url("/307//end"),
            headerFields: [.authorization: "s3cret"],
            body: .string("body")
        )
        #expect(try await text(near) == "POST /end HTTP/1.1 s3cret body")
        let there = try RedirectTests.redirecting()
        let far = try await session.fetch(
            .post,
            server.url("/302/http:%2F%2F127.0.0.1:\(there.port)/end"),
            headerFields: [.authorization: "s3cret"],
            body: .string("body")
        )
        #expect(try await text(far) == "GET /end HTTP/1.1 ")
        #expect(
            seen.withLock { $0 } == [
                "307 /end POST \(server.url("/end")) [Authorization=s3cret] true",
                "302 \(there.url("/end")) GET \(there.url("/end")) [] false",
            ]
        )
    }

    @Test func `after stop the redirect is the response, with its body`() async throws {
        let response = try await session { _ in .stop }.get(server.url("/302//end"))
        #expect(response.status.code == 302)
        #expect(response.head.url == server.url("/302//end"))
        #expect(try await text(response) == "old")
    }

    @Test func `refusing is an error`() async throws {
        let reason = "the caller refuses the redirect to \(server.url("/end"))"
        let session = try session { _ in .refuse }
        await #expect(throws: HandleError(.redirectFailed, .receiveResponse, reason: reason)) {
            try await session.get(server.url("/302//end"))
        }
        // Also before receiveResponse.
        let request = try await session.openRequest(.get, server.url("/302//end"))
        try await request.send()
        await #expect(throws: HandleError(.redirectFailed, .receiveResponse, reason: reason)) {
            try await request.receiveResponse()
        }
    }

    @Test func `a decider of a request is called at each hop`() async throws {
        let asked = Lock<[String]>([])
        let request = try await SessionHandle().openRequest(.get, server.url("/302//301//end"))
        let decider = RedirectDecider { proposal in
            asked.withLock { $0.append(proposal.url) }
            return proposal.url.hasSuffix("/end") && proposal.status.code == 301 ? .stop : .follow
        }
        try await request.setOption(.redirectDecider, to: decider)
        #expect(try await request.option(.redirectDecider) == decider)
        let recorder = EventRecorder(of: request)
        try await request.send()
        #expect(try await request.receiveResponse().status.code == 301)
        #expect(asked.withLock { $0 } == [server.url("/301//end"), server.url("/end")])
        try request.close()
        let names = try await recorder.finish().map(\.kind.name)
        #expect(names.filter { $0 == "redirect" }.count == 1)
        #expect(names.suffix(2) == ["headersAvailable", "handleClosing"])
    }

    @Test func `a decider is not called above the limit or against the policy`() async throws {
        let session = try session { _ in
            Issue.record("asked")
            return .follow
        }
        try await session.setOption(.maximumRedirects, to: 0)
        let error = await #expect(throws: HandleError.self) { try await session.get(server.url("/302//end")) }
        #expect(error?.code == .redirectFailed)
        try await session.setOption(.redirectPolicy, to: .never)
        #expect(try await session.get(server.url("/302//end")).status.code == 302)
    }

    @Test(arguments: [RedirectDecision.follow, .stop])
    func `a decision may be made before or after the end of the body`(_ decision: RedirectDecision) async throws {
        let decided = Gate()
        let server = try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                if request.head.target == "/end" {
                    try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nend")
                } else {
                    try connection.send("HTTP/1.1 302 R\r\nLocation: /end\r\nContent-Length: 10\r\n\r\nhalf-")
                    if request.head.target == "/early" { decided.wait() }
                    try connection.send("whole")
                }
            }
        }
        let early = try session { _ in decision }
        let request = try await early.openRequest(.get, server.url("/early"))
        try await request.send()
        if decision == .follow {
            let recorder = EventRecorder(of: request)
            let head = Task.immediate { try await request.receiveResponse() }
            try await recorder.first { $0.kind.name == "redirect" }
            decided.open()
            #expect(try await head.value.status == .ok)
            try request.close()
            _ = try await recorder.finish()
        } else {
            #expect(try await request.receiveResponse().status.code == 302)
            decided.open()
            #expect(try await request.body.collect(upTo: 100) == Array("half-whole".utf8))
        }
        let (asks, asked) = AsyncStream<Void>.makeStream()
        let (goes, go) = AsyncStream<Void>.makeStream()
        let late = try session { _ in
            asked.yield()
            for await _ in goes { break }
            return decision
        }
        let response = Task { try await late.get(server.url("/late")) }
        for await _ in asks { break }
        // Turns of the driver, in which the body and its end arrive.
        for _ in 0..<100 { _ = try await late.option(.connectTimeout) }
        go.yield()
        #expect(try await text(response.value) == (decision == .follow ? "end" : "half-whole"))
    }

    @Test func `the total time limit does not wait for a decision`() async throws {
        let session = try session { _ in
            try? await Task.sleep(for: .seconds(1_000_000))
            return .follow
        }
        try await session.setOption(.totalTimeout, to: .milliseconds(100))
        let error = await #expect(throws: HandleError.self) { try await session.get(server.url("/302//end")) }
        #expect(error?.code == .timeout)
        #expect(error?.phase == .total)
    }

    @Test func `a decider that is set after send is used in the next exchange`() async throws {
        let mayAnswer = Gate()
        let server = try ScriptedServer { connection in
            while let head = try connection.readHead() {
                mayAnswer.wait()
                let answer = head.target == "/" ? "302 Found\r\nLocation: /end" : "200 OK"
                try connection.send("HTTP/1.1 \(answer)\r\nContent-Length: 0\r\n\r\n")
            }
        }
        let request = try await SessionHandle().openRequest(.get, server.url())
        try await request.send()
        try await request.setOption(.redirectDecider, to: RedirectDecider { _ in .stop })
        mayAnswer.open()
        #expect(try await request.receiveResponse().status == .ok)
        try await request.send()
        #expect(try await request.receiveResponse().status == .found)
    }
}
