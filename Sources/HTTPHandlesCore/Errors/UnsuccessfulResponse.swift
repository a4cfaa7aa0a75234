public import HTTPTypes

/// A response that was required to be a success and is none: its head, and the beginning of its body.
public struct UnsuccessfulResponse: Sendable, Hashable {
    /// The URL that answered.
    public let url: String
    /// The status.
    public let status: HTTPResponse.Status
    /// The header fields.
    public let headerFields: HTTPFields
    /// The first bytes of the body, decoded.
    public let bodyStart: [UInt8]
    /// Whether `bodyStart` is the whole body.
    public let isBodyComplete: Bool

    /// Makes one, for tests.
    public init(
        url: String,
        status: HTTPResponse.Status,
        headerFields: HTTPFields = [:],
        bodyStart: [UInt8] = [],
        isBodyComplete: Bool = true
    ) {
        self.url = url
        self.status = status
        self.headerFields = headerFields
        self.bodyStart = bodyStart
        self.isBodyComplete = isBodyComplete
    }

    /// The first bytes of the body as UTF-8; what is not becomes U+FFFD.
    public var bodyText: String { String(decoding: bodyStart, as: UTF8.self) }
}

extension UnsuccessfulResponse: CustomStringConvertible, CustomDebugStringConvertible {
    /// Status and URL, without the values in its query, for example "404 from https://example.com/". The body is left out.
    public var description: String { "\(status.code) from \(Redaction.standard.url(url))" }

    /// The same as `description`.
    public var debugDescription: String { description }
}

extension HandleError {
    /// The error for a response that is no success. Its text has nothing of the body.
    package static func unsuccessful(_ response: UnsuccessfulResponse) -> HandleError {
        HandleError(
            .unsuccessfulStatus,
            .receiveResponse,
            reason: "the response is \(response)",
            response: response
        )
    }
}
