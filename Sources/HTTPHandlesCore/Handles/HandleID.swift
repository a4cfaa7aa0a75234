/// The levels of the handle tree.
///
/// Raw values are WinHTTP's handle type numbers (`WINHTTP_OPTION_HANDLE_TYPE`).
public enum HandleLevel: Int, Sendable, Hashable, CaseIterable, CustomStringConvertible {
    /// What `SessionHandle` is (`WinHttpOpen`).
    case session = 1
    /// What `ConnectionHandle` is (`WinHttpConnect`).
    case connection = 2
    /// What `RequestHandle` is (`WinHttpOpenRequest`).
    case request = 3
    /// What `WebSocketHandle` is (`WinHttpWebSocketCompleteUpgrade`).
    case webSocket = 5
    /// What `UpgradedHandle` is (`WinHttpProtocolCompleteUpgrade`).
    case upgraded = 6

    /// The level's name: "session", "connection", "request", "webSocket" or "upgraded".
    public var description: String {
        switch self {
        case .session: "session"
        case .connection: "connection"
        case .request: "request"
        case .webSocket: "webSocket"
        case .upgraded: "upgraded"
        }
    }
}

/// The identity of one handle: unique in the process and never used again, also after the handle is closed.
///
/// Numbers count up in the order in which handles are made, whatever their level.
public struct HandleID: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The level of the handle.
    public let level: HandleLevel
    /// The number of the handle, counted over all levels. No other handle of the process has it.
    public let number: UInt64

    /// Makes one, for tests.
    public init(level: HandleLevel, number: UInt64) {
        self.level = level
        self.number = number
    }

    /// Level and number, for example "request 7".
    public var description: String { "\(level) \(number)" }

    /// Orders the handles of a session by the moment they were made. Those of different sessions are in the order of their
    /// numbers, which each session takes in blocks.
    public static func < (left: HandleID, right: HandleID) -> Bool { left.number < right.number }
}
