import Testing

@testable import HTTPHandlesCore

@Suite("WebSocket close frames")
struct WebSocketCloseTests {
    /// RFC 6455, section 7.4, and IANA's registry.
    static func isAllowed(_ code: Int) -> Bool {
        [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014].contains(code) || code / 1000 == 3
            || code / 1000 == 4
    }

    @Test func `every code, sent and received`() {
        for number in UInt16.min...UInt16.max {
            let code = WebSocketCloseCode(rawValue: number)
            let isAllowed = Self.isAllowed(Int(number))
            let received = try? WebSocketCloseStatus(payload: number.bigEndianBytes)
            let maySend = WebSocketCloseStatus(code).refusal == nil
            guard code.isAllowedInFrame == isAllowed, received == (isAllowed ? WebSocketCloseStatus(code) : nil),
                maySend == (isAllowed || code == .noStatusReceived)
            else {
                Issue.record("\(number)")
                continue
            }
        }
    }

    @Test func `payloads and their statuses`() throws {
        #expect(try WebSocketCloseStatus(payload: []) == WebSocketCloseStatus(.noStatusReceived))
        #expect(WebSocketCloseStatus(.noStatusReceived).payload.isEmpty)
        let status = WebSocketCloseStatus(.goingAway, reason: "später")
        #expect(status.payload == [0x03, 0xE9] + Array("später".utf8))
        #expect(try WebSocketCloseStatus(payload: status.payload) == status)
    }

    @Test func `payloads that are refused, with their codes`() {
        func failure(_ payload: [UInt8]) -> WebSocketFailure? {
            do throws(WebSocketFailure) {
                _ = try WebSocketCloseStatus(payload: payload)
                return nil
            } catch { return error }
        }
        #expect(failure([3]) == .protocolError("the payload of a close frame has one byte"))
        #expect(failure([0, 0]) == .protocolError("a close frame has the code 0"))
        #expect(failure([0x03, 0xED]) == .protocolError("a close frame has the code 1005"))
        #expect(failure([0x03, 0xE8, 0xFF]) == .invalidPayload("the reason of a close frame is not UTF-8"))
        #expect(failure([0x03, 0xE8, 0xC3]) == .invalidPayload("the reason of a close frame is not UTF-8"))
        #expect(failure([0x03, 0xE8, 0xED, 0xA0, 0x80])?.closeCode == .invalidPayload)
    }

    @Test func `what may be sent`() {
        let longest = String(repeating: "r", count: 123)
        #expect(WebSocketCloseStatus(.normalClosure, reason: longest).refusal == nil)
        #expect(WebSocketCloseStatus(.normalClosure, reason: longest).payload.count == 125)
        #expect(
            WebSocketCloseStatus(.normalClosure, reason: longest + "r").refusal
                == .invalidParameter("the reason must have at most 123 bytes")
        )
        #expect(
            WebSocketCloseStatus(.noStatusReceived, reason: "r").refusal
                == .invalidParameter("a close frame without a code has no reason")
        )
        #expect(
            WebSocketCloseStatus(.abnormalClosure).refusal == .invalidParameter("the close code 1006 must not be sent")
        )
    }

    @Test func `the numbers of pieces are those of WinHTTP`() {
        for (number, kind) in [
            WebSocketPieceKind.binaryMessage, .binaryFragment, .textMessage, .textFragment,
        ].enumerated() {
            #expect(kind.rawValue == number)
            #expect(WebSocketPieceKind(isText: kind.isText, endsMessage: kind.endsMessage) == kind)
        }
        for message in [WebSocketMessage.text("é"), .text(""), .binary([]), .binary([0, 255])] {
            #expect(WebSocketMessage(message.piece) == message)
        }
    }
}
