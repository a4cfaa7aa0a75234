import HTTPHandles

/// Writes a line for each request, without secrets: method, URL, status or error, and the time to the head of the response.
struct Logging: ExchangeMiddleware {
    let write: @Sendable (String) -> Void

    func send(_ request: ClientRequest, to next: any ExchangeClient) async throws(HandleError) -> ClientResponse {
        let start = ContinuousClock.now
        do {
            let response = try await next.send(request)
            write("\(request) \(response.status.code) \(ContinuousClock.now - start)")
            return response
        } catch {
            write("\(request) \(error.code.name) \(ContinuousClock.now - start)")
            throw error
        }
    }
}
