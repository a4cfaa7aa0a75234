import HTTPHandles
import HTTPTypes

/// Signs method, path, date and body. The last middleware: what comes after it must change nothing of these.
struct Signing: ExchangeMiddleware {
    /// For example an HMAC of these bytes, in base64.
    let signature: @Sendable ([UInt8]) -> String
    let date: @Sendable () -> HTTPDate

    func send(_ request: ClientRequest, to next: any ExchangeClient) async throws(HandleError) -> ClientResponse {
        var request = request
        // The bytes that are signed are those that are sent.
        request.body = try await request.body.buffered(upTo: 1 << 20)
        let body = try await request.body.collect(upTo: 1 << 20)
        let date = date().text()
        let signed = "\(request.method.rawValue)\n\(request.message.path ?? "")\n\(date)\n"
        request.headerFields[.date] = date
        request.headerFields[.authorization] = "Signature \(signature(Array(signed.utf8) + body))"
        return try await next.send(request)
    }
}
