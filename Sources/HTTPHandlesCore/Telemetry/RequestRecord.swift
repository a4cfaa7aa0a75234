#if TELEMETRY
/// One request of the caller's, with all of its attempts: what one `send` has led to.
package struct RequestRecord: Sendable, Hashable {
    package let id: HandleID
    package let method: TelemetryMethod
    /// Of the first attempt. Not redacted.
    package let url: String
    package let origin: Origin
    package let startTime: MonotonicTime

    /// The last attempt; `nil` where there was none.
    package internal(set) var last: AttemptRecord?
    /// The failure that the caller sees.
    package internal(set) var error: HandleError?
    /// Its end was the caller's wish, which is no failure.
    package internal(set) var isCancelled = false

    init(_ id: HandleID, _ method: TelemetryMethod, _ url: String, _ origin: Origin, at time: MonotonicTime) {
        self.id = id
        self.method = method
        self.url = url
        self.origin = origin
        startTime = time
    }

    /// As of an attempt.
    package var errorType: String? {
        error?.code.name ?? last?.errorType
    }

    // MARK: Attributes

    /// What its span has from the beginning.
    package var startAttributes: [TelemetryAttribute] {
        method.attributes + [
            TelemetryAttribute(.request, id.description), TelemetryAttribute(.url, Redaction.standard.url(url)),
        ]
    }

    /// What its span has at its end in addition.
    package var endAttributes: [TelemetryAttribute] {
        var attributes: [TelemetryAttribute] = []
        if let status = last?.status { attributes.append(TelemetryAttribute(.statusCode, status)) }
        if let count = last?.resendCount, count > 0 { attributes.append(TelemetryAttribute(.resendCount, count)) }
        if let errorType { attributes.append(TelemetryAttribute(.errorType, errorType)) }
        if let error { attributes += error.attributes }
        return attributes
    }

    /// What the message of its end says beside its text.
    package func logAttributes(at time: MonotonicTime) -> [TelemetryAttribute] {
        var attributes = startAttributes
        attributes += origin.attributes
        attributes += endAttributes
        if let version = last?.version { attributes.append(TelemetryAttribute(.protocolVersion, version.number)) }
        if let last, last.bytesSent > 0 {
            attributes.append(TelemetryAttribute(.requestBodySize, Int(last.bytesSent)))
        }
        if let last, last.status != nil {
            attributes.append(TelemetryAttribute(.responseBodySize, Int(last.bytesReceived)))
        }
        attributes.append(TelemetryAttribute(.requestDuration, time - startTime))
        return attributes
    }

    /// "GET https://example.com/".
    package var summary: String { "\(method.original ?? method.name) \(Redaction.standard.url(url))" }

    /// The text of the message of its end.
    package var outcome: String {
        if let error { return "\(summary) failed: \(error)" }
        if isCancelled { return "\(summary) was cancelled" }
        guard let status = last?.status else { return summary }
        return "\(summary): \(status)"
    }
}
#endif
