#if Logging && Metrics && Tracing
import Foundation
import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes
import InMemoryLogging
import InMemoryTracing
import Logging
import MetricsTestKit
import Testing
import Tracing

@Suite("Telemetry", .timeLimit(.minutes(5)))
struct TelemetryTests {
    /// With `HTTP_HANDLES_WRITE_TRACES=1` the records are written to the document, for review and commit.
    @Test(arguments: TelemetryScenario.all)
    func `the document shows all spans, samples and messages`(_ scenario: TelemetryScenario) async throws {
        let record = try await scenario.play()
        let lines = ["Spans:"] + record.spans + ["Metrics:"] + record.metrics + ["Messages:"] + record.messages
        if ProcessInfo.processInfo.environment["HTTP_HANDLES_WRITE_TRACES"] == "1" {
            try Document.write(lines, below: "### \(scenario.title)", of: Self.path)
            if scenario.title == TelemetryScenario.all.first?.title {
                try Document.write(lines, below: "## A scenario in full", of: "Docs/Telemetry.md")
            }
        }
        let shown = try Document(Self.path).codeBlock(below: "### \(scenario.title)")
        #expect(lines.joined(separator: "\n") == shown.joined(separator: "\n"))
    }

    @Test func `the document shows every scenario, and no other`() throws {
        let titles = try Document(Self.path).section("## Scenarios").filter { $0.hasPrefix("### ") }
        #expect(titles == TelemetryScenario.all.map { "### \($0.title)" })
    }

    static let path = "Docs/TelemetryScenarios.md"

    @Test func `the document lists every name, and the first scenario`() throws {
        let document = try Document("Docs/Telemetry.md")
        let names = try Document("Sources/HTTPHandlesCore/Telemetry/TelemetryKey.swift").text
            .matches(of: /case \w+ = "([a-z_.]+)"/).map { String($0.1) }
        #expect(names.count > 30)
        #expect(Set(document.firstCells(in: "## Names") + document.firstCells(in: "## Metrics")) == Set(names))
        let first = try #require(TelemetryScenario.all.first).title
        let shown = try Document(Self.path).codeBlock(below: "### \(first)")
        #expect(document.codeBlock(below: "## A scenario in full") == shown)
    }

    // MARK: All scenarios

    /// Telemetry changes no event, and whatever has begun ends.
    @Test(arguments: OrderScenario.all)
    func `everything ends in every scenario`(_ scenario: OrderScenario) async throws {
        let probe = TelemetryProbe()
        let lines = try await TelemetryProbe.$current.withValue(probe) { try await scenario.play().lines }
        // Requests are longer, by the tracer's fields.
        func withoutSizes(_ lines: [String]) -> String {
            lines.joined(separator: "\n").replacing(/requestSent\(bytes: \d+\)/, with: "requestSent")
        }
        #expect(probe.isAtRest, "\(probe.record)")
        let shown = try Document("Docs/StatusEvents.md").codeBlock(below: "### " + scenario.title)
        #expect(withoutSizes(lines) == withoutSizes(shown))
    }

    // MARK: Propagation

    @Test func `a request names its span to the server`() async throws {
        let (server, heads) = try recordingHeads()
        let probe = TelemetryProbe()
        try await withSession(telemetry: probe.telemetry) { session in
            let parent = probe.tracer.startSpan("caller")
            try await ServiceContext.$current.withValue(parent.context) {
                _ = try await session.get(server.url("/old"))
            }
            parent.end()
        }
        let spans = probe.tracer.finishedSpans
        let attempts = spans.filter { $0.kind == .client }
        #expect(heads.all.map { $0["in-memory-span-id"] } == attempts.map(\.spanID))
        #expect(Set(heads.all.map { $0["in-memory-trace-id"] }) == ["trace-1"])
        #expect(attempts.count == 2)
        let request = try #require(spans.first { $0.kind == .internal && $0.operationName == "GET" })
        #expect(request.parentSpanID == spans.first { $0.operationName == "caller" }?.spanID)
    }

    @Test func `fields of the caller's own are neither replaced nor doubled`() async throws {
        let (server, heads) = try recordingHeads()
        let probe = TelemetryProbe()
        let own = try #require(HTTPField.Name("in-memory-span-id"))
        try await withSession(telemetry: probe.telemetry) { session in
            _ = try await session.get(server.url("/old"), headerFields: [own: "mine"])
        }
        #expect(heads.all.count == 2)
        for head in heads.all {
            #expect(head.lines.filter { $0.lowercased().hasPrefix("in-memory") } == ["in-memory-span-id: mine"])
        }
    }

    // MARK: Loggers

    @Test func `without a logger of its own a session uses that of the task`() async throws {
        let (server, _) = try recordingHeads()
        var probe = TelemetryProbe()
        probe.logging = RequestLogging()
        probe.logging.requests = .notice
        try await withSession(telemetry: probe.telemetry) { session in
            var logger = Logger(label: "task") { [logs = probe.logs] _ in logs }
            logger[metadataKey: "task"] = "7"
            try await withLogger(logger) { _ in _ = try await session.get(server.url("/new")) }
        }
        let entries = probe.logs.entries
        #expect(entries.map(\.level) == [.notice])
        #expect(entries.first?.message == "GET \(server.url("/new")): 200")
        #expect(entries.first?.metadata["task"] == "7")
        #expect(entries.first?.metadata["http.response.status_code"] == "200")
    }

    @Test func `a metadata provider finds the span of the request`() async throws {
        let (server, _) = try recordingHeads()
        var probe = TelemetryProbe()
        var logs = probe.logs
        logs.metadataProvider = Logger.MetadataProvider { ["trace": "\(ServiceContext.current != nil)"] }
        var logger = Logger(label: "test") { [logs] _ in logs }
        logger.logLevel = .debug
        probe.logging = RequestLogging(logger)
        try await withSession(telemetry: probe.telemetry) { _ = try await $0.get(server.url("/new")) }
        #expect(probe.logs.entries.map { $0.metadata["trace"] } == ["true"])
    }

    // MARK: Methods

    @Test func `an unknown method has a name of its own in no metric`() async throws {
        let (server, _) = try recordingHeads()
        let method = try #require(HTTPRequest.Method(rawValue: "PURGE"))
        for isKnown in [false, true] {
            let probe = TelemetryProbe()
            var telemetry = probe.telemetry
            if isKnown { telemetry.knownMethods = [method] }
            try await withSession(telemetry: telemetry) { _ = try await $0.fetch(method, server.url("/new")) }
            let span = try #require(probe.tracer.finishedSpans.first { $0.kind == .client })
            #expect(span.operationName == (isKnown ? "PURGE" : "HTTP"))
            #expect(span.attributes["http.request.method"]?.toSpanAttribute() == .string(isKnown ? "PURGE" : "_OTHER"))
            let original = span.attributes["http.request.method_original"]?.toSpanAttribute()
            #expect(original == (isKnown ? nil : .string("PURGE")))
            let timers = probe.metrics.timers(label: "http.client.request.duration")
            #expect(timers.map { $0.dimensions.first?.1 } == [isKnown ? "PURGE" : "_OTHER"])
        }
    }

    private func recordingHeads() throws -> (ScriptedServer, Record<ReceivedHead>) {
        let heads = Record<ReceivedHead>()
        let server = try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                heads.note(request.head)
                let start = request.head.target == "/old" ? "302 Found\r\nLocation: /new" : "200 OK"
                try connection.send("HTTP/1.1 \(start)\r\nContent-Length: 0\r\n\r\n")
            }
        }
        return (server, heads)
    }
}
#endif
