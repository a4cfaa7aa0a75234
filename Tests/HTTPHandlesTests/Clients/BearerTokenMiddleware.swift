import HTTPHandles
import HTTPTypes

/// Sends a token to one origin, and gets a new one when the server refuses it.
struct BearerToken: ExchangeMiddleware {
    let tokens: TokenStore
    /// For example "https://example.com". A link in a response may lead to another server, which must not get the token.
    let origin: String

    func send(_ request: ClientRequest, to next: any ExchangeClient) async throws(HandleError) -> ClientResponse {
        // A URL that is relative to the session's baseURL has no origin yet.
        guard request.url.map({ $0.origin == origin }) ?? true else { return try await next.send(request) }
        let token = try await tokens.current(from: next)
        let response = try await next.send(authorized(request, token))
        guard response.status == .unauthorized, request.body.canBeSentAgain else { return response }
        // The exchange is over; otherwise it would hold its connection until the response is released.
        response.close()
        return try await next.send(authorized(request, try await tokens.current(from: next, after: token)))
    }

    private func authorized(_ request: ClientRequest, _ token: String) -> ClientRequest {
        var request = request
        request.headerFields[.authorization] = "Bearer \(token)"
        return request
    }
}

/// The present token. Requests that need a new one at the same time share it.
actor TokenStore {
    private let url: String
    private var refresh: Task<Result<String, HandleError>, Never>?
    private var token: String?

    init(url: String) {
        self.url = url
    }

    /// - Parameter refused: The token that the server has refused.
    func current(from client: any ExchangeClient, after refused: String? = nil) async throws(HandleError) -> String {
        if let token, token != refused { return token }
        // One request for all. It goes on if the task that needed it first is cancelled.
        let refresh = self.refresh ?? Task { [url] in await Self.newToken(from: client, url) }
        self.refresh = refresh
        let result = await refresh.value
        if self.refresh == refresh {
            self.refresh = nil
            token = try? result.get()
        }
        return try result.get()
    }

    private static func newToken(from client: any ExchangeClient, _ url: String) async -> Result<String, HandleError> {
        do throws(HandleError) {
            let response = try await client.fetch(.post, url).requireSuccess()
            return .success(try await response.body.collectString(upTo: 4096))
        } catch {
            return .failure(error)
        }
    }
}
