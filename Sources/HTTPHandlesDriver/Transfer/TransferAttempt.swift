import HTTPHandlesCore

/// What a transfer carries out, from `Transfer.begin` to `Transfer.end`. Made anew for each exchange.
struct TransferExchange {
    var request: TransferRequest?
    var download: DownloadBuffer?
    var delegate: (any TransferDelegate)?
    /// Why the exchange has begun again so far: bits of `RestartReason`.
    var restarts: UInt8 = 0
    /// The transfer begins again as soon as libcurl is done with it.
    var pendingRestart: RestartReason?
    /// What the caller's resolver is asked, and has answered.
    var names = CustomNames()
    /// What the caller's verdict was asked.
    var certificateQuestion: ServerCertificate?
    var certificateQuestions = 0
}

/// How far one attempt of an exchange has come: the first one, or one after a restart. Made anew for each attempt.
struct TransferAttempt {
    /// How much of the request is out.
    enum Sending {
        /// The connection is not ready.
        case waiting
        /// The head is going out. libcurl counts the bytes of all attempts; those before this one are not its own.
        case head(bytesBefore: Int)
        /// The body is going out.
        case body(headBytes: Int)
        /// The connection was lost in the middle of the request, and libcurl makes another: its count is out of date.
        case lost
        case done
    }

    /// What became of the upgrade that a request asks for.
    enum Upgrade {
        /// The final head has not come.
        case asked
        /// The connection is not HTTP any more.
        case done
        /// The same, and the server has closed it.
        case ended
        /// The response is an ordinary one.
        case refused
    }

    /// What header lines belong to.
    enum Receiving { case head, body }

    /// When something last moved: for the idle time limits.
    var lastProgress = MonotonicTime(nanoseconds: 0)
    /// Why we gave the transfer up in a callback; libcurl only knows that we did.
    var refusal: HandleError?

    // Connecting
    /// What TLS agreed on, where that is to be recorded.
    var agreement: TLSLibrary.Agreement?
    /// The last TLS handshake, if something is decided or recorded in it.
    var handshake: TLSHandshake?
    /// There was a TLS handshake on the socket that was opened last.
    var hasHandshake = false
    var isResolving = false
    /// As long as an HTTP proxy is asked for a tunnel.
    var tunnel: TunnelAttempt?
    var openedSockets: [Int32] = []
    /// Where the last of them was to be connected to.
    var address: SocketAddress?
    /// An address could not be connected to, and there may be another one.
    var mayHaveNextAddress = false
    /// The connection that the request went out on last.
    var connection: Connection?
    /// The same, after the transfer has left it.
    var lastConnection: Connection?
    /// The system's error where it gave no socket; 0 if it did.
    var socketError: Int32 = 0

    // HTTP/2
    var mayBeHTTP2 = false
    /// The connection is one of HTTP/2 that other transfers may use too.
    var sharesConnection = false
    /// The response came over HTTP/2.
    var isHTTP2 = false
    /// Where the request went, if the connection is one of HTTP/2.
    var stream: HTTP2Stream?
    /// The server reports that it has not processed the request.
    var rejection: RestartReason?
    /// libcurl sends no trailer fields over the connection.
    var dropsTrailers = false
    /// The server has refused the request: what is left of the body is not sent.
    var isUploadCut = false
    /// libcurl is to look for the end of the response.
    var needsLook = false
    /// While only the request is still on its way.
    var uploadWatch: UploadWatch?

    // Sending
    var sending = Sending.waiting
    /// For a head that is too long to be sure to go out in one piece.
    var sentHead: SentHead?
    var bodyBytesTaken = 0
    /// Nothing more of the request is to come from us.
    var isBodyTaken = true
    /// libcurl knows that a body of unknown length is over.
    var isBodyEndTaken = false
    /// The upload buffer is empty.
    var isSendingPaused = false

    var upgrade = Upgrade.asked
    /// Of an upgraded connection: the delegate waits until libcurl has no bytes of it.
    var waitsForOutput = false
    /// libcurl knows that nothing more is sent.
    var isOutputEndTaken = false
    /// What tells the server; `nil` until it is its turn.
    var closeNotify: CloseNotify?

    // Receiving
    var receiving = Receiving.head
    /// Of the final head.
    var status = 0
    var headBytes: [UInt8] = []
    var headBytesTotal = 0
    var headLines = 0
    var maximumHeadSize = 0
    /// What the head says of the body's length.
    var announcedLength = ContentLength()
    /// The line before announced it.
    var isLengthLast = false
    /// The head of a 401, as long as libcurl may send the request again with credentials.
    var challenge: HeaderBlock?
    /// How many of them libcurl has answered.
    var challengesAnswered = 0
    /// Follows a chunked body over HTTP/1 that comes while the request is still on its way.
    var chunks: ChunkedFraming?
    /// The head says that the body is coded.
    var isCoded = false
    /// How many body bytes are to be thrown away before the transfer is given up; `nil` to keep them all.
    var discardBudget: Int?
    /// How many bytes of the response's body were kept.
    var bodyBytesArrived = 0
    /// The download buffer is full.
    var isReceivingPaused = false

    /// None is under way.
    init() {}

    /// - Parameter watchesHead: Whether the request's head is watched while it goes out.
    init(_ request: TransferRequest, watchesHead: Bool, at now: MonotonicTime) {
        lastProgress = now
        let versions = request.options.httpVersions
        mayBeHTTP2 = versions == .http2PriorKnowledge || versions.offersHTTP2 && request.message.isSecure
        sentHead = watchesHead ? SentHead() : nil
        isBodyTaken = request.body.length == 0
        maximumHeadSize = request.options.maximumHeadSize
    }
}
