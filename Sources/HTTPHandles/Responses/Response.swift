public import HTTPTypes

/// A response together with the request handle that it came from.
///
/// The response owns the handle and closes it: when the body was read to its end, has failed or was cancelled, and at the
/// latest when the response and its body are released.
public struct Response: Sendable {
    /// The head: status, header fields, version, URL.
    public let head: ResponseHead
    /// The handle of the exchange, for its events and options, or to close it early.
    public let request: RequestHandle
    /// There was no body to send.
    var isSmall = false

    /// The status code.
    public var status: HTTPResponse.Status { head.status }

    /// The header fields.
    public var headerFields: HTTPFields { head.headerFields }

    /// The body, to be read once.
    public var body: ResponseBody { ResponseBody(request: request, closesRequest: true, isSmall: isSmall) }
}
