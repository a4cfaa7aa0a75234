import HTTPHandlesCore
import HTTPHandlesDriver

// A request that asks for another protocol than HTTP. It is a request like any other until the 101 has come; then its
// connection can be taken over, once, by a handle of its own.

extension Exchange {
    /// What is sent by a request whose options ask for an upgrade.
    static func asking(
        _ message: RequestMessage,
        _ body: TransferRequest.Body,
        _ options: OptionSnapshot,
        _ driver: Driver
    ) throws(HandleError) -> (RequestMessage, TransferRequest.Body, OptionSnapshot) {
        // First, so that they are checked too: they must not be a part of the handshake.
        let message = options.hasDefaults ? message.withDefaults(options.values) : message
        var generator = SystemRandomNumberGenerator.system
        guard let upgrade = try options.values.upgradeRequest(message, using: &generator) else {
            return (message, body, options)
        }
        guard case .none = body else {
            throw .invalidParameter(.sendRequest, "a request that asks for an upgrade has no body")
        }
        let stream = UpgradedStream(upgrade, driver)
        return (message.asking(for: upgrade), .upgrade(DriverBound(stream)), options.forUpgrade)
    }

    /// What becomes of a 101 to a request whose options ask for an upgrade.
    func dispositionOfUpgrade(_ head: HeaderBlock) -> HeadDisposition {
        guard let stream = request.body.upgrade?.value else {
            // A redirect has made a GET of it.
            let reason = "the server answered with 101, but the request after the redirect asks for no upgrade"
            return .refuse(HandleError(.invalidServerResponse, .receiveResponse, reason: reason))
        }
        do {
            let agreement = try stream.upgrade.check(head)
            keep(head)
            upgraded = UpgradedExchange(agreement)
            return .upgrade
        } catch {
            return .refuse(error.error(in: .receiveResponse))
        }
    }

    /// The connection has ended before it was taken over.
    func upgradedEnded(_ end: UpgradedStream.End) {
        guard upgraded != nil, let stream = request.body.upgrade?.value, stream.end == nil else { return }
        stream.end = end
    }

    /// Hands out the connection.
    func takeUpgraded(toWebSocket: Bool) throws(HandleError) -> UpgradedConnection {
        guard let upgraded, let stream = request.body.upgrade?.value, let head, machine.isReceived else {
            throw .wrongState(.completeUpgrade, "no 101 to a request for an upgrade was received")
        }
        guard let transfer else {
            throw .wrongState(.completeUpgrade, "the connection was taken over before")
        }
        guard stream.upgrade.isWebSocket == toWebSocket else {
            throw .wrongState(.completeUpgrade, "the connection was upgraded to another protocol")
        }
        upgraded.facts = transfer.facts
        self.transfer = nil
        return UpgradedConnection(stream, transfer, slot: handOverSlot(), resources, head, upgraded.agreement)
    }
}

/// What an exchange knows of its upgrade.
final class UpgradedExchange {
    let agreement: WebSocketHandshake.Agreement
    /// Those at the moment when the connection was taken over.
    var facts = ExchangeFacts()

    init(_ agreement: WebSocketHandshake.Agreement) {
        self.agreement = agreement
    }
}
