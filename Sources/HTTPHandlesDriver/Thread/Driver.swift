import CHTTPHandlesCurl
package import HTTPHandlesCore
import HTTPHandlesLock
import HTTPHandlesSystem

/// The driver thread of one session: it runs libcurl and is the serial executor of the session's actors.
///
/// The thread starts with the first entry in its inbox. It stops when the session is closed and the inbox is empty. Later
/// entries (for example a call on a closed handle, which is still an actor job) start it again until they are done.
///
/// `DriverTaskExecutor` runs whole tasks on the thread.
package final class Driver: SerialExecutor {
    private let inbox = Lock(DriverInbox())
    private let waker: Waker
    /// The ID of the thread that runs the loop; 0 if there is none.
    private let thread = Atomic<UInt>(0)
    private let configuration: DriverConfiguration
    /// Flushed by the loop, twice in each turn.
    package let resumptions = Resumptions()

    package init(_ configuration: DriverConfiguration = .standard) throws(HandleError) {
        try CurlLibrary.load()
        waker = try Waker()
        self.configuration = configuration
    }

    // MARK: Entries

    /// Runs `command` on the driver thread, after everything that was submitted before.
    ///
    /// Callable from any thread; never blocks. The command never runs inside this call, so the code of a handle is not
    /// reentrant.
    package func submit(_ command: @escaping @Sendable (TransferEngine) -> Void) {
        post(.command(command))
    }

    /// The same, but does not wake the thread, which would cost more than the command: if the thread sleeps, the command runs
    /// when it wakes for something else, or after `wakeForCommands`.
    package func submitWithoutWaking(_ command: @escaping @Sendable (TransferEngine) -> Void) {
        post(.command(command), wakes: false)
    }

    /// Has the thread run what was submitted without waking it.
    package func wakeForCommands() {
        carryOut(inbox.withLock { $0.wakeForEntries() })
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        post(.actorJob(UnownedJob(job)))
    }

    fileprivate func post(_ entry: DriverInbox.Entry, wakes: Bool = true) {
        carryOut(inbox.withLock { $0.post(entry, wakes: wakes) })
    }

    private func carryOut(_ action: DriverInbox.WakeAction) {
        switch action {
        case .nothing: break
        case .wake: waker.wake()
        case .startThread: startThread()
        }
    }

    /// The session is closed: the thread stops when the inbox is empty. To be called on the driver thread.
    package func retire() {
        checkIsolated()
        inbox.withLock { $0.retire() }
    }

    // MARK: Isolation

    /// Whether the caller is on the driver thread.
    package var isCurrent: Bool { thread.load(ordering: .relaxed) == SystemThread.current }

    package func checkIsolated() {
        // Called only by `assumeIsolated`.
        precondition(isCurrent, "This code must run on the session's driver thread.")
    }

    package func isIsolatingCurrentContext() -> Bool? { isCurrent }

    // MARK: The thread

    private func startThread() {
        // All signals are blocked on this thread: a handler could interrupt libcurl anywhere. This includes SIGPIPE,
        // because a TLS library may write to a connection that the peer has closed.
        var all = sigset_t()
        var previous = sigset_t()
        unsafe sigfillset(&all)
        unsafe pthread_sigmask(SIG_SETMASK, &all, &previous)
        defer { _ = unsafe pthread_sigmask(SIG_SETMASK, &previous, nil) }

        let result = SystemThread.start {
            chttphandles_name_thread()
            self.run()
        }
        if result != 0 {
            // The thread could not be created. The entries must not be lost, so the calling thread runs the loop, without
            // transfers, until the inbox is empty.
            run(TransferEngine(failure: .noThread(result), waker: waker, resumptions), mayRest: false)
        }
    }

    fileprivate func run() {
        run(TransferEngine(configuration, waker: waker, resumptions), mayRest: true)
    }

    private static let batchesPerTurn = 4

    /// The loop. It returns only after the inbox has found, under its lock, that no entry is left.
    private func run(_ engine: TransferEngine, mayRest: Bool) {
        let identity = SystemThread.current
        thread.store(identity, ordering: .relaxed)
        let asActors = unsafe asUnownedSerialExecutor()
        let barrier = ExitBarrier()
        barrier.begin()
        defer { barrier.end() }
        var batch: [DriverInbox.Entry?] = []
        while true {
            // Entries may add further entries: a task that gets its response sends the next request. They run before the
            // next poll, up to a limit. Jobs run the caller's code, which may call `exit`: outside of the barrier.
            var isInside = false
            for _ in 0..<Self.batchesPerTurn {
                inbox.withLock { $0.take(&batch) }
                if batch.isEmpty { break }
                for index in batch.indices {
                    guard let entry = batch[index].take() else { continue }
                    if entry.usesLibcurl != isInside {
                        isInside.toggle()
                        if isInside { barrier.enter() } else { barrier.leave() }
                    }
                    switch entry {
                    case .actorJob(let job): unsafe job.runSynchronously(on: asActors)
                    case .taskJob(let job, let executor):
                        unsafe job.runSynchronously(on: executor.asUnownedTaskExecutor())
                    case .command(let command): command(engine)
                    }
                }
                batch.removeAll(keepingCapacity: true)
            }
            if !isInside { barrier.enter() }
            engine.runDueWork()
            barrier.leave()
            resumptions.flush()
            switch inbox.withLock({ $0.prepareToRest(mayRest: mayRest) }) {
            case .entriesWait: engine.sleep(mayBlock: false)
            case .sleep:
                engine.sleep(mayBlock: true)
                // From here on the thread does not need to be woken.
                inbox.withLock { $0.awoken() }
            case .stop:
                // A new thread may have started and stored its ID already.
                _ = thread.compareExchange(expected: identity, desired: 0, ordering: .relaxed)
                return
            }
            barrier.enter()
            engine.work()
            barrier.leave()
            resumptions.flush()
        }
    }
}

/// The driver thread as a task executor.
///
/// A separate type, because both protocols enqueue jobs through the same method, and actor jobs and task jobs have to be
/// run differently: run as the other kind, each return from a call would cost one more job.
package final class DriverTaskExecutor: TaskExecutor {
    private let driver: Driver

    package init(_ driver: Driver) {
        self.driver = driver
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        driver.post(.taskJob(UnownedJob(job), self))
    }
}
