/// The operations of a handle, as errors and `requestError` events name them.
@nonexhaustive
public enum HandleOperation: Sendable, Hashable, CaseIterable {
    /// Making a session (`WinHttpOpen`).
    case openSession
    /// Making a connection handle (`WinHttpConnect`).
    case connect
    /// Making a request handle (`WinHttpOpenRequest`).
    case openRequest
    /// Sending a request (`WinHttpSendRequest`).
    case sendRequest
    /// Sending a piece of the request's body (`WinHttpWriteData`).
    case writeData
    /// Waiting for the response head (`WinHttpReceiveResponse`).
    case receiveResponse
    /// Waiting for body bytes without consuming them (`WinHttpQueryDataAvailable`).
    case queryDataAvailable
    /// Reading the response body (`WinHttpReadData`).
    case readData
    /// Taking over an upgraded connection (`WinHttpWebSocketCompleteUpgrade`, `WinHttpProtocolCompleteUpgrade`).
    case completeUpgrade
    /// Sending a message or a piece of one (`WinHttpWebSocketSend`).
    case sendMessage
    /// Waiting for a message or a piece of one (`WinHttpWebSocketReceive`).
    case receiveMessage
    /// Sending a ping, or waiting for the answer.
    case ping
    /// Ending the sending direction of a socket (`WinHttpWebSocketShutdown`).
    case shutdown
    /// The closing handshake of a WebSocket (`WinHttpWebSocketClose`).
    case finish
    /// Reading how the server has closed a WebSocket (`WinHttpWebSocketQueryCloseStatus`).
    case queryCloseStatus
    /// Reading an option (`WinHttpQueryOption`).
    case queryOption
    /// Setting an option (`WinHttpSetOption`).
    case setOption
    /// Reading or changing the header fields of a request handle (`WinHttpAddRequestHeadersEx`).
    case accessHeaderFields
    /// Listing, changing, saving or loading a session's cookies.
    case accessCookies
    /// Listing, changing, saving or loading a session's hosts with strict transport.
    case accessStrictTransport
    /// Listing, changing, saving or loading a session's alternative services.
    case accessAlternativeServices
    /// Closing a handle (`WinHttpCloseHandle`).
    case closeHandle

    /// WinHTTP's number of the operation in a `REQUEST_ERROR`; `nil` for operations that are not reported there. Those of
    /// WebSockets (`WINHTTP_WEB_SOCKET_OPERATION`) have numbers of their own.
    public var number: Int? {
        switch self {
        case .receiveResponse: 1
        case .queryDataAvailable: 2
        case .readData: 3
        case .writeData: 4
        case .sendRequest: 5
        case .sendMessage: 0
        case .receiveMessage: 1
        case .finish: 2
        case .shutdown: 3
        default: nil
        }
    }
}

/// The time limits of a request; a timeout names the one that ran out.
@nonexhaustive
public enum TimeoutPhase: Sendable, Hashable, CaseIterable {
    /// Waiting for the caller's closure that chooses proxies; its limit is `connectTimeout`.
    case proxy
    /// Waiting for a connection slot.
    case queue
    /// Resolving the host's name.
    case resolve
    /// Connecting, the TLS handshake included.
    case connect
    /// Sending the request: the longest pause between two pieces.
    case send
    /// From the end of the request to the end of the response head.
    case response
    /// Receiving the response: the longest pause between two pieces.
    case receive
    /// The whole exchange, the body included.
    case total

    /// What did not happen in time.
    package var expectation: String {
        switch self {
        case .proxy: "the closure that chooses proxies did not return"
        case .queue: "no connection slot became free"
        case .resolve: "the name was not resolved"
        case .connect: "no connection was ready"
        case .send: "the server accepted no more of the request"
        case .response: "no response head arrived"
        case .receive: "the server sent nothing more"
        case .total: "the exchange was not over"
        }
    }
}
