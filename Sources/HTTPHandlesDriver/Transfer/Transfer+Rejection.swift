import HTTPHandlesCore
import HTTPTypes

/// A stream of an HTTP/2 connection.
struct HTTP2Stream {
    let descriptor: Int32
    /// Which of the connections that had the descriptor.
    let generation: UInt32
    let id: UInt32

    func isBeside(_ other: HTTP2Stream) -> Bool {
        descriptor == other.descriptor && generation == other.generation
    }
}

// A server of HTTP/2 can say that it has not processed a request: with a GOAWAY frame that names an earlier stream as the
// last one, or with the code of a stream error. Such a request may be sent again, whatever its method (RFC 9113, sections
// 6.8 and 8.7). libcurl has no result for that, only texts of `CURLOPT_VERBOSE`. A GOAWAY frame is reported by the transfer
// that reads it, for all on its connection.

extension Transfer {
    /// Whether the reason matters for which the server may refuse the request that is about to go out.
    ///
    /// The first time, an idempotent request may be sent again for any reason. So it is sent without `CURLOPT_VERBOSE`, which
    /// makes libcurl format a text for each header field.
    func needsReasonOfRefusal(isFirst: Bool) -> Bool {
        !isFirst || exchange.restarts != 0 || exchange.request?.isIdempotent == false
    }

    /// Why libcurl sends a request of HTTP/2 again, where the reason is more than a pooled connection that was lost.
    var reasonToSendAgain: RestartReason? {
        if let rejection = attempt.rejection { return rejection }
        if isUnsent { return .notProcessed }
        // libcurl sends the first request of a connection again only if the server has refused it.
        return attempt.mayBeHTTP2 && !isVerbose && attempt.stream?.id == 1 ? .notProcessed : nil
    }

    /// libcurl describes something that it does.
    func receiveDebugText(_ text: UnsafeRawBufferPointer) {
        // The first letters of the few texts that matter.
        switch unsafe text.first {
        case UInt8(ascii: "r"), UInt8(ascii: "R"), UInt8(ascii: "H"), UInt8(ascii: "D"): break
        default: return
        }
        let text = unsafe String(decoding: text, as: UTF8.self).utf8
        if text.starts(with: "received GOAWAY".utf8) || text.starts(with: "recveived GOAWAY".utf8) {
            // "received GOAWAY, error=0, last_stream=9"; before 8.1 misspelt.
            guard let stream = attempt.stream, let equals = text.lastIndex(of: UInt8(ascii: "=")),
                let last = UInt32(Substring(text[equals...].dropFirst().prefix { $0 >= 0x30 && $0 <= 0x39 }))
            else { return }
            engine.serverGoesAway(stream, last: last)
        } else if text.starts(with: "REFUSED_STREAM".utf8)
            || text.starts(with: "HTTP/2 stream ".utf8) && text.firstRange(of: " refused by server".utf8) != nil
        {
            // The second one since 8.21. Before, where the connection has served another request too, libcurl only reports
            // that the connection died.
            attempt.rejection = .notProcessed
        } else if text.starts(with: "Downgrades to HTTP/1.1".utf8) {
            attempt.rejection = .needsHTTP1
        }
    }

    /// Whether, and how, the server has refused to process the request of an attempt that failed.
    func rejection(after result: CurlCode) -> RestartReason? {
        if let rejection = attempt.rejection { return rejection }
        guard attempt.mayBeHTTP2, case .head = attempt.receiving, attempt.headBytes.isEmpty else { return nil }
        switch HTTP2ErrorCode(curlText: errorText) {
        case .refusedStream?: return .notProcessed
        case .http11Required?: return .needsHTTP1
        default: return result == .sendError && isUnsent ? .notProcessed : nil
        }
    }

    /// Nothing of the head was sent, and not for an error of the connection: that takes no more requests.
    var isUnsent: Bool {
        guard attempt.mayBeHTTP2, case .head(let before) = attempt.sending else { return false }
        return curl.requestHeadBytes == before && errorText.isEmpty
    }

    /// libcurl sends a request again that the server has not processed. Once in an exchange, and not on a connection of the
    /// pool, which may refuse it too. (For HTTP/1.1 libcurl would not send the body from its beginning.)
    func maySendAgain(after reason: RestartReason, isNewConnection: Bool) -> Bool {
        guard canRestart(reason) else {
            attempt.refusal = rejectionError(reason)
            return false
        }
        // Without the reason it may be HTTP_1_1_REQUIRED: libcurl would send HTTP/1.1 now.
        let isKnown = isVerbose || exchange.request?.options.values.httpVersions != .http2PriorKnowledge
        guard isNewConnection, reason == .notProcessed, isKnown else {
            exchange.pendingRestart = reason
            return false
        }
        exchange.restarts |= reason.rawValue
        return true
    }

    /// Why the request that was not processed is not sent again.
    func rejectionError(_ reason: RestartReason) -> HandleError {
        if reason == .needsHTTP1 {
            return HandleError(
                .httpProtocolMismatch,
                .receiveResponse,
                reason: "the server requires HTTP/1.1 for this request (HTTP_1_1_REQUIRED)",
                http2StreamError: .http11Required
            )
        }
        let isTwice = exchange.restarts & reason.rawValue != 0
        let why = isTwice ? "twice" : "and its body cannot be sent again"
        return HandleError(
            .connectionError,
            .receiveResponse,
            reason: "the server refused the request before it processed any of it (REFUSED_STREAM), \(why)",
            http2StreamError: .refusedStream
        )
    }
}
