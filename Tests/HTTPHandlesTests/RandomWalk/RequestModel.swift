import HTTPHandles

/// The reference model of a request: the results that are allowed in each state.
///
/// If calls overlap, the state is `State.unknown` until a call determines it again. Closing is checked by
/// `HandleTreeModel`.
struct RequestModel {
    private enum State: Equatable {
        /// Nothing was sent, or the exchange has failed.
        case idle
        case sent
        /// The number of bytes of the body that were read.
        case responded(offset: Int)
        /// The body was read to its end.
        case over
        /// The body failed.
        case broken
        case unknown
    }

    private enum Upload: Equatable {
        case none
        /// Sent with `.writes`; the number of pieces that may follow.
        case open
        case complete
        /// Sent, in one of the states above.
        case unknown
    }

    private let behaviour: ServerBehaviour
    private let number: Int
    private let method: WalkMethod
    private let isRetried: Bool
    private let mayTimeOut: Bool
    private var state = State.idle
    private var upload = Upload.none

    init(_ handle: WalkedHandle) {
        behaviour = handle.behaviour
        number = handle.number
        method = handle.method
        isRetried = handle.isRetried
        mayTimeOut = handle.mayTimeOut
    }

    /// Results that are possible for any request, whatever the server does. A `POST` fails if the server closes its pooled
    /// connection at the same time (`Docs/Decisions/0007`).
    private var accidents: Set<HandleErrorCode> {
        var codes: Set<HandleErrorCode> = mayTimeOut ? [.timeout] : []
        // A complete body can be sent again, and is if that is safe.
        if method == .post || method == .put && upload != .none {
            codes.formUnion([.connectionError, .invalidServerResponse, .resendRequest])
        }
        return codes
    }

    /// No attempt begins that would end after the time limit.
    private var outcome: (head: ServerBehaviour.HeadOutcome, body: ServerBehaviour.BodyOutcome) {
        let canBeSentAgain = method == .get || method == .put && upload == .none && state != .unknown
        return behaviour.outcome(isRetried: isRetried && !mayTimeOut && canBeSentAgain)
    }

    private var headErrors: Set<HandleErrorCode> {
        switch outcome.head {
        case .arrives, .arrivesAs, .stalls: accidents
        case .fails(let codes), .arrivesOrFails(_, let codes): codes.union(accidents)
        }
    }

    private var bodyErrors: Set<HandleErrorCode> {
        switch outcome.body {
        case .whole, .stalls: accidents
        case .fails(_, let codes): codes.union(accidents)
        }
    }

    /// Checks the result of a call without concurrent calls. Returns a violation.
    mutating func alone(_ call: WalkedCall, _ result: WalkedResult) -> String? {
        switch call {
        case .send(let upload): sent(upload, result)
        case .receive: received(result)
        case .read: read(result, toEnd: false)
        case .readToEnd: read(result, toEnd: true)
        case .write, .finishWriting: wrote(call, result)
        default: nil
        }
    }

    /// Checks the result of a call with concurrent calls. Returns a violation.
    mutating func together(_ calls: [(WalkedCall, WalkedResult)]) -> String? {
        state = .unknown
        upload = .unknown
        for (call, result) in calls {
            if let problem = always(call, result) { return problem }
        }
        return nil
    }

    // MARK: In any state

    /// Checks of a result in any state.
    private func always(_ call: WalkedCall, _ result: WalkedResult) -> String? {
        if let bytes = result.bytes, bytes.count > 0 {
            guard bytes.isConsistent else { return "bytes in the wrong order" }
            let limit: Int =
                switch outcome.body {
                case .whole(let count), .fails(let count, _), .stalls(let count): count
                }
            guard bytes.count <= limit else { return "\(bytes.count) bytes of at most \(limit)" }
        }
        switch result {
        case .head(let status, let target): return headProblem(status, target)
        case .failed(let error, _):
            if error.code == .incorrectHandleState { return nil }
            if call == .send(upload: .missing), error.code == .fileNotReadable { return nil }
            let allowed = headErrors.union(bodyErrors).union(call.isUpload ? [.invalidParameter] : [])
            return allowed.contains(error.code) ? nil : "\(error) is not to be expected"
        default: return nil
        }
    }

    private func headProblem(_ status: Int, _ target: String?) -> String? {
        guard target == behaviour.last.target(number) else { return "the response to \(target ?? "another request")" }
        return switch outcome.head {
        case .arrives(status), .arrivesOrFails(status, _): nil
        case .arrivesAs(let statuses) where statuses.contains(status): nil
        default: "a head with status \(status)"
        }
    }

    // MARK: Sequential calls

    private mutating func sent(_ upload: WalkedCall.Upload, _ result: WalkedResult) -> String? {
        if upload == .missing {
            // Refused before anything else was checked or changed.
            return result.error?.code == .fileNotReadable ? nil : "\(result) without a file"
        }
        self.upload = upload == .upFront ? .none : upload == .writes ? .open : .unknown
        guard let error = result.error else {
            state = .sent
            return nil
        }
        // A streamed body fails after `send` has begun: then `receiveResponse` reports the error.
        state = upload == .upFront ? .idle : .unknown
        self.upload = .unknown
        guard error.code != .incorrectHandleState else { return "\(error): refused" }
        return always(.send(upload: upload), result)
    }

    private mutating func received(_ result: WalkedResult) -> String? {
        let before = state
        switch result {
        case .head:
            state = .responded(offset: 0)
            guard before == .sent || before == .unknown else { return "a head in state \(before)" }
        case .failed(let error, _) where error.code == .incorrectHandleState:
            guard before != .sent else { return "\(error): refused" }
            return nil
        default:
            state = .idle
            guard before == .sent || before == .unknown else { return "\(result) in state \(before)" }
            if let error = result.error {
                let allowed = headErrors.union(upload == .none ? [] : [.invalidParameter])
                return allowed.contains(error.code) ? nil : "\(error) is not to be expected"
            }
        }
        return always(.receive, result)
    }

    private mutating func read(_ result: WalkedResult, toEnd: Bool) -> String? {
        let before = state
        if let error = result.error, error.code == .incorrectHandleState {
            return before == .idle || before == .sent || before == .unknown ? nil : "\(error) in state \(before)"
        }
        let bytes = result.bytes ?? .init()
        if let first = bytes.first, case .responded(let offset) = before {
            let expected = ServerBehaviour.byte(at: offset, ofRequest: number)
            guard first == expected else { return "byte \(offset) is \(first) in place of \(expected)" }
        }
        var end: Int?
        switch (before, result) {
        case (.responded(let offset), .bytes): state = .responded(offset: offset + bytes.count)
        case (.responded(let offset), .wholeBody):
            state = .over
            end = offset + bytes.count
        case (.responded, _), (.broken, .failed): state = .broken
        case (.over, .wholeBody) where bytes.count == 0: break
        case (.unknown, _): break
        default: return "\(result) in state \(before)"
        }
        if let end {
            guard case .whole(end) = outcome.body else { return "the end after \(end) bytes" }
        }
        if let error = result.error, before != .unknown, !bodyErrors.contains(error.code) {
            return "\(error) is not to be expected of a body"
        }
        return always(.read, result)
    }

    private mutating func wrote(_ call: WalkedCall, _ result: WalkedResult) -> String? {
        let before = upload
        let isRefused = result.error?.code == .incorrectHandleState
        switch (before, isRefused) {
        case (.none, false), (.complete, false):
            // The exchange may have ended meanwhile; then a write has that error instead of its refusal.
            return before == .none ? "\(result) of \(call) though no body is streamed" : always(call, result)
        case (.open, true): return "\(result) of \(call): refused"
        default: break
        }
        if call == .finishWriting, case .done = result { upload = .complete }
        return always(call, result)
    }
}

extension WalkedCall {
    fileprivate var isUpload: Bool {
        switch self {
        case .send, .write, .finishWriting, .receive: true
        default: false
        }
    }
}
