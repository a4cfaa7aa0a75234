import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes
import Testing

/// Code of the caller that runs during an exchange has the priority and local values of the task that called `send`.
@Suite("Local values and priority of the calling task", .timeLimit(.minutes(5)))
struct CallingTaskTests {
    @TaskLocal static var name = "nobody"

    /// The priority and local value that such code has.
    struct Observation: Equatable, Sendable {
        let code: String
        var name = CallingTaskTests.name
        var priority = Task.currentPriority
    }

    /// A clock that never sleeps.
    struct ObservingClock: Clock {
        typealias Instant = ContinuousClock.Instant

        let observations: Record<Observation>
        var now: Instant { .now }
        var minimumResolution: Duration { .zero }

        func sleep(until deadline: Instant, tolerance: Duration?) async throws {
            observations.note(Observation(code: "clock"))
        }
    }

    let observations = Record<Observation>()

    private var retryPolicy: RetryPolicy { RetryPolicy(clock: ObservingClock(observations: observations)) }

    private var provider: CredentialProvider {
        CredentialProvider { [observations] _ in
            observations.note(Observation(code: "provider"))
            // Different ones each time, so that they are tried.
            return .basic(user: "u", password: "\(observations.all.count)")
        }
    }

    private var decider: RedirectDecider {
        RedirectDecider { [observations] _ in
            observations.note(Observation(code: "decider"))
            return .follow
        }
    }

    /// A server whose responses cause all callbacks, for each request.
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

    private static func expected(_ name: String, _ priority: TaskPriority) -> [Observation] {
        ["clock", "provider", "decider"].map { Observation(code: $0, name: name, priority: priority) }
    }

    @Test(arguments: [TaskPriority.high, .medium])
    func `callbacks have those of the task that fetches`(priority: TaskPriority) async throws {
        let server = try Self.server()
        let session = try SessionHandle(options: [
            .set(.retryPolicy, to: retryPolicy), .set(.credentialProvider, to: provider),
            .set(.redirectDecider, to: decider),
        ])
        let after = try await Task(priority: priority) {
            try await Self.$name.withValue("caller") {
                Observation(code: "\(try await session.get(server.url()).status.code)")
            }
        }.value
        #expect(observations.all == Self.expected("caller", priority))
        #expect(after == Observation(code: "200", name: "caller", priority: priority))
    }

    @Test func `callbacks have those of the sending task if another task receives`() async throws {
        let server = try Self.server()
        let session = try SessionHandle()
        let request = try await session.openRequest(.get, server.url())
        // Set on the request only, not on the session.
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
        #expect(observations.all == Self.expected("one", .high) + Self.expected("two", .medium))
    }

    @Test func `bodies and trailers that are produced while they are sent`() async throws {
        let server = try ScriptedServer(TrailerTests.mirror)
        let session = try SessionHandle()
        let pieces = AsyncStream<[UInt8]>(unfolding: { [observations] in
            observations.note(Observation(code: "sequence"))
            return observations.all.count == 1 ? [65] : nil
        })
        try await Task(priority: .high) {
            try await Self.$name.withValue("caller") {
                let body = RequestBody.stream(pieces) { [observations] in
                    observations.note(Observation(code: "trailers"))
                    return [:]
                }
                _ = try await session.fetch(.post, server.url(), body: body)
            }
        }.value
        let expected = ["sequence", "sequence", "trailers"].map {
            Observation(code: $0, name: "caller", priority: .high)
        }
        #expect(observations.all == expected)
    }

    #if os(Linux)
    @Test func `no work for a task has a lower priority than the task`() async throws {
        let run = try await TestProgram.run(["priorities"])
        #expect(run.output == "cancelled: 8\nuploaded: 200 priority: true\n")
        #expect(run.status == 0)
    }
    #endif
}
