package import HTTPHandles
import HummingbirdCore

package import struct Hummingbird.Application
package import struct Hummingbird.ApplicationConfiguration
package import protocol NIOCore.Channel

extension ReverseProxy {
    /// A server that is this proxy, at 127.0.0.1.
    ///
    /// - Parameters:
    ///   - port: Where it listens; 0 for a free port.
    ///   - session: A session with `Upstream.sessionOptions`. Close it when the server has ended.
    ///   - upstream: The server behind it.
    ///   - onServerRunning: Called when it listens.
    package static func application(
        port: Int,
        session: SessionHandle,
        upstream: HTTPURL,
        onServerRunning: @escaping @Sendable (any Channel) async -> Void = { _ in }
    ) -> Application<ReverseProxy> {
        let exchanges = OpenExchanges()
        return Application(
            responder: ReverseProxy(Upstream(session, at: upstream), exchanges),
            server: .http1(configuration: .init(additionalChannelHandlers: [exchanges.channelHandler])),
            configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: port)),
            onServerRunning: onServerRunning
        )
    }
}
