import HTTPHandles
import HTTPHandlesTesting

extension OrderScenario {
    /// Scenarios with proxies.
    static let proxies = [
        OrderScenario("A tunnel through a proxy that wants credentials") {
            let proxy = try ProxyTests.Scripted { head in
                let isKnown = head.method != "CONNECT" || head["Proxy-Authorization"] != nil
                return isKnown ? nil : PhaseServers.tunnelRefusal
            }
            let credentials = Phase.credentials
            return try await through(.named(proxy.proxy(credentials, tunnels: true)), proxy.server.port)
        },
        OrderScenario("Two choices of a proxy, and the first cannot be reached") {
            let proxy = try ProxyTests.Scripted()
            let dead = Proxy(.http, host: "127.0.0.1", port: try freePorts(1)[0])
            let chooser = ProxyChooser { _ in [.proxy(dead), .proxy(proxy.proxy())] }
            return try await through(.choosing(chooser), proxy.server.port, dead.address.port)
        },
    ]

    private static func through(_ setting: ProxySetting, _ port: Int, _ other: Int = 0) async throws -> EventTrace {
        try await .recording(port, other, options: [.set(.proxy, to: setting)]) { session in
            let connection = try await session.connect(to: "origin.example", port: 80)
            let request = try await connection.openRequest(.get, "/")
            try await request.complete()
            try await request.closeAndWait()
        }
    }
}
