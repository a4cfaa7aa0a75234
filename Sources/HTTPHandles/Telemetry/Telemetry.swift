#if TELEMETRY
import HTTPHandlesCore
public import HTTPTypes
#if Metrics
public import Metrics
#endif
#if Tracing
public import Tracing
#endif

/// What a session logs, measures and traces.
///
/// It is given to a session when that is made, and holds for all of its requests. Without any of its parts it costs nothing.
/// Loggers, metrics and tracers are called on the session's driver thread, and must not block it. Names, attributes and levels:
/// `Docs/Telemetry.md`. It exists with one of the package traits `Logging`, `Metrics` and `Tracing`; not in WinHTTP.
public struct Telemetry: Sendable {
    #if Logging
    /// What is logged, and to which logger; `nil` for nothing.
    public var logging: RequestLogging?
    #endif
    #if Metrics
    /// Makes the metrics, for example `MetricsSystem.factory`; `nil` for none.
    public var metrics: (any MetricsFactory)?
    #endif
    #if Tracing
    /// Makes the spans, and the fields that tell servers of them, for example `InstrumentationSystem.tracer`; `nil` for none.
    public var tracer: (any Tracer)?
    #endif
    /// The methods that have a name in metrics and spans; others are "_OTHER" there. By default those of RFC 9110, PATCH and
    /// QUERY.
    public var knownMethods = TelemetryMethod.known

    /// Makes one without parts: nothing is logged, measured or traced.
    public init() {}

    #if Metrics
    /// The boundaries that OpenTelemetry's conventions give for the histogram `http.client.request.duration`, in seconds.
    ///
    /// The programming interface of swift-metrics has no place for them: give them to the metrics factory.
    public static let requestDurationBuckets = TelemetryBuckets.requestDuration
    #endif

    var isEmpty: Bool {
        #if Logging
        if logging != nil { return false }
        #endif
        #if Metrics
        if metrics != nil { return false }
        #endif
        #if Tracing
        if tracer != nil { return false }
        #endif
        return true
    }
}
#endif
