#if TELEMETRY
import HTTPTypes

/// An event of a handle, as an event of a span and as a log message.
package struct TelemetryEvent: Sendable, Hashable {
    /// What a log message of it is about.
    package enum Topic: Sendable, Hashable {
        /// The request: a redirect, a retry, a proxy.
        case request
        /// The way to the server: the queue, names, connections.
        case connection
        /// The messages: what was sent, and what has come.
        case message
    }

    /// That of `StatusEvent.Kind`.
    package let name: String
    package let attributes: [TelemetryAttribute]
    package let topic: Topic
    /// It happens between attempts, or is about all of them.
    package let isOfRequest: Bool

    package init(
        _ name: String,
        _ topic: Topic,
        ofRequest isOfRequest: Bool = false,
        _ attributes: [TelemetryAttribute] = []
    ) {
        self.name = name
        self.topic = topic
        self.isOfRequest = isOfRequest
        self.attributes = attributes
    }

    /// `nil` for the ends of operations, of which the end of the request says the same, and for the pieces of bodies.
    package init?(_ kind: StatusEvent.Kind) {
        switch kind {
        case .queued: self.init("queued", .connection, ofRequest: true)
        case .resolvingName: self.init("resolvingName", .connection)
        case .nameResolved(let address):
            self.init("nameResolved", .connection, [TelemetryAttribute(.peerAddress, address)])
        case .connectingToServer(let address): self.init("connectingToServer", .connection, address.attributes)
        case .connectedToServer(let address): self.init("connectedToServer", .connection, address.attributes)
        case .connectionReused(let address): self.init("connectionReused", .connection, address.attributes)
        case .securingConnection: self.init("securingConnection", .connection)
        case .connectionSecured: self.init("connectionSecured", .connection)
        case .closingConnection: self.init("closingConnection", .connection)
        case .connectionClosed: self.init("connectionClosed", .connection)

        case .detectingProxy: self.init("detectingProxy", .request, ofRequest: true)
        case .nextProxy(let error): self.init("nextProxy", .request, ofRequest: true, error.typeAndAttributes)
        case .tunnelEstablished: self.init("tunnelEstablished", .request)
        case .tunnelRefused(let status, _):
            self.init("tunnelRefused", .request, [TelemetryAttribute(.statusCode, status.code)])
        case .alternativeServiceFailed(let error):
            self.init("alternativeServiceFailed", .request, ofRequest: true, error.typeAndAttributes)
        case .redirect(let url):
            let target = TelemetryAttribute(.url, Redaction.standard.url(url))
            self.init("redirect", .request, ofRequest: true, [target])
        case .retry(_, let delay, let cause):
            let attributes = cause.attributes + [TelemetryAttribute(.retryDelay, delay)]
            self.init("retry", .request, ofRequest: true, attributes)
        case .retryRefused(let refusal, let cause):
            let attributes = cause.attributes + [TelemetryAttribute(.retryRefusal, refusal.name)]
            self.init("retryRefused", .request, ofRequest: true, attributes)

        case .sendingRequest: self.init("sendingRequest", .message)
        case .requestSent: self.init("requestSent", .message)
        case .receivingResponse: self.init("receivingResponse", .message)
        case .responseReceived(let status, _):
            self.init("responseReceived", .message, [TelemetryAttribute(.statusCode, status.code)])
        case .intermediateResponse(let status, _):
            self.init("intermediateResponse", .message, [TelemetryAttribute(.statusCode, status.code)])
        default: return nil
        }
    }
}

extension HandleError {
    fileprivate var typeAndAttributes: [TelemetryAttribute] {
        [TelemetryAttribute(.errorType, code.name)] + attributes
    }
}

extension RetryCause {
    fileprivate var attributes: [TelemetryAttribute] {
        switch self {
        case .status(let status): [TelemetryAttribute(.errorType, String(status))]
        case .error(let error): error.typeAndAttributes
        }
    }
}

extension RetryRefusal {
    fileprivate var name: String {
        switch self {
        case .attempts: "attempts"
        case .method: "method"
        case .body: "body"
        case .serverDelay: "serverDelay"
        case .maximumTime: "maximumTime"
        case .totalTimeout: "totalTimeout"
        case .budget: "budget"
        }
    }
}
#endif
