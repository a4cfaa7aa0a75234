#if Logging
import HTTPHandlesCore
public import Logging

/// What a session logs of its requests and connections, and to which logger.
///
/// Texts and metadata hide what errors of the library hide. Not in WinHTTP.
public struct RequestLogging: Sendable {
    /// The logger; `nil` for that of the task which sends the request, `Logger.current`. Without a logger of its own a session
    /// does not log the end of connections that no request uses.
    public var logger: Logger?
    /// The level of the one message of a request that has got its response, or was cancelled.
    public var requests: Logger.Level = .debug
    /// The level of the one message of a request that has failed. An unsuccessful status is no failure.
    public var failures: Logger.Level = .info
    /// The level of messages on redirects, retries, proxies and alternative services.
    public var decisions: Logger.Level = .debug
    /// The level of messages on the queue, names, connections, and what is sent and received.
    public var details: Logger.Level = .trace

    /// Logs with the default levels, which are those for libraries: nothing above `info`.
    ///
    /// - Parameter logger: The logger; `nil` for that of the task which sends the request.
    public init(_ logger: Logger? = nil) {
        self.logger = logger
    }

    /// What belongs to no request.
    func take(_ signal: TelemetrySignal) {
        guard let logger, case .connection(let change) = signal else { return }
        logger.log(level: details, "\(change.name)", metadata: Logger.Metadata(change.attributes))
    }
}

/// The messages of one request.
struct RequestLog {
    private let levels: RequestLogging
    private let logger: Logger
    private let id: HandleID

    init?(_ levels: RequestLogging, _ caller: CallerTelemetry) {
        guard let logger = caller.logger else { return nil }
        self.levels = levels
        self.logger = logger
        id = caller.id
    }

    func take(_ signal: TelemetrySignal) {
        switch signal {
        case .event(let event):
            let level = event.topic == .request ? levels.decisions : levels.details
            logger.log(level: level, "\(event.name)", metadata: metadata(event.attributes))
        // Of the others there are events.
        case .connection(let change) where change.to == .idle:
            logger.log(level: levels.details, "\(change.name)", metadata: metadata(change.attributes))
        case .requestEnded(let request, let time):
            let level = request.error == nil ? levels.requests : levels.failures
            logger.log(
                level: level,
                "\(request.outcome)",
                metadata: Logger.Metadata(request.logAttributes(at: time))
            )
        case .requestBegan, .queueLeft, .attemptBegan, .attemptEnded, .connection: break
        }
    }

    private func metadata(_ attributes: [TelemetryAttribute]) -> Logger.Metadata {
        Logger.Metadata([TelemetryAttribute(.request, id.description)] + attributes)
    }
}

extension Logger.Metadata {
    fileprivate init(_ attributes: [TelemetryAttribute]) {
        self = [:]
        for attribute in attributes { self[attribute.key.rawValue] = .string(attribute.text) }
    }
}
#endif
