import CHTTPHandlesCurl
import HTTPHandlesCore

// What the options of a handle mean to libcurl. Called only when an easy handle gets other options than it has; each of
// these sets everything that it is about, also what is at its default, because the exchange before may have changed it.

extension Transfer {
    func applyRequestOptions(_ values: OptionValues) throws(HandleError) {
        try curl.set(CURLOPT_USERAGENT, values.userAgent)
        let version =
            switch values.httpVersions {
            case .automatic: CURL_HTTP_VERSION_2TLS
            case .http1_1: CURL_HTTP_VERSION_1_1
            case .http2PriorKnowledge: CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE
            case .http2Only: CURL_HTTP_VERSION_2TLS
            case .http3: CURL_HTTP_VERSION_3
            case .http3Only: CURL_HTTP_VERSION_3ONLY
            }
        try require(curl.set(CURLOPT_HTTP_VERSION, Int(version)), "httpVersions", values.httpVersions)
    }

    func applyConnectionOptions(_ values: OptionValues) throws(HandleError) {
        // All time limits are ours. libcurl gives up resolving and connecting after 300 seconds by itself, which no
        // resolver takes; a limit set here costs timers in every transfer. So it is moved out of the way only for those
        // who want to wait longer.
        let limits = values.limits
        let longest = Duration.seconds(240)
        let isLong = limits.connect > longest || limits.resolve > longest - limits.connect
        let isInTheWay = limits.connect == .zero || isLong
        try curl.set(CURLOPT_CONNECTTIMEOUT_MS, isInTheWay ? 86_400_000 : 0)

        // Not CURLOPT_RESOLVE: that changes the session's cache of names, and so every other request.
        if !values.resolveOverrides.isEmpty || !connectToList.isEmpty {
            var list = CurlList()
            for override in values.resolveOverrides { try list.append(override.line) }
            try curl.set(CURLOPT_CONNECT_TO, list: list)
            // The old list goes only now that libcurl does not point to it any more.
            connectToList = list
        }
        try curl.set(CURLOPT_DOH_URL, values.nameResolver.url)
        // The answers of the caller's resolver have to be there when libcurl looks for them.
        let cacheTime = values.nameResolver.custom == nil ? values.resolverCacheTime : .seconds(60)
        try curl.set(CURLOPT_DNS_CACHE_TIMEOUT, cacheTime.map { Int($0.components.seconds) } ?? -1)
        let delay = values.connectionAttemptDelay.nanosecondsClamped / 1_000_000
        try curl.set(CURLOPT_HAPPY_EYEBALLS_TIMEOUT_MS, Int(delay))
        let socket = values.unixSocket
        unixAddress = socket?.address
        switch socket {
        case .path(let path)?: try require(curl.set(CURLOPT_UNIX_SOCKET_PATH, path), "unixSocket", path)
        case .abstract(let name)?: try require(curl.set(CURLOPT_ABSTRACT_UNIX_SOCKET, name), "unixSocket", name)
        case nil: try curl.switchOff(CURLOPT_UNIX_SOCKET_PATH, text: nil)
        }
        let resolve =
            switch values.ipVersion {
            case .any: CURL_IPRESOLVE_WHATEVER
            case .v4: CURL_IPRESOLVE_V4
            case .v6: CURL_IPRESOLVE_V6
            }
        try curl.set(CURLOPT_IPRESOLVE, Int(resolve))
        let interface =
            switch values.localAddress {
            case .interface(let name)?: "if!\(name)"
            case .address(let address)?: "host!\(address)"
            case nil: String?.none
            }
        try require(curl.set(CURLOPT_INTERFACE, interface), "localAddress", values.localAddress)
        try curl.set(CURLOPT_TCP_KEEPALIVE, values.tcpKeepAlive == nil ? 0 : 1)
        let keepAlive = values.tcpKeepAlive ?? TCPKeepAlive()
        try curl.set(CURLOPT_TCP_KEEPIDLE, Int(keepAlive.idle.components.seconds))
        try curl.set(CURLOPT_TCP_KEEPINTVL, Int(keepAlive.interval.components.seconds))
        try curl.set(CURLOPT_TCP_NODELAY, values.tcpNoDelay ? 1 : 0)
    }

    /// libcurl's cookies of an easy handle are those of its share from when the share is set until `CURLOPT_COOKIEFILE` is
    /// taken back, and they are of no effect before a file is named; no name is no file.
    func applyCookies(_ values: OptionValues) throws(HandleError) {
        guard values.usesCookies != hasCookies else { return }
        if values.usesCookies {
            try unsafe curl.set(CURLOPT_SHARE, pointer: share.pointer)
            try curl.set(CURLOPT_COOKIEFILE, "")
        } else {
            try curl.set(CURLOPT_COOKIEFILE, nil)
        }
        hasCookies = values.usesCookies
    }

    /// Says of which option of ours it is that libcurl does not take what it leads to.
    func require<Value>(
        _ set: @autoclosure () throws(HandleError) -> Void,
        _ option: String,
        _ value: Value
    ) throws(HandleError) {
        do {
            try set()
        } catch {
            let reason = "the linked libcurl does not support \(value) for \(option)"
            throw HandleError(error.code, .sendRequest, reason: reason, curl: error.curl)
        }
    }
}
