#if TELEMETRY
/// One attempt of a request: what is sent over the wire once. In OpenTelemetry's terms, an HTTP client span.
package struct AttemptRecord: Sendable, Hashable {
    package let method: TelemetryMethod
    /// Not redacted.
    package let url: String
    package let origin: Origin
    /// How many attempts there were before it.
    package let resendCount: Int
    package let startTime: MonotonicTime

    package internal(set) var isSent = false
    package internal(set) var status: Int?
    package internal(set) var version: HTTPVersion?
    package internal(set) var peer: SocketAddress?
    package internal(set) var connection: ConnectionID?
    package internal(set) var bytesSent: Int64 = 0
    package internal(set) var bytesReceived: Int64 = 0
    /// Why it has failed.
    package internal(set) var failure: HandleErrorCode?
    package internal(set) var error: HandleError?

    init(
        _ method: TelemetryMethod,
        _ url: String,
        _ origin: Origin,
        resendCount: Int,
        at time: MonotonicTime
    ) {
        self.method = method
        self.url = url
        self.origin = origin
        self.resendCount = resendCount
        startTime = time
    }

    /// The same request, sent once more.
    func sentAgain(at time: MonotonicTime) -> AttemptRecord {
        var next = AttemptRecord(method, url, origin, resendCount: resendCount + 1, at: time)
        next.peer = peer
        next.connection = connection
        return next
    }

    /// `error.type`: the name of the failure, or the status where that is 400 or above; else `nil`, also where the caller has
    /// ended it.
    package var errorType: String? {
        failure?.name ?? status.flatMap { $0 >= 400 ? String($0) : nil }
    }

    // MARK: Attributes

    /// What a span of it has from the beginning.
    package var startAttributes: [TelemetryAttribute] {
        var attributes = method.attributes
        attributes += origin.attributes
        attributes.append(TelemetryAttribute(.scheme, origin.scheme))
        attributes.append(TelemetryAttribute(.url, Redaction.standard.url(url)))
        if resendCount > 0 { attributes.append(TelemetryAttribute(.resendCount, resendCount)) }
        return attributes
    }

    /// What a span of it has at its end in addition.
    package var endAttributes: [TelemetryAttribute] {
        var attributes: [TelemetryAttribute] = []
        if let status { attributes.append(TelemetryAttribute(.statusCode, status)) }
        if let version { attributes.append(TelemetryAttribute(.protocolVersion, version.number)) }
        if let peer { attributes += peer.attributes }
        if let connection { attributes.append(TelemetryAttribute(.connection, connection.description)) }
        if bytesSent > 0 { attributes.append(TelemetryAttribute(.requestBodySize, Int(bytesSent))) }
        if status != nil { attributes.append(TelemetryAttribute(.responseBodySize, Int(bytesReceived))) }
        if let errorType { attributes.append(TelemetryAttribute(.errorType, errorType)) }
        if let error { attributes += error.attributes }
        return attributes
    }

    /// What tells the samples of metrics apart.
    package var metricKey: AttemptMetricKey {
        AttemptMetricKey(
            method: method.name,
            origin: origin,
            status: status,
            version: version,
            errorType: errorType
        )
    }
}

/// The attributes of the metrics of attempts, to be compared.
package struct AttemptMetricKey: Sendable, Hashable {
    package let method: String
    package let origin: Origin
    package let status: Int?
    package let version: HTTPVersion?
    package let errorType: String?

    /// Those of `http.client.active_requests`, of an attempt that is not over.
    package init(method: String, origin: Origin) {
        self.init(method: method, origin: origin, status: nil, version: nil, errorType: nil)
    }

    init(method: String, origin: Origin, status: Int?, version: HTTPVersion?, errorType: String?) {
        self.method = method
        self.origin = origin
        self.status = status
        self.version = version
        self.errorType = errorType
    }

    package var attributes: [TelemetryAttribute] {
        var attributes = [TelemetryAttribute(.method, method)] + origin.attributes
        if let errorType { attributes.append(TelemetryAttribute(.errorType, errorType)) }
        if let status { attributes.append(TelemetryAttribute(.statusCode, status)) }
        if let version { attributes.append(TelemetryAttribute(.protocolVersion, version.number)) }
        attributes.append(TelemetryAttribute(.scheme, origin.scheme))
        return attributes
    }
}

extension Origin {
    package var scheme: String { isSecure ? "https" : "http" }

    package var attributes: [TelemetryAttribute] {
        [TelemetryAttribute(.serverAddress, host), TelemetryAttribute(.serverPort, port)]
    }
}

extension SocketAddress {
    /// A Unix socket has no port.
    var attributes: [TelemetryAttribute] {
        [TelemetryAttribute(.peerAddress, host)] + (port == 0 ? [] : [TelemetryAttribute(.peerPort, port)])
    }
}

extension HTTPVersion {
    /// `network.protocol.version`.
    package var number: String {
        switch self {
        case .http1_0: "1.0"
        case .http1_1: "1.1"
        case .http2: "2"
        case .http3: "3"
        }
    }
}

extension HandleError {
    /// What is known of a failure, beside `error.type`.
    package var attributes: [TelemetryAttribute] {
        var attributes = [
            TelemetryAttribute(.errorNumber, code.rawValue),
            TelemetryAttribute(.errorOperation, String(describing: operation)),
        ]
        if let phase { attributes.append(TelemetryAttribute(.errorPhase, String(describing: phase))) }
        return attributes
    }
}
#endif
