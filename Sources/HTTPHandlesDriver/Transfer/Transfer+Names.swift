import CHTTPHandlesCurl
import HTTPHandlesCore

/// What the caller's resolver is asked in an exchange.
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
            let addresses = exchange.names.addresses.map { $0.utf8.contains(UInt8(ascii: ":")) ? "[\($0)]" : $0 }
            // Until there are any, the cache must have none either, left by an earlier request.
            let isKnown = !addresses.isEmpty
            let entry = "\(name):\(target.port)"
            try names.append(isKnown ? "+\(entry):\(addresses.joined(separator: ","))" : "-\(entry)")
        } else {
            for override in overrides { try connections.append(override.line) }
        }
        try curl.set(CURLOPT_CONNECT_TO, list: connections)
        connectToList = connections
        try curl.set(CURLOPT_RESOLVE, list: names)
        resolveList = names
        hasOwnNames = resolver != nil
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
            let reason = "libcurl has not used the addresses of the caller's resolver"
            attempt.refusal = HandleError(.internalError, .sendRequest, reason: reason)
            return false
        }
        if case .waiting = attempt.sending { return true }
        if attempt.challenge != nil { forgetChallenge() } else if !maySendAgain(isNewConnection: true) { return false }
        guard let request = exchange.request, request.body.isStreamed, attempt.bodyBytesTaken > 0 else { return true }
        attempt.refusal = HandleError(.resendRequest, .sendRequest, reason: "the request body cannot be sent again")
        return false
    }

    /// The transfer waits for the caller's resolver.
    package var awaitsAddresses: Bool { exchange.names.isAsking }

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
