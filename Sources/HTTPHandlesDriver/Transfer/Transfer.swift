import CHTTPHandlesCurl
package import HTTPHandlesCore
import HTTPTypes

/// Who is told of a transfer's milestones; always outside of libcurl's callbacks.
package protocol TransferDelegate: AnyObject {
    func transfer(_ transfer: Transfer, reached milestones: [TransferMilestone], _ engine: TransferEngine)
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
    var appliedHeader = AppliedHeader.none
    @safe @exclusivity(unchecked) var appliedOptions: OptionSnapshot?
    @safe @exclusivity(unchecked) var appliedRequest = AppliedRequest()
    @safe @exclusivity(unchecked) var appliedCredentials: Credentials?
    /// Whether the session's cookies are in use; `nil` if that is not known.
    var hasCookies: Bool? = false
    /// `CURLOPT_COOKIE` is set.
    var hasOwnCookies = false

    // The exchange
    /// Counts the exchanges that the handle was used for.
    private(set) var exchange = 0
    /// In libcurl: not over and not abandoned.
    var isRunning = false
    /// Whether the handle is good for another exchange. libcurl counts how often it had to send again, over all exchanges
    /// of the handle, and fails the sixth.
    var isReusable = true
    @safe @exclusivity(unchecked) var request: TransferRequest?
    @safe @exclusivity(unchecked) var download: DownloadBuffer?
    @safe @exclusivity(unchecked) private var delegate: (any TransferDelegate)?

    // What was recorded and not yet passed on
    @safe @exclusivity(unchecked) var milestones: [TransferMilestone] = []
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

    // Sending
    @safe @exclusivity(unchecked) var sending = Sending.waiting
    /// For a head that is too long to be sure to go out in one piece.
    @safe @exclusivity(unchecked) var sentHead: SentHead?
    @safe @exclusivity(unchecked) package internal(set) var bodyBytesTaken = 0
    /// Nothing more of the request is to come from us.
    var isBodyTaken = true
    /// libcurl knows that a body of unknown length is over.
    var isBodyEndTaken = false
    /// The producer is slow.
    @safe @exclusivity(unchecked) package internal(set) var isSendingPaused = false

    // Receiving
    var receiving = Receiving.head
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
        setUp()
    }

    deinit {
        // The handle is cleaned up after this body, and the buffer is gone by then.
        unsafe curl.set(CURLOPT_ERRORBUFFER, pointer: nil)
        unsafe errorBuffer.deallocate()
    }

    // MARK: Beginning and end

    func begin(
        _ request: TransferRequest,
        download: DownloadBuffer,
        delegate: any TransferDelegate
    ) throws(HandleError) {
        try apply(request)
        self.request = request
        self.download = download
        self.delegate = delegate
        exchange += 1
        isRunning = true
        lastProgress = engine.now
        agreement = nil
        isResolving = false
        sending = .waiting
        bodyBytesTaken = 0
        isBodyTaken = request.body.length == 0
        isBodyEndTaken = false
        isSendingPaused = false
        receiving = .head
        headBytesTotal = 0
        headLines = 0
        announcedLength = ContentLength()
        isLengthLast = false
        challenge = nil
        challengesAnswered = 0
        isCoded = false
        maximumHeadSize = request.options.values.maximumHeadSize
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
        openedSockets.removeAll(keepingCapacity: true)
    }

    // MARK: Recording and passing on

    func record(_ milestone: consuming TransferMilestone) {
        milestones.append(milestone)
        note()
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
        if !milestones.isEmpty {
            var batch = engine.takeMilestoneList()
            swap(&batch, &milestones)
            delegate?.transfer(self, reached: batch, engine)
            engine.putBack(&batch)
        }
        if movedBody {
            movedBody = false
            delegate?.transferMovedBody(self, engine)
        }
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

    /// libcurl is done with the transfer.
    func completed(_ result: CurlCode) {
        noteSentHead()
        if result == .ok { deliverChallenge() } else if challenge != nil { forgetChallenge() }
        if let refusal {
            record(.failed(refusal, []))
        } else if case .head = receiving, result == .ok {
            // libcurl finds nothing wrong with a connection that ends in the middle of a head.
            let reason = "the connection ended in the middle of the response head"
            record(.failed(HandleError(.invalidServerResponse, .receiveResponse, reason: reason), []))
        } else if discardBudget != nil || result == .ok {
            if discardBudget == nil, !headBytes.isEmpty { record(.trailers(HeaderBlock(bytes: headBytes))) }
            record(.finished)
        } else {
            record(failure(result))
        }
    }

    private func failure(_ result: CurlCode) -> TransferMilestone {
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
        let text = unsafe errorBuffer.baseAddress.map { unsafe String(cString: $0) } ?? ""
        if progress < .receivingBody, text.contains("alert certificate required") {
            // In TLS 1.3 the server says so after the handshake, where libcurl takes it for any failure to receive.
            code = .clientAuthCertNeeded
        }
        let reasons = [problem?.reason, text.isEmpty ? failure.message : text]
        let error = HandleError(
            code,
            .sendRequest,
            reason: reasons.compactMap { $0 }.joined(separator: ": "),
            curl: failure,
            certificateProblem: problem
        )
        return .failed(error, secureFailure)
    }

    /// How long the response's body is going to be, if the response says so.
    package var announcedBodyLength: Int64? {
        guard case .body = receiving, discardBudget == nil else { return nil }
        if request?.message.method == .head { return 0 }
        let length = curl.offset(CURLINFO_CONTENT_LENGTH_DOWNLOAD_T)
        return length < 0 ? nil : Int64(length)
    }
}
