public import HTTPHandlesCore
public import HTTPTypes

/// What sends requests: a session, a session behind middleware, or something in its place.
///
/// Code that takes an `ExchangeClient` can be given a `SessionHandle`, a `MiddlewareClient`, or from `HTTPHandlesTesting` a
/// `ScriptedClient` or a `ReplayingClient`. `get`, `fetch` and `perform` are there for all of them.
///
///     func names(from client: some ExchangeClient) async throws -> [String] {
///         try await client.get("https://example.com/names").requireSuccess().body.collectString(upTo: 1 << 20)
///             .split(separator: "\n").map(String.init)
///     }
public protocol ExchangeClient: Sendable {
    /// Sends a request and waits for the head of its response.
    ///
    /// Cancelling the task ends the exchange, and makes this throw `.operationCancelled`. The response owns the exchange, which
    /// ends at the end of the body, with `close()`, and at the latest when response and body are released.
    nonisolated(nonsending) func send(_ request: ClientRequest) async throws(HandleError) -> ClientResponse
}

extension SessionHandle: ExchangeClient {
    /// Sends a request and waits for the head of its response: `fetch(_:body:options:context:)`.
    public nonisolated(nonsending) func send(_ request: ClientRequest) async throws(HandleError) -> ClientResponse {
        ClientResponse(
            try await fetch(
                request.message,
                body: request.body,
                options: request.options,
                context: request.context
            )
        )
    }
}

/// A request for an `ExchangeClient`.
public struct ClientRequest: Sendable {
    /// Method, scheme, authority, path and header fields. Without scheme and authority the path is a reference that the session
    /// resolves against its `baseURL`.
    public var message: HTTPRequest
    /// The body.
    public var body: RequestBody
    /// What the request starts with, apart from the options of the session.
    public var options: [OptionSetting]
    /// A value for the caller's own use.
    public var context: (any Sendable)?

    /// Makes a request of its parts.
    public init(
        _ message: HTTPRequest,
        body: RequestBody = .none,
        options: [OptionSetting] = [],
        context: (any Sendable)? = nil
    ) {
        self.message = message
        self.body = body
        self.options = options
        self.context = context
    }

    /// Makes a request for a URL: absolute, or relative to the `baseURL` of the session that will send it.
    ///
    /// Throws as `HTTPURL.init(_:)`, where the text cannot be a relative URL either.
    public init(
        _ method: HTTPRequest.Method = .get,
        _ url: String,
        query: QueryItems = [:],
        headerFields: HTTPFields = [:],
        body: RequestBody = .none
    ) throws(HandleError) {
        let message: HTTPRequest
        do throws(HandleError) {
            let url = try HTTPURL(url).appending(query: query)
            message = HTTPRequest(method: method, url: url, headerFields: headerFields)
        } catch {
            guard let reference = RelativeReference(url) else { throw error }
            let path = reference.appending(query)
            message = HTTPRequest(method: method, scheme: nil, authority: nil, path: path, headerFields: headerFields)
        }
        self.init(message, body: body)
    }

    /// Makes a request for a URL.
    public init(
        _ method: HTTPRequest.Method = .get,
        _ url: HTTPURL,
        query: QueryItems = [:],
        headerFields: HTTPFields = [:],
        body: RequestBody = .none
    ) {
        let url = url.appending(query: query)
        self.init(HTTPRequest(method: method, url: url, headerFields: headerFields), body: body)
    }

    /// The method.
    public var method: HTTPRequest.Method {
        get { message.method }
        set { message.method = newValue }
    }

    /// The header fields.
    public var headerFields: HTTPFields {
        get { message.headerFields }
        set { message.headerFields = newValue }
    }

    /// The URL; `nil` for one that is relative, or that a session would refuse.
    public var url: HTTPURL? { try? url(relativeTo: nil) }

    /// The URL that a session with this base URL would connect to. Throws what that session would throw.
    package func url(relativeTo base: HTTPURL?) throws(HandleError) -> HTTPURL {
        if message.scheme == nil, message.authority == nil, let base { return try base.resolving(message.path ?? "") }
        return HTTPURL(try RequestURL(of: message))
    }
}

extension ClientRequest: CustomStringConvertible {
    /// Method and URL, without the values in its query, for example "GET https://example.com/?q=(redacted)".
    public var description: String {
        let place = url.map { $0.text } ?? message.path ?? ""
        return "\(method.rawValue) \(Redaction.standard.url(place))"
    }
}

/// A URL without scheme and host.
private struct RelativeReference {
    private let text: String

    init?(_ text: String) {
        // A scheme, or a host: not relative to the path of a base URL.
        guard URLReference(Array(text.utf8)).scheme == nil, !text.utf8.starts(with: "//".utf8) else { return nil }
        self.text = text
    }

    func appending(_ query: QueryItems) -> String {
        guard !query.isEmpty else { return text }
        let end = text.utf8.firstIndex(of: UInt8(ascii: "#")) ?? text.endIndex
        let start = text[..<end]
        let mark = start.utf8.contains(UInt8(ascii: "?")) ? "&" : "?"
        return "\(start)\(mark)\(String(decoding: query.encodedBytes, as: UTF8.self))\(text[end...])"
    }
}
