import HTTPHandlesCore
import HTTPHandlesLock

/// What an exchange has from the task that has called `send`.
struct Caller: Sendable {
    /// For the caller's code; `nil` if there is none.
    let task: CallingTask?
    #if TELEMETRY
    let telemetry: CallerTelemetry?
    #endif

    /// To be made by that task.
    init(of request: borrowing HandleBase) {
        task = CallingTask(for: request.tree)
        #if TELEMETRY
        telemetry = CallerTelemetry(request.id, request.tree.telemetry)
        #endif
    }
}

/// The task that has called `send`, for the caller's code that runs on its behalf later: that sees the values that are
/// local to this task, and has its priority.
///
/// A task inherits both from the task that makes it, and in no other way. So this is a task that waits as long as there may
/// be questions, and makes a task for each.
final class CallingTask: Sendable {
    private let questions: AsyncStream<AskedQuestion>.Continuation

    /// - Parameter tree: The handles of the session; `nil` is the answer as long as none of them was given code to run.
    convenience init?(for tree: HandleTree) {
        guard tree.runsCallersCode else { return nil }
        self.init()
    }

    init() {
        let (stream, questions) = AsyncStream.makeStream(of: AskedQuestion.self)
        self.questions = questions
        Task { for await question in stream { question.begin() } }
    }

    deinit {
        questions.finish()
    }

    func ask(_ question: AskedQuestion) {
        questions.yield(question)
    }
}

/// A question that gets a task of its own, and can be cancelled before that.
final class AskedQuestion: Sendable {
    private enum Stage {
        /// Can transition to: begun, cancelled.
        case asked
        /// Can transition to: cancelled.
        case begun(Task<Void, Never>)
        /// Final.
        case cancelled
    }

    private let body: @Sendable () async -> Void
    private let stage = Lock(Stage.asked)

    init(_ body: @escaping @Sendable () async -> Void) {
        self.body = body
    }

    /// Makes the task, with the priority and the local values of the task that calls this.
    func begin() {
        let task = Task { [body] in await body() }
        let isCancelled = stage.withLock { stage in
            if case .cancelled = stage { return true }
            stage = .begun(task)
            return false
        }
        if isCancelled { task.cancel() }
    }

    func cancel() {
        let task: Task<Void, Never>? = stage.withLock { stage in
            defer { stage = .cancelled }
            if case .begun(let task) = stage { return task }
            return nil
        }
        task?.cancel()
    }
}
