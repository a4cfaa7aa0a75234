import HTTPHandles
import HTTPHandlesTesting

/// What the server of a random walk does with a request, and what may come of that. The request's target names it, so a
/// request that is sent again meets it again.
///
/// A new behaviour is a case here, what it does in `perform`, and what it promises in `promise`.
enum ServerBehaviour: String, CaseIterable, Sendable {
    // What a server should do.
    case hello, empty, chunked, untilClose, helloAndClose, informational, trickle, big
    // Ways to `hello`, the last one to itself.
    case redirect, redirectWithMethod, redirectCut, redirectLoop
    // A 401 before `hello`: for credentials that are known, or that the provider has.
    case challenge, challengeCut, refusal
    // What keeps a client waiting for ever.
    case stallBeforeHead, stallInHead, stallInBody, stallReading
    // Orderly ends where there should be none.
    case cutBeforeHead, cutInHead, cutInBody, cutInChunk
    // Resets.
    case resetBeforeHead, resetInHead, resetInBody
    // What no client should accept, or has to survive.
    case garbage, endlessHead, twoLengths, excess, earlyAnswer
    /// Nobody listens there.
    case refused

    enum HeadPromise {
        case arrives(status: Int)
        case fails(Set<HandleErrorCode>)
        /// Both may be seen.
        case arrivesOrFails(status: Int, Set<HandleErrorCode>)
        case stalls
    }

    enum BodyPromise {
        case whole(Int)
        /// An error after at most so many bytes.
        case fails(upTo: Int, Set<HandleErrorCode>)
        case stalls(upTo: Int)
    }

    static let smallBody = 40
    /// More than the library buffers, so that a slow reader has the connection paused.
    static let bigBody = 400_000

    /// Who a session of a walk is, to those who ask; and who else, to those to whom that is not good enough.
    static let options: [OptionSetting] = [
        .set(.credentials, to: .password(user: "a", password: "", schemes: [.basic, .digest])),
        .set(.credentialProvider, to: CredentialProvider { _ in .basic(user: "b", password: "") }),
    ]
    private static let lateAuthorization = "Basic Yjo="

    private static let lost: Set<HandleErrorCode> = [.connectionError, .invalidServerResponse]

    var promise: (head: HeadPromise, body: BodyPromise) {
        let small = Self.smallBody
        return switch self {
        case .hello, .chunked, .untilClose, .helloAndClose, .informational, .trickle, .excess, .redirect,
            .redirectWithMethod, .redirectCut, .challenge, .refusal:
            (.arrives(status: 200), .whole(small))
        // Newer libcurls send credentials only after a whole 401.
        case .challengeCut: (.arrivesOrFails(status: 200, Self.lost), .whole(small))
        case .empty: (.arrives(status: 204), .whole(0))
        case .big: (.arrives(status: 200), .whole(Self.bigBody))
        case .stallBeforeHead, .stallInHead, .stallReading: (.stalls, .whole(0))
        case .stallInBody: (.arrives(status: 200), .stalls(upTo: small))
        case .cutBeforeHead, .cutInHead, .resetBeforeHead, .resetInHead: (.fails(Self.lost), .whole(0))
        case .cutInBody, .cutInChunk: (.arrives(status: 200), .fails(upTo: small, Self.lost))
        // A reset may overtake the head.
        case .resetInBody: (.arrivesOrFails(status: 200, Self.lost), .fails(upTo: small, Self.lost))
        case .garbage, .twoLengths: (.fails([.invalidServerResponse]), .whole(0))
        case .endlessHead: (.fails([.headerSizeOverflow, .headerCountExceeded]), .whole(0))
        case .earlyAnswer: (.arrivesOrFails(status: 413, Self.lost), .whole(0))
        case .refused: (.fails([.cannotConnect]), .whole(0))
        case .redirectLoop: (.fails([.redirectFailed]), .whole(0))
        }
    }

    /// Who answers in the end.
    var last: ServerBehaviour {
        switch self {
        case .redirect, .redirectWithMethod, .redirectCut: .hello
        default: self
        }
    }

    /// Whether a client without time limits may wait for ever, be it for the head, the body, or to get rid of its own.
    var mayStall: Bool {
        switch self {
        case .stallBeforeHead, .stallInHead, .stallInBody, .stallReading: true
        default: false
        }
    }

    /// How often it is chosen.
    var weight: Int {
        switch self {
        case .hello: 12
        case .big: 2
        case .stallReading: 1
        default: 3
        }
    }
}

// MARK: - What the server does

extension ServerBehaviour {
    /// The target of a request for this behaviour; the number tells the requests of a walk apart.
    func target(_ number: Int) -> String { "/\(rawValue)/\(number)" }

    /// The body of the response to the request with a number: its bytes count up, from that number on.
    static func byte(at offset: Int, ofRequest number: Int) -> UInt8 { UInt8(truncatingIfNeeded: number + offset) }

    static func body(ofRequest number: Int, count: Int) -> ArraySlice<UInt8> {
        let start = Int(byte(at: 0, ofRequest: number))
        return pattern[start..<(start + count)]
    }

    private static let pattern = (0..<(bigBody + 256)).map { UInt8(truncatingIfNeeded: $0) }

    /// A server that does what targets ask for, connection after connection, and counts those that are open.
    static func server(for walk: WalkCensus) throws -> ScriptedServer {
        try ScriptedServer { connection in
            walk.connectionOpened()
            defer { walk.connectionClosed() }
            while let head = try connection.readHead() {
                let parts = head.target.split(separator: "/")
                guard parts.count == 2, let behaviour = ServerBehaviour(rawValue: String(parts[0])),
                    let number = Int(parts[1])
                else { return }
                guard try behaviour.perform(connection, head, number, walk) else { return }
            }
        }
    }

    /// Returns whether the connection goes on.
    private func perform(
        _ connection: ServerConnection,
        _ head: ReceivedHead,
        _ number: Int,
        _ walk: WalkCensus
    ) throws -> Bool {
        let small = Self.smallBody
        let body = Self.body(ofRequest: number, count: small)
        let echo = "Walk-Target: \(head.target)\r\n"
        let start = "HTTP/1.1 200 OK\r\n\(echo)"
        let announced = "\(start)Content-Length: \(small)\r\n\r\n"
        let whole = Array(announced.utf8) + body
        switch self {
        case .stallReading:
            connection.limitReceiveBuffer(4096)
            walk.sessionIsGone.wait()
            return false
        case .earlyAnswer:
            try connection.send("HTTP/1.1 413 No\r\n\(echo)Connection: close\r\nContent-Length: 0\r\n\r\n")
            return false
        case .resetBeforeHead:
            connection.reset()
            return false
        case .cutBeforeHead, .refused: return false
        default: _ = try connection.readBody(of: head)
        }
        switch self {
        case .hello: try connection.send(whole)
        case .empty: try connection.send("HTTP/1.1 204 No Content\r\n\(echo)\r\n")
        case .chunked:
            try connection.send("\(start)Transfer-Encoding: chunked\r\n\r\n")
            for piece in [body.prefix(1), body.dropFirst(1).prefix(19), body.dropFirst(20)] {
                try connection.send(Array("\(String(piece.count, radix: 16))\r\n".utf8) + piece + Array("\r\n".utf8))
            }
            try connection.send("0\r\n\r\n")
        case .untilClose, .helloAndClose:
            let framing = self == .untilClose ? "" : "Content-Length: \(small)\r\n"
            try connection.send(Array("\(start)Connection: close\r\n\(framing)\r\n".utf8) + body)
            return false
        case .informational:
            try connection.send("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n")
            try connection.send(whole)
        case .trickle:
            for piece in [whole.prefix(9), whole[9..<60], whole[60..<(whole.count - small + 1)]] {
                try connection.send(piece)
            }
            for byte in body.dropFirst() { try connection.send([byte]) }
        case .big:
            try connection.send("\(start)Content-Length: \(Self.bigBody)\r\n\r\n")
            try connection.send(Self.body(ofRequest: number, count: Self.bigBody))
        case .stallBeforeHead: connection.waitForClose()
        case .stallInHead:
            try connection.send(whole.prefix(25))
            connection.waitForClose()
        case .stallInBody:
            try connection.send(whole.dropLast(small / 2))
            connection.waitForClose()
        case .cutInHead, .resetInHead: try connection.send(whole.prefix(25))
        case .cutInBody, .resetInBody: try connection.send(whole.dropLast(small / 2))
        case .cutInChunk:
            try connection.send(Array("\(start)Transfer-Encoding: chunked\r\n\r\n28\r\n".utf8) + body.prefix(20))
        case .garbage: try connection.send("\u{1}\u{2}\u{3} this is no HTTP\r\n\r\n")
        case .endlessHead:
            try connection.send(start)
            for _ in 0..<200 { try connection.send("X-Filler: \(String(repeating: "x", count: 4000))\r\n") }
        case .twoLengths:
            try connection.send("\(start)Content-Length: 3\r\nContent-Length: \(small)\r\n\r\n")
        case .excess: try connection.send(whole + Array("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n".utf8))
        case .redirect, .redirectWithMethod, .redirectCut, .redirectLoop:
            let status = self == .redirectWithMethod ? "307 Temporary Redirect" : "302 Found"
            let location = (self == .redirectLoop ? self : last).target(number)
            try connection.send("HTTP/1.1 \(status)\r\nLocation: \(location)\r\nContent-Length: 3\r\n\r\n")
            if self != .redirectCut { try connection.send("abc") }
        case .challenge, .challengeCut, .refusal:
            let known = head["Authorization"]
            if self == .refusal ? known == Self.lateAuthorization : known != nil {
                try connection.send(whole)
                return true
            }
            try connection.send("HTTP/1.1 401 No\r\nWWW-Authenticate: Basic\r\nContent-Length: 3\r\n\r\n")
            if self == .challengeCut { return false }
            try connection.send("abc")
        case .stallReading, .earlyAnswer, .resetBeforeHead, .cutBeforeHead, .refused: break
        }
        switch self {
        case .resetInHead, .resetInBody:
            connection.reset()
            return false
        case .stallBeforeHead, .stallInHead, .stallInBody, .cutInHead, .cutInBody, .cutInChunk, .garbage,
            .endlessHead, .twoLengths, .redirectCut:
            return false
        default: return true
        }
    }
}
