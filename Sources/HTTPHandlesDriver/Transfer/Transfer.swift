import CHTTPHandlesCurl
package import HTTPHandlesCore
import HTTPTypes

/// Who is told what a transfer reports; always outside of libcurl's callbacks.
package protocol TransferDelegate: AnyObject {
    func transfer(_ transfer: Transfer, reported reports: [TransferReport], _ engine: TransferEngine)
    /// There is more in the download buffer, or room in the upload buffer.
    func transferMovedBody(_ transfer: Transfer, _ engine: TransferEngine)
    /// The alarm went off, maybe early. Returns when to go off again, if at all.
    func transferAlarm(_ transfer: Transfer, _ engine: TransferEngine) -> MonotonicTime?
}

/// An easy handle with everything that libcurl's pointers in it lead to, used for one exchange after the other.
///
/// libcurl's callbacks record here what happened; the engine passes it on when libcurl has returned. Between `begin` and
/// `release` the transfer belongs to one exchange, afterwards to the engine's spares. Only the driver's thread touches it.
///
/// What belongs to one exchange is two values: `exchange`, and `attempt`, which a restart replaces too.
///
/// Some variables here and in the engine are `@exclusivity(unchecked)`: checking each access to them at run time was a
/// tenth of all instructions of a small request. Only the driver's thread uses them, and none is in the middle of a change
/// when libcurl or a delegate is called, through which they could be reached again.
@safe
package final class Transfer: AlarmOwner {
    let curl: CurlEasy
    /// Goes after the handle that uses it.
    let share: CurlShare
    /// libcurl writes its explanation of a failure here.
    let errorBuffer = UnsafeMutableBufferPointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
    /// Owns all transfers, so it is there as long as they are. (A checked reference would cost atomics at every use.)
    @safe unowned(unsafe) let engine: TransferEngine
    /// Those of the engine.
    let sockets: SocketTable
    /// Where the engine keeps it.
    var engineIndex = 0

    // What the previous exchange left set in the easy handle.
    @safe @exclusivity(unchecked) var headerLines = HeaderLines()
    /// libcurl keeps only the pointer.
    var connectToList = CurlList()
    /// The same.
    var resolveList = CurlList()
    /// The same.
    var proxyHeaderList = CurlList()
    /// The same.
    let parsedURL: CurlURL
    @safe @exclusivity(unchecked) var appliedURL: RequestURL?
    @safe @exclusivity(unchecked) var appliedURLHasQuery = false
    /// The lists of names are those of the caller's resolver.
    var hasOwnNames = false
    /// The Unix socket that is connected to, if it is one.
    @safe @exclusivity(unchecked) var unixAddress: SocketAddress?
    /// The request line has another target than that of the URL.
    @safe @exclusivity(unchecked) var hasOwnTarget = false
    var appliedHeader = AppliedHeader.none
    /// The trust and the identity of `appliedOptions`, where libcurl has no options for them.
    var profile: TLSProfile?
    /// Those of the https proxy of `appliedRoute`.
    var proxyProfile: TLSProfile?
    /// `CURLOPT_TRAILERFUNCTION` is set.
    var hasTrailerCallback = false
    /// `CURLOPT_SSL_CTX_FUNCTION` is set.
    var hasContextCallback = false
    /// `recordsSecurityInfo` is on.
    var recordsHandshakes = false
    /// `CURLOPT_SSLCERT` is set.
    var hasCurlIdentity = false
    /// Cipher suites or groups are set.
    var hasAlgorithms = false
    @safe @exclusivity(unchecked) var appliedOptions: OptionSnapshot?
    @safe @exclusivity(unchecked) var appliedRequest = AppliedRequest()
    @safe @exclusivity(unchecked) var appliedCredentials: Credentials?
    @safe @exclusivity(unchecked) var appliedRoute: ProxyRoute?
    /// Whether the session's cookies are in use; `nil` if that is not known.
    var hasCookies: Bool? = false
    /// `CURLOPT_COOKIE` is set.
    var hasOwnCookies = false
    /// `CURLOPT_VERBOSE` is set.
    @safe @exclusivity(unchecked) var isVerbose = false
    /// `CURLOPT_UPLOAD_BUFFERSIZE`.
    var uploadBufferSize = 64 << 10
    /// The upload buffer has room for the longest head, which is watched while it goes out.
    @safe @exclusivity(unchecked) var watchesHead = false
    /// `CURLOPT_KEEP_SENDING_ON_ERROR` is set.
    @safe @exclusivity(unchecked) var keepsSendingOnError = false
    /// Whether the handle is good for another exchange. libcurl counts how often it had to send again, over all exchanges
    /// of the handle, and fails the sixth.
    var isReusable = true

    // What belongs to one exchange
    @safe @exclusivity(unchecked) var exchange = TransferExchange()
    @safe @exclusivity(unchecked) var attempt = TransferAttempt()
    /// Counts the attempts that the handle was used for.
    private(set) var attemptsBegun = 0
    /// In libcurl: not over and not abandoned.
    var isRunning = false

    // What was recorded and not yet passed on
    @safe @exclusivity(unchecked) var reports: [TransferReport] = []
    var movedBody = false
    private(set) var isNoted = false

    /// Outlives the exchange: the next one usually needs no earlier alarm, and asks again when it goes off too early.
    @safe @exclusivity(unchecked) private var alarm: DeadlineToken?

    init?(engine: TransferEngine, share: CurlShare) {
        guard let curl = CurlEasy(), let url = CurlURL() else { return nil }
        self.curl = curl
        parsedURL = url
        self.engine = engine
        sockets = engine.sockets
        self.share = share
        unsafe errorBuffer.initialize(repeating: 0)
        do { try setUp() } catch { return nil }
    }

    deinit {
        // The handle is cleaned up after this body, and the buffer is gone by then.
        try? unsafe curl.set(CURLOPT_ERRORBUFFER, pointer: nil)
        unsafe errorBuffer.deallocate()
    }

    /// See `CurlEasy`.
    func forgetLastConnection(_ none: CurlShare) {
        curl.forgetLastConnection(share, none)
        if hasCookies == false { hasCookies = nil }
    }

    package var lastProgress: MonotonicTime { attempt.lastProgress }
    package var bodyBytesTaken: Int { attempt.bodyBytesTaken }
    package var bodyBytesArrived: Int { attempt.bodyBytesArrived }
    package var isSendingPaused: Bool { attempt.isSendingPaused }
    package var isReceivingPaused: Bool { attempt.isReceivingPaused }
    package var isCoded: Bool { attempt.isCoded }
    package var sharesConnection: Bool { attempt.sharesConnection }

    // MARK: Beginning and end

    func begin(
        _ request: TransferRequest,
        download: DownloadBuffer,
        delegate: any TransferDelegate
    ) throws(HandleError) {
        exchange = TransferExchange(request: request, download: download, delegate: delegate)
        try apply(request)
        beginAttempt(request)
    }

    /// Begins an attempt: the first of an exchange, or a later one.
    func beginAttempt(_ request: TransferRequest) {
        attempt = TransferAttempt(request, watchesHead: watchesHead, at: engine.now)
        attemptsBegun += 1
        isRunning = true
    }

    /// Takes the transfer out of libcurl and gives it back to the engine. What happens to its connection in the course of
    /// that is still passed on; afterwards nothing of it is called or referenced any more.
    package func release() {
        engine.release(self)
    }

    func end() {
        exchange = TransferExchange()
        attempt = TransferAttempt()
    }

    // MARK: Recording and passing on

    func record(_ report: consuming TransferReport) {
        reports.append(report)
        note()
    }

    func record(_ milestone: consuming TransferMilestone) {
        record(.milestone(milestone))
    }

    @inline(__always)
    func note() {
        guard !isNoted else { return }
        isNoted = true
        engine.note(self)
    }

    /// Passes on what was recorded.
    func deliver(_ engine: TransferEngine) {
        isNoted = false
        attempt.lastProgress = engine.now
        noteSentHead()
        if !reports.isEmpty {
            var batch = engine.takeReportList()
            swap(&batch, &reports)
            exchange.delegate?.transfer(self, reported: batch, engine)
            engine.recycle(&batch)
        }
        if movedBody {
            movedBody = false
            exchange.delegate?.transferMovedBody(self, engine)
        }
        if attempt.upgrade != .asked { endUpgradedUpload() }
        if attempt.mayHaveNextAddress {
            attempt.mayHaveNextAddress = false
            engine.look(at: self)
        }
        guard attempt.isHTTP2, isRunning else { return }
        if attempt.needsLook {
            attempt.needsLook = false
            engine.look(at: self)
        }
        watchUpload(engine)
    }

    // MARK: Time

    /// Has the delegate called at `time` or earlier.
    package func setAlarm(at time: MonotonicTime, _ engine: TransferEngine) {
        if let alarm {
            engine.bringForward(alarm, to: time)
        } else {
            alarm = engine.setAlarm(of: self, at: time)
        }
    }

    package func timerFired(_ engine: TransferEngine) {
        let before = attemptsBegun
        let next = exchange.delegate?.transferAlarm(self, engine)
        // The delegate may have released the transfer and begun the next exchange, to which the alarm belongs now.
        guard attemptsBegun == before, let alarm else { return }
        if let next { engine.move(alarm, to: next) } else { cancelAlarm() }
    }

    func cancelAlarm() {
        if let alarm { engine.cancel(alarm) }
        alarm = nil
    }

    // MARK: Pausing

    /// The reader has emptied the buffer.
    package func resumeReceiving() {
        guard attempt.isReceivingPaused else { return }
        attempt.isReceivingPaused = false
        engine.unpause(self)
    }

    /// The producer has written something.
    package func resumeSending() {
        guard attempt.isSendingPaused else { return }
        attempt.isSendingPaused = false
        engine.unpause(self)
    }

    /// What both directions are to do: libcurl wants to be told of both at once.
    var pauseMask: Int32 {
        (attempt.isReceivingPaused ? CURLPAUSE_RECV : 0) | (attempt.isSendingPaused ? CURLPAUSE_SEND : 0)
    }

    // MARK: Results

    /// How far the exchange has come.
    var progress: ExchangeProgress {
        switch (attempt.receiving, attempt.sending) {
        case (.body, _): .receivingBody
        case (_, .done): .receivingHead
        case (_, .waiting), (_, .lost): .connecting
        default: .sending
        }
    }

    /// libcurl is done with the transfer, which does not begin again.
    func completed(_ result: CurlCode) {
        noteSentHead()
        if result == .ok {
            deliverChallenge()
        } else {
            if attempt.challenge != nil { forgetChallenge() }
            if attempt.refusal == nil, let reason = rejection(after: result) {
                attempt.refusal = rejectionError(reason)
            }
        }
        if let refusal = attempt.refusal {
            record(.failed(refusal, []))
        } else if case .head = attempt.receiving, result == .ok {
            // libcurl finds nothing wrong with a connection that ends in the middle of a head.
            let reason = "the connection ended in the middle of the response head"
            record(.failed(HandleError(.invalidServerResponse, .receiveResponse, reason: reason), []))
        } else if attempt.discardBudget != nil || result == .ok || isOnlyUploadLost(result) {
            if attempt.discardBudget == nil, !attempt.headBytes.isEmpty {
                record(.trailers(HeaderBlock(bytes: attempt.headBytes)))
            }
            record(.finished)
        } else {
            record(failure(result))
        }
    }

    /// What libcurl says of the failure.
    var errorText: String { unsafe errorBuffer.baseAddress.map { unsafe String(cString: $0) } ?? "" }

    private func failure(_ result: CurlCode) -> TransferReport {
        let failure = CurlFailure(result)
        var code = HandleErrorCode(result, at: progress)
        let proxy = exchange.request?.route == nil ? nil : proxyFailure(result)
        var problem: CertificateProblem?
        var secureFailure: SecureFailure = []
        if code == .secureFailure {
            let verified = proxy == nil ? CURLINFO_SSL_VERIFYRESULT : CURLINFO_PROXY_SSL_VERIFYRESULT
            problem = CertificateProblem(result, verifyResult: curl.information(verified), text: errorText)
            secureFailure = problem?.secureFailure ?? .channelError
        }
        if result == .outOfMemory, case .head = attempt.receiving, !attempt.headBytes.isEmpty {
            // The result of old versions for a header line that is too long.
            code = .headerSizeOverflow
        }
        if result == .badFunctionArgument, exchange.request?.options.values.clientIdentity != nil {
            // The result of new versions for a key that cannot be used; all else was checked before libcurl got it.
            code = .clientCertNoPrivateKey
        }
        let text = errorText
        var streamError = HTTP2ErrorCode(curlText: text)
        var message = failure.message
        if result == .http2Stream, text.isEmpty {
            // Before 8.1 that is all of an answer whose stream the server has ended while the request was going out.
            code = .connectionError
            streamError = .noError
            message =
                "the server ended the stream before it had the request; this libcurl cannot tell its answer from a part"
        }
        if text.utf8.starts(with: "HTTP/2 stream ".utf8), streamError != .noError { code = .connectionError }
        if progress < .receivingBody, text.utf8.firstRange(of: "alert certificate required".utf8) != nil {
            // In TLS 1.3 the alert comes after the handshake, where libcurl reports a failure to receive.
            code = .clientAuthCertNeeded
        }
        if exchange.request?.route != nil { code = self.code(code, result, at: proxy) }
        let systemError = systemError(at: result)
        let systemReason = systemError.map(\.text).flatMap { text.utf8.firstRange(of: $0.utf8) == nil ? $0 : nil }
        let reasons = [
            proxy.map { "the proxy \($0.proxy)" }, problem?.reason, passwordHint(code), text.isEmpty ? message : text,
            systemReason,
        ]
        let error = HandleError(
            code,
            .sendRequest,
            reason: reasons.compactMap { $0 }.joined(separator: ": "),
            curl: failure,
            systemError: systemError,
            certificateProblem: problem,
            http2StreamError: streamError,
            proxyFailure: proxy
        )
        return .failed(error, secureFailure)
    }

    /// libcurl does not distinguish an encrypted key from a file without a key.
    private func passwordHint(_ code: HandleErrorCode) -> String? {
        guard code == .clientCertNoPrivateKey, let identity = exchange.request?.options.values.clientIdentity else {
            return nil
        }
        return identity.password == nil ? "there is no private key that can be used without a password" : nil
    }

    /// The system's error where there was no socket, or it could not be bound or connected.
    private func systemError(at result: CurlCode) -> SystemErrorNumber? {
        guard result == .cannotConnect || result == .interfaceFailed else { return nil }
        // libcurl keeps the number as long as the handle, and has none for a socket that was not opened.
        isReusable = false
        let number =
            attempt.socketError != 0 ? attempt.socketError : Int32(clamping: curl.information(CURLINFO_OS_ERRNO))
        return number == 0 ? nil : SystemErrorNumber(rawValue: number)
    }

    /// How long the response's body is going to be, if the response says so.
    package var announcedBodyLength: Int64? {
        guard case .body = attempt.receiving, attempt.discardBudget == nil else { return nil }
        if exchange.request?.message.method == .head { return 0 }
        let length = curl.offset(CURLINFO_CONTENT_LENGTH_DOWNLOAD_T)
        return length < 0 ? nil : Int64(length)
    }
}
