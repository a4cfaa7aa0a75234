import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes

/// The servers that hold a request in a phase, one set for each cell.
final class PhaseServers: Sendable {
    /// The server has begun to read.
    let headBegun = Gate()
    /// The server has sent its part of the response.
    let responseSent = Gate()
    /// The credential provider was called.
    let providerAsked = Gate()
    /// The server may close a connection that it has upgraded.
    let upgradedMayEnd = Gate()
    /// The neighbour gets the second half of its body.
    let neighbourMayEnd: Gate
    /// A host name that is never resolved.
    let stalledName = StalledName()
    let server: ScriptedServer
    private let slow: ScriptedServer
    private let unreachable: UnreachablePort
    private let over: Gate

    init() throws {
        let (headBegun, responseSent, neighbourMayEnd, over) = (headBegun, responseSent, Gate(), Gate())
        self.neighbourMayEnd = neighbourMayEnd
        self.over = over
        let upgradedMayEnd = upgradedMayEnd
        unreachable = try UnreachablePort()
        server = try ScriptedServer { connection in
            while let head = try connection.readHead() {
                switch head.target {
                case "/producer": _ = try connection.read(exactly: Self.firstChunk.utf8.count)
                case "/half-head": try connection.send(Self.earlyHints + "HTTP/1.1 200 OK\r\nContent-Le")
                case "/redirect-body": try connection.send(Self.redirectHead + "half-")
                case "/redirect": try connection.send(Self.redirectHead + "half-whole")
                case "tunnel.example:80": break
                case "locked.example:80":
                    try connection.send(Self.tunnelRefusal)
                    return
                case "http://half.example/": try connection.send(Self.proxyChallengeHead + "half-")
                case "/half-challenge": try connection.send(Self.challengeHead + "half-")
                case "/challenge" where head["Authorization"] == nil:
                    try connection.send(Self.challengeHead + "half-whole")
                case "/busy": try connection.send(Self.busyHead + "busy")
                case "/half-body": try connection.send(Self.head(length: 10) + "half-")
                case "/neighbour":
                    try connection.send(Self.head(length: 10) + "half-")
                    neighbourMayEnd.wait()
                    try connection.send("whole")
                case "/big":
                    try connection.send(Self.head(length: Self.bigSize))
                    try connection.send([UInt8](repeating: 0, count: Self.bigSize))
                case "/whole": try connection.send(Self.head(length: 5) + "hello")
                case "/failure": return
                case _ where head["upgrade"] != nil: try Self.upgrade(connection, head, upgradedMayEnd)
                default: break
                }
                responseSent.open()
            }
        }
        slow = try ScriptedServer(limitsReceiveBuffers: true) { connection in
            _ = try connection.read(exactly: 1)
            headBegun.open()
            over.wait()
        }
    }

    deinit {
        neighbourMayEnd.open()
        upgradedMayEnd.open()
        over.open()
    }

    /// Never answers, unless its task is cancelled.
    var silentProvider: CredentialProvider {
        CredentialProvider { [providerAsked] _ in
            providerAsked.open()
            for await _ in AsyncStream<Never>.makeStream().stream {}
            return nil
        }
    }

    // MARK: Responses

    /// The first piece of a body, in chunks.
    static let firstChunk = "5\r\nhello\r\n"
    static let earlyHints = "HTTP/1.1 103 Early Hints\r\n\r\n"
    static let redirectHead = "HTTP/1.1 302 Found\r\nLocation: /silent\r\nContent-Length: 10\r\n\r\n"
    static let challengeHead = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: 10\r\n\r\n"
    static let proxyChallengeHead = "HTTP/1.1 407 Ask\r\nProxy-Authenticate: Basic\r\nContent-Length: 10\r\n\r\n"
    static let tunnelRefusal = "HTTP/1.1 407 Ask\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n"
    static let busyHead = "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\n"
    /// More than a `ResponseBody` buffers, and less than the system does.
    static let bigSize = 512 * 1024

    static func head(length: Int) -> String { "HTTP/1.1 200 OK\r\nContent-Length: \(length)\r\n\r\n" }

    // MARK: URLs for the phases

    func host(for phase: Phase) -> String {
        switch phase {
        case .resolving: stalledName.host
        case .requestingTunnel: "tunnel.example"
        case .askingForTunnel: "locked.example"
        case .inProxyChallenge: "half.example"
        default: "127.0.0.1"
        }
    }

    /// The proxy of the phases that have one: the server.
    func proxy(for phase: Phase) -> ProxySetting? {
        var proxy = Proxy(.http, host: "127.0.0.1", port: server.port)
        switch phase {
        case .choosingProxy:
            return .choosing(
                ProxyChooser { _ in
                    try await Task.sleep(for: .seconds(1_000_000))
                    return []
                }
            )
        case .requestingTunnel, .askingForTunnel: proxy.tunnels = true
        case .inProxyChallenge: proxy.credentials = Phase.credentials
        default: return nil
        }
        return .named(proxy)
    }

    func port(for phase: Phase) -> Int {
        switch phase {
        case .connecting: unreachable.port
        case .requestingTunnel, .askingForTunnel, .inProxyChallenge: 80
        case .securing, .sendingHead, .awaitingServer: slow.port
        default: server.port
        }
    }
}

extension Phase {
    var target: String {
        switch self {
        case .awaitingProducer, .awaitingSource: "/producer"
        case .inHead: "/half-head"
        case .discardingRedirect, .awaitingDecision, .inUpgradeRedirect: "/redirect-body"
        case .secondHop: "/redirect"
        case .requestingTunnel, .askingForTunnel, .inProxyChallenge: "/"
        case .inChallenge: "/half-challenge"
        case .secondRound, .askingForCredentials, .secondUpgradeRound, .askingForUpgradeCredentials: "/challenge"
        case .awaitingRetry: "/busy"
        case .readingBody, .upgradeRefused: "/half-body"
        case .bodyPaused: "/big"
        case .unread, .complete: "/whole"
        case .failed: "/failure"
        case .inUpgradeHead: "/half-upgrade"
        case .upgraded: "/upgrade"
        case .upgradedWithBytes: "/upgrade-bytes"
        case .upgradedEnded: "/upgrade-end"
        default: "/silent"
        }
    }

    /// Credentials that are sent after a challenge.
    static let credentials = Credentials.password(user: "user", password: "password", schemes: [.basic, .digest])

    var method: HTTPRequest.Method {
        switch self {
        case .awaitingProducer, .awaitingSource, .awaitingServer: .put
        default: .get
        }
    }

    var headerFields: HTTPFields {
        // More than all socket buffers, and less than the mebibyte that libcurl sends at most.
        self == .sendingHead ? [.cookie: String(repeating: "x", count: 1_000_000)] : [:]
    }
}
