public import HTTPHandlesCore
import HTTPHandlesDriver
import HTTPHandlesLock
public import HTTPTypes

extension SessionHandle {
    /// Fetches a URL.
    ///
    /// See `fetch(_:body:options:context:)`.
    ///
    /// - Parameters:
    ///   - url: A URL with scheme http or https; absolute, or relative to the session's `baseURL`.
    ///   - query: Names and values that are added to the query of the URL.
    ///   - headerFields: Additional header fields.
    ///   - options: What the request starts with, apart from the session's options: a time limit, for example.
    ///   - context: A value for the caller's own use, seen in the events of the request; the session's if left out.
    public nonisolated(nonsending) func get(
        _ url: String,
        query: QueryItems = [:],
        headerFields: HTTPFields = [:],
        options: [OptionSetting] = [],
        context: (any Sendable)? = nil
    ) async throws(HandleError) -> Response {
        let (url, settings) = (try object.url(url), RequestSettings(options, context))
        return try await fetch(try .checked(.get, url, query, headerFields), body: .none, settings)
    }

    /// Sends a request to a URL and waits for the head of the response.
    ///
    /// See `fetch(_:body:options:context:)`.
    ///
    /// - Parameters:
    ///   - method: The method.
    ///   - url: A URL with scheme http or https; absolute, or relative to the session's `baseURL`.
    ///   - query: Names and values that are added to the query of the URL.
    ///   - headerFields: Additional header fields.
    ///   - body: The body of the request.
    ///   - options: What the request starts with, apart from the session's options: a time limit, for example.
    ///   - context: A value for the caller's own use, seen in the events of the request; the session's if left out.
    public nonisolated(nonsending) func fetch(
        _ method: HTTPRequest.Method,
        _ url: String,
        query: QueryItems = [:],
        headerFields: HTTPFields = [:],
        body: RequestBody = .none,
        options: [OptionSetting] = [],
        context: (any Sendable)? = nil
    ) async throws(HandleError) -> Response {
        let (url, settings) = (try object.url(url), RequestSettings(options, context))
        return try await fetch(try .checked(method, url, query, headerFields), body: body, settings)
    }

    /// Sends a request and waits for the head of its response.
    ///
    /// The request goes to its scheme and authority, whatever its path is: a path begins with a slash, or is "*" for the
    /// server as a whole with the method OPTIONS, or else is refused with `.invalidURL`. A request without scheme and
    /// authority goes to those of the session's `baseURL`, against which its path is resolved.
    ///
    /// Makes a connection and a request handle, which belong to the response and go with it; their events are the same
    /// as if they had been made by hand. Cancelling the task closes the request and makes this throw
    /// `.operationCancelled`.
    ///
    /// `WinHttpConnect`, `WinHttpOpenRequest`, `WinHttpSendRequest` and `WinHttpReceiveResponse` in one.
    ///
    /// - Parameters:
    ///   - request: Method, scheme, authority, path and header fields.
    ///   - body: The body of the request.
    ///   - options: What the request starts with, apart from the session's options: a time limit, for example.
    ///   - context: A value for the caller's own use, seen in the events of the request; the session's if left out.
    public nonisolated(nonsending) func fetch(
        _ request: HTTPRequest,
        body: RequestBody = .none,
        options: [OptionSetting] = [],
        context: (any Sendable)? = nil
    ) async throws(HandleError) -> Response {
        let message = try message(of: request)
        return try await fetch(message, body: body, RequestSettings(options, context))
    }

    nonisolated func message(of request: HTTPRequest) throws(HandleError) -> RequestMessage {
        if request.scheme == nil, request.authority == nil, object.bound.baseURL.withLock({ $0 }) != nil {
            return try .checked(request.method, try object.url(request.path ?? ""), request.headerFields)
        }
        let url = try RequestURL(of: request, object.bound.base.tree.origins)
        return try .checked(request.method, url, request.headerFields)
    }

    nonisolated(nonsending) func fetch(
        _ message: RequestMessage,
        body: RequestBody,
        _ settings: RequestSettings
    ) async throws(HandleError) -> Response {
        switch body.source {
        case .none: return try await exchange(message, .none, settings)
        case .bytes(let bytes): return try await exchange(message, .bytes(bytes), settings)
        case .opened(let open):
            try object.bound.base.requireOpen(.openRequest)
            return try await exchange(message, open(), settings)
        case .writes:
            throw .invalidParameter(.sendRequest, "a body that the caller writes needs a request handle to write to")
        case .stream:
            let request = try await openRequest(message, settings)
            try await request.send(body)
            return Response(head: try await request.receiveResponse(), request: request)
        }
    }

    /// Makes a request for a URL. Nothing is sent.
    ///
    /// Possible while the session is open. The request belongs to a connection handle that the session keeps for the
    /// server; it is made for the first request to it. Events: `handleCreated`. Throws `.invalidURL`,
    /// `.unrecognizedScheme`, `.invalidParameter`.
    ///
    /// `WinHttpCrackUrl`, `WinHttpConnect` and `WinHttpOpenRequest` in one.
    ///
    /// - Parameters:
    ///   - method: The method.
    ///   - url: A URL with scheme http or https; absolute, or relative to the session's `baseURL`.
    ///   - query: Names and values that are added to the query of the URL.
    ///   - headerFields: The header fields, apart from those that frame the message.
    ///   - options: What the request starts with, apart from the session's options.
    ///   - context: A value for the caller's own use; the session's if left out.
    public nonisolated(nonsending) func openRequest(
        _ method: HTTPRequest.Method,
        _ url: String,
        query: QueryItems = [:],
        headerFields: HTTPFields = [:],
        options: [OptionSetting] = [],
        context: (any Sendable)? = nil
    ) async throws(HandleError) -> RequestHandle {
        let (url, settings) = (try object.url(url), RequestSettings(options, context))
        return try await openRequest(try .checked(method, url, query, headerFields), settings)
    }

    nonisolated(nonsending) func openRequest(
        _ message: RequestMessage,
        _ settings: RequestSettings
    ) async throws(HandleError) -> RequestHandle {
        let request = try handle(for: message, settings)
        try await request.perform(.openRequest) { [object, request = request.object] continuation in
            { engine in
                let result = object.value.open(request.value, settings.options, engine)
                continuation.resume(returning: result, engine)
            }
        }
        return request
    }

    /// Opens, sends and receives with one command to the driver and one resumption back.
    private nonisolated(nonsending) func exchange(
        _ message: RequestMessage,
        _ body: TransferRequest.Body,
        _ settings: RequestSettings
    ) async throws(HandleError) -> Response {
        let request = try handle(for: message, settings)
        let caller = Caller(of: request.object.bound.base)
        let options = settings.options
        let head = try await request.perform(.sendRequest) { [object, request = request.object] continuation in
            { engine in
                switch object.value.open(request.value, options, engine) {
                case .success: request.value.sendAndReceive(body, for: caller, engine, continuation)
                case .failure(let error): continuation.resume(returning: .failure(error), engine)
                }
            }
        }
        return Response(head: head, request: request, isSmall: body.length == 0)
    }

    /// A handle that belongs to no connection yet.
    private nonisolated func handle(
        for message: RequestMessage,
        _ settings: RequestSettings
    ) throws(HandleError) -> RequestHandle {
        try object.bound.base.requireOpen(.openRequest)
        try settings.options.requireUsable(in: object.bound.base.tree)
        let context = object.bound.base.inherited(settings.context)
        return RequestHandle(message, file: settings.file, of: object, context: context)
    }
}

/// What a request of a session is made with, apart from its message.
struct RequestSettings: Sendable {
    let options: [OptionSetting]
    let context: (any Sendable)?
    /// The file of a download.
    let file: String?

    init(_ options: [OptionSetting] = [], _ context: (any Sendable)? = nil, file: String? = nil) {
        self.options = options
        self.context = context
        self.file = file
    }
}

extension RequestURL {
    init(of request: HTTPRequest, _ origins: KnownOrigins = .ofProcess) throws(HandleError) {
        guard let scheme = request.scheme, let authority = request.authority, !authority.isEmpty else {
            throw HandleError(.invalidURL, .openRequest, reason: "the request has no scheme or no authority")
        }
        try self.init(scheme: scheme, authority: authority, path: request.path ?? "/", for: .openRequest, origins)
    }
}

extension RequestMessage {
    fileprivate static func checked(
        _ method: HTTPRequest.Method,
        _ url: RequestURL,
        _ query: QueryItems,
        _ headerFields: HTTPFields
    ) throws(HandleError) -> RequestMessage {
        let url = query.isEmpty ? url : url.appending(query: query.encodedBytes)
        return try .checked(method, url, headerFields)
    }
}
