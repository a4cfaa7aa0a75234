import HTTPHandles
import Testing

/// Where a request is when its end comes.
enum Phase: String, Sendable, Codable, CaseIterable {
    case unused, queued, resolving, connecting, securing
    case sendingHead, awaitingProducer, awaitingServer
    case awaitingHead, inHead
    case discardingRedirect, secondHop
    case inChallenge, secondRound, askingForCredentials
    case awaitingDecision, awaitingRetry
    case readingBody, bodyPaused
    case unread, complete, failed

    /// Which operations may be pending in this phase: first the one that usually is, then those that may be as well.
    var operations: [HandleOperation] {
        switch self {
        case .unused, .bodyPaused, .unread, .complete, .failed: []
        case .queued, .resolving, .connecting, .securing, .sendingHead: [.sendRequest, .receiveResponse]
        // What waits for the producer is a send that iterates his sequence; as an operation it is a write.
        case .awaitingProducer: [.writeData, .receiveResponse]
        case .awaitingServer: [.writeData, .receiveResponse]
        case .awaitingHead, .inHead, .discardingRedirect, .secondHop: [.receiveResponse]
        case .awaitingDecision, .awaitingRetry: [.receiveResponse]
        case .inChallenge, .secondRound, .askingForCredentials: [.receiveResponse]
        case .readingBody: [.readData]
        }
    }

    /// The request is in this phase only while its operation is pending.
    var isOperation: Bool {
        switch self {
        case .queued, .resolving, .connecting, .securing, .sendingHead: true
        // A redirect is followed for somebody who waits for the response.
        case .discardingRedirect, .secondHop, .askingForCredentials: true
        default: false
        }
    }

    /// There is a network connection that the end has to close.
    var endsConnection: Bool {
        switch self {
        case .unused, .queued, .resolving, .connecting, .awaitingRetry, .askingForCredentials: false
        case .unread, .complete, .failed: false
        case .securing, .sendingHead, .awaitingProducer, .awaitingServer, .awaitingHead, .inHead: true
        case .discardingRedirect, .secondHop, .awaitingDecision, .readingBody, .bodyPaused: true
        case .inChallenge, .secondRound: true
        }
    }
}

extension Phase: CustomTestStringConvertible {
    /// What the request is doing.
    var testDescription: String {
        switch self {
        case .unused: "was never used"
        case .queued: "waits for a connection slot"
        case .resolving: "waits for a name server that says nothing"
        case .connecting: "waits for a server with a full backlog"
        case .securing: "waits in a TLS handshake"
        case .sendingHead: "is sending its head"
        case .awaitingProducer: "waits for the producer of its body"
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
        case .readingBody: "waits for more of the response body"
        case .bodyPaused: "is paused, because nobody reads the body"
        case .unread: "has a complete response that nobody has read"
        case .complete: "is complete"
        case .failed: "has failed"
        }
    }
}
