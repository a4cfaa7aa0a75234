public import HTTPHandlesCore
public import HTTPTypes

/// A response of an `ExchangeClient`: of a session, or made by code that answers in its place.
///
/// It owns the exchange that it came from, as `Response` does.
public struct ClientResponse: Sendable {
    /// The head: status, header fields, version, URL.
    public var head: ResponseHead
    /// The body, to be read once. Middleware may put another one in its place.
    public var body: ResponseBody

    /// Makes a response of its parts.
    public init(head: ResponseHead, body: ResponseBody = .bytes([UInt8]())) {
        self.head = head
        self.body = body
        if case .made(let body) = body.source { body.setContentType(head.headerFields[.contentType]) }
    }

    init(_ response: Response) {
        head = response.head
        body = response.body
    }

    /// The status code.
    public var status: HTTPResponse.Status { head.status }

    /// The header fields.
    public var headerFields: HTTPFields { head.headerFields }

    /// The fields that followed the body; empty if none, and until the body was read to its end.
    public var trailers: HTTPFields { body.trailers }

    /// The handle of the exchange that the body comes from; `nil` where there is none, because the response was made.
    public var request: RequestHandle? { body.handle }

    /// Ends the exchange, if it has not ended. A read that waits throws `.operationCancelled`.
    public func close() { body.close() }

    /// Ends the exchange and waits until nothing of it is left.
    nonisolated(nonsending) func end() async {
        body.close()
        await body.closed()
    }

    /// Returns the response if its status is a success (2xx); otherwise throws `.unsuccessfulStatus`, as
    /// `Response.requireSuccess(keepingUpTo:)` does.
    @discardableResult
    public nonisolated(nonsending) func requireSuccess(
        keepingUpTo limit: Int = 4096
    ) async throws(HandleError) -> ClientResponse {
        guard !head.isSuccess else { return self }
        let error = try await body.unsuccessful(head, keepingUpTo: limit)
        close()
        throw error
    }
}
