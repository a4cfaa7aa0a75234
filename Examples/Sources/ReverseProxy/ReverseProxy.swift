// Both libraries have a Request, a Response and bodies. This file means Hummingbird's.
package import Hummingbird
import Logging
import NIOCore

import struct HTTPHandles.HandleError
import class HTTPHandles.RequestHandle

/// A reverse proxy: answers each request with the response of another server.
///
/// Both bodies are streamed, at the same time, and as fast as the slower side. If the client goes away, the handle of the exchange is
/// closed; if the server goes away in the middle of a response, so is the connection to the client.
package struct ReverseProxy: HTTPResponder {
    package typealias Context = ProxyContext

    private let upstream: Upstream
    private let exchanges: OpenExchanges

    /// - Parameters:
    ///   - upstream: The server.
    ///   - exchanges: Its channel handler is in the pipeline of each connection.
    package init(_ upstream: Upstream, _ exchanges: OpenExchanges) {
        self.upstream = upstream
        self.exchanges = exchanges
    }

    package func respond(to request: Request, context: ProxyContext) async throws -> Response {
        do {
            return try await forward(request, context.channel)
        } catch let error as HandleError {
            context.logger.info("\(request.method) \(request.uri.path): \(error)")
            let text = error.gatewayStatus.description + "\n"
            return Response(status: error.gatewayStatus, body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
        }
    }

    private func forward(_ request: Request, _ channel: any Channel) async throws -> Response {
        let fields = ProxyFields.upstream(
            request.headers,
            client: channel.remoteAddress?.ipAddress ?? "unknown",
            host: request.head.authority ?? ""
        )
        let handle = try await upstream.open(request.method, request.head.path ?? "", fields)
        exchanges.begin(handle, for: channel)
        var upload: Upload?
        do {
            upload = try await send(request, handle)
            let head = try await handle.receiveResponse()
            let fields = ProxyFields.endToEnd(head.headerFields)
            let hasNoBody = request.method == .head || head.status == .noContent || head.status == .notModified
            guard !hasNoBody else {
                await end(handle, upload, channel)
                var response = Response(status: head.status, headers: fields)
                // Of the body that a GET would have; Hummingbird sets that of the body that there is.
                response.headers[.contentLength] = fields[.contentLength]
                return response
            }
            let body = ResponseBody { [upload] writer in
                do {
                    // Suspended while the client takes nothing; then the server is not read either.
                    for try await piece in handle.body { try await writer.write(ByteBuffer(bytes: piece)) }
                    await end(handle, upload, channel)
                    try await writer.finish(handle.trailers.isEmpty ? nil : handle.trailers)
                } catch {
                    await end(handle, upload, channel)
                    // Hummingbird closes the connection, so that the client sees that something is missing.
                    throw error
                }
            }
            return Response(status: head.status, headers: fields, body: body)
        } catch {
            await end(handle, upload, channel)
            throw error
        }
    }

    private func send(_ request: Request, _ handle: RequestHandle) async throws -> Upload? {
        let length = request.headers[.contentLength].flatMap { Int64($0) }
        guard request.headers.contains(.transferEncoding) || length ?? 0 > 0 else {
            try await handle.send()
            return nil
        }
        try await handle.send(.writes(length: length))
        return Upload(request.body.map(\.readableBytesView), to: handle)
    }

    private func end(_ handle: RequestHandle, _ upload: Upload?, _ channel: any Channel) async {
        exchanges.end(for: channel)
        // Closing a request whose response was read to its end keeps the connection to the server.
        try? handle.close()
        // Hummingbird reads the next request from where the upload reads.
        await upload?.end()
    }
}

/// The context of a request, with the connection to the client.
package struct ProxyContext: RequestContext {
    package var coreContext: CoreRequestContextStorage
    let channel: any Channel

    package init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
    }
}
