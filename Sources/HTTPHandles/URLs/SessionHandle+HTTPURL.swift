public import HTTPHandlesCore
public import HTTPTypes

// The same calls for URLs that are parsed already.

extension SessionHandle {
    /// Fetches a URL. See `get(_:query:headerFields:options:context:)`.
    public nonisolated(nonsending) func get(
        _ url: HTTPURL,
        query: QueryItems = [:],
        headerFields: HTTPFields = [:],
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
        headerFields: HTTPFields = [:],
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
        headerFields: HTTPFields = [:],
        options: [OptionSetting] = [],
        context: (any Sendable)? = nil
    ) async throws(HandleError) -> RequestHandle {
        let message = try RequestMessage.checked(method, url.appending(query: query).parsed, headerFields)
        return try await openRequest(message, RequestSettings(options, context))
    }

    /// Downloads a file. See `download(_:to:query:headerFields:options:context:progress:)`.
    public nonisolated(nonsending) func download(
        _ url: HTTPURL,
        to path: String,
        query: QueryItems = [:],
        headerFields: HTTPFields = [:],
        options: [OptionSetting] = [],
        context: (any Sendable)? = nil,
        progress: (@Sendable (DownloadProgress) -> Void)? = nil
    ) async throws(HandleError) -> Download {
        let settings = RequestSettings(options, context, file: path)
        return try await download(url.appending(query: query), to: path, headerFields, settings, progress)
    }

    /// Starts a download and returns at once. See `startDownload(_:to:query:headerFields:options:context:)`.
    public nonisolated func startDownload(
        _ url: HTTPURL,
        to path: String,
        query: QueryItems = [:],
        headerFields: HTTPFields = [:],
        options: [OptionSetting] = [],
        context: (any Sendable)? = nil
    ) -> DownloadTask {
        startDownload(
            url.text,
            to: path,
            query: query,
            headerFields: headerFields,
            options: options,
            context: context
        )
    }

    /// The server-sent events of a URL. See
    /// `serverSentEvents(from:headerFields:lastEventID:upTo:longestSilence:backOff:options:context:)`.
    public nonisolated(nonsending) func serverSentEvents(
        from url: HTTPURL,
        headerFields: HTTPFields = [:],
        lastEventID: String = "",
        upTo limit: Int = 1 << 20,
        longestSilence: Duration = .seconds(60),
        backOff: EventSourceBackOff = EventSourceBackOff(),
        options: [OptionSetting] = [],
        context: (any Sendable)? = nil
    ) async throws(HandleError) -> EventSource {
        try await serverSentEvents(
            from: url.text,
            headerFields: headerFields,
            lastEventID: lastEventID,
            upTo: limit,
            longestSilence: longestSilence,
            backOff: backOff,
            options: options,
            context: context
        )
    }

    /// Opens a WebSocket. See `webSocket(_:subprotocols:query:headerFields:options:context:)`.
    ///
    /// The scheme http means ws here, and https means wss.
    public nonisolated(nonsending) func webSocket(
        _ url: HTTPURL,
        subprotocols: [String]? = nil,
        query: QueryItems = [:],
        headerFields: HTTPFields = [:],
        options: [OptionSetting] = [],
        context: (any Sendable)? = nil
    ) async throws(HandleError) -> WebSocketHandle {
        try await webSocket(
            url.text,
            subprotocols: subprotocols,
            query: query,
            headerFields: headerFields,
            options: options,
            context: context
        )
    }
}
