package import HTTPHandlesCore

extension TransferRequest {
    /// The server that is connected to, whose connections are limited and counted. A Unix socket takes the place of the origin,
    /// and a proxy that forwards serves all servers on one connection.
    package var connectedOrigin: Origin {
        if options.hasUnixSocket, let socket = options.values.unixSocket {
            return Origin(isSecure: false, host: "unix:\(socket)", port: 0)
        }
        guard let route, !route.isTunnel(to: url.origin) else { return url.origin }
        return route.address.origin
    }

    /// Whether the caller's resolver is asked. The name of a proxy is resolved without it.
    var asksForAddresses: Bool { options.asksForAddresses && route == nil }
}
