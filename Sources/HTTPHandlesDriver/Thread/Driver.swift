import CHTTPHandlesCurl
package import HTTPHandlesCore
import HTTPHandlesLock

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// The thread of one session. It drives libcurl, and it is the executor of the session's actors.
///
/// The thread starts with the first entry in its inbox and stops when the session is gone and the inbox is empty. What
/// comes later (a call on a closed handle is still a job of an actor) starts it again for as long as it takes.
///
/// Users may ask for whole tasks to run on the thread: that is what `DriverTaskExecutor` is for.
package final class Driver: SerialExecutor {
    private let inbox = Lock(DriverInbox())
    private let waker: Waker
    /// The thread that runs the loop, as a number; 0 while there is none.
    private let thread = Atomic<UInt>(0)
    private let configuration: DriverConfiguration
    /// Flushed by the loop, twice a turn.
    package let resumptions = Resumptions()

    package init(_ configuration: DriverConfiguration = .standard) throws(HandleError) {
        try CurlLibrary.load()
        waker = try Waker()
        self.configuration = configuration
    }

    // MARK: Entries

    /// Has `command` run on the driver's thread, after everything that was submitted before.
    ///
    /// Callable from any thread; never runs the command at once, so no code of a handle ever runs inside other code of
    /// a handle. Never blocks.
    package func submit(_ command: @escaping @Sendable (TransferEngine) -> Void) {
        post(.command(command))
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        post(.actorJob(UnownedJob(job)))
    }

    fileprivate func post(_ entry: DriverInbox.Entry) {
        switch inbox.withLock({ $0.post(entry) }) {
        case .nothing: break
        case .wake: waker.wake()
        case .startThread: startThread()
        }
    }

    /// The session is gone: the thread, which is the caller's, stops when nothing waits any more.
    package func retire() {
        checkIsolated()
        inbox.withLock { $0.retire() }
    }

    // MARK: Isolation

    /// Whether the caller is on the driver's thread.
    package var isCurrent: Bool { thread.load(ordering: .relaxed) == Self.currentThread }

    package func checkIsolated() {
        // Only `assumeIsolated` asks, of code that says it is on this thread.
        precondition(isCurrent, "This code belongs on the session's driver thread.")
    }

    package func isIsolatingCurrentContext() -> Bool? { isCurrent }

    private static var currentThread: UInt {
        #if canImport(Darwin)
        unsafe UInt(bitPattern: pthread_self())
        #else
        UInt(pthread_self())
        #endif
    }

    // MARK: The thread

    private func startThread() {
        // A handler that runs on this thread could find libcurl in the middle of anything, so signals go elsewhere.
        // SIGPIPE is among them: a TLS library may write to a connection that the peer has closed.
        var all = sigset_t()
        var previous = sigset_t()
        unsafe sigfillset(&all)
        unsafe pthread_sigmask(SIG_SETMASK, &all, &previous)
        defer { _ = unsafe pthread_sigmask(SIG_SETMASK, &previous, nil) }

        let retained = unsafe Unmanaged.passRetained(self).toOpaque()
        var attributes = pthread_attr_t()
        unsafe pthread_attr_init(&attributes)
        unsafe pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        defer { unsafe pthread_attr_destroy(&attributes) }
        #if canImport(Darwin)
        var identity: pthread_t?
        #else
        var identity = pthread_t()
        #endif
        let result = unsafe pthread_create(&identity, &attributes, driverThreadMain, retained)
        if result != 0 {
            // The system gives no thread. What waits must not be lost, so the caller lends its own: without transfers,
            // and only until nothing waits.
            unsafe Unmanaged<Driver>.fromOpaque(retained).release()
            run(TransferEngine(failure: .noThread(result), waker: waker, resumptions), mayRest: false)
        }
    }

    fileprivate func run() {
        run(TransferEngine(configuration, waker: waker, resumptions), mayRest: true)
    }

    private static let batchesPerTurn = 4

    /// The loop. Its last act is to leave; the inbox decides under the lock that nothing is left behind.
    private func run(_ engine: TransferEngine, mayRest: Bool) {
        let identity = Self.currentThread
        thread.store(identity, ordering: .relaxed)
        let asActors = unsafe asUnownedSerialExecutor()
        var batch: [DriverInbox.Entry?] = []
        while true {
            // What runs may have more to run at once: a task that gets its response sends the next request. All of that
            // comes before the next look at the sockets, within reason.
            for _ in 0..<Self.batchesPerTurn {
                inbox.withLock { $0.take(&batch) }
                if batch.isEmpty { break }
                for index in batch.indices {
                    switch batch[index].take() {
                    case .actorJob(let job): unsafe job.runSynchronously(on: asActors)
                    case .taskJob(let job, let executor):
                        unsafe job.runSynchronously(on: executor.asUnownedTaskExecutor())
                    case .command(let command): ExitBarrier.pass { command(engine) }
                    case nil: break
                    }
                }
                batch.removeAll(keepingCapacity: true)
            }
            ExitBarrier.pass { engine.runDueWork() }
            resumptions.flush()
            switch inbox.withLock({ $0.prepareToRest(mayRest: mayRest) }) {
            case .entriesWait: engine.sleep(mayBlock: false)
            case .sleep:
                engine.sleep(mayBlock: true)
                // From here on nobody has to wake the thread.
                inbox.withLock { $0.awoken() }
            case .stop:
                // A new thread may have begun already; then the place is its own.
                _ = thread.compareExchange(expected: identity, desired: 0, ordering: .relaxed)
                return
            }
            ExitBarrier.pass { engine.work() }
            resumptions.flush()
        }
    }
}

/// The driver's thread as an executor of tasks.
///
/// Apart from `Driver`, because a job of an actor and a job of a task come in through the same method and are not run in
/// the same way: run as the other, each return from a call would be one more job.
package final class DriverTaskExecutor: TaskExecutor {
    private let driver: Driver

    package init(_ driver: Driver) {
        self.driver = driver
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        driver.post(.taskJob(UnownedJob(job), self))
    }
}

/// What the driver's thread runs; the argument is the retained driver.
private func driverThreadMain(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    chttphandles_name_thread()
    if let argument = unsafe argument {
        unsafe Unmanaged<Driver>.fromOpaque(argument).takeRetainedValue().run()
    }
    return nil
}
