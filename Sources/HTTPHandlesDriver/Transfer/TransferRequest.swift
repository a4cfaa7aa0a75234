package import HTTPHandlesCore
import HTTPTypes

/// One exchange as libcurl is to carry it out: an immutable, shared value.
package final class TransferRequest {
    package let message: RequestMessage
    package let body: Body
    package let options: OptionSnapshot
    /// The proxy; `nil` for a direct connection.
    package let route: ProxyRoute?

    package enum Body: Sendable {
        case none
        case bytes(BodyBytes)
        case stored(StoredBody)
        /// Written while it is sent, and written again where it is sent again.
        case source(SourceBody)
        /// `nil` for a length that is not known; only such a body can have trailer fields behind it.
        case stream(UploadBuffer, length: Int64?, hasTrailers: Bool = false)
        /// None, but the request asks for an upgrade of its connection.
        case upgrade(DriverBound<UpgradedStream>)

        /// `nil` for a length that is not known.
        package var length: Int64? {
            switch self {
            case .none, .upgrade: 0
            case .bytes(let bytes): Int64(bytes.count)
            case .stored(let body): body.length
            case .source(let body): body.length
            case .stream(_, let length, _): length
            }
        }

        /// What it is written to.
        package var upload: UploadBuffer? {
            switch self {
            case .stream(let buffer, _, _): buffer
            case .source(let body): body.buffer
            default: nil
            }
        }

        package var source: SourceBody? {
            if case .source(let body) = self { body } else { nil }
        }

        /// Whether something makes it while it is sent.
        package var isMade: Bool {
            switch self {
            case .stored, .source: true
            default: false
            }
        }

        /// What the body is; the caller's own `Content-Type` goes before it.
        package var contentType: String? {
            switch self {
            case .stored(let body): body.contentType
            case .source(let body): body.contentType
            default: nil
            }
        }

        /// Nothing of it is needed any more, until it is started again.
        package func stop() {
            switch self {
            case .stored(let body): body.stop()
            case .source(let body): body.stop()
            default: break
            }
        }

        package var stored: StoredBody? {
            if case .stored(let body) = self { body } else { nil }
        }

        package var hasTrailers: Bool {
            switch self {
            case .stream(_, _, let hasTrailers): hasTrailers
            case .source(let body): body.hasTrailers
            default: false
            }
        }

        package var upgrade: DriverBound<UpgradedStream>? {
            if case .upgrade(let stream) = self { stream } else { nil }
        }

        /// Written while it is sent, so that it cannot be sent again.
        package var isStreamed: Bool {
            if case .stream = self { true } else { false }
        }
    }

    package init(_ message: RequestMessage, _ body: Body, _ options: OptionSnapshot, through route: ProxyRoute? = nil) {
        self.route = route
        self.message = message
        self.body = body
        self.options = options
    }

    var method: HTTPRequest.Method { message.method }
    var url: RequestURL { message.url }
    var headerFields: HTTPFields { message.headerFields }

    /// Whether sending the request twice does no more than sending it once (RFC 9110, section 9.2.2).
    var isIdempotent: Bool {
        switch method {
        case .get, .head, .options, .trace, .put, .delete: true
        default: false
        }
    }
}
