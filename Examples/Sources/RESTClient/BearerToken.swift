package import HTTPHandles

/// Sends the access token to one origin, and refreshes it when the server refuses it.
package struct BearerToken: ExchangeMiddleware {
    private let tokens: TokenStore
    private let origin: String

    /// - Parameters:
    ///   - tokens: The tokens.
    ///   - url: Any URL of the server that gets them. A link in a response may lead to another server, which must not.
    package init(_ tokens: TokenStore, for url: HTTPURL) {
        self.tokens = tokens
        origin = url.origin
    }

    package func send(
        _ request: ClientRequest,
        to next: any ExchangeClient
    ) async throws(HandleError) -> ClientResponse {
        guard request.url?.origin == origin else { return try await next.send(request) }
        let token = try await tokens.token(from: next)
        let response = try await next.send(request.authorized(token))
        guard response.status == .unauthorized, request.body.canBeSentAgain else { return response }
        // Otherwise the exchange would hold its connection until the response is released.
        response.close()
        let newToken = try await tokens.token(after: token, from: next)
        return try await next.send(request.authorized(newToken))
    }
}

extension ClientRequest {
    fileprivate func authorized(_ token: String) -> ClientRequest {
        var request = self
        request.headerFields[.authorization] = "Bearer \(token)"
        return request
    }
}
