/// The queue of a driver thread, and the state of that thread.
///
/// The races between posting, sleeping and stopping are resolved here, under the driver's lock:
/// - The thread checks that the queue is empty and sets `asleep` in one step. A later `post` sees `asleep` and wakes it.
/// - The thread checks that the queue is empty and sets `stopped` in one step. A later `post` sees `stopped` and starts a
///   new thread.
/// - An entry may be posted without waking a thread that is asleep. It stays in the queue until the thread wakes for
///   another reason, or `wakeForEntries` is called because it is awaited.
struct DriverInbox {
    enum Entry: Sendable {
        /// A job of one of the session's actors.
        case actorJob(UnownedJob)
        /// A job of a task that runs on the driver thread.
        case taskJob(UnownedJob, DriverTaskExecutor)
        /// A command of the library.
        case command(@Sendable (TransferEngine) -> Void)

        var usesLibcurl: Bool { if case .command = self { true } else { false } }
    }

    enum ThreadState {
        /// There is no thread. Can transition to: running.
        case stopped
        /// The thread will check the inbox before it sleeps. Can transition to: asleep, stopped.
        case running
        /// The thread sleeps until it is woken. Can transition to: running.
        case asleep
    }

    enum WakeAction { case nothing, wake, startThread }
    enum IdleAction { case entriesWait, sleep, stop }

    /// Optional, so that the driver thread can take them out one by one without copying.
    private(set) var entries: [Entry?] = []
    private(set) var thread = ThreadState.stopped
    /// The session is closed: the thread stops as soon as the inbox is empty.
    private(set) var isRetired = false

    mutating func post(_ entry: consuming Entry, wakes: Bool = true) -> WakeAction {
        entries.append(entry)
        switch thread {
        case .running: return .nothing
        case .asleep:
            guard wakes else { return .nothing }
            thread = .running
            return .wake
        case .stopped:
            thread = .running
            return .startThread
        }
    }

    /// What was posted without waking the thread is waited for now.
    mutating func wakeForEntries() -> WakeAction {
        guard thread == .asleep, !entries.isEmpty else { return .nothing }
        thread = .running
        return .wake
    }

    mutating func retire() { isRetired = true }

    /// Swaps the entries for an empty array, whose memory is reused.
    mutating func take(_ emptied: inout [Entry?]) {
        swap(&entries, &emptied)
    }

    mutating func awoken() { thread = .running }

    /// Called when the thread has nothing to do: decides whether it sleeps or stops. Without `mayRest` it stops.
    mutating func prepareToRest(mayRest: Bool) -> IdleAction {
        guard entries.isEmpty else { return .entriesWait }
        let rests = mayRest && !isRetired
        thread = rests ? .asleep : .stopped
        return rests ? .sleep : .stop
    }
}
