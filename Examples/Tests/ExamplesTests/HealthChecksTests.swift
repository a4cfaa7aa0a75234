import ExamplesTestSupport
import HTTPHandles
import HTTPHandlesTesting
import HealthChecks
import Testing

@Suite("health-checker", .timeLimit(.minutes(2)))
struct HealthChecksTests {
    private func run(_ checks: [HealthCheck], atOnce limit: Int = 8) async throws -> [CheckResult] {
        try await withSession(options: HealthChecker.sessionOptions) { session in
            try await HealthChecker(session).run(checks, atOnce: limit)
        }
    }

    private static func phases(_ result: CheckResult) -> [String] {
        result.timeline.steps.map { "\($0.phase)\($0.isComplete ? "" : " not completed")" }
    }

    @Test func `a healthy server: all phases, in their order, one after the other`() async throws {
        let server = try ScriptedServer { connection in
            try connection.forEachRequest { _ in try connection.answer(body: "all is well") }
        }
        var check = HealthCheck("http://localhost:\(server.port)/")
        check.text = "well"
        let results = try await run([check, check])
        #expect(results.map(\.verdict) == [.healthy, .healthy])
        for result in results {
            #expect(Self.phases(result) == ["dns", "connect", "send", "wait", "body"])
            #expect(result.timeline.steps.map(\.detail)[3] == "200")
            let times = result.timeline.steps.flatMap { [$0.start, $0.end] }
            #expect(times == times.sorted())
        }
        // Each check has made a connection.
        #expect(server.connectionsAccepted == 2)
    }

    @Test func `servers that are not healthy, each with how far it came`() async throws {
        let server = try ScriptedServer { connection in
            try connection.forEachRequest { request in
                switch request.head.target {
                case "/status": try connection.answer("503 Service Unavailable")
                case "/text": try connection.answer(body: "all is bad")
                case "/loop": try connection.answer("302 Found", fields: ["Location: /loop"])
                case "/endless":
                    try connection.send("HTTP/1.1 200 OK\r\n\r\n")
                    while true { try connection.send(String(repeating: "x", count: 10_000)) }
                case "/broken": try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx")
                default: try connection.send("what?\r\n\r\n")
                }
                connection.close()
            }
        }
        let urls =
            ["/status", "/text", "/loop", "/endless", "/broken", "/nonsense"].map { server.url($0) }
            + ["http://127.0.0.1:1/", "ftp://example.com/", "http://name.invalid/"]
        let results = try await run(
            urls.map { url in
                var check = HealthCheck(url)
                check.text = "well"
                return check
            }
        )
        #expect(results.map(\.url) == urls)
        #expect(results.map(\.isHealthy) == Array(repeating: false, count: urls.count))
        let verdicts = results.map { result in
            if case .failed(let error) = result.verdict { error.code.name } else { "\(result.verdict)" }
        }
        #expect(
            verdicts == [
                "wrongStatus(503)", "missingText", "redirectFailed", "insufficientBuffer", "connectionError",
                "invalidServerResponse", "cannotConnect", "unrecognizedScheme", "nameNotResolved",
            ]
        )
        let exchange = ["connect", "send", "wait"]
        #expect(Self.phases(results[0]) == exchange + ["body not completed"])
        #expect(Self.phases(results[1]) == exchange + ["body"])
        #expect(Self.phases(results[2]).count == 33)
        #expect(Self.phases(results[4]) == exchange + ["body not completed"])
        #expect(Self.phases(results[6]) == ["connect not completed"])
        #expect(Self.phases(results[7]) == [])
        #expect(Self.phases(results[8]) == ["dns not completed"])
    }

    @Test func `a server that does not answer ends at the time limit`() async throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readRequest()
            connection.waitForClose()
        }
        var check = HealthCheck(server.url())
        check.timeout = .milliseconds(1)
        let result = try #require(try await run([check]).first)
        guard case .failed(let error) = result.verdict else { return #expect(Bool(false), "\(result)") }
        #expect(error.code == .timeout)
        #expect(error.phase == .total)
    }

    @Test func `no more checks at a time than allowed, and results in the order of the checks`() async throws {
        let (second, order) = (Gate(), Record<String>())
        let server = try ScriptedServer { connection in
            try connection.forEachRequest { request in
                order.note(request.head.target)
                // The first one waits until the last one has come.
                if request.head.target == "/0" { second.wait() }
                if request.head.target == "/3" { second.open() }
                try connection.answer()
            }
        }
        let checks = (0..<4).map { HealthCheck(server.url("/\($0)")) }
        let results = try await run(checks, atOnce: 2)
        #expect(results.map(\.url) == checks.map(\.url))
        #expect(order.all.filter { $0 != "/0" } == ["/1", "/2", "/3"])
    }

    @Test func `cancellation ends all checks, and closes their handles`() async throws {
        let isAsked = Gate()
        let server = try ScriptedServer { connection in
            _ = try connection.readRequest()
            isAsked.open()
            connection.waitForClose()
        }
        let session = try SessionHandle(options: HealthChecker.sessionOptions)
        let recorder = EventRecorder(of: session, scope: .tree)
        let checks = Task {
            try await HealthChecker(session).run([HealthCheck(server.url()), HealthCheck(server.url())])
        }
        await isAsked.passed()
        checks.cancel()
        await #expect(throws: CancellationError.self) { try await checks.value }
        try session.close()
        #expect(try await recorder.finish().last?.kind == .handleClosing)
    }

    @Test func `a timeline as text`() {
        let start = ContinuousClock.now
        let id = HandleID(level: .request, number: 1)
        var timeline = Timeline(since: start)
        let events: [(Int, StatusEvent.Kind)] = [
            (0, .queued), (10, .resolvingName(host: "example.com")), (20, .nameResolved(address: "192.0.2.1")),
            (20, .connectingToServer(address: SocketAddress(host: "192.0.2.1", port: 443))),
            (60, .connectingToServer(address: SocketAddress(host: "192.0.2.2", port: 443))),
            (70, .connectedToServer(address: SocketAddress(host: "192.0.2.2", port: 443))), (70, .securingConnection),
            (80, .connectionSecured), (80, .sendingRequest), (80, .requestSent(bytes: 100)), (80, .receivingResponse),
            (95, .responseReceived(status: .ok, bytes: 200)), (95, .headersAvailable), (100, .handleClosing),
        ]
        for (number, (time, kind)) in events.enumerated() {
            let time = start.advanced(by: .milliseconds(time))
            timeline.add(StatusEvent(handle: id, context: nil, time: time, sequence: number, kind: kind))
        }
        #expect(
            timeline.lines(width: 20) == [
                "  queue        10.0 ms |==                  | ",
                "  dns          10.0 ms |  ==                | example.com 192.0.2.1",
                "  connect      40.0 ms |    xxxxxxxx        | 192.0.2.1:443",
                "  connect      10.0 ms |            ==      | 192.0.2.2:443",
                "  tls          10.0 ms |              ==    | ",
                "  send          0.0 ms |                =   | ",
                "  wait         15.0 ms |                === | 200",
                "  body          5.0 ms |                   x| ",
            ]
        )
    }
}
