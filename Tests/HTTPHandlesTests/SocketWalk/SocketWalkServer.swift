import HTTPHandles
import HTTPHandlesTesting

/// What the server of a walk does with a socket.
enum SocketBehaviour: String, CaseIterable, Sendable {
    /// Messages come back, whole.
    case echo
    /// They come back in fragments, the bytes in random pieces, with pings and pongs in between.
    case chopped
    /// Many messages come before the first is read.
    case flood
    /// Nothing is read.
    case deaf
    /// After some messages: random bytes, half a frame, a reset, the end of the connection, a close frame with any code, a
    /// violation.
    case garbage, halfFrame, reset, end, closing, violation
    /// The answer to the request is not an agreement.
    case wrongAccept, refusal, cutHead

    /// Everything that was sent comes back, if the client ends it well.
    var isFaithful: Bool { self == .echo || self == .chopped }
    /// What comes, comes back in its order.
    var returnsMessages: Bool { !opens.isEmpty && self != .garbage }
    /// The errors of opening; none if that succeeds.
    var opens: Set<HandleErrorCode> {
        switch self {
        case .wrongAccept, .refusal, .cutHead: []
        default: [.operationCancelled]
        }
    }
    /// Errors that only such a server causes.
    var mayViolate: Bool { self == .garbage || self == .violation || self == .closing }
}

/// The server of a walk. The path of a request is the behaviour and a seed. It agrees to `permessage-deflate` or not; if it does,
/// it compresses most messages, and the client none, because of the window that it is allowed.
final class SocketWalkServer: Sendable {
    let server: ScriptedServer

    init(_ census: WalkCensus) throws {
        server = try ScriptedServer(limitsReceiveBuffers: true) { connection in
            census.connectionOpened()
            defer { census.connectionClosed() }
            guard let head = try connection.readHead() else { return }
            let parts = head.target.split(separator: "/")
            guard parts.count == 2, let behaviour = SocketBehaviour(rawValue: String(parts[0])),
                let seed = UInt64(parts[1])
            else { return census.noteMistake("unknown target \(head.target)") }
            var random = SeededGenerator(seed: seed)
            try Self.serve(behaviour, connection, head, census, &random)
        }
    }

    /// A message of the server itself.
    static let own: UInt8 = 255

    private static func serve(
        _ behaviour: SocketBehaviour,
        _ connection: ServerConnection,
        _ head: ReceivedHead,
        _ census: WalkCensus,
        _ random: inout SeededGenerator
    ) throws {
        switch behaviour {
        case .wrongAccept:
            try connection.send(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
            )
            return connection.waitForClose()
        case .refusal: return try connection.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
        case .cutHead: return try connection.send("HTTP/1.1 101 Switching Protocols\r\nUpgr")
        default: break
        }
        let behind = random.chance(30) ? ServerWebSocket.frameHead(opcode: 2, length: 1) + [own] : []
        let compression = random.chance(50) ? Self.compression(&random) : ""
        let socket = try connection.acceptWebSocket(head, fields: compression, followedBy: behind)
        /// The payload of a message, and the reserved bits of its first frame.
        func coded(_ message: [UInt8]) -> (bytes: [UInt8], bits: UInt8) {
            compression.isEmpty || random.chance(30) ? (message, 0) : (RunDeflater.payload(message), 4)
        }
        switch behaviour {
        case .deaf: return census.sessionIsGone.wait()
        case .flood:
            for _ in 0..<Int.random(in: 1...30, using: &random) {
                // Compressed long ones are work for several turns.
                let most = !compression.isEmpty && random.chance(10) ? 400_000 : 5000
                let (bytes, bits) = coded([own] + [UInt8](repeating: 7, count: .random(in: 0...most, using: &random)))
                try socket.sendFrame(opcode: 2, bytes, reservedBits: bits)
            }
        default: break
        }
        var left = Int.random(in: 0...8, using: &random)
        let hasFault = !behaviour.isFaithful && behaviour != .flood
        while !hasFault || left > 0, let message = try socket.receive() {
            left -= 1
            guard case .binary(let message) = message else { return census.noteMistake("a text") }
            let (bytes, bits) = coded(message)
            if behaviour == .chopped {
                try sendChopped(bytes, bits, socket, &random)
            } else {
                try socket.sendFrame(opcode: 2, bytes, reservedBits: bits)
            }
        }
        guard hasFault, left == 0 else { return }
        try misbehave(behaviour, socket, &random)
    }

    /// A window of 256 bytes is one that zlib cannot deflate with.
    private static func compression(_ random: inout SeededGenerator) -> String {
        "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=8"
            + (random.chance(50) ? "; server_no_context_takeover" : "") + "\r\n"
    }

    private static func misbehave(
        _ behaviour: SocketBehaviour,
        _ socket: ServerWebSocket,
        _ random: inout SeededGenerator
    ) throws {
        switch behaviour {
        case .garbage: try socket.connection.send((0..<200).map { _ in UInt8.random(in: 0...255, using: &random) })
        case .halfFrame:
            try socket.connection.send(ServerWebSocket.frameHead(opcode: 2, length: 1000) + [own, 1, 2, 3])
        case .reset: return socket.connection.reset()
        case .closing:
            try socket.sendFrame(opcode: 8, random.chance(20) ? [1] : [UInt8.random(in: 0...20, using: &random), 0xE8])
        case .violation:
            switch Int.random(in: 0..<5, using: &random) {
            case 0: try socket.sendFrame(opcode: 2, [1], reservedBits: 1)
            case 1: try socket.sendFrame(opcode: 0, [1])
            case 2: try socket.sendFrame(opcode: 9, [UInt8](repeating: 0, count: 126))
            case 3: try socket.sendFrame(opcode: 1, [0xC3, 0x28])
            default: try socket.connection.send([0x82, 0x81, 1, 2, 3, 4, 5] as [UInt8])
            }
        default: return
        }
        socket.connection.waitForClose()
    }

    private static func sendChopped(
        _ payload: [UInt8],
        _ reservedBits: UInt8,
        _ socket: ServerWebSocket,
        _ random: inout SeededGenerator
    ) throws {
        var (rest, reservedBits) = (payload, reservedBits)
        var bytes: [UInt8] = []
        var opcode: UInt8 = 2
        repeat {
            let piece = rest.prefix(.random(in: 0...1500, using: &random))
            rest = Array(rest.dropFirst(piece.count))
            bytes += ServerWebSocket.frameHead(
                opcode: opcode,
                length: piece.count,
                isFinal: rest.isEmpty,
                reservedBits: reservedBits
            )
            bytes += piece
            (opcode, reservedBits) = (0, 0)
            if random.chance(30) { bytes += ServerWebSocket.frameHead(opcode: 9, length: 3) + [1, 2, 3] }
            if random.chance(10) { bytes += ServerWebSocket.frameHead(opcode: 10, length: 0) }
        } while !rest.isEmpty
        while !bytes.isEmpty {
            let count = min(bytes.count, random.chance(20) ? 1 : .random(in: 1...4000, using: &random))
            try socket.connection.send(bytes.prefix(count))
            bytes.removeFirst(count)
        }
    }
}
