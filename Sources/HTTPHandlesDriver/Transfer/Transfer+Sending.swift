import CHTTPHandlesCurl
import HTTPHandlesCore

extension Transfer {
    /// libcurl wants body bytes.
    func bodyWanted(_ target: UnsafeMutableRawBufferPointer) -> UploadBuffer.Supply {
        note()
        noteSentHead()
        switch request?.body {
        case .bytes(let bytes):
            return unsafe supply(bytes, target)
        case .stored(let body):
            let supply = unsafe body.supply(target)
            switch supply {
            case .bytes(let count):
                bodyBytesTaken += count
                isBodyTaken = Int64(bodyBytesTaken) == body.length
                record(.pieceSent(bytes: count))
            case .nothingYet: isSendingPaused = true
            case .end: isBodyTaken = true
            case .abort: refusal = body.failure
            }
            return supply
        case .stream(let buffer, let length):
            let supply = unsafe buffer.supply(target) { record(.pieceSent(bytes: $0)) }
            switch supply {
            case .bytes(let count):
                bodyBytesTaken += count
                isBodyTaken = length == Int64(bodyBytesTaken)
                movedBody = true
            case .nothingYet: isSendingPaused = true
            case .end: isBodyTaken = true
            case .abort: break
            }
            return supply
        case .none?, nil:
            return .end
        }
    }

    private func supply(_ bytes: [UInt8], _ target: UnsafeMutableRawBufferPointer) -> UploadBuffer.Supply {
        let count = min(bytes.count - bodyOffset, target.count)
        unsafe bytes.withUnsafeBytes { source in
            let piece = unsafe UnsafeRawBufferPointer(rebasing: source[bodyOffset..<(bodyOffset + count)])
            unsafe target.copyMemory(from: piece)
        }
        bodyOffset += count
        bodyBytesTaken += count
        isBodyTaken = bodyOffset == bytes.count
        movedBody = true
        return count == 0 ? .end : .bytes(count)
    }

    /// libcurl has to send the body again.
    func rewind(to offset: Int64) -> Bool {
        switch request?.body {
        case .bytes(let bytes):
            guard offset <= bytes.count else { return false }
            bodyOffset = Int(offset)
            bodyBytesTaken = bodyOffset
            isBodyTaken = bodyOffset == bytes.count
            return true
        case .stored(let body):
            guard body.rewind(to: offset) else { return false }
            bodyBytesTaken = Int(offset)
            isBodyTaken = offset == body.length
            return true
        case .stream: return offset == bodyBytesTaken
        case .none?, nil: return true
        }
    }

    /// libcurl says nothing when the head is out; its count of sent bytes does.
    func noteSentHead() {
        switch sending {
        case .waiting, .lost, .done: return
        case .head(let before):
            let bytes = curl.requestHeadBytes - before
            guard bytes > 0 else {
                engine.lookAgain(self)
                return
            }
            sending = .body(headBytes: bytes)
            if request?.body.isStreamed == true { milestones.append(.headSent(bytes: bytes)) }
            fallthrough
        case .body:
            guard isBodyTaken, case .body(let headBytes) = sending else { return }
            sending = .done
            milestones.append(.requestSent(bytes: headBytes + bodyBytesTaken))
        }
    }
}
