import CHTTPHandlesCurl
import HTTPHandlesCore
package import HTTPTypes

// A server may answer before it has the whole request. Below 300 the request goes on: the server may still need it. From
// 300 on it does not, and libcurl stops sending. Where the response is complete, the transfer does not fail for what is left
// of the request. What libcurl does with such answers over HTTP/2, by version: `Docs/HTTP2.md`.

extension Transfer {
    /// Whether nothing of the response's body can be missing. Over HTTP/2, only libcurl sees the end of a body whose length
    /// was not announced.
    package var isBodyComplete: Bool {
        guard case .body = attempt.receiving, attempt.challenge == nil, attempt.discardBudget == nil else {
            return false
        }
        if attempt.status == 204 || attempt.status == 304 || exchange.request?.message.method == .head { return true }
        if let chunks = attempt.chunks {
            return chunks.isComplete && chunks.dataBytes == Int64(attempt.bodyBytesArrived)
        }
        let length = curl.offset(CURLINFO_CONTENT_LENGTH_DOWNLOAD_T)
        return length >= 0 && length == Int64(attempt.bodyBytesArrived)
    }

    /// The trailer fields of a body that is complete; `nil` if it has none.
    package var trailerFields: HTTPFields? {
        attempt.headBytes.isEmpty ? nil : HeaderBlock(bytes: attempt.headBytes).fields()
    }

    /// Whether a failure only ends what is left of the upload.
    func isOnlyUploadLost(_ result: CurlCode) -> Bool {
        switch result {
        case .http2Stream where attempt.isUploadCut && errorText.isEmpty:
            // The server has ended the stream without an error, while libcurl was made to go on.
            if case .body = attempt.receiving {
                return isBodyComplete || curl.offset(CURLINFO_CONTENT_LENGTH_DOWNLOAD_T) < 0
            }
            return false
        case .http2, .sendError, .receiveError, .http2Stream: return isBodyComplete
        // A server that closes an upgraded connection at once.
        case .gotNothing: return attempt.upgrade == .done || attempt.upgrade == .ended
        default: return false
        }
    }

    // MARK: HTTP/1

    /// A response begins. libcurl has no result for the end of a chunked body while the request is still going out, so the
    /// bytes that it shows are followed.
    func followChunks(of head: HeaderBlock) {
        attempt.chunks = nil
        guard !attempt.isHTTP2, isUploading, head.isChunked else { return }
        attempt.chunks = ChunkedFraming()
        setVerbose(true)
    }

    /// Whether a part of the request's body is not sent yet.
    private var isUploading: Bool {
        guard case .upload = appliedRequest.shape else { return false }
        return !attempt.isBodyTaken || curl.offset(CURLINFO_SIZE_UPLOAD_T) < Int64(attempt.bodyBytesTaken)
    }

    /// libcurl has received a piece of a body, and not decoded it yet.
    func rawBodyArrived(_ piece: UnsafeRawBufferPointer) {
        unsafe attempt.chunks?.take(piece)
    }

    // MARK: HTTP/2

    /// A response over HTTP/2 begins.
    func http2StatusLineArrived(_ status: Int) {
        attempt.isHTTP2 = true
        guard status >= 300, !attempt.isBodyTaken, CurlLibrary.version < 0x08_07_00,
            appliedCredentials?.awaitChallenge != true
        else { return }
        // libcurl would send nothing more, not even the end of the request, and without that it does not see the end of the
        // response. So it is made to go on, and gets the end of the body.
        curl.setFlag(CURLOPT_KEEP_SENDING_ON_ERROR, true)
        keepsSendingOnError = true
        attempt.isUploadCut = true
    }

    /// libcurl wants more of a body that the server has refused.
    func endCutUpload(room: Int) -> UploadBuffer.Supply {
        // Where libcurl's buffer holds data that the server does not take, it only fills up the buffer, and asks again.
        if room >= uploadBufferSize, !attempt.isBodyTaken {
            note()
            attempt.isBodyTaken = true
            uploadEndsAfterHead()
        }
        return .end
    }

    /// The request is over, and the response is there or on its way.
    func uploadEndsAfterHead() {
        // Where the response ended before the request, libcurl reads its end while it sends, and does not act on it until
        // something else comes over the connection.
        attempt.needsLook = attempt.isHTTP2
    }

    /// Watches the rest of the upload, once it can only hold up the response.
    func watchUpload(_ engine: TransferEngine) {
        guard attempt.isHTTP2, isRunning, !attempt.isBodyTaken, attempt.uploadWatch == nil,
            case .body = attempt.receiving,
            attempt.isUploadCut || isBodyComplete
        else { return }
        attempt.uploadWatch = UploadWatch(self, engine)
    }
}

/// Gives up an upload that makes no progress after the response came: a server of HTTP/2 need not reset the stream, and
/// without window the client cannot send the end of the request.
final class UploadWatch: AlarmOwner {
    /// How long nothing may move where the response is complete.
    private static let limit = Duration.seconds(1)
    /// How long nothing may move where it is not known whether the response is complete.
    private static let limitInDoubt = Duration.seconds(5)

    @safe private unowned(unsafe) let transfer: Transfer
    private var bytesBefore: Int
    private var alarm: DeadlineToken?

    init(_ transfer: Transfer, _ engine: TransferEngine) {
        self.transfer = transfer
        bytesBefore = transfer.attempt.bodyBytesTaken + transfer.attempt.bodyBytesArrived
        alarm = engine.setAlarm(of: self, at: next(engine))
    }

    private func next(_ engine: TransferEngine) -> MonotonicTime {
        engine.now + (transfer.isBodyComplete ? Self.limit : Self.limitInDoubt)
    }

    func end(_ engine: TransferEngine) {
        if let alarm { engine.cancel(alarm) }
        alarm = nil
    }

    func timerFired(_ engine: TransferEngine) {
        guard let alarm else { return }
        let bytes = transfer.attempt.bodyBytesTaken + transfer.attempt.bodyBytesArrived
        let waitsForUs = transfer.attempt.isSendingPaused || transfer.attempt.isReceivingPaused
        if transfer.attempt.isBodyTaken {
            end(engine)
        } else if bytes > bytesBefore || waitsForUs {
            bytesBefore = bytes
            engine.move(alarm, to: next(engine))
        } else {
            if !transfer.isBodyComplete, transfer.attempt.refusal == nil {
                transfer.attempt.refusal = HandleError(
                    .connectionError,
                    .receiveResponse,
                    reason: "the server answered before it had the request, and takes no more of it; libcurl "
                        + "\(CurlLibrary.versionText) cannot see the end of such an answer over HTTP/2"
                )
            }
            engine.giveUpUpload(of: transfer)
        }
    }
}
