/// Why a WebSocket is closed (RFC 6455, section 7.4; registered by IANA). Not an enumeration, because the codes from 3000
/// on belong to libraries and applications.
///
/// Counterpart of `WINHTTP_WEB_SOCKET_CLOSE_STATUS`.
public struct WebSocketCloseCode: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
    /// The number.
    public let rawValue: UInt16

    /// Wraps a number.
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// The purpose of the connection is fulfilled. (`SUCCESS`)
    public static let normalClosure = WebSocketCloseCode(rawValue: 1000)
    /// The endpoint goes away, for example because it shuts down. (`ENDPOINT_TERMINATED`)
    public static let goingAway = WebSocketCloseCode(rawValue: 1001)
    /// The peer has violated the protocol. (`PROTOCOL_ERROR`)
    public static let protocolError = WebSocketCloseCode(rawValue: 1002)
    /// A kind of data came that the endpoint does not accept. (`INVALID_DATA_TYPE`)
    public static let unsupportedData = WebSocketCloseCode(rawValue: 1003)
    /// The close frame has no code. Never sent. (`EMPTY`)
    public static let noStatusReceived = WebSocketCloseCode(rawValue: 1005)
    /// The connection ended without a close frame. Never sent. (`ABORTED`)
    public static let abnormalClosure = WebSocketCloseCode(rawValue: 1006)
    /// A message has invalid content, for example text that is not UTF-8. (`INVALID_PAYLOAD`)
    public static let invalidPayload = WebSocketCloseCode(rawValue: 1007)
    /// A message violates a policy of the endpoint. (`POLICY_VIOLATION`)
    public static let policyViolation = WebSocketCloseCode(rawValue: 1008)
    /// A message is too big. (`MESSAGE_TOO_BIG`)
    public static let messageTooBig = WebSocketCloseCode(rawValue: 1009)
    /// The server did not agree to an extension that the client needs. (`UNSUPPORTED_EXTENSIONS`)
    public static let mandatoryExtension = WebSocketCloseCode(rawValue: 1010)
    /// The endpoint failed unexpectedly. (`SERVER_ERROR`)
    public static let internalError = WebSocketCloseCode(rawValue: 1011)
    /// The server restarts.
    public static let serviceRestart = WebSocketCloseCode(rawValue: 1012)
    /// The server is overloaded.
    public static let tryAgainLater = WebSocketCloseCode(rawValue: 1013)
    /// A gateway received an invalid response from its server.
    public static let badGateway = WebSocketCloseCode(rawValue: 1014)
    /// TLS failed. Never sent. (`SECURE_HANDSHAKE_ERROR`)
    public static let tlsHandshake = WebSocketCloseCode(rawValue: 1015)
    /// An HTTP-based protocol has refused the client: the counterpart of 401.
    public static let unauthorized = WebSocketCloseCode(rawValue: 3000)
    /// The counterpart of 403.
    public static let forbidden = WebSocketCloseCode(rawValue: 3003)
    /// The counterpart of 408.
    public static let timeout = WebSocketCloseCode(rawValue: 3008)

    /// Whether the code may be in a close frame, sent or received.
    ///
    /// 1004 is reserved; 1005, 1006 and 1015 only describe what happened; 1016 to 2999 are not assigned; 3000 to 3999
    /// are for libraries, 4000 to 4999 for applications.
    public var isAllowedInFrame: Bool {
        switch rawValue {
        case 1000...1003, 1007...1014, 3000...4999: true
        default: false
        }
    }

    /// The number.
    public var description: String { "\(rawValue)" }
}
