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
        case bytes([UInt8])
        case stored(StoredBody)
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
            case .stream(_, let length, _): length
            }
        }

        package var upload: UploadBuffer? {
            if case .stream(let buffer, _, _) = self { buffer } else { nil }
        }

        package var stored: StoredBody? {
            if case .stored(let body) = self { body } else { nil }
        }

        package var hasTrailers: Bool {
            if case .stream(_, _, let hasTrailers) = self { hasTrailers } else { false }
        }

        package var upgrade: DriverBound<UpgradedStream>? {
            if case .upgrade(let stream) = self { stream } else { nil }
        }

        /// Written while it is sent, so that it cannot be sent again.
        package var isStreamed: Bool { upload != nil }
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
