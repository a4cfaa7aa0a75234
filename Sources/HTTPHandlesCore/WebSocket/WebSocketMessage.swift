/// A whole message of a WebSocket.
public enum WebSocketMessage: Sendable, Hashable {
    /// Text; UTF-8 on the wire.
    case text(String)
    /// Bytes.
    case binary([UInt8])

    /// The message that a whole piece makes.
    package init(_ piece: WebSocketPiece) {
        self = piece.kind.isText ? .text(String(decoding: piece.bytes, as: UTF8.self)) : .binary(piece.bytes)
    }

    package var piece: WebSocketPiece {
        switch self {
        case .text(let text): WebSocketPiece(.textMessage, Array(text.utf8))
        case .binary(let bytes): WebSocketPiece(.binaryMessage, bytes)
        }
    }
}

/// Whether a piece of a WebSocket's data is text or bytes, and whether it is the end of its message.
///
/// Raw values are WinHTTP's `WINHTTP_WEB_SOCKET_BUFFER_TYPE` values.
public enum WebSocketPieceKind: Int, Sendable, Hashable, CaseIterable {
    /// A binary message, or the last piece of one.
    case binaryMessage = 0
    /// A piece of a binary message; more follow.
    case binaryFragment = 1
    /// A text message, or the last piece of one.
    case textMessage = 2
    /// A piece of a text message; more follow.
    case textFragment = 3

    package init(isText: Bool, endsMessage: Bool) {
        self =
            switch (isText, endsMessage) {
            case (false, true): .binaryMessage
            case (false, false): .binaryFragment
            case (true, true): .textMessage
            case (true, false): .textFragment
            }
    }

    /// Whether the message is text.
    public var isText: Bool { self == .textMessage || self == .textFragment }

    /// Whether this is the last piece of its message.
    public var endsMessage: Bool { self == .textMessage || self == .binaryMessage }
}

extension WebSocketPieceKind: CustomStringConvertible {
    /// The name of the case.
    public var description: String {
        switch self {
        case .binaryMessage: "binaryMessage"
        case .binaryFragment: "binaryFragment"
        case .textMessage: "textMessage"
        case .textFragment: "textFragment"
        }
    }
}

/// A message, or a part of one. The parts of a text are cut between characters.
///
/// Counterpart of the buffer of `WinHttpWebSocketReceive`.
public struct WebSocketPiece: Sendable, Hashable {
    /// Text or bytes, and whether it is the end of its message.
    public let kind: WebSocketPieceKind
    /// The bytes; those of a text are UTF-8.
    public let bytes: [UInt8]

    package init(_ kind: WebSocketPieceKind, _ bytes: [UInt8]) {
        self.kind = kind
        self.bytes = bytes
    }

    /// The text; `nil` if it is not text.
    public var text: String? { kind.isText ? String(decoding: bytes, as: UTF8.self) : nil }
}
