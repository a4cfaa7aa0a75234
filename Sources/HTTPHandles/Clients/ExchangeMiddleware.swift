public import HTTPHandlesCore

/// Code between a program and its client. It sees each request with its body, and may change it, send it on, look at the
/// response, send it again, or answer by itself.
///
/// It runs in the task of the caller, on whose thread and executor it was called. What it throws is thrown by the call.
public protocol ExchangeMiddleware: Sendable {
    /// Handles a request.
    ///
    /// - Parameters:
    ///   - request: The request.
    ///   - next: What comes next: the next middleware, at last the session. It may be called any number of times.
    nonisolated(nonsending) func send(
        _ request: ClientRequest,
        to next: any ExchangeClient
    ) async throws(HandleError) -> ClientResponse
}

/// Middleware that is a closure.
public struct MiddlewareClosure: ExchangeMiddleware {
    /// Handles a request; see `ExchangeMiddleware.send(_:to:)`.
    public typealias Body =
        @Sendable (_ request: ClientRequest, _ next: any ExchangeClient) async throws(HandleError) -> ClientResponse

    private let body: Body

    /// Makes middleware of a closure.
    public init(_ body: @escaping Body) {
        self.body = body
    }

    /// Calls the closure.
    public nonisolated(nonsending) func send(
        _ request: ClientRequest,
        to next: any ExchangeClient
    ) async throws(HandleError) -> ClientResponse {
        try await body(request, next)
    }
}

/// A client behind middleware.
public struct MiddlewareClient: ExchangeClient {
    /// In the order in which they see a request.
    private let middleware: [any ExchangeMiddleware]
    private let client: any ExchangeClient

    init(_ middleware: [any ExchangeMiddleware], _ client: any ExchangeClient) {
        self.middleware = middleware
        self.client = client
    }

    /// Gives the request to the first middleware.
    public nonisolated(nonsending) func send(_ request: ClientRequest) async throws(HandleError) -> ClientResponse {
        guard let first = middleware.first else { return try await client.send(request) }
        return try await first.send(request, to: MiddlewareClient(Array(middleware.dropFirst()), client))
    }
}

extension ExchangeClient {
    /// This client behind middleware.
    ///
    ///     let client = session.behind([Logging(), BearerToken(tokens), Signing(key)])
    ///
    /// - Parameter middleware: The first one sees a request first, and its response last.
    public func behind(_ middleware: [any ExchangeMiddleware]) -> MiddlewareClient {
        MiddlewareClient(middleware, self)
    }
}
