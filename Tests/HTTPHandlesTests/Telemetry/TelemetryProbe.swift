#if Logging && Metrics && Tracing
import HTTPHandles
import HTTPHandlesTesting
import InMemoryLogging
import InMemoryTracing
import Logging
import Metrics
import MetricsTestKit
import Testing
import Tracing

/// What a session has logged, measured and traced, in memory.
struct TelemetryProbe: Sendable {
    /// What the sessions of event scenarios have.
    @TaskLocal static var current: TelemetryProbe?

    let tracer = InMemoryTracer()
    let metrics = TestMetrics()
    let logs = InMemoryLogHandler()
    var logging: RequestLogging

    init() {
        var logger = Logger(label: "test") { [logs] _ in logs }
        logger.logLevel = .trace
        logging = RequestLogging(logger)
    }

    var telemetry: Telemetry {
        var telemetry = Telemetry()
        telemetry.tracer = tracer
        telemetry.metrics = metrics
        telemetry.logging = logging
        return telemetry
    }

    /// Runs `script` with a session, and closes everything: after that nothing is added.
    ///
    /// - Parameter ports: The servers' ports; the first is shown as 8080, and so on.
    static func recording(
        _ ports: Int...,
        options: [OptionSetting] = [],
        _ script: (SessionHandle) async throws -> Void
    ) async throws -> Record {
        // The accepted codings, and thereby the length of a request, depend on the traits of the package.
        let options = [.set(.decodesContent, to: false)] + options
        let probe = TelemetryProbe()
        try await withSession(options: options, telemetry: probe.telemetry, script)
        return probe.record.replacing(ports)
    }

    var record: Record { Record(spans: spans, metrics: samples, messages: messages) }

    /// Whether everything that has begun has ended.
    var isAtRest: Bool {
        tracer.activeSpans.isEmpty && metrics.meters.allSatisfy { $0.values.last == 0 }
    }

    /// Texts; ports are numbered, and values that differ between runs are hidden.
    struct Record: Sendable, Equatable {
        var spans: [String]
        var metrics: [String]
        var messages: [String]

        func replacing(_ ports: [Int]) -> Record {
            var record = self
            for (index, port) in ports.enumerated() {
                func replace(_ line: String) -> String {
                    line.replacing(":\(port)", with: ":\(8080 + index)")
                        .replacing("port=\(port)", with: "port=\(8080 + index)")
                }
                record.spans = record.spans.map(replace)
                record.metrics = record.metrics.map(replace)
                record.messages = record.messages.map(replace)
            }
            return record
        }
    }

    // MARK: Spans

    /// A line for each span, its attributes and its events, in the order of their beginning.
    private var spans: [String] {
        let spans = tracer.finishedSpans.sorted { number($0.spanID) < number($1.spanID) }
        let ids = Set(spans.map(\.spanID))
        return spans.filter { !ids.contains($0.parentSpanID ?? "") }.flatMap { lines(of: $0, in: spans, indent: "") }
    }

    private func lines(of span: FinishedInMemorySpan, in spans: [FinishedInMemorySpan], indent: String) -> [String] {
        let kind = span.kind == .client ? "client" : "internal"
        let status = span.status.map { " error\($0.message.map { " (\(Self.hiding($0)))" } ?? "")" } ?? ""
        var lines = ["\(indent)\(kind) \(span.operationName)\(status)"]
        lines += Self.lines(of: span.attributes).map { "\(indent)  \($0)" }
        lines += span.errors.map { "\(indent)  recorded error \(($0.error as? HandleError)?.code.name ?? "?")" }
        lines += span.events.map { event in
            let attributes = Self.lines(of: event.attributes).joined(separator: " ")
            return "\(indent)  event \(event.name)" + (attributes.isEmpty ? "" : " \(attributes)")
        }
        let children = spans.filter { $0.parentSpanID == span.spanID }
        return lines + children.flatMap { self.lines(of: $0, in: spans, indent: indent + "    ") }
    }

    private static func lines(of attributes: SpanAttributes) -> [String] {
        var lines: [String] = []
        attributes.forEach { key, value in
            switch value {
            case .string(let text): lines.append("\(key)=\(hiding(text))")
            case .int64(let number): lines.append("\(key)=\(number)")
            case .double(let number): lines.append("\(key)=\(number)")
            default: lines.append("\(key)=\(value)")
            }
        }
        return lines.sorted()
    }

    private func number(_ id: String) -> Int { Int(id.split(separator: "-").last ?? "") ?? 0 }

    // MARK: Metrics

    /// A line for each metric and its attributes, with all samples.
    private var samples: [String] {
        var lines = metrics.timers.map { Self.line($0.label, $0.dimensions, $0.values.map { _ in "t" }) }
        lines += metrics.recorders.map { Self.line($0.label, $0.dimensions, $0.values.map { String(Int($0)) }) }
        lines += metrics.meters.map { Self.line($0.label, $0.dimensions, $0.values.map { String(Int($0)) }) }
        lines += metrics.counters.map { Self.line($0.label, $0.dimensions, $0.values.map { String($0) }) }
        return lines.sorted()
    }

    private static func line(_ label: String, _ attributes: [(String, String)], _ values: [String]) -> String {
        let attributes = attributes.map { "\($0)=\($1)" }.sorted().joined(separator: " ")
        return "\(label) [\(values.joined(separator: ", "))] \(attributes)"
    }

    // MARK: Messages

    private var messages: [String] {
        logs.entries.map { entry in
            let metadata = entry.metadata.map { "\($0)=\(Self.hiding("\($1)", $0))" }.sorted().joined(separator: " ")
            return "\(entry.level) \(Self.hiding("\(entry.message)")) \(metadata)"
        }
    }

    /// Without what differs between runs: numbers of handles, times, and libcurl's texts.
    private static func hiding(_ text: String, _ key: String = "") -> String {
        if key.hasSuffix("request.duration") { return "t" }
        return text.replacing(/request \d+/, with: "request n").replacing(/in (\w+): .*/) { "in \($0.1): …" }
    }
}
#endif
