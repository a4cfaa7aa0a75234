import CHTTPHandlesCurl
import HTTPHandlesCore
import HTTPHandlesSystem
import HTTPTypes

/// What the previous exchange of an easy handle left set, as far as the next one can take it over.
struct AppliedRequest: Equatable {
    enum Shape: Equatable {
        /// A method without a body; libcurl sends GET unless told otherwise.
        case download
        case head
        /// A method with a body of a known or unknown length.
        case upload(length: Int64?)
    }

    var shape = Shape.download
    /// What is sent in place of libcurl's own choice.
    var method: String?
    /// The connection is closed after the response.
    var closesConnection = false
    /// No connection that is there already is used.
    var connectsAnew = false
    /// Requests of a burst to one HTTP/2 server wait for the first connection and share it. Where HTTP/2 is not expected they
    /// must not: libcurl knows only with the first response, which may never come.
    var waitsForSharedConnection = false
}

/// The header fields that an easy handle is set to send.
enum AppliedHeader {
    case none
    /// `Accept-Encoding` and no other.
    case codings
    /// Those of one request.
    case own
}

// `curl_easy_reset` would drop what every exchange needs again. Instead, what is the same for all is set once, and what
// differs is set for each exchange, whatever it was before.

extension Transfer {
    /// Sets what is the same for all exchanges.
    func setUp() throws(HandleError) {
        let this = unsafe Unmanaged.passUnretained(self).toOpaque()
        let sockets = unsafe Unmanaged.passUnretained(self.sockets).toOpaque()
        try unsafe curl.set(CURLOPT_ERRORBUFFER, pointer: errorBuffer.baseAddress)
        try unsafe curl.set(CURLOPT_SHARE, pointer: share.pointer)
        try unsafe curl.setCallbacks(this, sockets: sockets)

        try curl.setUsual()
        try curl.setProtocols()
        try curl.set(CURLOPT_FOLLOWLOCATION, 0)
        try curl.set(CURLOPT_DISALLOW_USERNAME_IN_URL, 1)
        try curl.switchOff(CURLOPT_NETRC)
        try curl.set(CURLOPT_HTTP09_ALLOWED, 0)
        // They are taken for what they are (`TunnelAttempt`).
        try curl.switchOff(CURLOPT_SUPPRESS_CONNECT_HEADERS)
        try curl.set(CURLOPT_PATH_AS_IS, 1)
        // libcurl would read the environment at each transfer otherwise.
        try curl.switchOff(CURLOPT_PROXY, text: "")
        try curl.switchOff(CURLOPT_NOPROXY, text: "")
        // The time limit of idle connections is ours.
        try curl.set(CURLOPT_MAXAGE_CONN, Int(Int32.max))
        // What loopback and fast networks deliver at once. Memory that no response has reached is not resident.
        try curl.set(CURLOPT_BUFFERSIZE, 64 << 10)
    }

    /// Sets what this exchange needs, and takes back what the previous one needed and this one does not.
    func apply(_ request: TransferRequest) throws(HandleError) {
        do {
            try applyAll(request)
        } catch {
            // What is set in the easy handle is not known now.
            isReusable = false
            throw error
        }
    }

    private func applyAll(_ request: TransferRequest) throws(HandleError) {
        // As for the server's credentials.
        if request.route?.proxy.credentials?.awaitChallenge == true, attemptsBegun > 0 { try startOver() }
        try applyCredentials(request.credentials)
        if appliedRoute !== request.route { try applyRoute(request.route) }
        if appliedOptions !== request.options {
            appliedOptions = nil
            try applyRequestOptions(request.options.values)
            try applyConnectionOptions(request.options.values)
            try applyTLS(request.options.values)
            try applyCookies(request.options.values)
            appliedOptions = request.options
        } else if request.options.readsCertificateFiles, profile?.isCurrent != true {
            appliedOptions = nil
            try applyTLS(request.options.values)
            appliedOptions = request.options
        }
        if SystemResolver.isNeeded { try requireResolvable(request) }
        if request.asksForAddresses || hasOwnNames || !exchange.names.addresses.isEmpty { try applyNames(request) }
        try applyContextCallback()
        if exchange.restarts != 0 { try applyRestarts() }
        if keepsSendingOnError {
            curl.setFlag(CURLOPT_KEEP_SENDING_ON_ERROR, false)
            keepsSendingOnError = false
        }
        let versions = request.options.httpVersions
        if versions == .http2Only || versions == .http3Only, !request.message.isSecure {
            let name = versions == .http2Only ? "HTTP/2" : "HTTP/3"
            let reason = "httpVersions requires \(name) over TLS, but the URL is http"
            throw HandleError(.httpProtocolMismatch, .sendRequest, reason: reason)
        }
        try applyURL(request.message.url)
        try applyShape(request)
        if request.body.hasTrailers != hasTrailerCallback {
            hasTrailerCallback = request.body.hasTrailers
            try curl.setTrailerCallback(hasTrailerCallback)
        }
        if hasTrailerCallback {
            // A handle of libcurl 7.88 that has sent trailer fields sends broken chunks in its next request. Since 8.7 what makes
            // chunks belongs to the request.
            if CurlLibrary.version < 0x08_07_00 { isReusable = false }
        }
        try watchHead(ofLength: request.message.urlLength + applyHeaderFields(request))
        unsafe errorBuffer[0] = 0
    }

    private func applyShape(_ request: TransferRequest) throws(HandleError) {
        var wanted = AppliedRequest(request)
        if exchange.restarts != 0 { wanted.connectsAnew = true }
        guard wanted != appliedRequest else { return }
        // Resets `CURLOPT_UPLOAD` and `CURLOPT_NOBODY`.
        try curl.set(CURLOPT_HTTPGET, 1)
        try curl.set(CURLOPT_CUSTOMREQUEST, wanted.method)
        try curl.set(CURLOPT_FORBID_REUSE, wanted.closesConnection ? 1 : 0)
        try curl.set(CURLOPT_FRESH_CONNECT, wanted.connectsAnew ? 1 : 0)
        try curl.set(CURLOPT_PIPEWAIT, wanted.waitsForSharedConnection ? 1 : 0)
        switch wanted.shape {
        case .download: break
        case .head: try curl.set(CURLOPT_NOBODY, 1)
        case .upload(let length):
            try curl.set(CURLOPT_UPLOAD, 1)
            try curl.set(CURLOPT_INFILESIZE_LARGE, offset: length ?? -1)
        }
        appliedRequest = wanted
    }

    /// The length of the request's own header fields.
    private func applyHeaderFields(_ request: TransferRequest) throws(HandleError) -> Int {
        var isUpload = false
        if case .upload = appliedRequest.shape { isUpload = true }
        let fields = request.headerFields
        let known = request.message.knownFields
        // A caller that sets `Accept-Encoding` decodes the body itself; a part of a coded body cannot be decoded.
        let asksForCodings =
            request.options.decodesContent
            && (known.isEmpty || !known.contains(.acceptEncoding) && !known.contains(.range))
        let closes = !request.options.keepAlive && !known.contains(.connection)
        let omitsAccept = !request.options.sendsAccept && !fields.contains(.accept)
        let isOwn = isUpload || closes || omitsAccept || !fields.isEmpty
        let standard: AppliedHeader = isOwn ? .own : asksForCodings ? .codings : .none
        guard standard == .own || standard != appliedHeader else { return 0 }
        headerLines.removeAll()
        if asksForCodings { headerLines.append(line: Self.acceptedCodings) }
        // libcurl joins the cookies of the jar and the caller's own, where it gets those by themselves.
        let cookies = known.contains(.cookie) ? fields.bytes(of: .cookie, joinedBy: "; ") : nil
        if let cookies {
            try curl.set(CURLOPT_COOKIE, bytes: cookies)
        } else if hasOwnCookies {
            try curl.set(CURLOPT_COOKIE, nil)
        }
        hasOwnCookies = cookies != nil
        // libcurl looks for cookies by this name, also when the field is gone.
        if known.contains(.host) { isReusable = false }
        var length = cookies?.count ?? 0
        for field in fields where cookies == nil || field.name != .cookie { length += headerLines.append(field) }
        if closes { headerLines.append(line: "Connection: close") }
        if case .upgrade(let stream) = request.body {
            // The request has no body; what is uploaded is another protocol.
            headerLines.append(line: "Transfer-Encoding:")
            if let key = stream.value.upgrade.key { headerLines.append(line: Self.webSocketKey + key) }
        }
        if omitsAccept { headerLines.append(line: "Accept:") }
        // Without this libcurl waits a second for servers that do not know "100-continue".
        if isUpload, !known.contains(.expect) { headerLines.append(line: "Expect:") }
        try unsafe curl.set(CURLOPT_HTTPHEADER, pointer: UnsafeMutableRawPointer(headerLines.list()))
        appliedHeader = standard
        return length
    }

    /// Whether libcurl shows what it sends and receives, and describes what it does. It makes a text for each step.
    func setVerbose(_ isOn: Bool) {
        guard isOn != isVerbose else { return }
        isVerbose = isOn
        curl.setFlag(CURLOPT_VERBOSE, isOn)
    }

    /// Only long heads are watched while they go out.
    private func watchHead(ofLength length: Int) throws(HandleError) {
        let isLong = length >= SentHead.minimumLength
        setVerbose(isLong)
        guard isLong != watchesHead else { return }
        // Of what did not go out at once, libcurl 7.88 sends one buffer and then no more: room for the longest head.
        uploadBufferSize = isLong ? 2 << 20 : 64 << 10
        try curl.set(CURLOPT_UPLOAD_BUFFERSIZE, uploadBufferSize)
        watchesHead = isLong
    }

    /// Begins the line with the key of a WebSocket, which is overwritten when another request goes out.
    static let webSocketKey = "Sec-WebSocket-Key: "

    static let acceptedCodings =
        "Accept-Encoding: \(ContentCoding.decodable.map(\.rawValue).joined(separator: ", "))"
}

extension AppliedRequest {
    fileprivate init(_ request: TransferRequest) {
        switch request.body {
        case .bytes(let bytes): shape = .upload(length: Int64(bytes.count))
        case .stored(let body): shape = .upload(length: body.length)
        case .source(let body): shape = .upload(length: body.length)
        case .stream(_, let length, _): shape = .upload(length: length)
        case .upgrade: shape = .upload(length: nil)
        case .none:
            switch request.method {
            case .get: shape = .download
            case .head: shape = .head
            // Requests with these methods usually have a body: without one they have `Content-Length: 0` (RFC 9110,
            // section 8.6).
            case .post, .put, .patch: shape = .upload(length: 0)
            default: shape = .download
            }
        }
        switch (shape, request.method) {
        case (.download, .get), (.head, _): method = nil
        default: method = request.method.rawValue
        }
        let isSecure = request.message.isSecure
        let versions = request.options.httpVersions
        // Before 8.0 libcurl begins HTTP/2 anew on such a connection, which fails this request and all after it.
        let cannotShare = versions == .http2PriorKnowledge && !isSecure && CurlLibrary.version < 0x08_00_00
        // As in WinHTTP: a pooled connection that turns out to be dead would have to be told from one that was upgraded.
        var isUpgrade: Bool { if case .upgrade = request.body { true } else { false } }
        // The connection would be authenticated, and libcurl has mixed up whose it is more than once.
        connectsAnew =
            cannotShare || isUpgrade || request.credentials?.secret == .ambient
            || request.options.hasUnixSocket && !CurlLibrary.knowsActiveSocket
            || request.route?.proxy.credentials?.secret == .ambient
        waitsForSharedConnection =
            switch versions {
            case .automatic, .http2Only, .http3, .http3Only: isSecure
            case .http1_1: false
            case .http2PriorKnowledge: !cannotShare
            }
        closesConnection =
            !request.options.keepAlive
            || request.message.knownFields.contains(.connection)
            || connectsAnew
    }
}
