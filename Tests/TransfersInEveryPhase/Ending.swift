import HTTPHandlesSystem
import HTTPHandlesTesting

/// The ways to end a process while its drivers run.
public enum Ending: String, Sendable, CaseIterable {
    case returnFromMain, exitInTask, exitOnOtherThread, exitOnDriverThread
    case exitInSignalHandler, exitAtOnceInSignalHandler

    /// The exit status for this way.
    public var status: Int32 { self == .returnFromMain ? 0 : 42 }

    /// Runs `begin`, which starts transfers, and ends the process when it returns. Only `returnFromMain` returns.
    ///
    /// - Parameter executor: The executor of a session in use.
    public func end(on executor: any TaskExecutor, after begin: @escaping @Sendable () async throws -> Void) {
        // If the exit hangs, the alarm ends the process.
        alarm(30)
        switch self {
        case .exitInSignalHandler: signal(SIGTERM) { _ in exit(42) }
        case .exitAtOnceInSignalHandler: signal(SIGTERM) { _ in _exit(42) }
        default: break
        }
        let isTime = Gate()
        Task {
            do { try await begin() } catch { fatalError("\(error)") }
            switch self {
            case .returnFromMain: isTime.open()
            case .exitInTask: exit(42)
            case .exitOnOtherThread: Self.startThreadThatExits()
            case .exitOnDriverThread: Task(executorPreference: executor) { exit(42) }
            case .exitInSignalHandler, .exitAtOnceInSignalHandler: kill(getpid(), SIGTERM)
            }
        }
        isTime.wait()
    }

    private static func startThreadThatExits() {
        _ = SystemThread.start { exit(42) }
    }
}
