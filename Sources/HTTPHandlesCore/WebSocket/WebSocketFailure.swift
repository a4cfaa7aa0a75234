/// Why an operation of a WebSocket failed, or the socket itself.
package struct WebSocketFailure: Error, Sendable, Hashable {
    package let code: HandleErrorCode
    /// The code to close the connection with; `nil` if the failure is not answered with a close frame.
    package let closeCode: WebSocketCloseCode?
    package let reason: String
    /// The error of the transfer, if that is the cause.
    package let transferError: HandleError?

    private init(
        _ code: HandleErrorCode,
        _ reason: String,
        closeCode: WebSocketCloseCode? = nil,
        transferError: HandleError? = nil
    ) {
        self.code = code
        self.closeCode = closeCode
        self.reason = reason
        self.transferError = transferError
    }

    package func error(in operation: HandleOperation) -> HandleError {
        transferError?.seen(by: operation) ?? HandleError(code, operation, reason: reason)
    }
}

// What the peer does
extension WebSocketFailure {
    package static func protocolError(_ reason: String) -> WebSocketFailure {
        WebSocketFailure(.invalidServerResponse, reason, closeCode: .protocolError)
    }

    package static func invalidPayload(_ reason: String) -> WebSocketFailure {
        WebSocketFailure(.invalidServerResponse, reason, closeCode: .invalidPayload)
    }

    package static func tooBig(_ reason: String) -> WebSocketFailure {
        WebSocketFailure(.insufficientBuffer, reason, closeCode: .messageTooBig)
    }

    /// The transport ended without the close frame of the peer.
    package static let connectionLost = WebSocketFailure(
        .connectionError,
        "the server closed the connection without a close frame"
    )

    package static func transferFailed(_ error: HandleError) -> WebSocketFailure {
        WebSocketFailure(error.code, error.reason, transferError: error)
    }

    package static func noAnswer(within time: Duration) -> WebSocketFailure {
        WebSocketFailure(.timeout, "the server did not answer a ping within \(time)")
    }

    package static func notClosed(within time: Duration) -> WebSocketFailure {
        WebSocketFailure(.timeout, "the closing handshake was not over within \(time)")
    }

    /// The peer's close frame ends what is pending.
    package static func closedByPeer(_ status: WebSocketCloseStatus) -> WebSocketFailure {
        WebSocketFailure(.incorrectHandleState, "the server has closed the socket with \(status.code)")
    }
}

// What the caller does
extension WebSocketFailure {
    package static let cancelled = WebSocketFailure(
        .operationCancelled,
        "the handle was closed before the operation finished"
    )

    /// `finish` ends a pending receive.
    package static let finishing = WebSocketFailure(
        .operationCancelled,
        "the socket was finished before the operation"
    )

    /// A message was begun and cannot be completed: what was sent of it cannot be taken back.
    package static let abandonedMessage = WebSocketFailure(
        .requestBodyFailed,
        "a message was begun, but its producer failed",
        closeCode: .internalError
    )

    package static func wrongState(_ reason: String) -> WebSocketFailure {
        WebSocketFailure(.incorrectHandleState, reason)
    }

    package static func invalidParameter(_ reason: String) -> WebSocketFailure {
        WebSocketFailure(.invalidParameter, reason)
    }

    package static let closedHandle = WebSocketFailure(.invalidHandle, "the handle is closed")
}
