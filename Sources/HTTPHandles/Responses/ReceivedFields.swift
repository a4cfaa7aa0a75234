import HTTPHandlesCore
import HTTPHandlesDriver
import HTTPHandlesLock
public import HTTPTypes

/// What came with a response besides its body. The driver's thread writes it, before it ends the body;
/// any thread reads it.
struct ReceivedFields {
    /// Goes on over redirects.
    var hops: [Hop] = []
    var head: ResponseHead?
    var informational: [ResponseHead] = []
    var trailers = HTTPFields()
}

/// One exchange of a request that was redirected.
public struct Hop: Sendable {
    /// The method, which a redirect can change.
    public let method: HTTPRequest.Method
    /// Where the request was sent.
    public let url: String
    /// The caller's header fields, as far as they were sent here; secrets do not follow a redirect to another origin.
    public let headerFields: HTTPFields
    /// What the server answered.
    public let head: ResponseHead

    /// Makes one, for tests.
    public init(method: HTTPRequest.Method, url: String, headerFields: HTTPFields, head: ResponseHead) {
        self.method = method
        self.url = url
        self.headerFields = headerFields
        self.head = head
    }
}

extension RequestHandle {
    /// The exchanges of a request that was redirected: one for each redirect that was followed, and the last one. Empty
    /// where there was no redirect.
    ///
    /// Always possible, and complete when `receiveResponse` has returned. Each redirect was also a `redirect` event.
    ///
    /// `WINHTTP_OPTION_URL` tells the last URL only.
    public nonisolated var hops: [Hop] { object.bound.received.withLock { $0.hops } }

    /// The 1xx responses that came before the response, for example 103 (Early Hints); each was also an
    /// `intermediateResponse` event. After a redirect, those of the last hop.
    ///
    /// Always possible, and complete when `receiveResponse` has returned.
    ///
    /// `CURLOPT_HEADERFUNCTION`.
    public nonisolated var informationalHeads: [ResponseHead] { object.bound.received.withLock { $0.informational } }

    /// The fields that the server sent after the body; empty if none.
    ///
    /// Always possible, and complete when the body was read to its end. They were not known when the head was sent: decide
    /// nothing by them that a header field has to decide (RFC 9110, section 6.5).
    ///
    /// `WINHTTP_QUERY_FLAG_TRAILERS`; `CURLOPT_HEADERFUNCTION`.
    public nonisolated var trailers: HTTPFields { object.bound.received.withLock { $0.trailers } }
}

extension Response {
    /// The 1xx responses that came before this one, for example 103 (Early Hints).
    public var informationalHeads: [ResponseHead] { request.informationalHeads }

    /// The fields that the server sent after the body; empty if none, and until the body was read to its end.
    public var trailers: HTTPFields { request.trailers }
}
