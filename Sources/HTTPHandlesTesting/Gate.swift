import HTTPHandlesLock
import HTTPHandlesSystem

/// A gate between a test and a script of a `ScriptedServer`. It starts closed; once opened it stays open.
///
/// The script waits with `wait()`, which blocks the thread. The test waits with `passed()`, which suspends the task.
public final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var tasks: [TaskContinuation<Void>] = []
        var threads: [Blocker] = []
    }

    private let state = Lock(State())

    /// Makes a closed gate.
    public init() {}

    /// Opens the gate. Callable from any thread; idempotent.
    public func open() {
        let (tasks, threads) = state.withLock { state in
            state.isOpen = true
            defer {
                state.tasks = []
                state.threads = []
            }
            return (state.tasks, state.threads)
        }
        for task in tasks { task.resume() }
        for thread in threads { thread.release() }
    }

    /// Blocks the calling thread until the gate is open. For scripts, never for tasks.
    public func wait() {
        let blocker: Blocker? = state.withLock { state in
            guard !state.isOpen else { return nil }
            let blocker = Blocker()
            state.threads.append(blocker)
            return blocker
        }
        blocker?.block()
    }

    /// Suspends the calling task until the gate is open.
    public func passed() async {
        await TaskContinuation.suspend { continuation in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.tasks.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }
}

/// A pipe on which one thread waits for another.
private final class Blocker: Sendable {
    private let ends: (read: Int32, write: Int32)

    init() {
        var pair: [Int32] = [-1, -1]
        _ = unsafe pipe(&pair)
        ends = (pair[0], pair[1])
    }

    deinit {
        close(ends.read)
        close(ends.write)
    }

    func release() {
        var byte: UInt8 = 0
        _ = unsafe write(ends.write, &byte, 1)
    }

    func block() {
        var byte: UInt8 = 0
        while unsafe read(ends.read, &byte, 1) < 0, errno == EINTR {}
    }
}
