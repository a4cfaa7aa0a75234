/// The event law as an automaton: which event may follow which, on every handle and between them.
///
/// Feed it every event of one stream in order, and tell it when the stream has ended. It knows nothing of what was
/// called; a stream that breaks the law is wrong whatever the calls were.
package struct EventLaw {
    package struct Violation: Error, Hashable, CustomStringConvertible {
        package let description: String
    }

    /// What the listener asked for: only a stream of all events can be checked for gaps and for order.
    private let isComplete: Bool
    private let listenedTo: HandleID
    private var handles: [HandleID: HandleLaw] = [:]
    private var lastTime: ContinuousClock.Instant?
    private var isOver = false

    /// - Parameters:
    ///   - handle: The handle that is listened to.
    ///   - mask: What was asked for.
    package init(of handle: HandleID, mask: StatusMask = .all) {
        listenedTo = handle
        isComplete = mask == .all
    }

    package mutating func check(_ event: StatusEvent) throws(Violation) {
        if isOver { throw violation(event, "comes after the last event of the stream") }
        if let lastTime, event.time < lastTime { throw violation(event, "is earlier than the event before it") }
        lastTime = event.time

        // A handle that is first heard of by anything but its creation was there before the listener came.
        var law = handles[event.handle] ?? HandleLaw(isKnownFromStart: event.kind.name == "handleCreated")
        if let problem = law.take(event, isComplete: isComplete) { throw violation(event, problem) }
        handles[event.handle] = law

        guard case .handleClosing = event.kind else { return }
        if let child = handles.first(where: { $0.value.parent == event.handle && !$0.value.isClosed }) {
            throw violation(event, "comes while \(child.key) is not gone")
        }
        isOver = event.handle == listenedTo
    }

    /// The stream has ended.
    package func end() throws(Violation) {
        guard isOver else { throw Violation(description: "the stream ends without handleClosing of \(listenedTo)") }
    }

    private func violation(_ event: StatusEvent, _ problem: String) -> Violation {
        Violation(description: "\(event.handle) #\(event.sequence) \(event.kind) \(problem)")
    }
}

/// The law for the events of one handle.
private struct HandleLaw {
    /// How far a request has come. Sessions and connections stay at `idle`.
    enum Phase: Hashable, CaseIterable {
        /// Heard of in the middle: anything may come.
        case unknown
        case idle, queued, resolving, resolved, connecting, connected, securing, ready
        case sending, sent, sendComplete, awaitingHead, headReceived, redirecting, retrying
        case responding, bodyEnded
        case closed
    }

    var parent: HandleID?
    private var phase: Phase
    private var lastSequence: Int?
    /// `closingConnection` was the last event.
    private var isClosingConnection = false
    /// `secureFailure` was the last event.
    private var owesError = false
    /// A request is out, and nobody waits for it: should it fail now, nothing is heard of that before the next operation.
    private var mayFailUnheard: Bool

    init(isKnownFromStart: Bool) {
        phase = isKnownFromStart ? .idle : .unknown
        mayFailUnheard = !isKnownFromStart
    }

    var isClosed: Bool { phase == .closed }

    /// Returns what is wrong with the event, if anything is.
    mutating func take(_ event: StatusEvent, isComplete: Bool) -> String? {
        if isClosed { return "comes after handleClosing" }
        if let lastSequence {
            guard event.sequence > lastSequence else { return "does not count up from #\(lastSequence)" }
            if isComplete, event.sequence != lastSequence + 1 { return "leaves a gap after #\(lastSequence)" }
        }
        lastSequence = event.sequence
        if case .handleCreated(let parent) = event.kind { self.parent = parent }
        if let problem = levelProblem(event) { return problem }
        guard isComplete else {
            if case .handleClosing = event.kind { phase = .closed }
            return nil
        }
        return pairProblem(event.kind) ?? orderProblem(event.kind)
    }

    private func levelProblem(_ event: StatusEvent) -> String? {
        let levels: Set<HandleLevel> =
            switch event.kind {
            case .handleClosing: [.session, .connection, .request]
            case .handleCreated: [.connection, .request]
            case .closingConnection, .connectionClosed: [.session, .request]
            default: [.request]
            }
        return levels.contains(event.handle.level) ? nil : "is not an event of a \(event.handle.level)"
    }

    /// Some events never come alone.
    private mutating func pairProblem(_ kind: StatusEvent.Kind) -> String? {
        if isClosingConnection, kind != .connectionClosed {
            return "comes between closingConnection and connectionClosed"
        }
        if !isClosingConnection, phase != .unknown, kind == .connectionClosed {
            return "comes without closingConnection"
        }
        isClosingConnection = kind == .closingConnection
        if owesError {
            switch kind {
            case .requestError, .retry: break
            default: return "comes where the error of a secureFailure is due"
            }
        }
        if case .secureFailure = kind { owesError = true } else { owesError = false }
        return nil
    }

    private mutating func orderProblem(_ kind: StatusEvent.Kind) -> String? {
        let step = Self.step(kind)
        let isNewExchange = mayFailUnheard && step.from.isSuperset(of: Self.beginnings)
        guard phase == .unknown || isNewExchange || step.from.contains(phase) else { return "does not follow \(phase)" }
        phase = step.to ?? phase
        switch kind {
        case .sendRequestComplete: mayFailUnheard = true
        case .headersAvailable: mayFailUnheard = false
        default: if phase == .idle { mayFailUnheard = false }
        }
        return nil
    }

    /// From where the event may come, and where it leads; `nil` where it leads nowhere else.
    private static func step(_ kind: StatusEvent.Kind) -> (from: Set<Phase>, to: Phase?) {
        switch kind {
        case .handleCreated: ([.idle], .idle)
        case .handleClosing: (anywhere, .closed)
        case .queued: (beginnings, .queued)
        // A request that the server has not processed is sent again, on a new connection.
        case .resolvingName: (beginnings.union([.queued, .sending]), .resolving)
        case .nameResolved: ([.resolving], .resolved)
        case .connectingToServer: (beginnings.union([.queued, .resolved, .connecting, .sending]), .connecting)
        case .connectedToServer: ([.connecting], .connected)
        case .securingConnection: ([.connected], .securing)
        case .connectionSecured: ([.securing], .ready)
        case .connectionReused: (beginnings.union([.queued]), .ready)
        case .secureFailure: ([.connecting, .connected, .securing], nil)
        // Again after the head of a 401 that libcurl answers.
        case .sendingRequest:
            ([.connected, .ready, .sending, .sent, .sendComplete, .awaitingHead, .headReceived], .sending)
        case .requestSent: ([.sending], .sent)
        case .sendRequestComplete: ([.sending, .sent], .sendComplete)
        case .receivingResponse: ([.sending, .sent, .sendComplete], .awaitingHead)
        case .intermediateResponse: ([.sending, .sent, .sendComplete, .awaitingHead], nil)
        case .responseReceived: ([.awaitingHead], .headReceived)
        case .redirect: ([.headReceived], .redirecting)
        case .retry: (anywhere, .retrying)
        case .retryRefused(_, .status): ([.headReceived], nil)
        case .retryRefused(_, .error): (anywhere, nil)
        case .headersAvailable: ([.headReceived], .responding)
        case .dataAvailable(let bytes), .readComplete(let bytes):
            (bytes == 0 ? [.responding, .bodyEnded] : [.responding], bytes == 0 ? .bodyEnded : nil)
        // Directly after `requestSent` where `send` was done in an earlier round.
        case .writeComplete:
            ([.sending, .sent, .sendComplete, .awaitingHead, .headReceived, .responding, .bodyEnded], nil)
        case .requestError(let error):
            switch error.operation {
            // The operation that a request exists for has failed: the request can only be sent again.
            case .sendRequest: (anywhere, .idle)
            case .receiveResponse: (anywhere, error.code == .incorrectHandleState ? nil : .idle)
            default: (anywhere, nil)
            }
        case .closingConnection, .connectionClosed: (anywhere, nil)
        }
    }

    private static let anywhere = Set(Phase.allCases).subtracting([.closed])

    /// Where a transfer may begin: on a new handle, after the last one, instead of the last one, after a redirect.
    private static let beginnings: Set<Phase> = [
        .idle, .sent, .sendComplete, .awaitingHead, .headReceived, .redirecting, .retrying, .responding,
        .bodyEnded,
    ]

}
