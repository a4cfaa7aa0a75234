import CHTTPHandlesCurl
import HTTPHandlesCore

extension Transfer {
    func resolverStarts() {
        isResolving = true
        // libcurl also "resolves" what already is an address.
        if let name = nameToResolve { record(.resolving(host: name)) }
    }

    func socketOpened(_ descriptor: Int32, _ address: SocketAddress) {
        engine.sockets.opened(descriptor, by: self)
        openedSockets.append(descriptor)
        switch sending {
        case .head, .body:
            sending = .lost
            if challenge == nil { isReusable = false }
        case .done where challenge == nil: isReusable = false
        case .waiting, .lost, .done: break
        }
        if isResolving {
            isResolving = false
            if nameToResolve != nil { record(.resolved(address: address.host)) }
        }
        record(.connecting(address))
    }

    /// A socket of this transfer is connected.
    func connected(_ address: SocketAddress) {
        record(.connected(address, secure: isSecure))
    }

    /// The connection is ready for the request. `false` if the request must not go out on it.
    func connectionReady(remote: SocketAddress, localPort: Int32) -> Bool {
        let isFirst = if case .waiting = sending { true } else { false }
        let opened = openedSockets.last { engine.sockets[$0].isOpen && engine.sockets[$0].user === self }
        if !isFirst, challenge != nil ? !mayAnswerAgain() : !maySendAgain(isNewConnection: opened != nil) {
            return false
        }
        let connection: Int32?
        if let opened {
            openedSockets.removeAll(keepingCapacity: true)
            newConnectionReady(opened, remote: remote, localPort: localPort)
            connection = opened
        } else {
            connection = engine.sockets.used(localPort: localPort, remotePort: Int32(remote.port), by: self)
            if isFirst { record(.reused(remote)) }
        }
        stream = connection.map { engine.sockets.requestBegins(on: $0) }
        rejection = nil
        if mayBeHTTP2, request?.isIdempotent == false { setVerbose(true) }
        if request?.options.values.recordsSecurityInfo == true { agreement = TLSLibrary.agreement(of: curl) }
        if sentHead != nil { sentHead = SentHead() }
        record(.sending)
        sending = .head(bytesBefore: isFirst ? 0 : curl.requestHeadBytes)
        return true
    }

    private func newConnectionReady(_ descriptor: Int32, remote: SocketAddress, localPort: Int32) {
        engine.sockets.named(descriptor, localPort: localPort, remotePort: Int32(remote.port))
        if !engine.sockets[descriptor].isConnected {
            // The poll back end does not see the moment.
            engine.sockets.connected(descriptor)
            connected(remote)
        }
        if isSecure { record(.secured) }
    }

    /// libcurl sends the request once more: the pooled connection was dead, or the server did not take the request.
    private func maySendAgain(isNewConnection: Bool) -> Bool {
        isReusable = false
        if case .body = receiving {
            // So it does where the first step of a scheme, which has no body, is answered as if it were the request.
            refusal = HandleError(
                .connectionError,
                .receiveResponse,
                reason: "the server answered before the authentication was over; a request is not sent twice"
            )
            return false
        }
        if headBytes.isEmpty, let reason = rejection ?? (isUnsent ? .notProcessed : nil) {
            return maySendAgain(after: reason, isNewConnection: isNewConnection)
        }
        guard let request, headBytes.isEmpty, !request.isIdempotent else { return true }
        // The server may have carried the request out the first time.
        refusal = HandleError(
            .connectionError,
            .receiveResponse,
            reason: "the connection was lost before a response came; a \(request.method) is not sent twice"
        )
        return false
    }

    /// The name that leads to the server; `nil` if it is an address already.
    private var nameToResolve: String? {
        guard let request else { return nil }
        let overrides = request.options.values.resolveOverrides
        if !overrides.isEmpty, let override = overrides.first(where: { $0.applies(to: request.url.origin) }) {
            return override.isResolved ? nil : override.address
        }
        return request.url.origin.isHostLiteral ? nil : request.url.host
    }

    /// What went out on a connection is told before its end, though both may happen in one go.
    func connectionCloses() {
        noteSentHead()
        record(.closingConnection)
    }

    private var isSecure: Bool { request?.url.isSecure ?? false }
}
