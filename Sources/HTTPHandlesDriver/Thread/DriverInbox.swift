/// What waits to be done on a driver's thread, and whether somebody has to start or wake the thread for it.
///
/// The races of starting, sleeping and stopping are all decided here, under the driver's lock:
/// - The thread announces that it will sleep and finds out in the same step that nothing has come in; whoever comes
///   later sees `asleep` and wakes it. Without that single step an entry could slip in between the look and the sleep.
/// - The thread stops and finds out in the same step that nothing has come in; whoever comes later sees `stopped` and
///   starts a new thread, so that late jobs still run.
struct DriverInbox {
    enum Entry: Sendable {
        /// A piece of one of the session's actors.
        case actorJob(UnownedJob)
        /// A piece of a task that prefers the driver's thread.
        case taskJob(UnownedJob, DriverTaskExecutor)
        /// A command of the library's.
        case command(@Sendable (TransferEngine) -> Void)
    }

    enum ThreadState {
        /// There is no thread. Can transition to: running.
        case stopped
        /// The thread looks at the inbox before it sleeps. Can transition to: asleep, stopped.
        case running
        /// The thread sleeps until it is woken. Can transition to: running.
        case asleep
    }

    enum Summons { case nothing, wake, startThread }
    enum Rest { case entriesWait, sleep, stop }

    /// Optional, so that the driver's thread can take them out one by one instead of copying each.
    private(set) var entries: [Entry?] = []
    private(set) var thread = ThreadState.stopped
    /// The session is gone: the thread stops as soon as nothing waits.
    private(set) var isRetired = false

    mutating func post(_ entry: Entry) -> Summons {
        entries.append(entry)
        switch thread {
        case .running: return .nothing
        case .asleep:
            thread = .running
            return .wake
        case .stopped:
            thread = .running
            return .startThread
        }
    }

    mutating func retire() { isRetired = true }

    /// Exchanges the waiting entries for an empty array whose memory is used again.
    mutating func take(_ emptied: inout [Entry?]) {
        swap(&entries, &emptied)
    }

    mutating func awoken() { thread = .running }

    /// The thread has nothing to do at the moment; a thread that may not rest stops instead.
    mutating func prepareToRest(mayRest: Bool) -> Rest {
        guard entries.isEmpty else { return .entriesWait }
        let rests = mayRest && !isRetired
        thread = rests ? .asleep : .stopped
        return rests ? .sleep : .stop
    }
}
