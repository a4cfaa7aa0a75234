import CHTTPHandlesCurl
package import HTTPHandlesCore

extension Transfer {
    /// What libcurl knows of the exchange, until `release`.
    package var facts: ExchangeFacts {
        var facts = ExchangeFacts()
        facts.effectiveURL = exchange.request?.url.text
        let status = curl.information(CURLINFO_RESPONSE_CODE)
        facts.status = status > 0 ? status : nil
        facts.httpVersion = HTTPVersion(curl: curl.information(CURLINFO_HTTP_VERSION))
        let isReused = curl.information(CURLINFO_NUM_CONNECTS) == 0
        facts.requestTimes = curl.requestTimes(
            connects: !isReused,
            resolves: !isReused && nameToResolve != nil,
            since: exchange.names.timeAsked
        )
        facts.requestStatistics = curl.requestStatistics
        facts.clientCertificateIssuers = attempt.handshake?.issuers
        if case .waiting = attempt.sending { return facts }
        let connection = openConnection
        let id = attempt.lastConnection.map { ConnectionID($0.number) }
        facts.connectionInfo = curl.connectionInfo(id, unixAddress, exchange.request?.route, isTunnel: isTunnelled)
        facts.connectionStatistics = connection.flatMap { ConnectionStatistics(of: $0.descriptor) }
        if exchange.request?.url.isSecure == true, exchange.request?.options.values.recordsSecurityInfo == true {
            facts.securityInfo = securityInfo(isReused: isReused)
        }
        return facts
    }

    /// The connection of the request, as long as it is open.
    private var openConnection: Connection? {
        guard let connection = attempt.lastConnection else { return nil }
        let socket = sockets[connection.descriptor]
        return socket.isOpen && !socket.isDead && socket.generation == connection.generation ? connection : nil
    }

    private func securityInfo(isReused: Bool) -> SecurityInfo {
        SecurityInfo(
            version: attempt.agreement?.version,
            cipher: attempt.agreement?.cipher,
            applicationProtocol: attempt.agreement?.applicationProtocol,
            // Nothing was verified for this request; what libcurl has is left from another one.
            verifyResult: isReused ? nil : curl.information(CURLINFO_SSL_VERIFYRESULT),
            certificates: isReused ? [] : curl.certificates
        )
    }
}

extension CurlEasy {
    /// libcurl gives times also for what did not happen: to the resolving of addresses, and on a pooled connection.
    ///
    /// - Parameter start: How long before libcurl's times the exchange has begun.
    fileprivate func requestTimes(connects: Bool, resolves: Bool, since start: Duration) -> RequestTimes {
        /// In microseconds; 0 is for what did not happen.
        func time(_ info: CURLINFO) -> Duration? {
            let microseconds = offset(info)
            return microseconds > 0 ? start + .microseconds(microseconds) : nil
        }
        return RequestTimes(
            nameResolved: resolves ? time(CURLINFO_NAMELOOKUP_TIME_T) : nil,
            connected: connects ? time(CURLINFO_CONNECT_TIME_T) : nil,
            secured: connects ? time(CURLINFO_APPCONNECT_TIME_T) : nil,
            sending: time(CURLINFO_PRETRANSFER_TIME_T),
            firstByte: time(CURLINFO_STARTTRANSFER_TIME_T),
            total: time(CURLINFO_TOTAL_TIME_T) ?? start
        )
    }

    /// How many bytes of the request heads are out. Since 8.8 libcurl counts the bodies too.
    var requestHeadBytes: Int {
        let bytes = information(CURLINFO_REQUEST_SIZE)
        return CurlLibrary.version < 0x08_08_00 ? bytes : bytes - Int(offset(CURLINFO_SIZE_UPLOAD_T))
    }

    fileprivate var requestStatistics: RequestStatistics {
        RequestStatistics(
            requestHeadBytes: Int64(requestHeadBytes),
            requestBodyBytes: offset(CURLINFO_SIZE_UPLOAD_T),
            responseHeadBytes: Int64(information(CURLINFO_HEADER_SIZE)),
            responseBodyBytes: offset(CURLINFO_SIZE_DOWNLOAD_T),
            connectionsMade: information(CURLINFO_NUM_CONNECTS)
        )
    }

    fileprivate func connectionInfo(
        _ id: ConnectionID?,
        _ unixAddress: SocketAddress?,
        _ route: ProxyRoute?,
        isTunnel: Bool
    ) -> ConnectionInfo {
        let isReused = information(CURLINFO_NUM_CONNECTS) == 0
        if let unixAddress {
            return ConnectionInfo(
                id: id,
                local: SocketAddress(host: "", port: 0),
                peer: unixAddress,
                isReused: isReused
            )
        }
        return ConnectionInfo(
            id: id,
            local: SocketAddress(host: text(CURLINFO_LOCAL_IP) ?? "", port: information(CURLINFO_LOCAL_PORT)),
            peer: SocketAddress(host: text(CURLINFO_PRIMARY_IP) ?? "", port: information(CURLINFO_PRIMARY_PORT)),
            isReused: isReused,
            proxy: route?.address,
            isTunnel: isTunnel
        )
    }

    fileprivate var certificates: [PeerCertificate] {
        guard let pointer = unsafe pointer(CURLINFO_CERTINFO) else { return [] }
        let information = unsafe pointer.assumingMemoryBound(to: curl_certinfo.self).pointee
        return unsafe (0..<Int(information.num_of_certs)).map { index in
            var lines: [String] = []
            var entry = unsafe information.certinfo[index]
            while let line = unsafe entry {
                unsafe lines.append(String(cString: line.pointee.data))
                unsafe entry = line.pointee.next
            }
            return PeerCertificate(lines: lines)
        }
    }
}

extension HTTPVersion {
    fileprivate init?(curl version: Int) {
        switch UInt32(version) {
        case UInt32(CURL_HTTP_VERSION_1_0): self = .http1_0
        case UInt32(CURL_HTTP_VERSION_1_1): self = .http1_1
        case UInt32(CURL_HTTP_VERSION_2_0): self = .http2
        case UInt32(CURL_HTTP_VERSION_3): self = .http3
        default: return nil
        }
    }
}
