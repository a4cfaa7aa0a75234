#if Tracing
import HTTPHandlesCore
import HTTPTypes
import Tracing

/// The spans of one request: one for all of it, of the kind "internal", and in it one for each attempt, of the kind "client".
///
/// OpenTelemetry's conventions have a client span for each attempt, and no other client span around them.
final class RequestSpans {
    private let tracer: any Tracer
    private let parent: ServiceContext
    private var request: (any Span)?
    private var attempt: (any Span)?

    init(_ tracer: any Tracer, under parent: ServiceContext) {
        self.tracer = tracer
        self.parent = parent
    }

    /// That of the innermost span.
    var context: ServiceContext { attempt?.context ?? request?.context ?? parent }

    func take(_ signal: TelemetrySignal) {
        switch signal {
        case .requestBegan(let record):
            request = start(record.method, .internal, under: parent, record.startAttributes)
        case .attemptBegan(let record):
            attempt = start(record.method, .client, under: request?.context ?? parent, record.startAttributes)
        case .event(let event):
            let span = event.isOfRequest ? request : attempt ?? request
            span?.addEvent(SpanEvent(name: event.name, attributes: SpanAttributes(event.attributes)))
        case .attemptEnded(let record, _):
            end(attempt.take(), record.endAttributes, record.errorType, record.error)
        case .requestEnded(let record, _):
            end(request.take(), record.endAttributes, record.errorType, record.error)
        case .queueLeft, .connection: break
        }
    }

    /// The fields that tell a server of the attempt that has begun; `nil` where the caller has written one of them.
    func propagationFields(for message: RequestMessage) -> HTTPFields? {
        guard let attempt else { return nil }
        var fields = HTTPFields()
        tracer.inject(attempt.context, into: &fields, using: FieldInjector())
        guard !fields.isEmpty, !fields.contains(where: { message.headerFields.contains($0.name) }) else { return nil }
        return fields
    }

    // MARK: Spans

    private func start(
        _ method: TelemetryMethod,
        _ kind: SpanKind,
        under context: ServiceContext,
        _ attributes: [TelemetryAttribute]
    ) -> any Span {
        let span: any Span = tracer.startSpan(method.spanName, context: context, ofKind: kind)
        span.add(attributes)
        return span
    }

    private func end(
        _ span: (any Span)?,
        _ attributes: [TelemetryAttribute],
        _ errorType: String?,
        _ error: HandleError?
    ) {
        guard let span else { return }
        span.add(attributes)
        if let error { span.recordError(error) }
        // A status of the response says all there is to say.
        if errorType != nil { span.setStatus(SpanStatus(code: .error, message: error?.description)) }
        span.end()
    }
}

/// Adds fields to a request that a request may have.
private struct FieldInjector: Injector {
    func inject(_ value: String, forKey key: String, into fields: inout HTTPFields) {
        guard let name = HTTPField.Name(key), RequestRules.mayBeAdded(HTTPField(name: name, value: value)) else {
            return
        }
        fields[name] = value
    }
}

extension Span {
    fileprivate func add(_ attributes: [TelemetryAttribute]) {
        guard !attributes.isEmpty else { return }
        updateAttributes { all in
            for attribute in attributes { all[attribute.key.rawValue] = attribute.spanAttribute }
        }
    }
}

extension SpanAttributes {
    fileprivate init(_ attributes: [TelemetryAttribute]) {
        self = [:]
        for attribute in attributes { self[attribute.key.rawValue] = attribute.spanAttribute }
    }
}

extension TelemetryAttribute {
    fileprivate var spanAttribute: SpanAttribute {
        switch value {
        case .text(let text): .string(text)
        case .number(let number): .int64(Int64(number))
        case .duration(let duration): .double(duration.seconds)
        }
    }
}
#endif
