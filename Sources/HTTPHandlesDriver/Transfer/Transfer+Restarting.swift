import CHTTPHandlesCurl
import HTTPHandlesCore

/// Why a transfer begins again: the server has processed nothing of the request. Each reason counts once in an exchange.
///
/// The next attempt always makes a connection of its own, so it cannot fail for the same reason.
enum RestartReason: UInt8 {
    /// The connection was found unfit before anything was sent on it.
    case connectionUnusable = 1
    /// The server says that it has not processed the request.
    case notProcessed = 2
    /// The server wants the request over HTTP/1.1.
    case needsHTTP1 = 4
    /// A pooled connection was lost while the request was sent on it.
    case connectionLost = 8
    /// The caller's verdict accepts the server's certificate.
    case certificateAccepted = 16
}

// libcurl sends some requests again by itself; `connectionReady` can refuse that. This is for what libcurl reports as a
// failure: the transfer leaves the multi handle and is added again, as the same exchange, with the same time limits. The
// delegate sees a second attempt and no failure.

extension Transfer {
    /// Has the transfer begin again once libcurl is done with the present attempt. A callback that gets `true` makes
    /// libcurl give up.
    ///
    /// - Returns: `false` where the transfer has begun again for this reason before, a part of the response is there, or
    ///   the body cannot be sent again.
    func restart(_ reason: RestartReason) -> Bool {
        guard canRestart(reason) else { return false }
        exchange.pendingRestart = reason
        return true
    }

    func canRestart(_ reason: RestartReason) -> Bool {
        guard let request = exchange.request, isRunning, exchange.restarts & reason.rawValue == 0,
            attempt.refusal == nil
        else { return false }
        guard case .head = attempt.receiving, attempt.headBytes.isEmpty else { return false }
        if reason == .needsHTTP1 {
            // Where HTTP/2 is required, and in clear, where the version is not negotiated, it is an error.
            guard [.automatic, .http3].contains(request.options.values.httpVersions), request.message.url.isSecure
            else { return false }
        }
        switch request.body {
        case .none, .bytes, .stored, .upgrade: return true
        case .source(let body): return !(body.hasTrailers && attempt.isBodyEndTaken)
        case .stream(_, _, let hasTrailers):
            return attempt.bodyBytesTaken == 0 && !(hasTrailers && attempt.isBodyEndTaken)
        }
    }

    /// libcurl is done with the present attempt. Whether there is another.
    func beginsAgain(after result: CurlCode) -> Bool {
        guard result != .ok else { return false }
        if exchange.pendingRestart == nil, attempt.refusal == nil,
            let reason = rejection(after: result) ?? loss(after: result)
        {
            _ = restart(reason)
        }
        guard exchange.pendingRestart != nil else { return false }
        noteSentHead()
        return true
    }

    /// libcurl itself sends a request again if reading from a pooled connection fails before any byte of a response. If
    /// sending fails, it does not, though the cause is the same: which of the two fails first is a matter of chance. Nor
    /// does it if an HTTP/2 connection ends after a GOAWAY frame, which is not seen without `CURLOPT_VERBOSE`. Only
    /// idempotent requests are sent again (RFC 9110, section 9.2.2).
    private func loss(after result: CurlCode) -> RestartReason? {
        guard exchange.request?.isIdempotent == true else { return nil }
        return switch result {
        case .sendError where curl.information(CURLINFO_NUM_CONNECTS) == 0: .connectionLost
        case .http2 where !isVerbose: .connectionLost
        default: nil
        }
    }

    /// Prepares the easy handle, which is in no multi handle, for the next attempt.
    func beginAgain() throws(HandleError) {
        guard let request = exchange.request, let reason = exchange.pendingRestart.take() else {
            throw HandleError(.internalError, .sendRequest, reason: "a transfer began again without a reason")
        }
        exchange.restarts |= reason.rawValue
        try beginNextAttempt(request)
    }

    /// Sets the easy handle for the next attempt of the exchange, and begins it.
    func beginNextAttempt(_ request: TransferRequest) throws(HandleError) {
        try apply(request)
        guard request.body.isStreamed || rewind(to: 0) else {
            throw HandleError(.resendRequest, .sendRequest, reason: "the request body cannot be sent again")
        }
        beginAttempt(request)
    }

    /// Sets what is different in an attempt after the first one, over what was set for the request.
    func applyRestarts() throws(HandleError) {
        guard exchange.restarts & RestartReason.needsHTTP1.rawValue != 0 else { return }
        // For the next exchange this has to be set anew.
        appliedOptions = nil
        try curl.set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
    }
}
