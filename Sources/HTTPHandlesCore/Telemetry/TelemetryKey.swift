#if TELEMETRY
/// The names of the attributes of spans and metrics, which are those of the metadata of log messages too.
package enum TelemetryKey: String, CaseIterable, Sendable {
    // OpenTelemetry's semantic conventions.
    case method = "http.request.method"
    case originalMethod = "http.request.method_original"
    case resendCount = "http.request.resend_count"
    case requestBodySize = "http.request.body.size"
    case responseBodySize = "http.response.body.size"
    case statusCode = "http.response.status_code"
    case connectionState = "http.connection.state"
    case errorType = "error.type"
    case serverAddress = "server.address"
    case serverPort = "server.port"
    case peerAddress = "network.peer.address"
    case peerPort = "network.peer.port"
    case protocolVersion = "network.protocol.version"
    case direction = "network.io.direction"
    case url = "url.full"
    case scheme = "url.scheme"

    // This library's own, for what the conventions have no name.
    case request = "http_handles.request.id"
    case requestDuration = "http_handles.request.duration"
    case errorNumber = "http_handles.error.number"
    case errorOperation = "http_handles.error.operation"
    case errorPhase = "http_handles.error.phase"
    case connection = "http_handles.connection.id"
    case retryDelay = "http_handles.retry.delay"
    case retryRefusal = "http_handles.retry.refusal"
    case messageType = "http_handles.websocket.message.type"
}

/// One attribute.
package struct TelemetryAttribute: Sendable, Hashable {
    package enum Value: Sendable, Hashable {
        case text(String)
        case number(Int)
        /// In seconds where it is a text.
        case duration(Duration)
    }

    package let key: TelemetryKey
    package let value: Value

    package init(_ key: TelemetryKey, _ text: String) {
        self.key = key
        value = .text(text)
    }

    package init(_ key: TelemetryKey, _ number: Int) {
        self.key = key
        value = .number(number)
    }

    package init(_ key: TelemetryKey, _ duration: Duration) {
        self.key = key
        value = .duration(duration)
    }

    /// The value as metrics and log messages have it.
    package var text: String {
        switch value {
        case .text(let text): text
        case .number(let number): String(number)
        case .duration(let duration): String(duration.seconds)
        }
    }
}

extension Duration {
    /// In seconds.
    package var seconds: Double { Double(nanosecondsClamped) / 1_000_000_000 }
}

/// The metrics.
package enum TelemetryMetric: String, CaseIterable, Sendable {
    // OpenTelemetry's semantic conventions.
    case requestDuration = "http.client.request.duration"
    case requestBodySize = "http.client.request.body.size"
    case responseBodySize = "http.client.response.body.size"
    case activeRequests = "http.client.active_requests"
    case openConnections = "http.client.open_connections"
    case connectionDuration = "http.client.connection.duration"

    // This library's own.
    case queueTime = "http_handles.client.request.queue_time"
    case webSocketMessages = "http_handles.websocket.messages"
    case webSocketBytes = "http_handles.websocket.io"

    package var unit: String {
        switch self {
        case .requestDuration, .connectionDuration, .queueTime: "s"
        case .requestBodySize, .responseBodySize, .webSocketBytes: "By"
        case .activeRequests: "{request}"
        case .openConnections: "{connection}"
        case .webSocketMessages: "{message}"
        }
    }
}

/// The boundaries of histograms.
package enum TelemetryBuckets {
    /// Those that OpenTelemetry's conventions give for `http.client.request.duration`, in seconds.
    package static let requestDuration = [
        0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
    ]
}
#endif
