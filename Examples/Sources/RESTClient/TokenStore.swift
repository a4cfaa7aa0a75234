import Foundation
package import HTTPHandles
import HTTPHandlesFoundation

/// The tokens of a login with an OAuth 2 server.
///
/// However many requests need a new access token at the same time, it is refreshed once, and all of them go on with the result. A
/// caller that is cancelled returns at once; the refresh goes on for the others.
package actor TokenStore {
    /// What the token endpoint answers (RFC 6749, section 5.1).
    private struct Grant: Decodable {
        let accessToken: String
        /// A server may give out a new refresh token, and refuse the old one from then on.
        let refreshToken: String?
    }

    private let endpoint: HTTPURL
    private var refreshToken: String
    private var accessToken: String?
    /// The callers that wait for the refresh that is going on; empty if there is none.
    private var waiters: [AsyncStream<Result<String, HandleError>>.Continuation] = []

    /// - Parameters:
    ///   - endpoint: The token endpoint.
    ///   - refreshToken: What the login has given.
    ///   - accessToken: A token that may still be valid.
    package init(endpoint: HTTPURL, refreshToken: String, accessToken: String? = nil) {
        self.endpoint = endpoint
        self.refreshToken = refreshToken
        self.accessToken = accessToken
    }

    /// The access token; a new one if there is none, or if the server has refused it.
    func token(after refused: String? = nil, from client: any ExchangeClient) async throws(HandleError) -> String {
        if let accessToken, accessToken != refused { return accessToken }
        let (results, waiter) = AsyncStream.makeStream(of: Result<String, HandleError>.self)
        waiters.append(waiter)
        if waiters.count == 1 { Task { await refresh(with: client) } }
        for await result in results { return try result.get() }
        // Without a result the stream ends only if this task is cancelled.
        throw HandleError(.operationCancelled, .sendRequest, reason: "cancelled while the token was refreshed")
    }

    private func refresh(with client: any ExchangeClient) async {
        let result: Result<String, HandleError>
        do throws(HandleError) {
            let grant = try await newGrant(from: client)
            accessToken = grant.accessToken
            refreshToken = grant.refreshToken ?? refreshToken
            result = .success(grant.accessToken)
        } catch {
            result = .failure(error)
        }
        for waiter in waiters {
            waiter.yield(result)
            waiter.finish()
        }
        waiters = []
    }

    private func newGrant(from client: any ExchangeClient) async throws(HandleError) -> Grant {
        let form = [(name: "grant_type", value: "refresh_token"), (name: "refresh_token", value: refreshToken)]
        // A redirect would send the refresh token to where it points.
        let options: [OptionSetting] = [.set(.redirectPolicy, to: .never), .set(.totalTimeout, to: .seconds(30))]
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        do throws(HandleError) {
            let response = try await client.fetch(.post, endpoint, body: .form(form), options: options)
            return try await response.requireSuccess().body.collectJSON(upTo: 64 << 10, decoder: decoder)
        } catch {
            guard let status = error.response?.status, status == .badRequest || status == .unauthorized else {
                throw error
            }
            throw HandleError(.loginFailure, .sendRequest, reason: "the login has expired", underlying: error)
        }
    }
}
