/// What an `ExchangeStateMachine` has its owner do.
package enum ExchangeAction: Hashable {
    /// Tell the listeners. Indirect, because most lists have none and all the other actions are small.
    indirect case emit(StatusEvent.Kind)
    /// The events from here on are those of this connection.
    case useConnection(ConnectionID)
    /// Begin a transfer as soon as there is a connection slot for it: the first transfer, the next hop of a redirect, the
    /// next attempt, or the same request with credentials.
    case startTransfer
    /// Take the transfer out of libcurl, or out of the queue for a connection slot.
    case abandonTransfer
    /// The transfer needs its connection no more: another one may have the slot.
    case releaseConnection
    /// The rest of the response body is of no use.
    case discardBody

    /// The time limit of this phase runs from now on, and no other but the total limit.
    case wait(for: TimeoutPhase)
    /// The exchange waits for the caller's code: only the total limit runs.
    case waitForCaller
    /// No time limit runs.
    case stopWaiting
    /// Call `retryDue` after this time.
    case waitForRetry(Duration)

    /// Ask the caller's provider for credentials, and call `answered`.
    case askForCredentials
    /// Ask the caller's decider about the redirect, and call `decided`.
    case askDecider

    /// The pending operation, `sendRequest` or `receiveResponse`, succeeded.
    case succeed(HandleOperation)
    /// The pending operation that the error names failed.
    case fail(HandleError)
    /// The request body ends here: the server does not want the rest (no error), or the transfer failed.
    case endUpload(HandleError?)
    /// The response body ends here, whole or with an error; what is buffered can still be read.
    case endBody(HandleError?)
    /// Both bodies end here, and nothing of them is kept: the operations that wait for one fail as cancelled.
    case closeBodies
}

#if TELEMETRY
extension ExchangeAction {
    /// Whether what the transfer knows may be gone behind it.
    package var endsTransfer: Bool {
        switch self {
        case .releaseConnection, .abandonTransfer, .startTransfer: true
        default: false
        }
    }
}
#endif

/// A list of actions, in memory that is used again and again.
package struct ExchangeActions {
    package private(set) var list: [ExchangeAction] = []
    /// How many events there would have been if there were listeners. They are counted and not built.
    package private(set) var unheardEvents = 0
    private var isHeard = true

    package init() {}

    /// Begins a list; the one before was carried out.
    ///
    /// - Parameter isHeard: Whether there are listeners to the events to come.
    package mutating func begin(isHeard: Bool) {
        unheardEvents = 0
        self.isHeard = isHeard
    }

    /// Hands out the actions in their order, and leaves the list empty.
    package mutating func carryOut(_ body: (borrowing ExchangeAction) -> Void) {
        for index in list.indices { body(list[index]) }
        list.removeAll(keepingCapacity: true)
    }

    mutating func emit(_ kind: @autoclosure () -> StatusEvent.Kind) {
        if isHeard { list.append(.emit(kind())) } else { unheardEvents += 1 }
    }

    /// Only listeners ask for it.
    mutating func use(_ connection: ConnectionID?) {
        if isHeard, let connection { list.append(.useConnection(connection)) }
    }

    mutating func append(_ action: ExchangeAction) {
        list.append(action)
    }
}
