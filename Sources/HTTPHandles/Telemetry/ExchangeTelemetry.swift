#if TELEMETRY
import HTTPHandlesCore
import HTTPHandlesDriver
#if Logging
import Logging
#endif
#if Tracing
import Tracing
#endif

/// The telemetry of a session. It belongs to the driver's thread.
final class SessionTelemetry {
    let settings: Telemetry
    var connections = ConnectionCounts()
    #if Metrics
    let metrics: RequestMetrics?
    #endif

    init(_ settings: Telemetry) {
        self.settings = settings
        #if Metrics
        metrics = settings.metrics.map(RequestMetrics.init)
        #endif
    }

    /// A connection was closed that belongs to no exchange.
    func closed(_ connection: ConnectionID, at time: MonotonicTime) {
        var signals: [TelemetrySignal] = []
        connections.close(connection, at: time, &signals)
        for signal in signals {
            #if Metrics
            metrics?.take(signal)
            #endif
            #if Logging
            settings.logging?.take(signal)
            #endif
        }
    }

    /// A WebSocket has sent or received a message, or a piece of one.
    func moved(_ bytes: Int, _ kind: WebSocketPieceKind, isSent: Bool, _ origin: Origin?) {
        #if Metrics
        if let origin { metrics?.moved(bytes, kind, isSent: isSent, origin) }
        #endif
    }
}

/// The telemetry of an exchange.
final class ExchangeTelemetry {
    private let session: SessionTelemetry
    private var recorder: RequestRecorder
    private var signals: [TelemetrySignal] = []
    /// How many lists of actions are being carried out: one may lead to another.
    private var depth = 0
    #if Logging
    private let log: RequestLog?
    #endif
    #if Tracing
    private let spans: RequestSpans?
    #endif

    init(_ session: SessionTelemetry, _ caller: CallerTelemetry, _ message: RequestMessage, at time: MonotonicTime) {
        self.session = session
        let known = session.settings.knownMethods
        recorder = RequestRecorder(caller.id, message, knownMethods: known, at: time, &signals)
        #if Logging
        log = session.settings.logging.flatMap { RequestLog($0, caller) }
        #endif
        #if Tracing
        spans = session.settings.tracer.map { RequestSpans($0, under: caller.context) }
        #endif
        deliver()
    }

    /// A transfer begins. Returns what it sends: the request, with the fields that tell the server of its span.
    func begin(_ request: TransferRequest, at time: MonotonicTime) -> TransferRequest {
        recorder.attemptBegins(request.message, at: time, &session.connections, &signals)
        deliver()
        #if Tracing
        if let fields = spans?.propagationFields(for: request.message) {
            let message = request.message.adding(fields)
            return TransferRequest(message, request.body, request.options, through: request.route)
        }
        #endif
        return request
    }

    func headArrives(_ version: HTTPVersion) {
        recorder.headArrives(version)
    }

    // MARK: Actions

    func enter() {
        depth += 1
    }

    func take(_ action: borrowing ExchangeAction, _ transfer: Transfer?, at time: MonotonicTime) {
        if action.endsTransfer, let transfer {
            recorder.bodiesMoved(sent: Int64(transfer.bodyBytesTaken), received: Int64(transfer.bodyBytesArrived))
        }
        recorder.take(action, at: time, &session.connections, &signals)
    }

    func leave(isOver: Bool, isUpgraded: Bool, at time: MonotonicTime) {
        depth -= 1
        guard depth == 0 else { return }
        if isUpgraded { recorder.upgraded() }
        recorder.settle(isOver: isOver, at: time, &session.connections, &signals)
        deliver()
    }

    private func deliver() {
        for signal in signals {
            #if Tracing
            spans?.take(signal)
            #endif
            #if Metrics
            session.metrics?.take(signal)
            #endif
            #if Logging
            #if Tracing
            // A metadata provider finds the span of the request there.
            ServiceContext.$current.withValue(spans?.context) { log?.take(signal) }
            #else
            log?.take(signal)
            #endif
            #endif
        }
        signals.removeAll(keepingCapacity: true)
    }
}

/// What the telemetry of an exchange has from the task that has called `send`.
struct CallerTelemetry: Sendable {
    let id: HandleID
    #if Logging
    let logger: Logger?
    #endif
    #if Tracing
    let context: ServiceContext
    #endif

    /// `nil` where the session has no telemetry.
    init?(_ id: HandleID, _ settings: Telemetry?) {
        guard let settings else { return nil }
        self.id = id
        #if Logging
        logger = settings.logging.map { $0.logger ?? Logger.current }
        #endif
        #if Tracing
        context = .current ?? .topLevel
        #endif
    }
}
#endif
