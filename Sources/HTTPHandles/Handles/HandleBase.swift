import HTTPHandlesCore
import HTTPHandlesDriver
import HTTPHandlesLock

/// What all handles of one session share.
final class HandleTree: Sendable {
    let driver: Driver
    /// How many listeners there are on all handles of the session. While there is none, an event costs one look.
    let listeners = Atomic(0)

    private let givenCode = Atomic(false)
    private let sessionClosed = Atomic(false)

    #if TELEMETRY
    let telemetry: Telemetry?

    init(_ driver: Driver, telemetry: Telemetry? = nil) {
        self.driver = driver
        self.telemetry = telemetry
    }
    #else
    init(_ driver: Driver) {
        self.driver = driver
    }
    #endif

    /// Whether any of the handles was ever given code of the caller's to run during an exchange.
    var runsCallersCode: Bool { givenCode.load(ordering: .relaxed) }

    func note(_ values: OptionValues) {
        if values.runsCallersCode { givenCode.store(true, ordering: .relaxed) }
    }

    /// Whether the session was closed, or is being shut down. It ends with the last of its requests.
    var isSessionClosed: Bool { sessionClosed.load(ordering: .relaxed) }

    func noteSessionClosed() { sessionClosed.store(true, ordering: .relaxed) }

    var hasListeners: Bool { listeners.load(ordering: .relaxed) > 0 }

    /// Whether events are made: for listeners, or for telemetry.
    var isHeard: Bool {
        #if TELEMETRY
        if telemetry != nil { return true }
        #endif
        return hasListeners
    }

    /// Where requests of the session were sent.
    let origins = KnownOrigins()
    private let numbers = Lock(HandleNumbers())

    func nextID(_ level: HandleLevel) -> HandleID {
        HandleID(level: level, number: numbers.withLock { $0.take() })
    }
}

/// Numbers for the handles of one session, which no other session uses.
///
/// They are taken from the process in blocks: a counter that is written for each request of every session would move
/// between the caches of their cores.
private struct HandleNumbers {
    private static let blockSize: UInt64 = 1000
    private static let blocks = Atomic<UInt64>(0)

    private var next: UInt64 = 0
    private var left: UInt64 = 0

    mutating func take() -> UInt64 {
        if left == 0 {
            next = Self.blocks.wrappingAdd(1, ordering: .relaxed).oldValue * Self.blockSize + 1
            left = Self.blockSize
        }
        defer { next += 1 }
        left -= 1
        return next
    }
}

/// The half of a handle that any thread may touch: identity, the closed flag, listeners, and the tasks that wait for the end. The other half, `HandleObject`, belongs to the driver's thread and contains this one.
///
/// One lock, held for a few instructions and never while the caller's code runs. All events are emitted on the
/// driver's thread, so they have one order for all listeners; the lock only guards the lists.
struct HandleBase: ~Copyable, Sendable {
    enum Stage {
        /// Can transition to: finished.
        case alive
        /// `handleClosing` is being delivered and the context released. Can transition to: gone.
        case finished(LastEvent)
        /// Final.
        case gone(LastEvent)
    }

    /// What is kept of `handleClosing`, for listeners that are added later.
    struct LastEvent {
        let sequence: Int
        let time: MonotonicTime
    }

    // Not private: the compiler (6.3.1) cannot lay out a non-copyable structure whose parts it may not name.
    struct State {
        var stage = Stage.alive
        var context: HandleContext?
        var listeners: [StatusListener] = []
        var waiters: [TaskContinuation<Void>] = []
        /// The end has an effect on something else than listeners, waiters and the context.
        var isWatched = false
    }

    let id: HandleID
    let tree: HandleTree
    /// Set once, by the first `close`.
    private let closedFlag = Atomic(false)
    private let state: Lock<State>

    init(_ level: HandleLevel, in tree: HandleTree, context: HandleContext?) {
        id = tree.nextID(level)
        self.tree = tree
        state = Lock(State(context: context))
    }

    var driver: Driver { tree.driver }

    // MARK: The closed flag

    var isOpen: Bool { !closedFlag.load(ordering: .acquiring) }

    func requireOpen(_ operation: HandleOperation) throws(HandleError) {
        guard isOpen else { throw HandleError.closed(operation).asSeenByTask }
    }

    /// Sets the flag; `false` if it was set before. Exactly one caller gets `true`, and has to submit the command.
    func markClosed() -> Bool {
        if id.level == .session { tree.noteSessionClosed() }
        return !closedFlag.exchange(true, ordering: .acquiringAndReleasing)
    }

    // MARK: Context and end

    /// Whether the end of the handle has an effect outside of the library.
    var isEndAwaited: Bool {
        tree.hasListeners || tree.isSessionClosed || tree.runsCallersCode
            || state.withLock { $0.context != nil || !$0.waiters.isEmpty || $0.isWatched }
    }

    /// Makes `isEndAwaited` true.
    func watchEnd() {
        state.withLock { $0.isWatched = true }
    }

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
            if isGone { continuation.resume() } else { driver.wakeForCommands() }
        }
    }

    /// The handle ends here. Returns its listeners, which the caller sends `handleClosing` and the end of their streams.
    /// A listener that is added from now on gets both from `add`.
    func finish(
        sequence: Int,
        at time: MonotonicTime
    ) -> (listeners: [StatusListener], hasContext: Bool) {
        state.withLock { state in
            state.stage = .finished(LastEvent(sequence: sequence, time: time))
            defer { state.listeners = [] }
            return (state.listeners, state.context != nil)
        }
    }

    /// The last step of the end. Runs the caller's code, the deinitialiser of the context.
    func releaseContext() {
        _ = state.withLock { $0.context.take() }
        becomeGone()
    }

    /// Resumes the tasks that wait for the end.
    func becomeGone() {
        let waiters = state.withLock { state in
            if case .finished(let event) = state.stage { state.stage = .gone(event) }
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    // MARK: Listeners

    func add(_ listener: StatusListener) {
        tree.listeners.wrappingAdd(1, ordering: .relaxed)
        let lastEvent: LastEvent? = state.withLock { state in
            switch state.stage {
            case .finished(let event), .gone(let event): return event
            case .alive: break
            }
            state.listeners.append(listener)
            return nil
        }
        guard let lastEvent else { return driver.wakeForCommands() }
        let time = ContinuousClock.now - (MonotonicTime.now - lastEvent.time)
        listener.add(
            StatusEvent(handle: id, context: nil, time: time, sequence: lastEvent.sequence, kind: .handleClosing),
            driver
        )
        end(listener)
    }

    func remove(_ listener: StatusListener) {
        state.withLock { state in state.listeners.removeAll { $0 === listener } }
        end(listener)
    }

    /// Ends a listener that is not, or no longer, in the list.
    func end(_ listener: StatusListener) {
        if listener.end() { tree.listeners.wrappingSubtract(1, ordering: .relaxed) }
    }

    /// They are called outside the lock: resuming a reader may run an executor of the caller's.
    var listeners: [StatusListener] { state.withLock { $0.listeners } }
}

/// The context of a handle, shared with the children that inherit it.
final class HandleContext: Sendable {
    let value: any Sendable

    init(_ value: any Sendable) {
        self.value = value
    }
}
