public import HTTPHandlesCore
public import HTTPTypes

// The same calls for URLs that are parsed already.

extension SessionHandle {
    /// Fetches a URL. See `get(_:query:headerFields:options:context:)`.
    public nonisolated(nonsending) func get(
        _ url: HTTPURL,
        query: QueryItems = [:],
        headerFields: HTTPFields = HTTPFields(),
        options: [OptionSetting] = [],
        context: (any Sendable)? = nil
    ) async throws(HandleError) -> Response {
        try await fetch(.get, url, query: query, headerFields: headerFields, options: options, context: context)
    }

    /// Sends a request to a URL. See `fetch(_:_:query:headerFields:body:options:context:)`.
    public nonisolated(nonsending) func fetch(
        _ method: HTTPRequest.Method,
        _ url: HTTPURL,
        query: QueryItems = [:],
        headerFields: HTTPFields = HTTPFields(),
        body: RequestBody = .none,
        options: [OptionSetting] = [],
        context: (any Sendable)? = nil
    ) async throws(HandleError) -> Response {
        let message = try RequestMessage.checked(method, url.appending(query: query).parsed, headerFields)
        return try await fetch(message, body: body, RequestSettings(options, context))
    }

    /// Makes a request for a URL. See `openRequest(_:_:query:headerFields:options:context:)`.
    public nonisolated(nonsending) func openRequest(
        _ method: HTTPRequest.Method,
        _ url: HTTPURL,
        query: QueryItems = [:],
        headerFields: HTTPFields = HTTPFields(),
        options: [OptionSetting] = [],
        context: (any Sendable)? = nil
    ) async throws(HandleError) -> RequestHandle {
        let message = try RequestMessage.checked(method, url.appending(query: query).parsed, headerFields)
        return try await openRequest(message, RequestSettings(options, context))
    }
}
