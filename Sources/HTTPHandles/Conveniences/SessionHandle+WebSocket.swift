public import HTTPHandlesCore
import HTTPHandlesDriver
public import HTTPTypes

extension SessionHandle {
    /// Opens a WebSocket.
    ///
    /// Possible while the session is open. The request goes through everything that requests go through: proxies, redirects,
    /// credentials, cookies, time limits. Its events are those of a request by hand, which is closed when the socket is there.
    /// A server that does not answer with a 101 makes this throw `.invalidServerResponse`, with the head of its response in
    /// `HandleError.response`; for its body, make the request by hand. A socket uses a connection slot until it is closed (`maximumConnectionsPerServer`). Throws what `send` and `receiveResponse` throw; cancelling the task closes the request.
    ///
    /// `WinHttpConnect`, `WinHttpOpenRequest`, `WinHttpSendRequest`, `WinHttpReceiveResponse` and
    /// `WinHttpWebSocketCompleteUpgrade` in one.
    ///
    /// - Parameters:
    ///   - url: A URL with scheme ws or wss; http and https mean the same. Absolute, or relative to the session's `baseURL`.
    ///   - query: Names and values that are added to the query of the URL.
    ///   - subprotocols: What is offered to the server, the best one first; the session's `webSocketSubprotocols` if left out.
    ///   - headerFields: Additional header fields.
    ///   - options: What the request starts with, apart from the session's options: a time limit, for example.
    ///   - context: A value for the caller's own use; the session's if left out.
    public nonisolated(nonsending) func webSocket(
        _ url: String,
        subprotocols: [String]? = nil,
        query: QueryItems = [:],
        headerFields: HTTPFields = [:],
        options: [OptionSetting] = [],
        context: (any Sendable)? = nil
    ) async throws(HandleError) -> WebSocketHandle {
        let text = String(decoding: UpgradeRequest.httpReference(Array(url.utf8)), as: UTF8.self)
        let request = try await openRequest(
            .get,
            text,
            query: query,
            headerFields: headerFields,
            options: options,
            context: context
        )
        do throws(HandleError) {
            try await request.setOption(.upgradesToWebSocket, to: true)
            if let subprotocols { try await request.setOption(.webSocketSubprotocols, to: subprotocols) }
            try await request.send()
            let head = try await request.receiveResponse()
            guard head.status == .switchingProtocols else {
                throw WebSocketHandshakeFailure.status(head.status.code).error(for: head)
            }
            let socket = try await request.completeWebSocketUpgrade()
            request.object.closeIfOpen()
            return socket
        } catch {
            request.object.closeIfOpen()
            throw error.asSeenByTask
        }
    }
}

extension WebSocketHandshakeFailure {
    /// The error that has the head of the response, which says whether another attempt is of use. Its body is not waited for.
    fileprivate func error(for head: ResponseHead) -> HandleError {
        let response = UnsuccessfulResponse(
            url: head.url,
            status: head.status,
            headerFields: head.headerFields,
            isBodyComplete: false
        )
        return HandleError(.invalidServerResponse, .receiveResponse, reason: reason, response: response)
    }
}
