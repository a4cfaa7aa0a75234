import HTTPHandlesCore
import HTTPTypes

extension Transfer {
    enum BodyAnswer { case taken, pause, abort }

    /// `HTTPFields` traps beyond 65,535. Newer versions of libcurl give up at 5,000.
    private static let maximumHeadLines = 4096
    /// It comes in one piece.
    private static let smallBody: Int64 = 16 << 10

    func receiveBody(_ piece: UnsafeRawBufferPointer) -> BodyAnswer {
        if let answer = unsafe receiveUpgraded(piece) { return answer }
        deliverChallenge()
        if let budget = attempt.discardBudget {
            note()
            attempt.discardBudget = budget - piece.count
            return budget < piece.count ? .abort : .taken
        }
        guard let download = exchange.download, unsafe download.append(piece) else {
            attempt.isReceivingPaused = true
            return .pause
        }
        note()
        movedBody = true
        attempt.bodyBytesArrived += piece.count
        return .taken
    }

    /// The body is of no use: up to `budget` bytes of it are thrown away, to keep the connection.
    package func discardBody(budget: Int) {
        attempt.discardBudget = budget
        exchange.download?.reset()
        resumeReceiving()
    }

    /// `false` to give the transfer up.
    func receiveHeaderLine(_ line: UnsafeRawBufferPointer) -> Bool {
        if attempt.tunnel != nil { return unsafe receiveTunnelLine(line) }
        note()
        let isAfterLength = attempt.isLengthLast
        attempt.isLengthLast = false
        if attempt.headBytes.isEmpty {
            noteSentHead()
            attempt.headBytes.reserveCapacity(512)
            if unsafe Self.isStatusLine(line) {
                attempt.receiving = .head
                attempt.isCoded = false
                // "HTTP/2 200"
                if attempt.mayBeHTTP2, line.count > 10, unsafe line[5] == UInt8(ascii: "2") {
                    unsafe http2StatusLineArrived(line[7..<10].reduce(0) { $0 * 10 + Int($1 & 0xF) })
                }
            }
        } else if unsafe Self.isField(Self.contentEncoding, line) {
            attempt.isCoded = true
        } else if case .head = attempt.receiving, unsafe Self.isField(Self.contentLength, line) {
            unsafe readLength(line)
            if let problem = attempt.announcedLength.problem { return refuse(.invalidServerResponse, problem.reason) }
            attempt.isLengthLast = true
        } else if isAfterLength, unsafe Self.continues(line) {
            // The value goes on (RFC 9112, section 5.2), which libcurl does not see.
            return refuse(.invalidServerResponse, ContentLength.Problem.malformed.reason)
        } else if hasCookies == true, unsafe Self.isField(Self.setCookie, line) {
            engine.cookieArrived()
        }
        unsafe attempt.headBytes.append(contentsOf: line)
        attempt.headBytesTotal += line.count
        attempt.headLines += 1
        guard attempt.headBytesTotal <= attempt.maximumHeadSize else {
            return refuse(.headerSizeOverflow, "the response head is longer than allowed")
        }
        guard attempt.headLines <= Self.maximumHeadLines else {
            return refuse(.headerCountExceeded, "the response has more than \(Self.maximumHeadLines) header lines")
        }
        guard case .head = attempt.receiving else { return true }
        // As in libcurl, to which "\r\r\n" is an empty line too.
        let first = unsafe line.first
        return first == UInt8(ascii: "\r") || first == UInt8(ascii: "\n") ? headEnded() : true
    }

    private static func isStatusLine(_ line: UnsafeRawBufferPointer) -> Bool {
        unsafe line.count > 5 && line[0] == UInt8(ascii: "H") && line[1] == UInt8(ascii: "T")
            && line[2] == UInt8(ascii: "T") && line[3] == UInt8(ascii: "P") && line[4] == UInt8(ascii: "/")
    }

    private static let contentLength: StaticString = "content-length:"
    private static let contentEncoding: StaticString = "content-encoding:"
    private static let setCookie: StaticString = "set-cookie:"

    /// Where two recipients understand a length in different ways, they see the response end in different places (RFC 9112,
    /// section 6.3). Beside `Transfer-Encoding` it means nothing to libcurl, and has to be one all the same.
    private func readLength(_ line: UnsafeRawBufferPointer) {
        var end = line.count
        while unsafe line[end - 1] == UInt8(ascii: "\n") || line[end - 1] == UInt8(ascii: "\r") { end -= 1 }
        for index in Self.contentLength.utf8CodeUnitCount..<end { unsafe attempt.announcedLength.take(line[index]) }
        attempt.announcedLength.endNumber()
    }

    /// Whether a line continues the field before it, and is not blank.
    private static func continues(_ line: UnsafeRawBufferPointer) -> Bool {
        let first = unsafe line.first
        guard first == UInt8(ascii: " ") || first == UInt8(ascii: "\t") else { return false }
        return unsafe line.contains { $0 > UInt8(ascii: " ") }
    }

    private static func isField(_ name: StaticString, _ line: UnsafeRawBufferPointer) -> Bool {
        guard line.count > name.utf8CodeUnitCount, unsafe line[0] | 0x20 == name.utf8Start[0] else { return false }
        for index in 0..<name.utf8CodeUnitCount where unsafe line[index] | 0x20 != name.utf8Start[index] | 0x20 {
            return false
        }
        return true
    }

    private func headEnded() -> Bool {
        let head = HeaderBlock(bytes: attempt.headBytes)
        attempt.headBytes = []
        let length = attempt.announcedLength.length
        attempt.announcedLength = ContentLength()
        attempt.isLengthLast = false
        guard head.status >= 100 else { return refuse(.invalidServerResponse, "the response has no status code") }
        if head.isInformational {
            record(.informational(head))
            return true
        }
        if head.status == 407, isTunnelled, appliedRoute?.proxy.credentials?.awaitChallenge == true {
            // libcurl would send the request again, without credentials.
            return refuse(.invalidServerResponse, "the server asks for credentials with a 407, as only a proxy may")
        }
        attempt.receiving = .body
        attempt.status = head.status
        if case .upgrade? = exchange.request?.body { upgradeAnswered(head.status) }
        followChunks(of: head)
        if mayAnswer(head) {
            attempt.challenge = head
            record(.challenge(head))
            return true
        }
        if let length, length > Self.smallBody { exchange.download?.expect(length) }
        record(.head(head))
        // libcurl would send the request once more, with the same expectation, and deliver both answers as one. The caller
        // decides what to do; the body of such an answer is dropped with its connection.
        guard head.status == 417, !attempt.isBodyTaken, exchange.request?.message.knownFields.contains(.expect) == true
        else {
            return true
        }
        attempt.discardBudget = 0
        attempt.isCoded = false
        return false
    }

    private func refuse(_ code: HandleErrorCode, _ reason: String) -> Bool {
        attempt.refusal = HandleError(code, .receiveResponse, reason: reason)
        return false
    }
}
