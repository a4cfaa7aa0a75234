import HTTPHandles
import HTTPHandlesTesting

/// The behaviour of the server of a random walk for a request, and its possible results. It is part of the request's target,
/// so that a repeated request has the same behaviour.
///
/// A new behaviour needs a case here, its implementation in `perform`, and its results in `outcome`.
enum ServerBehaviour: String, CaseIterable, Sendable {
    // Correct behaviour.
    case hello, empty, chunked, untilClose, helloAndClose, informational, trickle, big
    // Redirects to `hello`, the last one to itself.
    case redirect, redirectWithMethod, redirectCut, redirectLoop
    // A 401 before `hello`: with credentials, or with a provider.
    case challenge, challengeCut, refusal
    // A 401 without an answer, or without an answer in time.
    case denied, refusalUnanswered
    // As a proxy, a 407 before `hello`: with the proxy's credentials, or with a provider. A 407 without an answer.
    case proxyChallenge, proxyRefusal, proxyDenied
    // Redirects to `hello` that a decider stops, refuses or does not decide.
    case redirectStopped, redirectForbidden, redirectUndecided
    // To itself, with a cookie that has to be sent back.
    case cookie
    // 503: always; every other time; with `Retry-After`. Every other time no response at all.
    case busy, busyOnce, busyForLong, cutOnce
    // A coded body: valid; malformed.
    case coded, codedBig, codedCut, codedDamaged
    // The client waits without end.
    case stallBeforeHead, stallInHead, stallInBody, stallReading
    // FIN at the wrong time.
    case cutBeforeHead, cutInHead, cutInBody, cutInChunk
    // Resets.
    case resetBeforeHead, resetInHead, resetInBody
    // Invalid responses.
    case garbage, endlessHead, twoLengths, excess, earlyAnswer
    /// A refused connection.
    case refused

    enum HeadOutcome {
        case arrives(status: Int)
        case arrivesAs(Set<Int>)
        case fails(Set<HandleErrorCode>)
        /// Both results are possible.
        case arrivesOrFails(status: Int, Set<HandleErrorCode>)
        case stalls
    }

    enum BodyOutcome {
        case whole(Int)
        /// An error after at most so many bytes.
        case fails(upTo: Int, Set<HandleErrorCode>)
        case stalls(upTo: Int)
    }

    static let smallBody = 40
    /// More than the library buffers, so that a slow reader has the connection paused.
    static let bigBody = 400_000

    /// The credentials of a session of a walk, and those of its provider.
    static let options: [OptionSetting] = [
        .set(.credentials, to: .password(user: "a", password: "", schemes: [.basic, .digest])),
        .set(
            .credentialProvider,
            to: CredentialProvider { question in
                switch behaviour(ofURL: question.url) {
                case .denied, .proxyDenied: return nil
                case .refusalUnanswered: await untilCancelled()
                default: await aMoment()
                }
                return .basic(user: "b", password: "")
            }
        ),
    ]
    private static let lateAuthorization = "Basic Yjo="

    /// The server as a proxy.
    static func proxy(at port: Int, tunnels: Bool) -> ProxySetting {
        let credentials = Credentials.password(user: "p", password: "", schemes: [.basic, .digest])
        return .named(Proxy(.http, host: "127.0.0.1", port: port, credentials: credentials, tunnels: tunnels))
    }

    /// The redirect decider.
    static let decider = RedirectDecider { proposal in
        switch behaviour(ofURL: proposal.responseFields[.location] ?? "") {
        case .redirectStopped: return .stop
        case .redirectForbidden: return .refuse
        case .redirectUndecided: await untilCancelled()
        default: await aMoment()
        }
        return .follow
    }

    private static func behaviour(ofURL url: String) -> ServerBehaviour? {
        let parts = url.split(separator: "/").suffix(2)
        return parts.first.flatMap { ServerBehaviour(rawValue: String($0)) }
    }

    private static func aMoment() async {
        for _ in 0..<20 { await Task.yield() }
    }

    /// The response after that belongs to no request.
    private static func untilCancelled() async {
        try? await Task.sleep(for: .seconds(1_000_000))
    }

    private static let lost: Set<HandleErrorCode> = [.connectionError, .invalidServerResponse]

    /// - Parameter isRetried: Whether the client certainly retries.
    func outcome(isRetried: Bool) -> (head: HeadOutcome, body: BodyOutcome) {
        let small = Self.smallBody
        return switch self {
        case .hello, .chunked, .untilClose, .helloAndClose, .informational, .trickle, .excess, .redirect,
            .redirectWithMethod, .redirectCut, .challenge, .refusal, .proxyChallenge, .proxyRefusal, .cookie, .coded:
            (.arrives(status: 200), .whole(small))
        // Newer libcurls send credentials only after a whole 401.
        case .challengeCut: (.arrivesOrFails(status: 200, Self.lost), .whole(small))
        case .empty: (.arrives(status: 204), .whole(0))
        case .big, .codedBig: (.arrives(status: 200), .whole(Self.bigBody))
        case .stallBeforeHead, .stallInHead, .stallReading, .refusalUnanswered, .redirectUndecided:
            (.stalls, .whole(0))
        case .denied: (.arrives(status: 401), .whole(small))
        case .proxyDenied: (.arrives(status: 407), .whole(small))
        case .redirectStopped: (.arrives(status: 302), .whole(small))
        case .redirectForbidden, .redirectLoop: (.fails([.redirectFailed]), .whole(0))
        case .busy: (.arrives(status: 503), .whole(small))
        case .busyOnce: (isRetried ? .arrives(status: 200) : .arrivesAs([200, 503]), .whole(small))
        case .busyForLong: (isRetried ? .stalls : .arrives(status: 503), .whole(small))
        case .cutOnce: (isRetried ? .arrives(status: 200) : .arrivesOrFails(status: 200, Self.lost), .whole(small))
        case .codedCut, .codedDamaged: (.arrives(status: 200), .fails(upTo: small, [.invalidServerResponse]))
        case .stallInBody: (.arrives(status: 200), .stalls(upTo: small))
        case .cutBeforeHead, .cutInHead, .resetBeforeHead, .resetInHead: (.fails(Self.lost), .whole(0))
        case .cutInBody, .cutInChunk: (.arrives(status: 200), .fails(upTo: small, Self.lost))
        // A reset may overtake the head.
        case .resetInBody: (.arrivesOrFails(status: 200, Self.lost), .fails(upTo: small, Self.lost))
        case .garbage, .twoLengths: (.fails([.invalidServerResponse]), .whole(0))
        case .endlessHead: (.fails([.headerSizeOverflow, .headerCountExceeded]), .whole(0))
        case .earlyAnswer: (.arrivesOrFails(status: 413, Self.lost), .whole(0))
        case .refused: (.fails([.cannotConnect]), .whole(0))
        }
    }

    /// The behaviour after redirects.
    var last: ServerBehaviour {
        switch self {
        case .redirect, .redirectWithMethod, .redirectCut: .hello
        default: self
        }
    }

    /// Whether a client without time limits may wait without end, for the head, the body, or while sending.
    var mayStall: Bool {
        switch self {
        case .stallBeforeHead, .stallInHead, .stallInBody, .stallReading: true
        case .refusalUnanswered, .redirectUndecided, .busyForLong: true
        default: false
        }
    }

    /// Whether the request is idempotent, or may become so by a redirect.
    func mayMakeIdempotent(_ method: WalkMethod) -> Bool {
        switch self {
        case .redirect, .redirectCut, .redirectLoop, .redirectStopped, .redirectForbidden, .redirectUndecided, .cookie:
            true
        default: method != .post
        }
    }

    /// Whether it is useful only with retries.
    var isForRetries: Bool { [.busyOnce, .busyForLong, .cutOnce].contains(self) }

    /// Whether it is useful only with a redirect decider.
    var isForDeciders: Bool { [.redirectStopped, .redirectForbidden, .redirectUndecided].contains(self) }

    /// Whether it is useful only where the server is a proxy that forwards requests.
    var isForProxies: Bool { [.proxyChallenge, .proxyRefusal, .proxyDenied].contains(self) }

    /// Its weight in the random choice.
    var weight: Int {
        switch self {
        case .hello: 12
        case .big, .codedBig: 2
        case .stallReading: 1
        case .busyForLong, .refusalUnanswered, .redirectUndecided: 2
        default: 3
        }
    }
}

// MARK: - The server

extension ServerBehaviour {
    /// The target of a request with this behaviour; the number identifies the request.
    func target(_ number: Int) -> String { "/\(rawValue)/\(number)" }

    /// The body of the response to the request with a number: its bytes count up from that number.
    static func byte(at offset: Int, ofRequest number: Int) -> UInt8 { UInt8(truncatingIfNeeded: number + offset) }

    static func body(ofRequest number: Int, count: Int) -> ArraySlice<UInt8> {
        let start = Int(byte(at: 0, ofRequest: number))
        return pattern[start..<(start + count)]
    }

    private static let pattern = (0..<(bigBody + 256)).map { UInt8(truncatingIfNeeded: $0) }

    /// In stored blocks, without a frame (RFC 1951, section 3.2.4).
    private static func deflated(_ body: ArraySlice<UInt8>) -> [UInt8] {
        var coded: [UInt8] = []
        var rest = body
        repeat {
            let block = rest.prefix(65_535)
            rest = rest.dropFirst(block.count)
            let (low, high) = (UInt8(block.count & 0xFF), UInt8(block.count >> 8))
            coded += [rest.isEmpty ? 1 : 0, low, high, ~low, ~high] + block
        } while !rest.isEmpty
        return coded
    }

    /// A server with the behaviours of the targets, which counts its open connections.
    static func server(for walk: WalkCensus) throws -> ScriptedServer {
        try ScriptedServer { connection in
            walk.connectionOpened()
            defer { walk.connectionClosed() }
            while let head = try connection.readHead() {
                guard head.method != "CONNECT" else {
                    try connection.send(head["Proxy-Authorization"] == nil ? tunnelChallenge : tunnelEstablished)
                    continue
                }
                // A proxy gets the whole URL.
                let parts = head.target.prefix { $0 != "?" }.split(separator: "/").suffix(2)
                guard parts.count == 2, let behaviour = ServerBehaviour(rawValue: String(parts[parts.startIndex])),
                    let number = parts.last.flatMap({ Int($0) })
                else { return }
                guard try behaviour.perform(connection, head, number, walk) else { return }
            }
        }
    }

    private static let tunnelChallenge =
        "HTTP/1.1 407 No\r\nProxy-Authenticate: Basic\r\nContent-Length: 3\r\n\r\nno!"
    private static let tunnelEstablished = "HTTP/1.1 200 Established\r\n\r\n"

    /// Returns whether the connection stays open.
    private func perform(
        _ connection: ServerConnection,
        _ head: ReceivedHead,
        _ number: Int,
        _ walk: WalkCensus
    ) throws -> Bool {
        let small = Self.smallBody
        let body = Self.body(ofRequest: number, count: small)
        let target = target(number)
        let echo = "Walk-Target: \(target)\r\n"
        let start = "HTTP/1.1 200 OK\r\n\(echo)"
        let announced = "\(start)Content-Length: \(small)\r\n\r\n"
        let whole = Array(announced.utf8) + body
        switch self {
        case .stallReading:
            connection.limitReceiveBuffer(to: 4096)
            walk.sessionIsGone.wait()
            return false
        case .earlyAnswer:
            try connection.send("HTTP/1.1 413 No\r\n\(echo)Connection: close\r\nContent-Length: 0\r\n\r\n")
            return false
        case .resetBeforeHead:
            connection.reset()
            return false
        case .cutBeforeHead, .refused: return false
        default:
            let received = try connection.readBody(of: head)
            if !SentBody.isRight(received, type: head["Content-Type"]) {
                walk.noteMistake("\(head.requestLine) came with \(received.count) wrong bytes")
            }
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
        case .redirect, .redirectWithMethod, .redirectCut, .redirectLoop, .redirectStopped, .redirectForbidden,
            .redirectUndecided:
            let status = self == .redirectWithMethod ? "307 Temporary Redirect" : "302 Found"
            let location = "Location: \(last.target(number))\r\n"
            try connection.send("HTTP/1.1 \(status)\r\n\(location)\(echo)Content-Length: \(small)\r\n\r\n")
            if self != .redirectCut { try connection.send(body) }
        case .challenge, .challengeCut, .refusal, .denied, .refusalUnanswered:
            let known = head["Authorization"]
            let isKnown =
                switch self {
                case .denied, .refusalUnanswered: false
                case .refusal: known == Self.lateAuthorization
                default: known != nil
                }
            if isKnown {
                try connection.send(whole)
                return true
            }
            let challenge = "WWW-Authenticate: Basic\r\n"
            try connection.send("HTTP/1.1 401 No\r\n\(challenge)\(echo)Content-Length: \(small)\r\n\r\n")
            if self == .challengeCut { return false }
            try connection.send(body)
        case .proxyChallenge, .proxyRefusal, .proxyDenied:
            let known = head["Proxy-Authorization"]
            let isKnown = self == .proxyRefusal ? known == Self.lateAuthorization : known != nil
            if isKnown, self != .proxyDenied {
                try connection.send(whole)
                return true
            }
            let challenge = "Proxy-Authenticate: Basic\r\n"
            try connection.send("HTTP/1.1 407 No\r\n\(challenge)\(echo)Content-Length: \(small)\r\n\r\n")
            try connection.send(body)
        case .cookie:
            let cookie = "walk\(number)=\(number)"
            switch head["Cookie"] {
            case cookie: try connection.send(whole)
            case nil:
                let fields = "Location: \(target)\r\nSet-Cookie: \(cookie); Path=\(target)\r\n"
                try connection.send("HTTP/1.1 302 Found\r\n\(fields)Content-Length: 0\r\n\r\n")
            case let other?: walk.noteMistake("\(head.requestLine) came with the cookie \(other)")
            }
        case .busy, .busyOnce, .busyForLong, .cutOnce:
            if self == .busyOnce || self == .cutOnce, !walk.isOddRequest(target) {
                try connection.send(whole)
                return true
            }
            if self == .cutOnce { return false }
            let readRequest = self == .busyForLong ? "Retry-After: 29\r\n" : ""
            try connection.send("HTTP/1.1 503 Busy\r\n\(readRequest)\(echo)Content-Length: \(small)\r\n\r\n")
            try connection.send(body)
        case .coded, .codedBig, .codedCut, .codedDamaged:
            var coded = Self.deflated(Self.body(ofRequest: number, count: self == .codedBig ? Self.bigBody : small))
            if self == .codedCut { coded.removeLast(small / 2) }
            // An invalid block type.
            if self == .codedDamaged { coded[0] = 7 }
            try connection.send("\(start)Content-Encoding: deflate\r\nContent-Length: \(coded.count)\r\n\r\n")
            // The first piece has no output.
            for piece in [coded.prefix(3), coded.dropFirst(3)] { try connection.send(piece) }
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
