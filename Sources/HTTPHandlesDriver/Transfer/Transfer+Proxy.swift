import CHTTPHandlesCurl
package import HTTPHandlesCore
import HTTPTypes

// A transfer through a proxy. libcurl shows the heads with which an HTTP proxy answers CONNECT to the same callback as those
// of the server: they are what comes between the opening of a socket and `connectionReady`.

/// The request for a tunnel, from the opening of a socket until the connection is ready.
struct TunnelAttempt {
    /// Of the head that is coming.
    var bytes: [UInt8] = []
    /// How many heads have come.
    var heads = 0
    /// The last one.
    var head: HeaderBlock?
    /// The TLS handshake with the proxy is done.
    var isSecured = false
    var isEstablished = false
}

extension Transfer {
    // MARK: Options

    /// Sets the way of this exchange; libcurl never looks for one by itself.
    func applyRoute(_ route: ProxyRoute?) throws(HandleError) {
        appliedRoute = nil
        proxyProfile = nil
        guard let route else {
            try curl.switchOff(CURLOPT_PROXY, text: "")
            try curl.switchOff(CURLOPT_HTTPPROXYTUNNEL, 0)
            return
        }
        let proxy = route.proxy
        if proxy.address.kind == .https, !CurlLibrary.linked.has(.httpsProxy) {
            throw HandleError(
                .notSupported,
                .sendRequest,
                reason: "libcurl \(CurlLibrary.versionText) was built without TLS to a proxy"
            )
        }
        try curl.set(CURLOPT_PROXY, proxy.address.description)
        try curl.set(CURLOPT_HTTPPROXYTUNNEL, proxy.address.kind.isHTTP && route.tunnelsAll ? 1 : 0)
        try curl.set(CURLOPT_HEADEROPT, chttphandles_header_separate)
        var list = CurlList()
        for field in proxy.headerFields { try list.append(nulTerminated: field.line(emptyValue: ";")) }
        if case .token(let token)? = proxy.credentials?.secret {
            // libcurl has a token for servers only.
            try list.append("Proxy-Authorization: Bearer \(token)")
        }
        try curl.set(CURLOPT_PROXYHEADER, list: list)
        // The old list goes only now that libcurl does not point to it any more.
        proxyHeaderList = list
        try applyProxyCredentials(proxy)
        if proxy.address.kind == .https { try applyProxyTLS(proxy.tls) }
        appliedRoute = route
    }

    private func applyProxyCredentials(_ proxy: Proxy) throws(HandleError) {
        let isKerberos = proxy.credentials?.secret == .ambient
        // Otherwise libcurl offers Kerberos to every SOCKS proxy.
        if !proxy.address.kind.isHTTP {
            try curl.set(CURLOPT_SOCKS5_AUTH, isKerberos ? chttphandles_auth_negotiate : chttphandles_auth_basic)
        }
        var (user, password): (String?, String?) = (nil, nil)
        switch proxy.credentials?.secret {
        case .password(let name, let secret)?: (user, password) = (name, secret)
        // To libcurl an empty name means the user of the process.
        case .ambient?: (user, password) = ("", "")
        case .token?, nil: break
        }
        try curl.set(CURLOPT_PROXYUSERNAME, user)
        try curl.set(CURLOPT_PROXYPASSWORD, password)
        guard proxy.address.kind.isHTTP, user != nil, let credentials = proxy.credentials else { return }
        try setSchemes(of: credentials, CURLOPT_PROXYAUTH)
    }

    private func applyProxyTLS(_ tls: ProxyTLSOptions) throws(HandleError) {
        let trust = tls.trust
        proxyProfile = try profile(trust, tls.identity, "proxy")
        if let proxyProfile {
            try curl.set(CURLOPT_PROXY_CAINFO, nil)
            try curl.set(CURLOPT_PROXY_CAPATH, proxyProfile.directory)
        } else if trust.needsStore || tls.identity != nil {
            throw Self.needsOpenSSL("proxy")
        } else {
            try curl.switchOff(CURLOPT_PROXY_CAPATH, text: nil)
            try curl.set(CURLOPT_PROXY_CAINFO, CurlLibrary.authorityFile)
        }
        let verifiesName = trust.verifies && !trust.ignored.contains(.wrongName)
        try curl.set(CURLOPT_PROXY_SSL_VERIFYPEER, trust.verifies ? 1 : 0)
        try curl.set(CURLOPT_PROXY_SSL_VERIFYHOST, verifiesName ? 2 : 0)
        try setPins(of: trust, CURLOPT_PROXY_PINNEDPUBLICKEY, "proxy")
        try curl.set(CURLOPT_PROXY_SSLVERSION, tls.minimumTLSVersion.lowestForCurl)
    }

    // MARK: The answer to CONNECT

    /// A socket was opened. If it is to a proxy that is asked for a tunnel, what comes next is its answer.
    func tunnelBegins() {
        guard let request = exchange.request, let route = request.route, route.connects(to: request.url.origin) else {
            return
        }
        if attempt.tunnel == nil { attempt.tunnel = TunnelAttempt() }
        attempt.tunnel?.isSecured = false
        attempt.tunnel?.bytes = []
    }

    /// `false` to give the transfer up.
    func receiveTunnelLine(_ line: UnsafeRawBufferPointer) -> Bool {
        note()
        guard var tunnel = attempt.tunnel else { return true }
        attempt.tunnel = nil
        if tunnel.bytes.isEmpty {
            noteConnectionToProxy()
            if exchange.request?.route?.address.kind == .https, !tunnel.isSecured { record(.secured) }
            tunnel.isSecured = true
        }
        unsafe tunnel.bytes.append(contentsOf: line)
        let first = unsafe line.first
        let isEnd = first == UInt8(ascii: "\r") || first == UInt8(ascii: "\n")
        defer { attempt.tunnel = tunnel }
        guard tunnel.bytes.count <= attempt.maximumHeadSize else {
            return refuseTunnel(.headerSizeOverflow, "its answer to the request for a tunnel is longer than allowed")
        }
        guard isEnd else { return true }
        let head = HeaderBlock(bytes: tunnel.bytes)
        tunnel.bytes = []
        tunnel.heads += 1
        tunnel.head = head
        if head.status / 100 == 2 {
            tunnel.isEstablished = true
            record(.tunnelEstablished(secure: exchange.request?.url.isSecure ?? false))
            return true
        }
        guard head.status != 0, !head.isInformational else { return true }
        record(.tunnelRefused(head))
        if head.status == 401 {
            // libcurl 8.18 to 8.22 answers with the server's credentials (CVE-2026-86414).
            return refuseTunnel(.invalidServerResponse, "it answers the request for a tunnel with a 401", head)
        }
        guard head.status != 407 || tunnel.heads <= Self.maximumTunnelAnswers else {
            let reason = "it asks for credentials more than \(Self.maximumTunnelAnswers) times"
            return refuseTunnel(.loginFailure, reason, head)
        }
        return true
    }

    /// The proxy has answered, so there is a connection, which the poll back end does not see otherwise. One that was reset
    /// after the answer does not show it any more.
    private func noteConnectionToProxy() {
        for descriptor in attempt.openedSockets { sockets.noteConnection(descriptor) }
        guard !attempt.openedSockets.contains(where: sockets.isConnected), let address = attempt.address,
            let last = attempt.openedSockets.last(where: { sockets[$0].isOpen })
        else { return }
        sockets.connected(last)
        connected(last, address)
    }

    /// A proxy may reject every answer as stale, without end.
    private static let maximumTunnelAnswers = 10

    private func refuseTunnel(_ code: HandleErrorCode, _ reason: String, _ head: HeaderBlock? = nil) -> Bool {
        guard let address = exchange.request?.route?.address else { return false }
        attempt.refusal = HandleError(
            code,
            .sendRequest,
            reason: "the proxy \(address): \(reason)",
            proxyFailure: ProxyFailure(address, response: head.map(HTTPResponse.init))
        )
        return false
    }

    // MARK: Whose fault it is

    /// The proxy, as long as the way through it is not open: what fails then fails there.
    package var proxyInDoubt: ProxyFailure? {
        guard let route = exchange.request?.route, progress == .connecting, attempt.tunnel?.isEstablished != true else {
            return nil
        }
        return ProxyFailure(route.address, response: refusedTunnel.map(HTTPResponse.init))
    }

    /// The head with which the proxy has refused a tunnel.
    private var refusedTunnel: HeaderBlock? {
        guard let head = attempt.tunnel?.head, head.status != 0, head.status / 100 != 2 else { return nil }
        return head
    }

    /// The proxy, where it is what a failure is about.
    func proxyFailure(_ result: CurlCode) -> ProxyFailure? {
        guard let request = exchange.request, let route = request.route else { return nil }
        if !route.isTunnel(to: request.url.origin) {
            return progress < .receivingBody ? ProxyFailure(route.address) : nil
        }
        guard let failure = proxyInDoubt else { return nil }
        guard !route.address.kind.isHTTP else { return failure }
        // A SOCKS proxy has neither TLS nor names of its own; some of its replies are about the server.
        switch result {
        case .proxy:
            let reply = SOCKSReply(curl.information(CURLINFO_PROXY_ERROR))
            return reply == .server || reply == .name ? nil : failure
        case .proxyNotResolved, .cannotConnect, .interfaceFailed, .sendError, .receiveError, .proxyTimeout:
            return failure
        default: return nil
        }
    }

    /// The code of a failure at a proxy.
    func code(_ code: HandleErrorCode, _ result: CurlCode, at failure: ProxyFailure?) -> HandleErrorCode {
        if result == .proxy {
            switch SOCKSReply(curl.information(CURLINFO_PROXY_ERROR)) {
            case .server: return .cannotConnect
            case .login: return .loginFailure
            case .name: return .nameNotResolved
            case .other: return .connectionError
            }
        }
        guard let failure else { return code }
        if let status = failure.response?.status.code { return status == 407 ? .loginFailure : .cannotConnect }
        if let head = attempt.tunnel?.head, head.status == 0 { return .invalidServerResponse }
        return switch code {
        case .secureFailure: .secureFailureProxy
        case .clientAuthCertNeeded: .clientAuthCertNeededProxy
        default: code
        }
    }
}

/// What a SOCKS proxy has said, or what has failed there (`CURLproxycode`).
private enum SOCKSReply {
    /// The proxy has not reached the server.
    case server
    case login
    /// The server's name was not resolved here.
    case name
    case other

    init(_ code: Int) {
        switch UInt32(clamping: code) {
        case CURLPX_REPLY_CONNECTION_REFUSED.rawValue, CURLPX_REPLY_HOST_UNREACHABLE.rawValue,
            CURLPX_REPLY_NETWORK_UNREACHABLE.rawValue, CURLPX_REPLY_TTL_EXPIRED.rawValue,
            // SOCKS 4 has no other refusal.
            CURLPX_REQUEST_FAILED.rawValue:
            self = .server
        case CURLPX_USER_REJECTED.rawValue, CURLPX_NO_AUTH.rawValue, CURLPX_IDENTD.rawValue,
            CURLPX_IDENTD_DIFFER.rawValue, CURLPX_GSSAPI.rawValue:
            self = .login
        case CURLPX_RESOLVE_HOST.rawValue: self = .name
        default: self = .other
        }
    }
}

extension HTTPResponse {
    fileprivate init(_ head: HeaderBlock) {
        self.init(status: head.httpStatus, headerFields: head.fields())
    }
}

extension ProxyRoute {
    /// What libcurl keeps of it until the easy handle goes.
    var holdsSecrets: Bool {
        proxy.credentials != nil || !proxy.headerFields.isEmpty || proxy.tls.identity?.holdsSecrets == true
    }
}
