import CHTTPHandlesCurl
import HTTPHandlesCore
import HTTPTypes

extension Transfer {
    /// libcurl wants body bytes.
    func supplyBody(_ target: UnsafeMutableRawBufferPointer) -> UploadBuffer.Supply {
        if attempt.isUploadCut { return endCutUpload(room: target.count) }
        note()
        noteSentHead()
        let wasTaken = attempt.isBodyTaken
        defer { if !wasTaken, attempt.isBodyTaken, case .body = attempt.receiving { uploadEndsAfterHead() } }
        switch exchange.request?.body {
        case .bytes(let bytes):
            return unsafe supply(bytes, target)
        case .stored(let body):
            let supply = unsafe body.supply(target)
            switch supply {
            case .bytes(let count):
                attempt.bodyBytesTaken += count
                attempt.isBodyTaken = Int64(attempt.bodyBytesTaken) == body.length
                record(.pieceSent(bytes: count))
            case .nothingYet: attempt.isSendingPaused = true
            case .end: attempt.isBodyTaken = true
            case .abort: attempt.refusal = body.failure
            }
            return supply
        case .stream(let buffer, let length, let hasTrailers):
            return unsafe supply(from: buffer, length, hasTrailers, target)
        case .source(let body):
            guard let buffer = body.buffer else { return .abort }
            let supply = unsafe supply(from: buffer, body.length, body.hasTrailers, target)
            // Trailer fields that cannot be sent are refused already.
            if case .abort = supply, let failure = body.failure { attempt.refusal = failure }
            return supply
        case .upgrade: return unsafe supplyUpgraded(target)
        case .none?, nil:
            return .end
        }
    }

    /// libcurl has sent the last chunk, and wants what follows it; it frees the list.
    /// `nil` to give the transfer up.
    func supplyTrailers() -> CurlList? {
        note()
        attempt.isBodyTaken = true
        var list = CurlList()
        do throws(HandleError) {
            for field in exchange.request?.body.upload?.trailers ?? [:] {
                // libcurl leaves out a line that has no space after the colon.
                try list.append(nulTerminated: field.line(emptyValue: ": "))
            }
        } catch {
            attempt.refusal = error
            return nil
        }
        return list
    }

    private func supply(
        from buffer: UploadBuffer,
        _ length: Int64?,
        _ hasTrailers: Bool,
        _ target: UnsafeMutableRawBufferPointer
    ) -> UploadBuffer.Supply {
        let supply = unsafe buffer.supply(target) { record(.pieceSent(bytes: $0)) }
        switch supply {
        case .bytes(let count):
            attempt.bodyBytesTaken += count
            attempt.isBodyTaken = length == Int64(attempt.bodyBytesTaken)
            movedBody = true
        case .nothingYet: attempt.isSendingPaused = true
        case .end where buffer.losesTrailers:
            attempt.refusal = TrailerRules.unsupported(.sendRequest)
            return .abort
        case .end:
            attempt.isBodyEndTaken = true
            attempt.isBodyTaken = !hasTrailers || attempt.dropsTrailers
        case .abort: break
        }
        return supply
    }

    private func supply(_ bytes: BodyBytes, _ target: UnsafeMutableRawBufferPointer) -> UploadBuffer.Supply {
        let count = unsafe bytes.copy(from: attempt.bodyBytesTaken, to: target)
        attempt.bodyBytesTaken += count
        attempt.isBodyTaken = attempt.bodyBytesTaken == bytes.count
        movedBody = true
        return count == 0 ? .end : .bytes(count)
    }

    /// libcurl has to send the body again.
    func rewind(to offset: Int64) -> Bool {
        switch exchange.request?.body {
        case .bytes(let bytes):
            guard offset <= bytes.count else { return false }
            attempt.bodyBytesTaken = Int(offset)
            attempt.isBodyTaken = attempt.bodyBytesTaken == bytes.count
            return true
        case .stored(let body):
            guard body.rewind(to: offset) else { return false }
            attempt.bodyBytesTaken = Int(offset)
            attempt.isBodyTaken = offset == body.length
            return true
        case .source(let body):
            // libcurl would go on behind the last chunk, and send neither that nor the trailer fields again.
            if body.hasTrailers, attempt.isBodyEndTaken { return false }
            guard offset == attempt.bodyBytesTaken || body.restart(at: offset) else { return false }
            attempt.bodyBytesTaken = Int(offset)
            attempt.isBodyTaken = offset == body.length
            return true
        case .stream(_, _, let hasTrailers):
            // libcurl would go on behind the last chunk, and send neither that nor the trailer fields again.
            let isUntouched = offset == attempt.bodyBytesTaken && !(hasTrailers && attempt.isBodyEndTaken)
            if !isUntouched, attempt.challenge != nil {
                let reason = "the server asks for credentials, and a streamed body cannot be sent again"
                attempt.refusal = HandleError(.resendRequest, .receiveResponse, reason: reason)
            }
            return isUntouched
        case .none?, .upgrade?, nil: return true
        }
    }

    /// libcurl has sent a piece of the head, or all of it. Only long heads are watched.
    func headWasSent(_ piece: UnsafeRawBufferPointer) {
        unsafe attempt.sentHead?.append(piece)
        if attempt.sentHead?.isWhole == true { note() }
    }

    /// libcurl does not report when the head is out; its count of sent bytes shows it.
    func noteSentHead() {
        switch attempt.sending {
        case .waiting, .lost, .done: return
        case .head(let before):
            let bytes: Int
            if let sentHead = attempt.sentHead {
                guard sentHead.isWhole else { return }
                bytes = sentHead.bytes
            } else {
                bytes = curl.requestHeadBytes - before
                guard bytes > 0 else {
                    engine.lookAgain(self)
                    return
                }
            }
            attempt.sending = .body(headBytes: bytes)
            if exchange.request?.body.isStreamed == true { reports.append(.milestone(.headSent(bytes: bytes))) }
            fallthrough
        case .body:
            guard attempt.isBodyTaken, case .body(let headBytes) = attempt.sending else { return }
            attempt.sending = .done
            reports.append(.milestone(.requestSent(bytes: headBytes + attempt.bodyBytesTaken)))
        }
    }
}

/// How much of a long head was sent. Some versions of libcurl count only its first piece, but
/// `CURLOPT_DEBUGFUNCTION` gets each piece.
struct SentHead {
    /// Heads from this length on are watched. Shorter ones fit into one TLS record and into what the system takes at once.
    static let minimumLength = 8 * 1024

    private(set) var bytes = 0
    /// The last four.
    private var end: UInt32 = 0

    /// The empty line is out.
    var isWhole: Bool { end == 0x0D0A_0D0A }

    mutating func append(_ piece: UnsafeRawBufferPointer) {
        bytes += piece.count
        end = unsafe piece.suffix(4).reduce(end) { $0 << 8 | UInt32($1) }
    }
}
