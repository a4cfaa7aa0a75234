#if Metrics
import HTTPHandlesCore
import Metrics

/// The metrics of a session: makes them, and keeps those that were made.
final class RequestMetrics {
    /// The metrics of attempts that have ended in the same way.
    private final class OfAttempts {
        private let attributes: [TelemetryAttribute]
        private let factory: any MetricsFactory
        private(set) lazy var duration = Timer(.requestDuration, attributes, factory)
        private(set) lazy var requestBodySize = Recorder(.requestBodySize, attributes, factory)
        private(set) lazy var responseBodySize = Recorder(.responseBodySize, attributes, factory)

        init(_ attributes: [TelemetryAttribute], _ factory: any MetricsFactory) {
            self.attributes = attributes
            self.factory = factory
        }
    }

    private struct ConnectionKey: Hashable {
        let origin: Origin
        let state: ConnectionChange.State
    }

    private struct MessageKey: Hashable {
        let origin: Origin
        let isSent: Bool
        let isText: Bool
    }

    private let factory: any MetricsFactory
    private var attempts: [AttemptMetricKey: OfAttempts] = [:]
    private var active: [AttemptMetricKey: Meter] = [:]
    private var queueTimes: [Origin: Timer] = [:]
    private var connections: [ConnectionKey: Meter] = [:]
    private var messages: [MessageKey: (count: Counter, bytes: Counter)] = [:]

    /// A crawler has no end of servers.
    private static let maximumKept = 1024

    init(_ factory: any MetricsFactory) {
        self.factory = factory
    }

    func take(_ signal: TelemetrySignal) {
        switch signal {
        case .attemptBegan(let attempt): activeRequests(attempt).increment()
        case .attemptEnded(let attempt, let duration):
            activeRequests(attempt).decrement()
            let metrics = metrics(of: attempt)
            metrics.duration.recordNanoseconds(duration.nanosecondsClamped)
            if attempt.bytesSent > 0 { metrics.requestBodySize.record(attempt.bytesSent) }
            if attempt.status != nil { metrics.responseBodySize.record(attempt.bytesReceived) }
        case .queueLeft(let origin, let duration):
            kept(origin, \.queueTimes) { Timer(.queueTime, origin.attributes, factory) }
                .recordNanoseconds(duration.nanosecondsClamped)
        case .connection(let change): take(change)
        case .requestBegan, .event, .requestEnded: break
        }
    }

    /// A WebSocket has sent or received a message, or a piece of one.
    func moved(_ bytes: Int, _ kind: WebSocketPieceKind, isSent: Bool, _ origin: Origin) {
        let isText = kind == .textMessage || kind == .textFragment
        let counters = kept(MessageKey(origin: origin, isSent: isSent, isText: isText), \.messages) {
            let attributes =
                origin.attributes + [
                    TelemetryAttribute(.direction, isSent ? "transmit" : "receive"),
                    TelemetryAttribute(.messageType, isText ? "text" : "binary"),
                ]
            return (
                Counter(.webSocketMessages, attributes, factory), Counter(.webSocketBytes, attributes, factory)
            )
        }
        if kind == .textMessage || kind == .binaryMessage { counters.count.increment() }
        counters.bytes.increment(by: bytes)
    }

    private func take(_ change: ConnectionChange) {
        if let from = change.from { openConnections(change.origin, from).decrement() }
        if let to = change.to { openConnections(change.origin, to).increment() }
        guard let duration = change.duration else { return }
        var attributes = change.origin.attributes
        if let version = change.version { attributes.append(TelemetryAttribute(.protocolVersion, version.number)) }
        attributes.append(TelemetryAttribute(.scheme, change.origin.scheme))
        Timer(.connectionDuration, attributes, factory).recordNanoseconds(duration.nanosecondsClamped)
    }

    // MARK: Metrics

    private func metrics(of attempt: AttemptRecord) -> OfAttempts {
        let key = attempt.metricKey
        return kept(key, \.attempts) { OfAttempts(key.attributes, factory) }
    }

    private func activeRequests(_ attempt: AttemptRecord) -> Meter {
        let key = AttemptMetricKey(method: attempt.method.name, origin: attempt.origin)
        return kept(key, \.active) { Meter(.activeRequests, key.attributes, factory) }
    }

    private func openConnections(_ origin: Origin, _ state: ConnectionChange.State) -> Meter {
        kept(ConnectionKey(origin: origin, state: state), \.connections) {
            let attributes =
                [TelemetryAttribute(.connectionState, state.rawValue)] + origin.attributes
                + [TelemetryAttribute(.scheme, origin.scheme)]
            return Meter(.openConnections, attributes, factory)
        }
    }

    private func kept<Key: Hashable, Metric>(
        _ key: Key,
        _ path: ReferenceWritableKeyPath<RequestMetrics, [Key: Metric]>,
        _ make: () -> Metric
    ) -> Metric {
        if let metric = self[keyPath: path][key] { return metric }
        let metric = make()
        if self[keyPath: path].count >= Self.maximumKept { self[keyPath: path] = [:] }
        self[keyPath: path][key] = metric
        return metric
    }
}

extension [TelemetryAttribute] {
    fileprivate var dimensions: [(String, String)] { map { ($0.key.rawValue, $0.text) } }
}

extension Timer {
    fileprivate convenience init(
        _ metric: TelemetryMetric,
        _ attributes: [TelemetryAttribute],
        _ factory: any MetricsFactory
    ) {
        self.init(label: metric.rawValue, dimensions: attributes.dimensions, factory: factory)
    }
}

extension Recorder {
    fileprivate convenience init(
        _ metric: TelemetryMetric,
        _ attributes: [TelemetryAttribute],
        _ factory: any MetricsFactory
    ) {
        self.init(label: metric.rawValue, dimensions: attributes.dimensions, aggregate: true, factory: factory)
    }
}

extension Meter {
    fileprivate convenience init(
        _ metric: TelemetryMetric,
        _ attributes: [TelemetryAttribute],
        _ factory: any MetricsFactory
    ) {
        self.init(label: metric.rawValue, dimensions: attributes.dimensions, factory: factory)
    }
}

extension Counter {
    fileprivate convenience init(
        _ metric: TelemetryMetric,
        _ attributes: [TelemetryAttribute],
        _ factory: any MetricsFactory
    ) {
        self.init(label: metric.rawValue, dimensions: attributes.dimensions, factory: factory)
    }
}
#endif
