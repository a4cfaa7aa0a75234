import HTTPHandles
package import NIOCore
import Synchronization

/// The exchanges with the upstream server, by the client's connection: what has to end when the client goes away.
///
/// HTTP/1 has one exchange at a time on a connection.
package final class OpenExchanges: Sendable {
    private enum Client {
        case isThere(RequestHandle?)
        case isGone
    }

    private let clients = Mutex<[ObjectIdentifier: Client]>([:])

    package init() {}

    /// The handler for the pipeline of each connection.
    package var channelHandler: any RemovableChannelHandler { ClientWatch(self) }

    /// Notes an exchange. If the client is gone already, it is closed at once.
    func begin(_ request: RequestHandle, for channel: any Channel) {
        let isGone = clients.withLock { clients in
            guard case .isThere = clients[ObjectIdentifier(channel)] else { return true }
            clients[ObjectIdentifier(channel)] = .isThere(request)
            return false
        }
        if isGone { try? request.close() }
    }

    /// The exchange is over.
    func end(for channel: any Channel) {
        clients.withLock { clients in
            if case .isThere = clients[ObjectIdentifier(channel)] { clients[ObjectIdentifier(channel)] = .isThere(nil) }
        }
    }

    fileprivate func opened(_ channel: any Channel) {
        clients.withLock { $0[ObjectIdentifier(channel)] = .isThere(nil) }
    }

    fileprivate func gone(_ channel: any Channel) {
        let client = clients.withLock { $0.updateValue(.isGone, forKey: ObjectIdentifier(channel)) }
        // close() is possible on any thread, also on that of an event loop, and does not block.
        if case .isThere(let request?) = client { try? request.close() }
    }

    fileprivate func removed(_ channel: any Channel) {
        gone(channel)
        _ = clients.withLock { $0.removeValue(forKey: ObjectIdentifier(channel)) }
    }
}

/// Tells when a client closes its connection, or only its sending direction, as nginx does by default.
private final class ClientWatch: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = NIOAny

    private let exchanges: OpenExchanges

    init(_ exchanges: OpenExchanges) {
        self.exchanges = exchanges
    }

    func handlerAdded(context: ChannelHandlerContext) { exchanges.opened(context.channel) }

    func handlerRemoved(context: ChannelHandlerContext) { exchanges.removed(context.channel) }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed = event { exchanges.gone(context.channel) }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        exchanges.gone(context.channel)
        context.fireChannelInactive()
    }
}
