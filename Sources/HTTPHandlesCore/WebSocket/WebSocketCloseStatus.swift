/// What a close frame says.
///
/// Counterpart of what `WinHttpWebSocketQueryCloseStatus` returns.
public struct WebSocketCloseStatus: Sendable, Hashable {
    /// The code; `noStatusReceived` if the frame has none.
    public let code: WebSocketCloseCode
    /// The reason, at most 123 bytes; empty if the frame has none.
    public let reason: String

    package init(_ code: WebSocketCloseCode, reason: String = "") {
        self.code = code
        self.reason = reason
    }

    /// The maximum length of a reason in bytes.
    package static let maximumReasonLength = 123

    /// The payload of the close frame.
    package var payload: [UInt8] {
        guard code != .noStatusReceived else { return [] }
        return [UInt8(truncatingIfNeeded: code.rawValue >> 8), UInt8(truncatingIfNeeded: code.rawValue)] + reason.utf8
    }

    /// Parses the payload of a close frame.
    package init(payload: [UInt8]) throws(WebSocketFailure) {
        guard payload.count != 1 else { throw .protocolError("the payload of a close frame has one byte") }
        guard payload.count >= 2 else {
            self.init(.noStatusReceived)
            return
        }
        let code = WebSocketCloseCode(rawValue: UInt16(payload[0]) << 8 | UInt16(payload[1]))
        guard code.isAllowedInFrame else { throw .protocolError("a close frame has the code \(code)") }
        var validator = UTF8Validator()
        guard validator.take(payload[2...]), validator.isComplete else {
            throw .invalidPayload("the reason of a close frame is not UTF-8")
        }
        self.init(code, reason: String(decoding: payload[2...], as: UTF8.self))
    }

    /// Why a frame with this status must not be sent; `nil` if it may.
    package var refusal: WebSocketFailure? {
        if code == .noStatusReceived {
            return reason.isEmpty ? nil : .invalidParameter("a close frame without a code has no reason")
        }
        guard code.isAllowedInFrame else { return .invalidParameter("the close code \(code) must not be sent") }
        guard reason.utf8.count <= Self.maximumReasonLength else {
            return .invalidParameter("the reason must have at most \(Self.maximumReasonLength) bytes")
        }
        return nil
    }
}

extension WebSocketCloseStatus: CustomStringConvertible {
    /// The code, and the reason if there is one.
    public var description: String { reason.isEmpty ? "\(code)" : "\(code) \(reason)" }
}
