public import HTTPTypes

/// Something that happened to a handle.
///
/// Counterpart of the call of a `WINHTTP_STATUS_CALLBACK`.
public struct StatusEvent: Sendable {
    /// The handle it happened to.
    public let handle: HandleID
    /// The context of that handle.
    public let context: (any Sendable)?
    /// When it happened.
    public let time: ContinuousClock.Instant
    /// The event's number among the events of its handle, from 0 and without gaps.
    ///
    /// Every event is counted, also those that a mask hides. In a stream of all events a gap means that the listener was
    /// too slow and events were dropped.
    public let sequence: Int
    /// What happened.
    public let kind: Kind
    /// The network connection that the handle uses, or has used last: from `connectingToServer` or `connectionReused` on. That
    /// of a session is the one that is being closed.
    public let connection: ConnectionID?

    /// Makes an event, for tests.
    public init(
        handle: HandleID,
        context: (any Sendable)?,
        time: ContinuousClock.Instant,
        sequence: Int,
        kind: Kind,
        connection: ConnectionID? = nil
    ) {
        self.connection = connection
        self.handle = handle
        self.context = context
        self.time = time
        self.sequence = sequence
        self.kind = kind
    }
}

extension StatusEvent {
    /// The kinds of events: WinHTTP's notifications, and phases that WinHTTP does not report.
    ///
    /// Their order: `Docs/StatusEvents.md`.
    @nonexhaustive
    public enum Kind: Sendable, Hashable {
        // The handle itself
        /// The handle was made, below its parent; a request with what it is for. (`HANDLE_CREATED`)
        case handleCreated(parent: HandleID, request: RequestSummary? = nil)
        /// The handle is closed and released. Always the last event of a handle, exactly once. (`HANDLE_CLOSING`)
        case handleClosing

        // On the way to the server
        /// The caller's closure is asked for the proxies of the request. (`DETECTING_PROXY`)
        case detectingProxy
        /// A proxy could not be reached, and the next choice of the closure is tried. Not in WinHTTP.
        case nextProxy(after: HandleError)
        /// The request waits for a connection slot.
        case queued
        /// The name of the host, or of the proxy, is being resolved. (`RESOLVING_NAME`)
        case resolvingName(host: String)
        /// The name was resolved; the first address to be tried. (`NAME_RESOLVED`)
        case nameResolved(address: String)
        /// A connection is being made to an address; once for each address tried. (`CONNECTING_TO_SERVER`)
        case connectingToServer(address: SocketAddress)
        /// The connection was made. (`CONNECTED_TO_SERVER`)
        case connectedToServer(address: SocketAddress)
        /// The proxy has refused a tunnel to the server, with this response; after a 407 it may be asked again. Not in WinHTTP.
        case tunnelRefused(status: HTTPResponse.Status, headerFields: HTTPFields)
        /// The proxy has made a connection to the server. Not in WinHTTP.
        case tunnelEstablished
        /// The TLS handshake begins.
        case securingConnection
        /// The TLS handshake is done and the server's certificate accepted.
        case connectionSecured
        /// A connection of the pool is used again.
        case connectionReused(address: SocketAddress)
        /// An alternative service could not be reached, and the next one or the origin is tried. Not in WinHTTP.
        case alternativeServiceFailed(HandleError)
        /// TLS failed. (`SECURE_FAILURE`)
        case secureFailure(SecureFailure)

        // Request and response
        /// The connection is ready and the request is about to be sent. (`SENDING_REQUEST`)
        case sendingRequest
        /// The request head, and the body as far as it was given to `send`, were handed to the network. (`REQUEST_SENT`)
        case requestSent(bytes: Int)
        /// The response is awaited. (`RECEIVING_RESPONSE`)
        case receivingResponse
        /// The response head has arrived. (`RESPONSE_RECEIVED`)
        case responseReceived(status: HTTPResponse.Status = .ok, bytes: Int)
        /// A 1xx response has arrived. (`INTERMEDIATE_RESPONSE`)
        case intermediateResponse(status: HTTPResponse.Status, headerFields: HTTPFields)
        /// A redirect is about to be followed. (`REDIRECT`)
        case redirect(url: String)
        /// The request will be sent again after a delay, as its retry policy requires. Not in WinHTTP.
        case retry(attempt: Int, after: Duration, cause: RetryCause)
        /// The request is not sent again, although its retry policy covers the cause. Not in WinHTTP.
        case retryRefused(RetryRefusal, cause: RetryCause)
        /// The connection is about to be closed. (`CLOSING_CONNECTION`)
        case closingConnection
        /// The connection is closed. (`CONNECTION_CLOSED`)
        case connectionClosed

        // How operations end
        /// `send` is done. (`SENDREQUEST_COMPLETE`)
        case sendRequestComplete
        /// `receiveResponse` is done. (`HEADERS_AVAILABLE`)
        case headersAvailable
        /// Body bytes are ready to be read; 0 at the end of the body. (`DATA_AVAILABLE`)
        case dataAvailable(bytes: Int)
        /// Body bytes were read; 0 at the end of the body. (`READ_COMPLETE`)
        case readComplete(bytes: Int)
        /// Bytes of the request body were sent. (`WRITE_COMPLETE`)
        case writeComplete(bytes: Int)
        /// An operation failed. (`REQUEST_ERROR`)
        case requestError(HandleError)

        // Sockets
        /// A message, or a piece of one, was received. (`READ_COMPLETE` of a WebSocket)
        case webSocketReadComplete(bytes: Int, kind: WebSocketPieceKind)
        /// A receive ended with the close frame of the server. (`READ_COMPLETE` of a WebSocket, of type `CLOSE`)
        case webSocketCloseReceived(WebSocketCloseStatus)
        /// A message, or a piece of one, was sent. (`WRITE_COMPLETE` of a WebSocket)
        case webSocketWriteComplete(bytes: Int, kind: WebSocketPieceKind)
        /// The close frame was sent; or, of another protocol, the end of the sending direction. (`SHUTDOWN_COMPLETE`)
        case shutdownComplete
        /// The closing handshake of a WebSocket is over. (`CLOSE_COMPLETE`)
        case closeComplete
        /// The socket has failed, whether an operation was pending or not. Not in WinHTTP.
        case socketFailed(HandleError)
    }
}

extension StatusEvent.Kind {
    /// The kind's name without its payload, for example "requestSent".
    public var name: String {
        let text = String(describing: self)
        return String(text.prefix { $0 != "(" })  // own text
    }
}

/// What a request handle is for.
public struct RequestSummary: Sendable, Hashable {
    /// The method.
    public let method: HTTPRequest.Method
    /// The URL, without the default query items.
    public let url: String
    /// The file that a download is for; `nil` for other requests.
    public let file: String?

    /// Makes a summary.
    public init(method: HTTPRequest.Method, url: String, file: String? = nil) {
        self.method = method
        self.url = url
        self.file = file
    }
}

extension RequestSummary: CustomStringConvertible, CustomDebugStringConvertible {
    /// Method and URL, without the values in its query, for example "GET https://example.com/".
    public var description: String { "\(method) \(Redaction.standard.url(url))" }

    /// The same as `description`.
    public var debugDescription: String { description }
}

/// What is wrong with a TLS connection; more than one bit may be set.
///
/// Raw values are WinHTTP's `WINHTTP_CALLBACK_STATUS_FLAG_…` values.
public struct SecureFailure: OptionSet, Sendable, Hashable {
    /// WinHTTP's bits.
    public let rawValue: UInt32

    /// Wraps WinHTTP's bits.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// The revocation status of the certificate could not be determined.
    public static let revocationCheckFailed = SecureFailure(rawValue: 0x1)
    /// The certificate is invalid.
    public static let invalidCertificate = SecureFailure(rawValue: 0x2)
    /// The certificate was revoked.
    public static let certificateRevoked = SecureFailure(rawValue: 0x4)
    /// The issuer of the certificate is not trusted.
    public static let unknownAuthority = SecureFailure(rawValue: 0x8)
    /// The certificate is for another name.
    public static let nameMismatch = SecureFailure(rawValue: 0x10)
    /// The certificate has expired or is not valid yet.
    public static let dateInvalid = SecureFailure(rawValue: 0x20)
    /// The certificate must not be used for servers.
    public static let wrongUsage = SecureFailure(rawValue: 0x40)
    /// TLS failed for another reason than the certificate.
    public static let channelError = SecureFailure(rawValue: 0x8000_0000)
}

/// An IP address and a port, or a Unix socket.
public struct SocketAddress: Sendable, Hashable, CustomStringConvertible {
    /// The address as text, for example "127.0.0.1" or "::1"; for a Unix socket its path, or "@" and its abstract name.
    public let host: String
    /// The port; 0 for a Unix socket.
    public let port: Int

    /// Makes an address; a Unix socket has the port 0.
    public init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// Address and port as in a URL, for example "127.0.0.1:80" or "[::1]:80"; for a Unix socket its address.
    public var description: String {
        guard port != 0 else { return host }
        return host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}
