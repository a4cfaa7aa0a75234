/// The way of one transfer through a proxy. Equal ways of a session are the same object.
package final class ProxyRoute: Sendable {
    package let proxy: Proxy
    /// Requests without TLS go through a tunnel too.
    package let tunnelsAll: Bool
    /// A number that only this way has; connections through tunnels are used by requests of the same way only. libcurl does
    /// not compare the credentials and the header fields that a tunnel was made with.
    package let number: UInt32

    package init(_ proxy: Proxy, tunnelsAll: Bool, number: UInt32) {
        self.proxy = proxy
        self.tunnelsAll = tunnelsAll
        self.number = number
    }

    package var address: ProxyAddress { proxy.address }

    /// Whether the connection is a tunnel to the server, so that the proxy does not see the request.
    package func isTunnel(to origin: Origin) -> Bool {
        origin.isSecure || tunnelsAll || !address.kind.isHTTP
    }

    /// Whether the tunnel is opened by a request with the method CONNECT.
    package func connects(to origin: Origin) -> Bool {
        address.kind.isHTTP && isTunnel(to: origin)
    }
}

/// The ways that exchanges of a session have used.
package struct ProxyRoutes: ~Copyable {
    private struct Key: Hashable {
        let proxy: Proxy
        let tunnelsAll: Bool
    }

    private var routes: [Key: ProxyRoute] = [:]
    private var made: UInt32 = 0

    /// A closure of the caller's may choose any number of proxies.
    private static let maximumCount = 256

    package init() {}

    package mutating func route(through proxy: Proxy, _ values: OptionValues, to origin: Origin) -> ProxyRoute {
        // An HTTP proxy does not forward HTTP/2 that was not negotiated, and libcurl makes a tunnel where another host is
        // connected to than that of the URL. Upgrades are between the client and the server (RFC 6455, section 4.1).
        let tunnelsAll =
            proxy.tunnels || values.asksForUpgrade || values.httpVersions == .http2PriorKnowledge
            || values.resolveOverrides.contains { $0.applies(to: origin) }
        let key = Key(proxy: proxy, tunnelsAll: tunnelsAll)
        if let known = routes[key] { return known }
        if routes.count >= Self.maximumCount { routes = [:] }
        made &+= 1
        let route = ProxyRoute(proxy, tunnelsAll: tunnelsAll, number: made)
        routes[key] = route
        return route
    }
}
