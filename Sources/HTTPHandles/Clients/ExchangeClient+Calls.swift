public import HTTPHandlesCore
public import HTTPTypes

// The calls of a session, for every client.

extension ExchangeClient {
    /// Fetches a URL. See `SessionHandle.get(_:query:headerFields:options:context:)`.
    public nonisolated(nonsending) func get(
        _ url: String,
        query: QueryItems = [:],
        headerFields: HTTPFields = [:],
        options: [OptionSetting] = [],
        context: (any Sendable)? = nil
    ) async throws(HandleError) -> ClientResponse {
        try await fetch(.get, url, query: query, headerFields: headerFields, options: options, context: context)
    }

    /// Fetches a URL. See `SessionHandle.get(_:query:headerFields:options:context:)`.
    public nonisolated(nonsending) func get(
        _ url: HTTPURL,
        query: QueryItems = [:],
        headerFields: HTTPFields = [:],
        options: [OptionSetting] = [],
        context: (any Sendable)? = nil
    ) async throws(HandleError) -> ClientResponse {
        try await fetch(.get, url, query: query, headerFields: headerFields, options: options, context: context)
    }

    /// Sends a request to a URL. See `SessionHandle.fetch(_:_:query:headerFields:body:options:context:)`.
    public nonisolated(nonsending) func fetch(
        _ method: HTTPRequest.Method,
        _ url: String,
        query: QueryItems = [:],
        headerFields: HTTPFields = [:],
        body: RequestBody = .none,
        options: [OptionSetting] = [],
        context: (any Sendable)? = nil
    ) async throws(HandleError) -> ClientResponse {
        var request = try ClientRequest(method, url, query: query, headerFields: headerFields, body: body)
        request.options = options
        request.context = context
        return try await send(request)
    }

    /// Sends a request to a URL. See `SessionHandle.fetch(_:_:query:headerFields:body:options:context:)`.
    public nonisolated(nonsending) func fetch(
        _ method: HTTPRequest.Method,
        _ url: HTTPURL,
        query: QueryItems = [:],
        headerFields: HTTPFields = [:],
        body: RequestBody = .none,
        options: [OptionSetting] = [],
        context: (any Sendable)? = nil
    ) async throws(HandleError) -> ClientResponse {
        var request = ClientRequest(method, url, query: query, headerFields: headerFields, body: body)
        request.options = options
        request.context = context
        return try await send(request)
    }

    /// Sends a request and waits for the head of its response. See `SessionHandle.fetch(_:body:options:context:)`.
    public nonisolated(nonsending) func fetch(
        _ request: HTTPRequest,
        body: RequestBody = .none,
        options: [OptionSetting] = [],
        context: (any Sendable)? = nil
    ) async throws(HandleError) -> ClientResponse {
        try await send(ClientRequest(request, body: body, options: options, context: context))
    }

    /// Sends a request and calls `body` with its response: the exchange is over, and gone, when this returns, also after an
    /// error or a cancellation. See `SessionHandle.perform(_:body:options:context:_:)`.
    public nonisolated(nonsending) func perform<Result>(
        _ request: ClientRequest,
        _ body: (ClientResponse) async throws -> Result
    ) async throws -> Result {
        let response = try await send(request)
        do {
            let result = try await body(response)
            await response.end()
            return result
        } catch {
            await response.end()
            throw error
        }
    }
}
