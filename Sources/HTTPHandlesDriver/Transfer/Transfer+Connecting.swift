import CHTTPHandlesCurl
import HTTPHandlesCore

extension Transfer {
    /// Whether libcurl may resolve the name.
    func resolverStarts() -> Bool {
        // A SOCKS proxy may want an address, which is looked up when the connection to the proxy is there.
        if exchange.request?.route != nil, !attempt.openedSockets.isEmpty { return true }
        guard exchange.request?.asksForAddresses != true && !SystemResolver.isNeeded || nameToResolve == nil else {
            askForAddresses()
            return false
        }
        attempt.isResolving = true
        // libcurl also "resolves" an address.
        if let name = nameToResolve { record(.resolving(host: name)) }
        return true
    }

    func socketOpened(_ descriptor: Int32, _ address: SocketAddress) {
        let address = unixAddress ?? address
        sockets.opened(descriptor, by: self, at: engine.now)
        attempt.openedSockets.append(descriptor)
        attempt.hasHandshake = false
        switch attempt.sending {
        case .head, .body:
            attempt.sending = .lost
            if attempt.challenge == nil { isReusable = false }
        case .done where attempt.challenge == nil: isReusable = false
        case .waiting, .lost, .done: break
        }
        if exchange.request?.route != nil {
            attempt.address = address
            tunnelBegins()
        }
        if attempt.isResolving {
            attempt.isResolving = false
            if nameToResolve != nil { record(.resolved(address: address.host)) }
        }
        record(.connecting(address, connectionID(descriptor)))
    }

    /// A socket of this transfer is connected.
    func connected(_ descriptor: Int32, _ address: SocketAddress) {
        let isSecure = exchange.request?.route.map { $0.address.kind == .https } ?? isSecure
        record(.connected(unixAddress ?? address, secure: isSecure, connectionID(descriptor)))
    }

    /// libcurl closes a socket that could not be connected. The event interface of 7.88 tries the next address only with its
    /// next timer, and where that was for the other family, never.
    func addressFailed() {
        guard isRunning, case .waiting = attempt.sending else { return }
        attempt.mayHaveNextAddress = true
        note()
    }

    private func connectionID(_ descriptor: Int32) -> ConnectionID {
        ConnectionID(sockets[descriptor].number)
    }

    /// The connection is ready for the request. `false` if the request must not go out on it.
    func connectionReady(_ ends: ConnectionEnds) -> Bool {
        let isThroughNewTunnel = attempt.tunnel.take() != nil
        let isFirst = if case .waiting = attempt.sending { true } else { false }
        let opened = attempt.openedSockets.last { sockets[$0].isOpen && sockets[$0].user === self }
        let pooled = opened == nil ? pooledDescriptor(ends) : nil
        if let pooled, !isFit(pooled) {
            // A challenge that came on it does not count any more.
            if attempt.challenge != nil { forgetChallenge() }
            if !restart(.connectionUnusable) { refuseConnection() }
            return false
        }
        if exchange.request?.options.httpVersions == .http2Only, !isHTTP2(pooled: pooled) { return false }
        if !isFirst, attempt.challenge != nil ? !mayAnswerAgain() : !maySendAgain(isNewConnection: opened != nil) {
            return false
        }
        if let opened {
            newConnectionReady(opened, ends)
        } else {
            if let pooled { use(pooled) }
            if isFirst { record(.reused(unixAddress ?? ends.remote, pooled.map(connectionID))) }
        }
        let connection = opened ?? pooled
        attempt.stream = connection.map { sockets.requestBegins(on: $0) }
        if attempt.mayBeHTTP2, let connection, case .shared = sockets[connection].sharing {
            attempt.sharesConnection = !appliedRequest.connectsAnew || exchange.restarts != 0
        }
        attempt.rejection = nil
        if case .upgrade? = exchange.request?.body { upgradeAsked(on: connection) }
        if let body = exchange.request?.body, body.hasTrailers {
            var isShared = false
            if let connection, case .shared = sockets[connection].sharing { isShared = true }
            attempt.dropsTrailers = isShared
            body.upload?.connectionReady(dropsTrailers: attempt.dropsTrailers)
        }
        if attempt.mayBeHTTP2, needsReasonOfRefusal(isFirst: isFirst) { setVerbose(true) }
        if exchange.request?.options.recordsSecurityInfo == true {
            attempt.agreement = TLSLibrary.agreement(of: curl)
        }
        if attempt.sentHead != nil { attempt.sentHead = SentHead() }
        record(.sending)
        // libcurl counts the request for a tunnel too.
        attempt.sending = .head(bytesBefore: isFirst && !isThroughNewTunnel ? 0 : curl.requestHeadBytes)
        return true
    }

    private func newConnectionReady(_ descriptor: Int32, _ ends: ConnectionEnds) {
        keepRecord(of: descriptor, ends)
        if !sockets[descriptor].isConnected {
            // The poll back end does not see when it is.
            sockets.connected(descriptor)
            connected(descriptor, ends.remote)
        }
        attempt.openedSockets.removeAll { $0 == descriptor }
        leaveSockets()
        attempt.connection = sockets.connection(of: descriptor)
        attempt.lastConnection = attempt.connection
        if let route = exchange.request?.route {
            sockets[descriptor].tunnel = isTunnelled ? route.number : 0
            // That of an HTTP proxy was reported.
            if !route.address.kind.isHTTP { record(.tunnelEstablished(secure: isSecure)) }
        }
        if isConnectionSecure { record(.secured) }
    }

    /// Takes the transfer out of what is known of its sockets: those of addresses that were tried, and its connection.
    func leaveSockets() {
        for descriptor in attempt.openedSockets where sockets[descriptor].user === self {
            sockets.leave(sockets.connection(of: descriptor), self, at: engine.now)
        }
        attempt.openedSockets.removeAll(keepingCapacity: true)
        if let left = attempt.connection.take() { sockets.leave(left, self, at: engine.now) }
    }

    private func use(_ descriptor: Int32) {
        let pooled = sockets.connection(of: descriptor)
        guard pooled != attempt.connection else { return }
        if let connection = attempt.connection { sockets.leave(connection, self, at: engine.now) }
        attempt.connection = pooled
        attempt.lastConnection = pooled
        sockets.join(descriptor, self)
    }

    /// libcurl is asked only where the table does not know it, because libcurl searches all of its connections: a connection
    /// whose first transfer ended before it was ready, or one to a Unix socket.
    private func pooledDescriptor(_ ends: ConnectionEnds) -> Int32? {
        // All connections to one Unix socket have the same ends.
        if unixAddress == nil, let known = sockets.descriptor(of: ends) { return known }
        guard let descriptor = curl.socket(CURLINFO_ACTIVESOCKET), sockets[descriptor].isOpen else { return nil }
        guard sockets[descriptor].ports == nil else { return descriptor }
        keepRecord(of: descriptor, ends)
        sockets.connected(descriptor)
        return descriptor
    }

    /// Makes the connection one that is found and listed.
    private func keepRecord(of descriptor: Int32, _ ends: ConnectionEnds) {
        guard let request = exchange.request else { return }
        let ends = unixAddress.map { ConnectionEnds(local: SocketAddress(host: "", port: 0), remote: $0) } ?? ends
        let record = ConnectionRecord(
            origin: request.url.origin,
            proxy: request.route?.address,
            ends: ends,
            agreement: isSecure ? TLSLibrary.agreement(of: curl) : nil
        )
        sockets.named(descriptor, ends, sharing, record)
    }

    /// How the connection that has just become ready is used. HTTP/2 is agreed on in the TLS handshake, or known before.
    private var sharing: SocketTable.Sharing {
        switch exchange.request?.options.httpVersions {
        case .http2PriorKnowledge: .shared
        case .http3 where isOverDatagrams, .http3Only where isOverDatagrams: .shared
        case let versions? where versions.offersHTTP2 && isSecure && TLSLibrary.protocolName(of: curl) == "h2": .shared
        default: .exclusive(isSecure: isConnectionSecure)
        }
    }

    /// HTTP/3 is the only version over datagrams. libcurl does not say what its connection is.
    private var isOverDatagrams: Bool {
        guard let descriptor = curl.socket(CURLINFO_ACTIVESOCKET) else { return false }
        return SocketTable.isDatagramSocket(descriptor)
    }

    /// The last look at a pooled connection before a request goes out on it: the server may have closed it, or sent
    /// something that would be taken for the answer (RFC 9112, section 9.2). libcurl does not look, or not each time.
    private func isFit(_ descriptor: Int32) -> Bool {
        if sockets.maximumAge != nil, sockets.isTooOld(descriptor, at: engine.now) { return false }
        // libcurl does not compare what a tunnel was made with.
        guard sockets[descriptor].tunnel == (isTunnelled ? exchange.request?.route?.number ?? 0 : 0) else {
            return false
        }
        return switch (sockets.arrival(on: descriptor), sockets[descriptor].sharing) {
        case (.nothing, _), (.bytes, .shared): true
        // Over TLS it may be a session ticket and no data, which cannot be told: decision 0024.
        case (.bytes, .exclusive), (.end, _): false
        }
    }

    /// Whether the connection is one of HTTP/2. A pooled one that is not does not say that the server has no HTTP/2.
    private func isHTTP2(pooled descriptor: Int32?) -> Bool {
        if let descriptor {
            if case .shared = sockets[descriptor].sharing { return true }
            if restart(.connectionUnusable) { return false }
        } else if TLSLibrary.protocolName(of: curl) == "h2" {
            return true
        }
        attempt.refusal = HandleError(
            .httpProtocolMismatch,
            .sendRequest,
            reason: "the server does not offer HTTP/2, which httpVersions requires"
        )
        return false
    }

    private func refuseConnection() {
        attempt.refusal = HandleError(
            .connectionError,
            .sendRequest,
            reason: "the server has ended the connection, or sent something on it that it was not asked for"
        )
    }

    /// libcurl sends the request once more: the pooled connection was dead, or the server refused the request.
    func maySendAgain(isNewConnection: Bool) -> Bool {
        isReusable = false
        if case .body = attempt.receiving {
            // The first step of a scheme, which has no body, was answered as if it were the request.
            attempt.refusal = HandleError(
                .connectionError,
                .receiveResponse,
                reason: "the server answered before the authentication was over; a request is not sent twice"
            )
            return false
        }
        if attempt.headBytes.isEmpty, let reason = reasonToSendAgain {
            return maySendAgain(after: reason, isNewConnection: isNewConnection)
        }
        guard let request = exchange.request, attempt.headBytes.isEmpty, !request.isIdempotent else { return true }
        // The server may have carried the request out the first time.
        attempt.refusal = HandleError(
            .connectionError,
            .receiveResponse,
            reason: "the connection was lost before a response came; a \(request.method) is not sent twice"
        )
        return false
    }

    /// The name that leads to the server; `nil` if it is an address already.
    var nameToResolve: String? {
        guard let request = exchange.request, unixAddress == nil else { return nil }
        if let proxy = request.route?.address { return IPAddress.isAddress(proxy.host) ? nil : proxy.host }
        let target = ConnectionTarget(of: request.url.origin, request.options.values.resolveOverrides)
        return target.isAddress ? nil : target.host
    }

    /// What was sent on a connection is reported before its end, though both may happen in one call.
    func connectionCloses() {
        noteSentHead()
        record(.closingConnection)
    }

    private var isSecure: Bool { exchange.request?.message.isSecure ?? false }

    /// Whether there is TLS on the connection as such; that with an https proxy counts where there is no tunnel.
    private var isConnectionSecure: Bool {
        isSecure || exchange.request?.route?.address.kind == .https && !isTunnelled
    }

    /// Whether the connection is a tunnel through a proxy.
    var isTunnelled: Bool {
        guard let request = exchange.request, let route = request.route else { return false }
        return route.isTunnel(to: request.url.origin)
    }
}
