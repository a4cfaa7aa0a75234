import HTTPHandles
import Testing

/// The phase of a request at its end.
enum Phase: String, Sendable, Codable, CaseIterable {
    case unused, queued, resolving, connecting, securing
    case sendingHead, awaitingProducer, awaitingSource, awaitingServer
    case awaitingHead, inHead
    case discardingRedirect, secondHop
    case inChallenge, secondRound, askingForCredentials
    case awaitingDecision, awaitingRetry
    case choosingProxy, requestingTunnel, askingForTunnel, inProxyChallenge
    case readingBody, bodyPaused
    case unread, complete, failed
    // Requests that ask for a WebSocket
    case awaitingUpgrade, inUpgradeHead, upgraded, upgradedWithBytes, upgradedEnded
    case upgradeRefused, askingForUpgradeCredentials, secondUpgradeRound, inUpgradeRedirect

    /// The operations that may be pending in this phase: first the usual one, then additional ones.
    var operations: [HandleOperation] {
        switch self {
        case .unused, .bodyPaused, .unread, .complete, .failed: []
        case .queued, .resolving, .connecting, .securing, .sendingHead: [.sendRequest, .receiveResponse]
        case .awaitingSource: [.sendRequest, .receiveResponse]
        case .choosingProxy, .requestingTunnel, .askingForTunnel: [.sendRequest, .receiveResponse]
        // Waiting for the producer is a send that iterates its sequence; as an operation it is a write.
        case .awaitingProducer: [.writeData, .receiveResponse]
        case .awaitingServer: [.writeData, .receiveResponse]
        case .awaitingHead, .inHead, .discardingRedirect, .secondHop: [.receiveResponse]
        case .awaitingDecision, .awaitingRetry: [.receiveResponse]
        case .inChallenge, .secondRound, .askingForCredentials, .inProxyChallenge: [.receiveResponse]
        case .readingBody, .upgradeRefused: [.readData]
        case .awaitingUpgrade, .inUpgradeHead, .inUpgradeRedirect: [.receiveResponse]
        case .askingForUpgradeCredentials, .secondUpgradeRound: [.receiveResponse]
        case .upgraded, .upgradedWithBytes, .upgradedEnded: []
        }
    }

    /// Whether the phase requires a pending operation.
    var isOperation: Bool {
        switch self {
        case .queued, .resolving, .connecting, .securing, .sendingHead, .awaitingSource: true
        case .choosingProxy, .requestingTunnel, .askingForTunnel: true
        // A redirect is followed only while receiveResponse is pending.
        case .discardingRedirect, .secondHop, .askingForCredentials: true
        case .askingForUpgradeCredentials, .inUpgradeRedirect: true
        default: false
        }
    }

    /// Whether there is a network connection that the end has to close.
    var endsConnection: Bool {
        switch self {
        case .unused, .queued, .resolving, .connecting, .awaitingRetry, .askingForCredentials: false
        case .choosingProxy, .askingForTunnel: false
        case .unread, .complete, .failed, .upgradedEnded, .askingForUpgradeCredentials: false
        case .securing, .sendingHead, .awaitingProducer, .awaitingServer, .awaitingHead, .inHead: true
        case .awaitingSource: true
        case .discardingRedirect, .secondHop, .awaitingDecision, .readingBody, .bodyPaused: true
        case .inChallenge, .secondRound, .requestingTunnel, .inProxyChallenge: true
        case .awaitingUpgrade, .inUpgradeHead, .upgraded, .upgradedWithBytes: true
        case .upgradeRefused, .secondUpgradeRound, .inUpgradeRedirect: true
        }
    }
}

extension Phase: CustomTestStringConvertible {
    /// A description of the phase.
    var testDescription: String {
        switch self {
        case .unused: "was never used"
        case .queued: "waits for a connection slot"
        case .resolving: "waits for a name server that says nothing"
        case .connecting: "waits for a server with a full backlog"
        case .securing: "waits in a TLS handshake"
        case .sendingHead: "is sending its head"
        case .awaitingProducer: "waits for the producer of its body"
        case .awaitingSource: "waits for the source of a body that can be sent again"
        case .awaitingServer: "waits for the server to take its body"
        case .awaitingHead: "waits for the response head"
        case .inHead: "is in the middle of the response head"
        case .discardingRedirect: "discards the body of a redirect"
        case .secondHop: "is on the second hop of a redirect"
        case .inChallenge: "discards the body of a 401"
        case .secondRound: "is in the second round after a 401"
        case .askingForCredentials: "waits for the provider of credentials"
        case .awaitingDecision: "waits for the caller to decide about a redirect"
        case .awaitingRetry: "waits to be sent again"
        case .choosingProxy: "waits for the closure that chooses proxies"
        case .requestingTunnel: "waits for a proxy to make a tunnel"
        case .askingForTunnel: "waits for the provider of credentials for a proxy"
        case .inProxyChallenge: "discards the body of a 407"
        case .readingBody: "waits for more of the response body"
        case .bodyPaused: "is paused, because the body is not read"
        case .unread: "has a complete response that was not read"
        case .complete: "is complete"
        case .failed: "has failed"
        case .awaitingUpgrade: "waits for the answer to an upgrade"
        case .inUpgradeHead: "is in the middle of a 101"
        case .upgraded: "has a 101, and its connection was not taken over"
        case .upgradedWithBytes: "has a 101 and more behind it than is kept"
        case .upgradedEnded: "has a 101, and the server has closed the connection"
        case .upgradeRefused: "waits for more of the body of a 200 to an upgrade"
        case .askingForUpgradeCredentials: "waits for the provider of credentials for an upgrade"
        case .secondUpgradeRound: "is in the second round of an upgrade after a 401"
        case .inUpgradeRedirect: "discards the body of a redirect of an upgrade"
        }
    }
}
