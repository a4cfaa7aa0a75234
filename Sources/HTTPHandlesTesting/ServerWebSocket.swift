public import HTTPHandles
import HTTPHandlesCore

/// A WebSocket of a `ScriptedServer`, seen from the server. It does what the script says, also what a server must not do.
///
///     let server = try ScriptedServer { connection in
///         let socket = try connection.acceptWebSocket()
///         while let message = try socket.receive() { try socket.send(message) }
///     }
///     let socket = try await session.webSocket(server.webSocketURL("/"))
///
/// All calls block.
public final class ServerWebSocket: Sendable {
    /// A frame as it came.
    public struct Frame: Sendable, Hashable {
        /// 0 continuation, 1 text, 2 binary, 8 close, 9 ping, 10 pong.
        public let opcode: UInt8
        /// The payload, without its mask.
        public let payload: [UInt8]
        /// Whether it is the last frame of its message.
        public let isFinal: Bool
        /// The three reserved bits, as a number from 0 to 7.
        public let reservedBits: UInt8
        /// The masking key; `nil` for a frame that is not masked.
        public let maskingKey: [UInt8]?

        /// The code of a close frame; `nil` for one without a code.
        public var closeCode: Int? {
            opcode == 8 && payload.count >= 2 ? Int(payload[0]) << 8 | Int(payload[1]) : nil
        }
    }

    /// The connection, for bytes that are no frames, and for its end.
    public let connection: ServerConnection
    /// The head of the request.
    public let request: ReceivedHead

    init(_ connection: ServerConnection, _ request: ReceivedHead) {
        self.connection = connection
        self.request = request
    }

    // MARK: Frames

    /// Reads the next frame.
    public func receiveFrame() throws -> Frame {
        let start = try connection.read(exactly: 2)
        var length = Int(start[1] & 0x7F)
        if length > 125 {
            length = try connection.read(exactly: length == 126 ? 2 : 8).reduce(0) { $0 << 8 | Int($1) }
        }
        let key = start[1] & 0x80 == 0 ? nil : try connection.read(exactly: 4)
        var payload = try connection.read(exactly: length)
        if let key { for index in payload.indices { payload[index] ^= key[index & 3] } }
        return Frame(
            opcode: start[0] & 0x0F,
            payload: payload,
            isFinal: start[0] & 0x80 != 0,
            reservedBits: start[0] >> 4 & 7,
            maskingKey: key
        )
    }

    /// Sends a frame.
    ///
    /// - Parameters:
    ///   - opcode: 0 continuation, 1 text, 2 binary, 8 close, 9 ping, 10 pong.
    ///   - payload: The payload.
    ///   - isFinal: Whether it is the last frame of its message.
    ///   - reservedBits: The three reserved bits, as a number from 0 to 7.
    public func sendFrame(
        opcode: UInt8,
        _ payload: some Collection<UInt8>,
        isFinal: Bool = true,
        reservedBits: UInt8 = 0
    ) throws {
        let head = Self.frameHead(opcode: opcode, length: payload.count, isFinal: isFinal, reservedBits: reservedBits)
        try connection.send(head + Array(payload))
    }

    /// The bytes before the payload of a frame.
    ///
    /// See `sendFrame`. The length can be another than that of what follows.
    public static func frameHead(
        opcode: UInt8,
        length: Int,
        isFinal: Bool = true,
        reservedBits: UInt8 = 0
    ) -> [UInt8] {
        let first = opcode | reservedBits << 4 | (isFinal ? 0x80 : 0)
        return switch length {
        case ...125: [first, UInt8(length)]
        case ...0xFFFF: [first, 126, UInt8(length >> 8), UInt8(length & 0xFF)]
        default: [first, 127] + (0..<8).map { UInt8(truncatingIfNeeded: length >> (56 - 8 * $0)) }
        }
    }

    /// The value of `Sec-WebSocket-Accept` for the key of a request, for heads of your own.
    public static func accept(for key: String) -> String { WebSocketHandshake.accept(for: key) }

    // MARK: Messages

    /// The next message; `nil` when the client has closed the socket. Pings and the close frame are answered.
    public func receive() throws -> WebSocketMessage? {
        var message: (isText: Bool, bytes: [UInt8])?
        while true {
            let frame = try receiveFrame()
            switch frame.opcode {
            case 8:
                try? sendFrame(opcode: 8, frame.payload.prefix(2))
                return nil
            case 9: try sendFrame(opcode: 10, frame.payload)
            case 10: break
            case 0: message?.bytes += frame.payload
            default: message = (frame.opcode == 1, frame.payload)
            }
            guard frame.opcode < 8, frame.isFinal, let message else { continue }
            return message.isText ? .text(String(decoding: message.bytes, as: UTF8.self)) : .binary(message.bytes)
        }
    }

    /// Sends a message in one frame.
    public func send(_ message: WebSocketMessage) throws {
        switch message {
        case .text(let text): try sendFrame(opcode: 1, text.utf8)
        case .binary(let bytes): try sendFrame(opcode: 2, bytes)
        }
    }

    /// Sends a close frame, and reads until that of the client.
    public func close(_ code: Int = 1000, reason: String = "") throws {
        try sendFrame(opcode: 8, [UInt8(code >> 8), UInt8(code & 0xFF)] + reason.utf8)
        while try receiveFrame().opcode != 8 {}
    }
}

extension ServerConnection {
    /// Reads a request for a WebSocket and agrees to it.
    ///
    /// Throws if the request is none.
    ///
    /// - Parameters:
    ///   - fields: More lines of the head, each with its line end.
    ///   - bytes: Bytes that are sent together with the head.
    public func acceptWebSocket(fields: String = "", followedBy bytes: [UInt8] = []) throws -> ServerWebSocket {
        guard let head = try readHead() else { throw SocketError.ended }
        return try acceptWebSocket(head, fields: fields, followedBy: bytes)
    }

    /// Agrees to a request for a WebSocket whose head was read. See `acceptWebSocket(fields:followedBy:)`.
    public func acceptWebSocket(
        _ head: ReceivedHead,
        fields: String = "",
        followedBy bytes: [UInt8] = []
    ) throws -> ServerWebSocket {
        guard let key = head["sec-websocket-key"] else { throw SocketError.ended }
        let answer =
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + "Sec-WebSocket-Accept: \(WebSocketHandshake.accept(for: key))\r\n\(fields)\r\n"
        try send(Array(answer.utf8) + bytes)
        return ServerWebSocket(self, head)
    }
}

extension ScriptedServer {
    /// The ws URL of this server.
    public func webSocketURL(_ path: String = "/") -> String { "ws" + url(path).dropFirst(4) }
}
