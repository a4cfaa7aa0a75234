public import HTTPHandlesCore
import HTTPHandlesDriver

extension RequestHandle {
    /// Takes over the connection of a request that was sent with `upgradesToWebSocket`, as a WebSocket.
    ///
    /// Possible once, after `receiveResponse` has returned a 101; otherwise it throws `.incorrectHandleState`. Event:
    /// `handleCreated` of the new handle, a child of this request's connection handle. The request can be closed, or sent
    /// again, without an effect on the socket.
    ///
    /// `WinHttpWebSocketCompleteUpgrade`.
    ///
    /// - Parameter context: A value for the caller's own use; the request's if left out.
    public nonisolated(nonsending) func completeWebSocketUpgrade(
        context: (any Sendable)? = nil
    ) async throws(HandleError) -> WebSocketHandle {
        let context = object.bound.base.inherited(context)
        return try await perform(.completeUpgrade) { [object] continuation in
            { engine in
                let result = Result { () throws(HandleError) in
                    try object.value.completeWebSocketUpgrade(context, engine)
                }
                continuation.resume(returning: result, engine)
            }
        }
    }

    /// Takes over the connection of a request that was sent with `upgradesToProtocol`.
    ///
    /// See `completeWebSocketUpgrade`.
    ///
    /// `WinHttpProtocolCompleteUpgrade`.
    ///
    /// - Parameter context: A value for the caller's own use; the request's if left out.
    public nonisolated(nonsending) func completeUpgrade(
        context: (any Sendable)? = nil
    ) async throws(HandleError) -> UpgradedHandle {
        let context = object.bound.base.inherited(context)
        return try await perform(.completeUpgrade) { [object] continuation in
            { engine in
                let result = Result { () throws(HandleError) in try object.value.completeUpgrade(context, engine) }
                continuation.resume(returning: result, engine)
            }
        }
    }
}
