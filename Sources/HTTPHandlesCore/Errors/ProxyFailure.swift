public import HTTPTypes

/// The part of a proxy in a failure: which one it was, and what it answered.
public struct ProxyFailure: Sendable, Hashable {
    /// The proxy.
    public let proxy: ProxyAddress
    /// What an HTTP proxy answered to the request for a tunnel; `nil` if it answered nothing. Its body is not kept.
    public let response: HTTPResponse?

    /// Makes one, for tests.
    public init(_ proxy: ProxyAddress, response: HTTPResponse? = nil) {
        self.proxy = proxy
        self.response = response
    }

    /// What the proxy asks for with a 407.
    public var challenges: [AuthenticationChallenge] {
        response.map { AuthenticationChallenge.all(in: $0.headerFields, of: .proxyAuthenticate) } ?? []
    }
}
