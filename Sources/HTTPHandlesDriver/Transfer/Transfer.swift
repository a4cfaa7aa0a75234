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
/// Some variables here and in the engine are `@exclusivity(unchecked)`: checking each access to them at run time was a
/// tenth of all instructions of a small request. All of them are of one thread, and none is ever in the middle of a change
/// while libcurl or a delegate is called, the only two who could lead back to it.
@safe
package final class Transfer: AlarmOwner {
    /// How much of the request is out.
    enum Sending {
        /// The connection is not ready.
        case waiting
        /// The head is going out. libcurl counts the bytes of all attempts; those before this one are not its own.
        case head(bytesBefore: Int)
        /// The body is going out.
        case body(headBytes: Int)
        /// The connection was lost with the request half out, and libcurl makes another: what it counted is no news.
        case lost
        case done
    }

    /// What header lines belong to.
    enum Receiving { case head, body }

    let curl: CurlEasy
    /// Goes after the handle that uses it.
    let share: CurlShare
    /// libcurl writes its explanation of a failure here.
    let errorBuffer = UnsafeMutableBufferPointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
    /// Owns all transfers, so it is there as long as they are. (A checked reference would cost atomics at every use.)
    @safe unowned(unsafe) let engine: TransferEngine
    /// Where the engine keeps it.
    var place = 0

    // What the previous exchange left set in the easy handle.
    /// libcurl keeps only the pointer.
    @safe @exclusivity(unchecked) var headerList = CurlList()
    /// The same.
    var connectToList = CurlList()
    /// The same.
    let parsedURL: CurlURL
    @safe @exclusivity(unchecked) var appliedURL: String?
    /// The request line has another target than that of the URL.
    @safe @exclusivity(unchecked) var hasOwnTarget = false
    var appliedHeader = AppliedHeader.none
    @safe @exclusivity(unchecked) var appliedOptions: OptionSnapshot?
    @safe @exclusivity(unchecked) var appliedRequest = AppliedRequest()
    @safe @exclusivity(unchecked) var appliedCredentials: Credentials?
    /// Whether the session's cookies are in use; `nil` if that is not known.
    var hasCookies: Bool? = false
    /// `CURLOPT_COOKIE` is set.
    var hasOwnCookies = false
    /// `CURLOPT_VERBOSE` is set.
    @safe @exclusivity(unchecked) var isVerbose = false

    // The exchange
    /// Counts the exchanges that the handle was used for; one that begins again counts anew.
    private(set) var exchange = 0
    /// In libcurl: not over and not abandoned.
    var isRunning = false
    /// Whether the handle is good for another exchange. libcurl counts how often it had to send again, over all exchanges
    /// of the handle, and fails the sixth.
    var isReusable = true
    @safe @exclusivity(unchecked) var request: TransferRequest?
    @safe @exclusivity(unchecked) var download: DownloadBuffer?
    @safe @exclusivity(unchecked) private var delegate: (any TransferDelegate)?
    /// Why the exchange has begun again so far: bits of `RestartReason`.
    var restarts: UInt8 = 0
    /// The transfer begins again as soon as libcurl is done with it.
    var pendingRestart: RestartReason?
    /// The server has not processed the request of the present attempt, and says so.
    @safe @exclusivity(unchecked) var rejection: RestartReason?
    /// Where the request of the present attempt went, if the connection is one of HTTP/2.
    @safe @exclusivity(unchecked) var stream: HTTP2Stream?
    @safe @exclusivity(unchecked) var mayBeHTTP2 = false

    // What was recorded and not yet passed on
    @safe @exclusivity(unchecked) var reports: [TransferReport] = []
    var movedBody = false
    private(set) var isNoted = false
    /// When something last moved: for the idle time limits.
    @safe @exclusivity(unchecked) package private(set) var lastProgress = MonotonicTime(nanoseconds: 0)

    /// Outlives the exchange: the next one usually needs no earlier alarm, and asks again when it goes off too early.
    @safe @exclusivity(unchecked) private var alarm: DeadlineToken?

    // Connecting
    /// What TLS agreed on, for those who have asked for it.
    @safe @exclusivity(unchecked) var agreement: TLSLibrary.Agreement?
    var isResolving = false
    @safe @exclusivity(unchecked) var openedSockets: [Int32] = []
    /// The connection that the request went out on last.
    @safe @exclusivity(unchecked) var connection: Connection?
    /// What the system said where it gave no socket; 0 if it did.
    var socketError: Int32 = 0

    // Sending
    @safe @exclusivity(unchecked) var sending = Sending.waiting
    /// For a head that is too long to be sure to go out in one piece.
    @safe @exclusivity(unchecked) var sentHead: SentHead?
    @safe @exclusivity(unchecked) package internal(set) var bodyBytesTaken = 0
    /// Nothing more of the request is to come from us.
    var isBodyTaken = true
    /// `CURLOPT_UPLOAD_BUFFERSIZE`.
    var uploadBufferSize = 64 << 10
    /// The server has refused the request, over HTTP/2: what is left of the body is not sent.
    var isUploadCut = false
    /// libcurl is to look for the end of the response.
    @safe @exclusivity(unchecked) var needsLook = false
    /// While only the request is still on its way.
    @safe @exclusivity(unchecked) var uploadWatch: UploadWatch?
    /// libcurl knows that a body of unknown length is over.
    var isBodyEndTaken = false
    /// The producer is slow.
    @safe @exclusivity(unchecked) package internal(set) var isSendingPaused = false

    // Receiving
    var receiving = Receiving.head
    var isHTTP2 = false
    /// Of the final head.
    var status = 0
    @safe @exclusivity(unchecked) var headBytes: [UInt8] = []
    var headBytesTotal = 0
    var headLines = 0
    var maximumHeadSize = 0
    /// What the head says of the body's length.
    @safe @exclusivity(unchecked) var announcedLength = ContentLength()
    /// The line before announced it.
    var isLengthLast = false
    /// The head of a 401, as long as libcurl may send the request again with credentials.
    @safe @exclusivity(unchecked) var challenge: HeaderBlock?
    /// How many of them libcurl has answered.
    var challengesAnswered = 0
    /// Follows a chunked body over HTTP/1 that comes while the request is still on its way.
    @safe @exclusivity(unchecked) var chunks: ChunkedFraming?
    /// The head says that the body is coded.
    @safe @exclusivity(unchecked) package internal(set) var isCoded = false
    /// Why we gave the transfer up in a callback; libcurl only knows that we did.
    @safe @exclusivity(unchecked) var refusal: HandleError?
    /// How many body bytes are to be thrown away before the transfer is given up; `nil` to keep them all.
    @safe @exclusivity(unchecked) var discardBudget: Int?
    /// How many bytes of the response's body were kept.
    @safe @exclusivity(unchecked) package internal(set) var bodyBytesArrived = 0
    /// The reader is slow.
    @safe @exclusivity(unchecked) package internal(set) var isReceivingPaused = false

    init?(engine: TransferEngine, share: CurlShare) {
        guard let curl = CurlEasy(), let url = CurlURL() else { return nil }
        self.curl = curl
        parsedURL = url
        self.engine = engine
        self.share = share
        unsafe errorBuffer.initialize(repeating: 0)
        do { try setUp() } catch { return nil }
    }

    deinit {
        // The handle is cleaned up after this body, and the buffer is gone by then.
        try? unsafe curl.set(CURLOPT_ERRORBUFFER, pointer: nil)
        unsafe errorBuffer.deallocate()
    }

    // MARK: Beginning and end

    func begin(
        _ request: TransferRequest,
        download: DownloadBuffer,
        delegate: any TransferDelegate
    ) throws(HandleError) {
        restarts = 0
        pendingRestart = nil
        try apply(request)
        self.request = request
        self.download = download
        self.delegate = delegate
        maximumHeadSize = request.options.values.maximumHeadSize
        beginAttempt(request)
    }

    /// Resets everything that belongs to one attempt: the first of an exchange, or a later one.
    func beginAttempt(_ request: TransferRequest) {
        exchange += 1
        isRunning = true
        lastProgress = engine.now
        agreement = nil
        rejection = nil
        stream = nil
        isResolving = false
        socketError = 0
        sending = .waiting
        bodyBytesTaken = 0
        isBodyTaken = request.body.length == 0
        isBodyEndTaken = false
        isSendingPaused = false
        receiving = .head
        isHTTP2 = false
        needsLook = false
        headBytesTotal = 0
        headLines = 0
        announcedLength = ContentLength()
        isLengthLast = false
        challenge = nil
        challengesAnswered = 0
        chunks = nil
        isCoded = false
        refusal = nil
        discardBudget = nil
        bodyBytesArrived = 0
        isReceivingPaused = false
    }

    /// Takes the transfer out of libcurl and gives it back to the engine. What happens to its connection in the course of
    /// that is still passed on; afterwards nothing of it is called or referenced any more.
    package func release() {
        engine.release(self)
    }

    func end() {
        delegate = nil
        download = nil
        request = nil
        headBytes = []
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
        lastProgress = engine.now
        noteSentHead()
        if !reports.isEmpty {
            var batch = engine.takeReportList()
            swap(&batch, &reports)
            delegate?.transfer(self, reported: batch, engine)
            engine.putBack(&batch)
        }
        if movedBody {
            movedBody = false
            delegate?.transferMovedBody(self, engine)
        }
        guard isHTTP2, isRunning else { return }
        if needsLook {
            needsLook = false
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

    package func alarmWentOff(_ engine: TransferEngine) {
        let before = exchange
        let next = delegate?.transferAlarm(self, engine)
        // The delegate may have given the transfer back and somebody begun the next exchange, whose alarm it is now.
        guard exchange == before, let alarm else { return }
        if let next { engine.move(alarm, to: next) } else { cancelAlarm() }
    }

    func cancelAlarm() {
        if let alarm { engine.cancel(alarm) }
        alarm = nil
    }

    // MARK: Pausing

    /// The reader has emptied the buffer.
    package func resumeReceiving() {
        guard isReceivingPaused else { return }
        isReceivingPaused = false
        engine.unpause(self)
    }

    /// The producer has written something.
    package func resumeSending() {
        guard isSendingPaused else { return }
        isSendingPaused = false
        engine.unpause(self)
    }

    /// What both directions are to do: libcurl wants to be told of both at once.
    var pauseMask: Int32 {
        (isReceivingPaused ? CURLPAUSE_RECV : 0) | (isSendingPaused ? CURLPAUSE_SEND : 0)
    }

    // MARK: Results

    /// How far the exchange has come.
    var progress: ExchangeProgress {
        switch (receiving, sending) {
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
            if challenge != nil { forgetChallenge() }
            if refusal == nil, let reason = rejection(after: result) { refusal = rejectionError(reason) }
        }
        if let refusal {
            record(.failed(refusal, []))
        } else if case .head = receiving, result == .ok {
            // libcurl finds nothing wrong with a connection that ends in the middle of a head.
            let reason = "the connection ended in the middle of the response head"
            record(.failed(HandleError(.invalidServerResponse, .receiveResponse, reason: reason), []))
        } else if discardBudget != nil || result == .ok || isOnlyUploadLost(result) {
            if discardBudget == nil, !headBytes.isEmpty { record(.trailers(HeaderBlock(bytes: headBytes))) }
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
        var problem: CertificateProblem?
        var secureFailure: SecureFailure = []
        if code == .secureFailure {
            problem = CertificateProblem(result, verifyResult: curl.information(CURLINFO_SSL_VERIFYRESULT))
            secureFailure = problem?.secureFailure ?? .channelError
        }
        if result == .outOfMemory, case .head = receiving, !headBytes.isEmpty {
            // What old versions say of a header line that is too long for them.
            code = .headerSizeOverflow
        }
        if result == .badFunctionArgument, request?.options.values.clientCertificate != nil {
            // What new versions say of a key that cannot be used; everything else was looked at before libcurl got it.
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
            // In TLS 1.3 the server says so after the handshake, where libcurl takes it for any failure to receive.
            code = .clientAuthCertNeeded
        }
        let systemError = systemError(at: result)
        let systemReason = systemError.map(\.text).flatMap { text.utf8.firstRange(of: $0.utf8) == nil ? $0 : nil }
        let reasons = [problem?.reason, passwordHint(code), text.isEmpty ? message : text, systemReason]
        let error = HandleError(
            code,
            .sendRequest,
            reason: reasons.compactMap { $0 }.joined(separator: ": "),
            curl: failure,
            systemError: systemError,
            certificateProblem: problem,
            http2StreamError: streamError
        )
        return .failed(error, secureFailure)
    }

    /// libcurl does not tell an encrypted key from one that is no key.
    private func passwordHint(_ code: HandleErrorCode) -> String? {
        guard code == .clientCertNoPrivateKey, let certificate = request?.options.values.clientCertificate else {
            return nil
        }
        return certificate.keyPassword == nil ? "there is no private key that can be used without a password" : nil
    }

    /// What the system said where it gave no socket, or none with that address, or none that gets connected.
    private func systemError(at result: CurlCode) -> SystemErrorNumber? {
        guard result == .cannotConnect || result == .interfaceFailed else { return nil }
        // libcurl forgets the number only with the handle, and knows nothing of sockets that we do not get.
        isReusable = false
        let number = socketError != 0 ? socketError : Int32(clamping: curl.information(CURLINFO_OS_ERRNO))
        return number == 0 ? nil : SystemErrorNumber(rawValue: number)
    }

    /// How long the response's body is going to be, if the response says so.
    package var announcedBodyLength: Int64? {
        guard case .body = receiving, discardBudget == nil else { return nil }
        if request?.message.method == .head { return 0 }
        let length = curl.offset(CURLINFO_CONTENT_LENGTH_DOWNLOAD_T)
        return length < 0 ? nil : Int64(length)
    }
}
