import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes
import Testing

/// The caller's code that runs during an exchange runs for the task that called `send`.
@Suite("Local values and priority of the calling task", .timeLimit(.minutes(5)))
struct CallingTaskTests {
    @TaskLocal static var name = "nobody"

    /// What the caller's code sees of the task that it runs for.
    struct Sight: Equatable, Sendable {
        let code: String
        var name = CallingTaskTests.name
        var priority = Task.currentPriority
    }

    /// A clock whose pauses are over at once.
    struct SightClock: Clock {
        typealias Instant = ContinuousClock.Instant

        let sights: Record<Sight>
        var now: Instant { .now }
        var minimumResolution: Duration { .zero }

        func sleep(until deadline: Instant, tolerance: Duration?) async throws {
            sights.note(Sight(code: "clock"))
        }
    }

    let sights = Record<Sight>()

    private var retryPolicy: RetryPolicy { RetryPolicy(clock: SightClock(sights: sights)) }

    private var provider: CredentialProvider {
        CredentialProvider { [sights] _ in
            sights.note(Sight(code: "provider"))
            // Another one each time, so that it is tried.
            return .basic(user: "u", password: "\(sights.all.count)")
        }
    }

    private var decider: RedirectDecider {
        RedirectDecider { [sights] _ in
            sights.note(Sight(code: "decider"))
            return .follow
        }
    }

    /// Has every sort of question asked, for each request.
    private static func server() throws -> ScriptedServer {
        try ScriptedServer { connection in
            while true {
                for answer in [
                    "503 Service Unavailable", "401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"r\"",
                    "302 Found\r\nLocation: /end", "200 OK",
                ] {
                    guard try connection.readRequest() != nil else { return }
                    try connection.send("HTTP/1.1 \(answer)\r\nContent-Length: 0\r\n\r\n")
                }
            }
        }
    }

    private static func expected(_ name: String, _ priority: TaskPriority) -> [Sight] {
        ["clock", "provider", "decider"].map { Sight(code: $0, name: name, priority: priority) }
    }

    @Test(arguments: [TaskPriority.high, .medium])
    func `questions see those of the task that fetches`(priority: TaskPriority) async throws {
        let server = try Self.server()
        let session = try SessionHandle(options: [
            .set(.retryPolicy, to: retryPolicy), .set(.credentialProvider, to: provider),
            .set(.redirectDecider, to: decider),
        ])
        let after = try await Task(priority: priority) {
            try await Self.$name.withValue("caller") {
                Sight(code: "\(try await session.get(server.url()).status.code)")
            }
        }.value
        #expect(sights.all == Self.expected("caller", priority))
        #expect(after == Sight(code: "200", name: "caller", priority: priority))
    }

    @Test func `of a request that is sent in one task and received in another, those of the first`() async throws {
        let server = try Self.server()
        let session = try SessionHandle()
        let request = try await session.openRequest(.get, server.url())
        // On the request alone: the session does not know of it.
        try await request.setOption(.retryPolicy, to: retryPolicy)
        try await request.setOption(.credentialProvider, to: provider)
        try await request.setOption(.redirectDecider, to: decider)
        for (name, priority) in [("one", TaskPriority.high), ("two", .medium)] {
            try await Task(priority: priority) {
                try await Self.$name.withValue(name) { try await request.send() }
            }.value
            let status = try await Self.$name.withValue("receiver") { try await request.receiveResponse().status }
            #expect(status == .ok)
            #expect(try await request.body.collect(upTo: 0) == [])
        }
        #expect(sights.all == Self.expected("one", .high) + Self.expected("two", .medium))
    }

    @Test func `bodies and trailers that are made while they are sent`() async throws {
        let server = try ScriptedServer(TrailerTests.mirror)
        let session = try SessionHandle()
        let pieces = AsyncStream<[UInt8]>(unfolding: { [sights] in
            sights.note(Sight(code: "sequence"))
            return sights.all.count == 1 ? [65] : nil
        })
        try await Task(priority: .high) {
            try await Self.$name.withValue("caller") {
                let body = RequestBody.stream(pieces) { [sights] in
                    sights.note(Sight(code: "trailers"))
                    return [:]
                }
                _ = try await session.fetch(.post, server.url(), body: body)
            }
        }.value
        let expected = ["sequence", "sequence", "trailers"].map { Sight(code: $0, name: "caller", priority: .high) }
        #expect(sights.all == expected)
    }

    #if canImport(Glibc)
    @Test func `nothing is done for a task at a lower priority than its own`() async throws {
        let run = try await TestProgram.run(["priorities"])
        #expect(run.output == "cancelled: 8\nuploaded: 200 priority: true\n")
        #expect(run.status == 0)
    }
    #endif
}
