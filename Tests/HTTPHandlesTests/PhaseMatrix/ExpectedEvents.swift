import Foundation
import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes

extension Cell {
    /// All events of the request after its creation.
    func events(_ servers: PhaseServers) -> [StatusEvent.Kind] {
        phase.events(servers) + lastEvents
    }

    /// The events of the end.
    private var lastEvents: [StatusEvent.Kind] {
        let closing: [StatusEvent.Kind] = phase.endsConnection ? [.closingConnection, .connectionClosed] : []
        return closing + errors.map { .requestError($0) } + [.handleClosing]
    }

    /// The errors of the pending operations, in the order of their events.
    var errors: [HandleError] {
        let order: [HandleOperation] = [.sendRequest, .receiveResponse, .writeData, .readData]
        return order.filter(pending.contains).map { error(of: $0) }
    }

    /// The error of a pending operation.
    func error(of operation: HandleOperation) -> HandleError {
        guard way == .driverDeath else { return .cancelled(operation) }
        let systemError = Phase.isPolled ? nil : SystemErrorNumber(rawValue: EINVAL)
        return .driverStopped(operation, Self.driverFailure, systemError: systemError)
    }

    private static let driverFailure =
        "the session's driver has failed: "
        + (Phase.isPolled ? "Unrecoverable error in select/poll" : "epoll: Invalid argument")
}

extension Phase {
    static let isPolled = ProcessInfo.processInfo.environment["HTTP_HANDLES_BACKEND"] == "poll"

    /// The number of its events before the end. The second event back end reports a connection only after the handshake, or
    /// when it is closed.
    func countOfEvents(_ servers: PhaseServers) -> Int {
        (self == .securing || self == .requestingTunnel) && Self.isPolled ? 1 : events(servers).count
    }

    /// The events of a request up to this phase.
    func events(_ servers: PhaseServers) -> [StatusEvent.Kind] {
        let (host, port) = (servers.host(for: self), servers.port(for: self))
        let isProxied = self == .requestingTunnel || self == .askingForTunnel || self == .inProxyChallenge
        let address = SocketAddress(host: "127.0.0.1", port: isProxied ? servers.server.port : port)
        let connecting: [StatusEvent.Kind] = [.connectingToServer(address: address)]
        let connected = connecting + [.connectedToServer(address: address)]
        let sending = connected + [.sendingRequest]
        func sent(_ target: String, fields: String = "") -> StatusEvent.Kind {
            .requestSent(bytes: requestHead(target, "\(host):\(port)").utf8.count + fields.utf8.count)
        }
        let headSent = sending + [sent(target), .sendRequestComplete]
        let awaiting = headSent + [.receivingResponse]
        func received(_ head: String) -> [StatusEvent.Kind] {
            let status = Int(head.dropFirst("HTTP/1.1 ".count).prefix(3)) ?? 0
            return awaiting + [.responseReceived(status: .init(code: status), bytes: head.utf8.count)]
        }
        func delivered(_ length: Int) -> [StatusEvent.Kind] {
            received(PhaseServers.head(length: length)) + [.headersAvailable]
        }
        let redirected = received(PhaseServers.redirectHead) + [.redirect(url: servers.server.url("/silent"))]
        let challenged = received(PhaseServers.challengeHead)
        return switch self {
        case .unused: []
        case .queued: [.queued]
        case .resolving: [.resolvingName(host: host)]
        case .connecting: connecting
        case .securing: connected + [.securingConnection]
        case .sendingHead: sending
        case .awaitingProducer: headSent + [.writeComplete(bytes: 5)]
        case .awaitingSource: sending + [.writeComplete(bytes: 5)]
        case .awaitingServer: headSent
        case .awaitingHead, .awaitingUpgrade: awaiting
        case .inHead, .inUpgradeHead:
            awaiting + [.intermediateResponse(status: .init(code: 103, reasonPhrase: "Early Hints"), headerFields: [:])]
        case .discardingRedirect, .inUpgradeRedirect: redirected
        case .secondHop:
            redirected + [.connectionReused(address: address), .sendingRequest, sent("/silent"), .receivingResponse]
        case .inChallenge, .askingForCredentials: challenged
        case .secondRound:
            challenged + [
                .sendingRequest, sent(target, fields: "Authorization: Basic dXNlcjpwYXNzd29yZA==\r\n"),
                .receivingResponse,
            ]
        case .choosingProxy: [.detectingProxy]
        case .requestingTunnel: connected
        case .askingForTunnel:
            connected + [
                .tunnelRefused(
                    status: .init(code: 407, reasonPhrase: "Ask"),
                    headerFields: [.proxyAuthenticate: "Basic", .contentLength: "0"]
                ), .closingConnection, .connectionClosed,
            ]
        case .inProxyChallenge:
            sending + [
                .requestSent(bytes: forwardedHead(host).utf8.count), .sendRequestComplete, .receivingResponse,
                .responseReceived(status: 407, bytes: PhaseServers.proxyChallengeHead.utf8.count),
            ]
        case .awaitingDecision: received(PhaseServers.redirectHead)
        case .awaitingRetry:
            received(PhaseServers.busyHead) + [.retry(attempt: 2, after: .seconds(1), cause: .status(503))]
        case .readingBody, .upgradeRefused: delivered(10) + [.readComplete(bytes: 5)]
        case .bodyPaused: delivered(PhaseServers.bigSize)
        case .unread: delivered(5)
        case .complete: delivered(5) + [.readComplete(bytes: 5), .readComplete(bytes: 0)]
        case .failed: awaiting + [.closingConnection, .connectionClosed, .requestError(Self.failure)]
        // What is uploaded has no end, so libcurl closes the connection.
        case .askingForUpgradeCredentials: challenged + [.closingConnection, .connectionClosed]
        case .secondUpgradeRound:
            challenged + [.closingConnection, .connectionClosed] + connected + [
                .sendingRequest, sent(target, fields: "Authorization: Basic dXNlcjpwYXNzd29yZA==\r\n"),
                .receivingResponse,
            ]
        case .upgraded, .upgradedWithBytes: received(Self.upgradeHead) + [.headersAvailable]
        case .upgradedEnded: received(Self.upgradeHead) + [.headersAvailable, .closingConnection, .connectionClosed]
        }
    }

    /// The error of a request whose connection is closed before a response.
    static let failure = HandleError(
        .invalidServerResponse,
        .receiveResponse,
        reason: "Empty reply from server",
        curl: CurlFailure(code: CurlCode(rawValue: 52), message: "Server returned nothing (no headers, no data)")
    )

    private func forwardedHead(_ host: String) -> String {
        "GET http://\(host)/ HTTP/1.1\r\nHost: \(host)\r\n\(EventOrderTests.ownFields)Proxy-Connection: Keep-Alive\r\n\r\n"
    }

    private func requestHead(_ target: String, _ host: String) -> String {
        let framing = method == .put ? "Transfer-Encoding: chunked\r\n" : ""
        let fields = EventOrderTests.ownFields + framing + upgradeFields
        return "\(method) \(target) HTTP/1.1\r\nHost: \(host)\r\n\(fields)\r\n"
    }
}
