package import HTTPHandles

/// Writes a line for each request that is sent: method, URL without the values of its query, and status or error.
package struct RequestLog: ExchangeMiddleware {
    private let write: @Sendable (String) -> Void

    /// - Parameter write: Writes a line.
    package init(_ write: @escaping @Sendable (String) -> Void) {
        self.write = write
    }

    package func send(
        _ request: ClientRequest,
        to next: any ExchangeClient
    ) async throws(HandleError) -> ClientResponse {
        do throws(HandleError) {
            let response = try await next.send(request)
            write("\(request) \(response.status.code)")
            return response
        } catch {
            write("\(request) \(error.code.name)")
            throw error
        }
    }
}
