import HTTPHandlesCore
import HTTPHandlesDriver
import HTTPHandlesLock

/// What all handles of one session share.
final class HandleTree: Sendable {
    let driver: Driver
    /// How many listeners there are on all handles of the session. While there is none, an event costs one look.
    let listeners = Atomic(0)

    private let givenCode = Atomic(false)

    init(_ driver: Driver) {
        self.driver = driver
    }

    /// Whether any of the handles was ever given code of the caller's to run during an exchange.
    var runsCallersCode: Bool { givenCode.load(ordering: .relaxed) }

    func note(_ values: OptionValues) {
        if values.runsCallersCode { givenCode.store(true, ordering: .relaxed) }
    }

    var hasListeners: Bool { listeners.load(ordering: .relaxed) > 0 }

    private static let handlesMade = Atomic<UInt64>(0)

    static func nextID(_ level: HandleLevel) -> HandleID {
        HandleID(level: level, number: handlesMade.wrappingAdd(1, ordering: .relaxed).newValue)
    }
}

/// The half of a handle that any thread may touch: identity, the one-way door of `close()`, listeners, and those who
/// wait for the end. The other half, `HandleObject`, belongs to the driver's thread and contains this one.
///
/// One lock, held for a few instructions and never while anything of the user's runs. All events are emitted on the
/// driver's thread, so they have one order for everybody; the lock only guards the lists.
struct HandleBase: ~Copyable, Sendable {
    enum Stage {
        /// Can transition to: finished.
        case alive
        /// `handleClosing` is being delivered and the context released. Can transition to: gone.
        case finished(Farewell)
        /// Final.
        case gone(Farewell)
    }

    /// What is remembered of the last event, for those who ask later.
    struct Farewell {
        let sequence: Int
        let time: MonotonicTime
    }

    // Not private: the compiler (6.3.1) cannot lay out a non-copyable structure whose parts it may not name.
    struct State {
        var stage = Stage.alive
        var context: HandleContext?
        var listeners: [StatusListener] = []
        var waiters: [TaskContinuation<Void>] = []
    }

    let id: HandleID
    let tree: HandleTree
    private let door = Atomic(true)
    private let state: Lock<State>

    init(_ level: HandleLevel, in tree: HandleTree, context: HandleContext?) {
        id = HandleTree.nextID(level)
        self.tree = tree
        state = Lock(State(context: context))
    }

    var driver: Driver { tree.driver }

    // MARK: The door

    var isOpen: Bool { door.load(ordering: .acquiring) }

    func requireOpen(_ operation: HandleOperation) throws(HandleError) {
        guard isOpen else { throw HandleError.closed(operation).asSeenByTask }
    }

    /// Shuts the door; `false` if somebody else has. Exactly one caller ever gets `true`, and has to tell the driver.
    func shutDoor() -> Bool {
        door.exchange(false, ordering: .acquiringAndReleasing)
    }

    // MARK: Context and end

    var context: HandleContext? { state.withLock { $0.context } }

    /// What a child gets: its own context if it was given one, else this handle's.
    func inherited(_ context: (any Sendable)?) -> HandleContext? {
        context.map(HandleContext.init) ?? self.context
    }

    func closed() async {
        await TaskContinuation.suspend { continuation in
            let isGone = state.withLock { state in
                if case .gone = state.stage { return true }
                state.waiters.append(continuation)
                return false
            }
            if isGone { continuation.resume() }
        }
    }

    /// The handle ends here. Returns those who listen to it: they are owed `handleClosing` and the end of their streams.
    /// Whoever begins to listen from now on gets both from `statusEvents`.
    func finish(
        sequence: Int,
        at time: MonotonicTime
    ) -> (listeners: [StatusListener], hasContext: Bool) {
        state.withLock { state in
            state.stage = .finished(Farewell(sequence: sequence, time: time))
            defer { state.listeners = [] }
            return (state.listeners, state.context != nil)
        }
    }

    /// The last step of the end. Runs user's code, the deinitialiser of the context.
    func releaseContext() {
        _ = state.withLock { $0.context.take() }
        becomeGone()
    }

    /// Releases those who wait.
    func becomeGone() {
        let waiters = state.withLock { state in
            if case .finished(let farewell) = state.stage { state.stage = .gone(farewell) }
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    // MARK: Listeners

    func add(_ listener: StatusListener) {
        tree.listeners.wrappingAdd(1, ordering: .relaxed)
        let farewell: Farewell? = state.withLock { state in
            switch state.stage {
            case .finished(let farewell), .gone(let farewell): return farewell
            case .alive: break
            }
            state.listeners.append(listener)
            return nil
        }
        guard let farewell else { return }
        let time = ContinuousClock.now - (MonotonicTime.now - farewell.time)
        listener.add(
            StatusEvent(handle: id, context: nil, time: time, sequence: farewell.sequence, kind: .handleClosing),
            driver
        )
        end(listener)
    }

    func remove(_ listener: StatusListener) {
        state.withLock { state in state.listeners.removeAll { $0 === listener } }
        end(listener)
    }

    /// Ends a listener that the handle does not know, or not any more.
    func end(_ listener: StatusListener) {
        if listener.end() { tree.listeners.wrappingSubtract(1, ordering: .relaxed) }
    }

    /// They are called outside the lock: resuming a reader may run an executor of the user's.
    var listeners: [StatusListener] { state.withLock { $0.listeners } }
}

/// The context of a handle, shared with the children that inherit it.
final class HandleContext: Sendable {
    let value: any Sendable

    init(_ value: any Sendable) {
        self.value = value
    }
}
