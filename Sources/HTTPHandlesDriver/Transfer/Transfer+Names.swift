import CHTTPHandlesCurl
package import HTTPHandlesCore

/// What the caller's resolver is asked in an exchange, or that of the system (`SystemResolver`).
struct CustomNames {
    /// The transfer waits, outside of libcurl, for the answer.
    var isAsking = false
    /// The answer.
    var addresses: [String] = []
    /// How often it was asked.
    var timesAsked = 0
    /// When it was asked last.
    var askedAt = MonotonicTime(nanoseconds: 0)
    /// How much time of the exchange was over when libcurl began with the present attempt.
    var timeAsked = Duration.zero
}

// The caller's resolver is asked where libcurl would ask the system's: after libcurl has looked for a connection that can be
// used, and in its own cache. libcurl cannot wait for an answer there, so the transfer fails, leaves the multi handle, and is
// added again with the addresses.
//
// They must not get into the cache under the host's name, where requests with other resolvers would find them, nor may these
// share connections. So such a request connects to a name of its own (`CURLOPT_CONNECT_TO`), which has the resolver's number
// in it, and which is in the cache only with what the resolver has answered (`CURLOPT_RESOLVE`). `Host` and the name in the
// certificate stay those of the URL.

extension Transfer {
    /// Sets the names of this exchange, or takes back those of another.
    func applyNames(_ request: TransferRequest) throws(HandleError) {
        let (origin, overrides) = (request.url.origin, request.options.values.resolveOverrides)
        let resolver = request.asksForAddresses ? request.options.values.nameResolver.custom : nil
        var names = CurlList()
        var connections = CurlList()
        let target = ConnectionTarget(of: origin, overrides)
        if let resolver, unixAddress == nil, !target.isAddress {
            let name = "\(target.host).\(String(resolver.number, radix: 36))"
            try connections.append(ResolveOverride.line(from: origin.host, origin.port, to: name, target.port))
            // Until there are addresses, the cache must have none either, left by an earlier request.
            let isKnown = !exchange.names.addresses.isEmpty
            let entry = "\(name):\(target.port)"
            try names.append(isKnown ? "+\(entry):\(listOfAddresses)" : "-\(entry)")
        } else {
            for override in overrides { try connections.append(override.line) }
            // The system's addresses are for all requests, and kept as long as if libcurl had asked.
            if let entry = systemEntry {
                try names.append(entry)
                try keepNames(request)
            }
        }
        try curl.set(CURLOPT_CONNECT_TO, list: connections)
        connectToList = connections
        try curl.set(CURLOPT_RESOLVE, list: names)
        resolveList = names
        hasOwnNames = resolver != nil || !exchange.names.addresses.isEmpty
    }

    /// What the cache has to have after the system was asked.
    private var systemEntry: String? {
        guard !exchange.names.addresses.isEmpty, let request = exchange.request, let host = nameToResolve else {
            return nil
        }
        let port =
            request.route?.address.port
            ?? ConnectionTarget(of: request.url.origin, request.options.values.resolveOverrides).port
        return "+\(host):\(port):\(listOfAddresses)"
    }

    /// Long enough for this transfer to find them there.
    private func keepNames(_ request: TransferRequest) throws(HandleError) {
        guard let time = request.options.values.resolverCacheTime, time < .seconds(60) else { return }
        try curl.set(CURLOPT_DNS_CACHE_TIMEOUT, 60)
        // For the next exchange this has to be set anew.
        appliedOptions = nil
    }

    /// As libcurl wants them.
    private var listOfAddresses: String {
        exchange.names.addresses.map { $0.utf8.contains(UInt8(ascii: ":")) ? "[\($0)]" : $0 }.joined(separator: ",")
    }

    /// Refuses what would make libcurl resolve names by itself, and so block when the transfer is removed.
    func requireResolvable(_ request: TransferRequest) throws(HandleError) {
        let problem: String? =
            if request.options.values.nameResolver.url != nil {
                "DNS over HTTPS"
            } else if let kind = request.route?.address.kind, kind == .socks4 || kind == .socks5,
                !request.url.origin.isHostLiteral
            {
                "\(kind), with which the client resolves the server's name,"
            } else {
                nil
            }
        guard let problem else { return }
        let reason = "\(problem) needs libcurl 7.87 or newer, but \(CurlLibrary.versionText) is linked"
        throw HandleError(.notSupported, .sendRequest, reason: reason)
    }

    /// More than are needed unless other requests remove the answers from the cache again and again.
    private static let maximumQuestions = 8

    /// libcurl needs addresses for a new connection, and is about to fail.
    func askForAddresses() {
        guard let host = nameToResolve, !exchange.names.isAsking, mayAskForAddresses() else { return }
        record(.resolving(host: host))
        exchange.names.isAsking = true
        exchange.names.timesAsked += 1
        exchange.names.timeAsked += Duration.microseconds(curl.offset(CURLINFO_TOTAL_TIME_T))
    }

    /// Whether the exchange can begin again for that. libcurl sends some requests again, for which it needs a connection in
    /// the middle of an exchange.
    private func mayAskForAddresses() -> Bool {
        guard exchange.names.timesAsked < Self.maximumQuestions else {
            let reason = "libcurl has not used the addresses of the resolver"
            attempt.refusal = HandleError(.internalError, .sendRequest, reason: reason)
            return false
        }
        if case .waiting = attempt.sending { return true }
        if attempt.challenge != nil { forgetChallenge() } else if !maySendAgain(isNewConnection: true) { return false }
        guard let request = exchange.request, request.body.isStreamed, attempt.bodyBytesTaken > 0 else { return true }
        attempt.refusal = HandleError(.resendRequest, .sendRequest, reason: "the request body cannot be sent again")
        return false
    }

    /// The transfer waits for a resolver.
    package var awaitsAddresses: Bool { exchange.names.isAsking }

    /// The caller's resolver, or the system's.
    package var resolver: CustomResolver {
        guard let request = exchange.request, request.asksForAddresses else { return SystemResolver.shared }
        return request.options.values.nameResolver.custom ?? SystemResolver.shared
    }

    /// The error of libcurl for a name that the system does not know.
    package func unknownName(_ host: String) -> HandleError {
        let proxy = (exchange.request?.route?.address).map { ProxyFailure($0) }
        let text = "Could not resolve \(proxy == nil ? "host" : "proxy"): \(host)"
        return HandleError(
            .nameNotResolved,
            .sendRequest,
            reason: proxy.map { "the proxy \($0.proxy): \(text)" } ?? text,
            curl: CurlFailure(proxy == nil ? .hostNotResolved : .proxyNotResolved),
            proxyFailure: proxy
        )
    }

    /// The transfer has left libcurl.
    func addressesAwaited() {
        exchange.pendingRestart = nil
        if let host = nameToResolve { record(.addressesNeeded(host: host)) }
        exchange.names.askedAt = engine.now
    }

    /// Prepares the next attempt, which has addresses.
    func beginAgain(at addresses: [String]) throws(HandleError) {
        guard let request = exchange.request else { return }
        exchange.names.isAsking = false
        exchange.names.addresses = addresses
        exchange.names.timeAsked += engine.now - exchange.names.askedAt
        if let first = addresses.first { record(.resolved(address: first)) }
        try beginNextAttempt(request)
    }
}
