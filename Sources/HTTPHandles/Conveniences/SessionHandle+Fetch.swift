public import HTTPHandlesCore
import HTTPHandlesDriver
import HTTPHandlesLock
public import HTTPTypes

extension SessionHandle {
    /// Fetches a URL.
    ///
    /// See `fetch(_:body:)`.
    ///
    /// - Parameters:
    ///   - url: An absolute URL with scheme http or https.
    ///   - headerFields: Additional header fields.
    public nonisolated(nonsending) func get(
        _ url: String,
        headerFields: HTTPFields = HTTPFields()
    ) async throws(HandleError) -> Response {
        try await fetch(.get, url, headerFields: headerFields)
    }

    /// Sends a request to a URL and waits for the head of the response.
    ///
    /// See `fetch(_:body:)`.
    ///
    /// - Parameters:
    ///   - method: The method.
    ///   - url: An absolute URL with scheme http or https.
    ///   - headerFields: Additional header fields.
    ///   - body: The body of the request.
    public nonisolated(nonsending) func fetch(
        _ method: HTTPRequest.Method,
        _ url: String,
        headerFields: HTTPFields = HTTPFields(),
        body: RequestBody = .none
    ) async throws(HandleError) -> Response {
        let url = try RequestURL(parsing: url, for: .openRequest, object.bound.base.tree.origins)
        return try await fetch(try .checked(method, url, headerFields), body: body)
    }

    /// Sends a request and waits for the head of its response.
    ///
    /// The request goes to its scheme and authority, whatever its path is: a path begins with a slash, or is "*" for the
    /// server as a whole with the method OPTIONS, or else is refused with `.invalidURL`.
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
    public nonisolated(nonsending) func fetch(
        _ request: HTTPRequest,
        body: RequestBody = .none
    ) async throws(HandleError) -> Response {
        guard let scheme = request.scheme, let authority = request.authority, !authority.isEmpty else {
            throw HandleError(.invalidURL, .openRequest, reason: "the request has no scheme or no authority")
        }
        let url = try RequestURL(
            scheme: scheme,
            authority: authority,
            path: request.path ?? "/",
            for: .openRequest,
            object.bound.base.tree.origins
        )
        return try await fetch(try .checked(request.method, url, request.headerFields), body: body)
    }

    private nonisolated(nonsending) func fetch(
        _ message: RequestMessage,
        body: RequestBody
    ) async throws(HandleError) -> Response {
        switch body.source {
        case .none: return try await exchange(message, .none)
        case .bytes(let bytes): return try await exchange(message, .bytes(bytes))
        case .stored(let open):
            try object.bound.base.requireOpen(.openRequest)
            return try await exchange(message, .stored(open()))
        case .writes:
            throw .invalidParameter(.sendRequest, "a body that the caller writes needs a request handle to write to")
        case .stream:
            let request = try await openRequest(message, context: nil)
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
    ///   - url: An absolute URL with scheme http or https.
    ///   - headerFields: The header fields, apart from those that frame the message.
    ///   - context: A value for the caller's own use; the session's if left out.
    public nonisolated(nonsending) func openRequest(
        _ method: HTTPRequest.Method,
        _ url: String,
        headerFields: HTTPFields = HTTPFields(),
        context: (any Sendable)? = nil
    ) async throws(HandleError) -> RequestHandle {
        let url = try RequestURL(parsing: url, for: .openRequest, object.bound.base.tree.origins)
        return try await openRequest(try .checked(method, url, headerFields), context: context)
    }

    private nonisolated(nonsending) func openRequest(
        _ message: RequestMessage,
        context: (any Sendable)?
    ) async throws(HandleError) -> RequestHandle {
        try object.bound.base.requireOpen(.openRequest)
        let request = RequestHandle(message, of: object, context: object.bound.base.inherited(context))
        try await request.perform(.openRequest) { [object, request = request.object] continuation in
            { engine in continuation.resume(returning: object.value.open(request.value, engine), engine) }
        }
        return request
    }

    /// Opens, sends and receives with one command to the driver and one resumption back.
    private nonisolated(nonsending) func exchange(
        _ message: RequestMessage,
        _ body: TransferRequest.Body
    ) async throws(HandleError) -> Response {
        try object.bound.base.requireOpen(.openRequest)
        let request = RequestHandle(message, of: object, context: object.bound.base.context)
        let caller = CallingTask(for: object.bound.base.tree)
        let head = try await request.perform(.sendRequest) { [object, request = request.object] continuation in
            { engine in
                switch object.value.open(request.value, engine) {
                case .success: request.value.sendAndReceive(body, for: caller, engine, continuation)
                case .failure(let error): continuation.resume(returning: .failure(error), engine)
                }
            }
        }
        return Response(head: head, request: request, isSmall: body.length == 0)
    }
}
