/// The rules for the order of events (`Docs/StatusEvents.md`) as a state machine, for each handle and between handles.
///
/// Pass it every event of one stream in order, then call `end`. The rules do not depend on which operations were called.
package struct EventOrderChecker {
    package struct Violation: Error, Hashable, CustomStringConvertible {
        package let description: String
    }

    /// Whether the stream has all events: only then can gaps and the order be checked.
    private let isComplete: Bool
    private let listenedTo: HandleID
    private var handles: [HandleID: HandleOrderChecker] = [:]
    private var lastTime: ContinuousClock.Instant?
    private var isOver = false

    /// - Parameters:
    ///   - handle: The handle whose stream is checked.
    ///   - mask: The mask of the stream.
    package init(of handle: HandleID, mask: StatusMask = .all) {
        listenedTo = handle
        isComplete = mask == .all
    }

    package mutating func check(_ event: StatusEvent) throws(Violation) {
        if isOver { throw violation(event, "comes after the last event of the stream") }
        if let lastTime, event.time < lastTime { throw violation(event, "is earlier than the event before it") }
        lastTime = event.time

        // A handle whose first event is not its creation existed before the stream.
        var checker = handles[event.handle] ?? HandleOrderChecker(isKnownFromStart: event.kind.name == "handleCreated")
        if let problem = checker.take(event, isComplete: isComplete) { throw violation(event, problem) }
        handles[event.handle] = checker

        guard case .handleClosing = event.kind else { return }
        if let child = handles.first(where: { $0.value.parent == event.handle && !$0.value.isClosed }) {
            throw violation(event, "comes before handleClosing of \(child.key)")
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

/// The rules for the events of one handle.
private struct HandleOrderChecker {
    /// How far a request has come. Sessions and connections stay at `idle`.
    enum Phase: Hashable, CaseIterable {
        /// The stream began in the middle of an exchange: any event is allowed.
        case unknown
        case idle, detecting, queued, resolving, resolved, connecting, connected, refused, tunnelled, securing, ready
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
    private var expectsError = false
    /// A request is in progress without a pending operation. If it fails now, no event reports that.
    private var mayFailSilently: Bool
    /// The rules of sockets, which are others.
    private var socket = SocketOrderChecker()

    init(isKnownFromStart: Bool) {
        phase = isKnownFromStart ? .idle : .unknown
        mayFailSilently = !isKnownFromStart
    }

    var isClosed: Bool { phase == .closed }

    /// Returns what is wrong with the event, if anything is.
    mutating func take(_ event: StatusEvent, isComplete: Bool) -> String? {
        if isClosed { return "comes after handleClosing" }
        if let lastSequence {
            guard event.sequence > lastSequence else { return "must have a number greater than #\(lastSequence)" }
            if isComplete, event.sequence != lastSequence + 1 { return "does not directly follow #\(lastSequence)" }
        }
        lastSequence = event.sequence
        if case .handleCreated(let parent, _) = event.kind { self.parent = parent }
        if let problem = levelProblem(event) { return problem }
        guard isComplete else {
            if case .handleClosing = event.kind { phase = .closed }
            return nil
        }
        if let problem = pairProblem(event.kind) { return problem }
        guard event.handle.level == .webSocket || event.handle.level == .upgraded else {
            return orderProblem(event.kind)
        }
        if case .handleClosing = event.kind { phase = .closed }
        return socket.take(event.kind, of: event.handle.level)
    }

    private func levelProblem(_ event: StatusEvent) -> String? {
        let levels: Set<HandleLevel> =
            switch event.kind {
            case .handleClosing: Set(HandleLevel.allCases)
            case .handleCreated: Set(HandleLevel.allCases).subtracting([.session])
            case .closingConnection, .connectionClosed: [.session, .request, .webSocket, .upgraded]
            case .readComplete, .writeComplete: [.request, .upgraded]
            case .requestError: [.request, .webSocket, .upgraded]
            case .webSocketReadComplete, .webSocketWriteComplete, .webSocketCloseReceived, .closeComplete: [.webSocket]
            case .shutdownComplete, .socketFailed: [.webSocket, .upgraded]
            default: [.request]
            }
        return levels.contains(event.handle.level) ? nil : "is not an event of a \(event.handle.level)"
    }

    /// Some events occur in pairs only.
    private mutating func pairProblem(_ kind: StatusEvent.Kind) -> String? {
        if isClosingConnection, kind != .connectionClosed {
            return "comes between closingConnection and connectionClosed"
        }
        if !isClosingConnection, phase != .unknown, kind == .connectionClosed {
            return "comes without closingConnection"
        }
        isClosingConnection = kind == .closingConnection
        if expectsError {
            switch kind {
            case .requestError, .retry, .alternativeServiceFailed: break
            default: return "comes between secureFailure and its requestError, retry or alternativeServiceFailed"
            }
        }
        if case .secureFailure = kind { expectsError = true } else { expectsError = false }
        return nil
    }

    private mutating func orderProblem(_ kind: StatusEvent.Kind) -> String? {
        let step = Self.step(kind)
        let isNewExchange = mayFailSilently && step.from.isSuperset(of: Self.beginnings)
        guard phase == .unknown || isNewExchange || step.from.contains(phase) else { return "does not follow \(phase)" }
        phase = step.to ?? phase
        switch kind {
        case .sendRequestComplete: mayFailSilently = true
        case .headersAvailable: mayFailSilently = false
        default: if phase == .idle { mayFailSilently = false }
        }
        return nil
    }

    /// The phases in which the event is allowed, and the phase after it; `nil` if it does not change the phase.
    private static func step(_ kind: StatusEvent.Kind) -> (from: Set<Phase>, to: Phase?) {
        switch kind {
        case .handleCreated: ([.idle], .idle)
        case .handleClosing: (anywhere, .closed)
        case .detectingProxy: (beginnings, .detecting)
        case .nextProxy: (anywhere, .detecting)
        case .alternativeServiceFailed: (anywhere, .retrying)
        case .queued: (beginnings, .queued)
        // From `sending`: libcurl sends an unprocessed request again on a new connection. From `resolved`: the caller's
        // resolver is asked once more. From `securing`: the caller's verdict has accepted the certificate, or the next address
        // is tried with HTTP/3.
        case .resolvingName: (beginnings.union([.queued, .resolved, .securing, .sending]), .resolving)
        case .nameResolved: ([.resolving], .resolved)
        case .connectingToServer:
            (beginnings.union([.queued, .resolved, .connecting, .securing, .sending]), .connecting)
        case .connectedToServer: ([.connecting], .connected)
        // A tunnel is asked for again after a 407; to an https proxy there are two handshakes.
        case .tunnelRefused: ([.connected, .ready, .refused], .refused)
        case .tunnelEstablished: ([.connected, .ready, .refused], .tunnelled)
        case .securingConnection: ([.connected, .tunnelled], .securing)
        case .connectionSecured: ([.securing], .ready)
        // From `resolved`: while the caller's resolver was asked, another request has made a connection.
        case .connectionReused: (beginnings.union([.queued, .resolved]), .ready)
        case .secureFailure: ([.connecting, .connected, .tunnelled, .securing], nil)
        // After `headReceived`: libcurl itself answers a 401.
        case .sendingRequest:
            ([.connected, .tunnelled, .ready, .sending, .sent, .sendComplete, .awaitingHead, .headReceived], .sending)
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
        // In `sent`: `send` was completed by an earlier hop.
        case .writeComplete:
            ([.sending, .sent, .sendComplete, .awaitingHead, .headReceived, .responding, .bodyEnded], nil)
        case .requestError(let error):
            switch error.operation {
            // The exchange has failed: only a new `send` can follow.
            case .sendRequest: (anywhere, .idle)
            case .receiveResponse: (anywhere, error.code == .incorrectHandleState ? nil : .idle)
            default: (anywhere, nil)
            }
        case .closingConnection, .connectionClosed: (anywhere, nil)
        case .webSocketReadComplete, .webSocketCloseReceived, .webSocketWriteComplete, .shutdownComplete,
            .closeComplete, .socketFailed:
            ([], nil)
        }
    }

    private static let anywhere = Set(Phase.allCases).subtracting([.closed])

    /// The phases in which a transfer may begin: on a new handle, after or instead of the last exchange, after a redirect,
    /// after a challenge of a proxy that was asked for a tunnel.
    private static let beginnings: Set<Phase> = [
        .idle, .detecting, .refused, .sent, .sendComplete, .awaitingHead, .headReceived, .redirecting, .retrying,
        .responding, .bodyEnded,
    ]
}
