/// The events that a listener receives, in WinHTTP's groups.
///
/// `handleClosing` is always delivered. Raw values are the `WINHTTP_CALLBACK_FLAG_…` values; groups that WinHTTP does
/// not have use bits that it does not define.
public struct StatusMask: OptionSet, Sendable, Hashable {
    /// WinHTTP's bits.
    public let rawValue: UInt32

    /// Wraps WinHTTP's bits.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// `resolvingName` and `nameResolved`.
    public static let resolveName = StatusMask(rawValue: 0x3)
    /// `connectingToServer`, `connectedToServer`, `connectionReused` and `alternativeServiceFailed`.
    public static let connectToServer = StatusMask(rawValue: 0xC)
    /// `sendingRequest` and `requestSent`.
    public static let sendRequest = StatusMask(rawValue: 0x30)
    /// `receivingResponse` and `responseReceived`.
    public static let receiveResponse = StatusMask(rawValue: 0xC0)
    /// `closingConnection` and `connectionClosed`.
    public static let closeConnection = StatusMask(rawValue: 0x300)
    /// `handleCreated` (and `handleClosing`, which is always delivered).
    public static let handles = StatusMask(rawValue: 0xC00)
    /// `queued`; not in WinHTTP.
    public static let queue = StatusMask(rawValue: 0x2000)
    /// `detectingProxy`, `nextProxy`, `tunnelRefused` and `tunnelEstablished`.
    public static let proxy = StatusMask(rawValue: 0x0100_1000)
    /// `redirect`.
    public static let redirect = StatusMask(rawValue: 0x4000)
    /// `retry` and `retryRefused`; not in WinHTTP.
    public static let retry = StatusMask(rawValue: 0x4000_0000)
    /// `intermediateResponse`.
    public static let intermediateResponse = StatusMask(rawValue: 0x8000)
    /// `secureFailure`.
    public static let secureFailure = StatusMask(rawValue: 0x1_0000)
    /// `headersAvailable`.
    public static let headersAvailable = StatusMask(rawValue: 0x2_0000)
    /// `dataAvailable`.
    public static let dataAvailable = StatusMask(rawValue: 0x4_0000)
    /// `readComplete`, `webSocketReadComplete` and `webSocketCloseReceived`.
    public static let readComplete = StatusMask(rawValue: 0x8_0000)
    /// `writeComplete` and `webSocketWriteComplete`.
    public static let writeComplete = StatusMask(rawValue: 0x10_0000)
    /// `requestError`.
    public static let requestError = StatusMask(rawValue: 0x20_0000)
    /// `sendRequestComplete`.
    public static let sendRequestComplete = StatusMask(rawValue: 0x40_0000)
    /// `securingConnection` and `connectionSecured`; not in WinHTTP.
    public static let secureConnection = StatusMask(rawValue: 0x80_0000)

    /// `closeComplete`; WinHTTP has a status but no flag.
    public static let closeComplete = StatusMask(rawValue: 0x200_0000)
    /// `shutdownComplete`; WinHTTP has a status but no flag.
    public static let shutdownComplete = StatusMask(rawValue: 0x400_0000)
    /// `socketFailed`; not in WinHTTP.
    public static let socketFailed = StatusMask(rawValue: 0x800_0000)

    /// Every event that ends an operation, without `closeComplete` and `shutdownComplete`, as in WinHTTP.
    public static let allCompletions: StatusMask = [
        .sendRequestComplete, .headersAvailable, .dataAvailable, .readComplete, .writeComplete, .requestError,
    ]
    /// Every event.
    public static let all = StatusMask(rawValue: .max)
}

/// The handles whose events a listener receives.
public enum StatusScope: Sendable, Hashable {
    /// The handle itself.
    case handle
    /// The handle and all its descendants, also those made later.
    ///
    /// This is what a callback set on a WinHTTP session before its children are made receives.
    case tree
}

extension StatusEvent.Kind {
    /// The bits of a mask that select the event: WinHTTP's status value, or the group of an event that WinHTTP lacks.
    package var mask: StatusMask {
        switch self {
        case .handleCreated: StatusMask(rawValue: 0x400)
        case .handleClosing: .handleClosing
        case .queued: .queue
        case .resolvingName: StatusMask(rawValue: 0x1)
        case .nameResolved: StatusMask(rawValue: 0x2)
        case .connectingToServer: StatusMask(rawValue: 0x4)
        case .connectedToServer: StatusMask(rawValue: 0x8)
        case .connectionReused, .alternativeServiceFailed: .connectToServer
        case .securingConnection, .connectionSecured: .secureConnection
        case .detectingProxy: StatusMask(rawValue: 0x1000)
        case .nextProxy, .tunnelRefused, .tunnelEstablished: StatusMask(rawValue: 0x0100_0000)
        case .secureFailure: .secureFailure
        case .sendingRequest: StatusMask(rawValue: 0x10)
        case .requestSent: StatusMask(rawValue: 0x20)
        case .receivingResponse: StatusMask(rawValue: 0x40)
        case .responseReceived: StatusMask(rawValue: 0x80)
        case .intermediateResponse: .intermediateResponse
        case .redirect: .redirect
        case .retry, .retryRefused: .retry
        case .closingConnection: StatusMask(rawValue: 0x100)
        case .connectionClosed: StatusMask(rawValue: 0x200)
        case .sendRequestComplete: .sendRequestComplete
        case .headersAvailable: .headersAvailable
        case .dataAvailable: .dataAvailable
        case .readComplete, .webSocketReadComplete, .webSocketCloseReceived: .readComplete
        case .writeComplete, .webSocketWriteComplete: .writeComplete
        case .requestError: .requestError
        case .shutdownComplete: .shutdownComplete
        case .closeComplete: .closeComplete
        case .socketFailed: .socketFailed
        }
    }
}

extension StatusMask {
    /// Always delivered, whatever the mask.
    package static let handleClosing = StatusMask(rawValue: 0x800)
}
