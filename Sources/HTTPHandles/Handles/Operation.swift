import HTTPHandlesCore
import HTTPHandlesDriver
import HTTPHandlesLock

/// A task that waits for the driver, to be resumed exactly once.
struct WaitingTask<Value: Sendable>: Sendable {
    private let task: TaskContinuation<Value>
    /// The task began to wait on the driver's thread, and most likely goes on there.
    private let isOnDriver: Bool
    private let priority: TaskPriority

    /// To be made by the task that waits.
    init(_ task: TaskContinuation<Value>, on driver: Driver) {
        self.task = task
        isOnDriver = driver.isCurrent
        priority = Task.currentPriority
    }

    /// On the driver's thread: together with others, if there are any.
    func resume(returning value: Value, _ resumptions: Resumptions) {
        if isOnDriver {
            task.resume(returning: value)
        } else {
            resumptions.add(at: priority) { [task] in task.resume(returning: value) }
        }
    }

    /// On any thread, at once.
    func resume(returning value: Value) {
        task.resume(returning: value)
    }
}

/// The task that waits for an operation.
typealias OperationContinuation<Value: Sendable> = WaitingTask<Result<Value, HandleError>>

extension OperationContinuation {
    func resume<Success>(returning result: Result<Success, HandleError>, _ engine: TransferEngine)
    where Value == Result<Success, HandleError> {
        resume(returning: result, engine.resumptions)
    }
}

extension DriverBound where Value: HandleObject {
    /// Submits the command that `begin` makes, and waits for its result.
    // Inlined, because each asynchronous function costs a change of threads when it returns.
    @inline(__always)
    nonisolated(nonsending) func result<Success: Sendable>(
        of begin: (OperationContinuation<Success>) -> @Sendable (TransferEngine) -> Void
    ) async -> Result<Success, HandleError> {
        await TaskContinuation<Result<Success, HandleError>>.suspend {
            bound.driver.submit(begin(OperationContinuation($0, on: bound.driver)))
        }
    }
}

extension RequestHandle {
    /// Runs one operation: the command that `begin` makes starts it on the driver's thread, and its end resumes the
    /// continuation.
    ///
    /// One command and one resumption, without a call of an actor. The cancellation handler only sets the closed flag and
    /// submits a command. The handle may be closed after the flag was read; then the command finds it closed, which is the
    /// same as if it had been closed before. If the task's cancellation has closed it, the error says so.
    // Inlined for the same reason.
    @inline(__always)
    nonisolated(nonsending) func perform<Value: Sendable>(
        _ operation: HandleOperation,
        _ begin: (OperationContinuation<Value>) -> @Sendable (TransferEngine) -> Void
    ) async throws(HandleError) -> Value {
        try requireUsable(operation)
        let result = await withTaskCancellationHandler {
            await object.result(of: begin)
        } onCancel: {
            object.closeIfOpen()
        }
        switch result {
        case .success(let value): return value
        case .failure(let error): throw error.asSeenByTask(operation)
        }
    }

    /// Lets an operation begin. A task that was cancelled before closes the handle all the same.
    nonisolated func requireUsable(_ operation: HandleOperation) throws(HandleError) {
        if Task.isCancelled {
            object.closeIfOpen()
            throw .cancelled(operation)
        }
        try object.bound.base.requireOpen(operation)
    }
}

extension HandleError {
    /// The error as the calling task gets it. Every `.invalidHandle` goes through here, except that of `close`.
    ///
    /// A task that is cancelled closes its handle, in its own cancellation handler or in that of a child task. It may find
    /// the handle closed at the beginning of an operation, when it begins to wait, or when the command runs. In each case
    /// it gets `.operationCancelled`.
    func asSeenByTask(_ operation: HandleOperation) -> HandleError {
        code == .invalidHandle && Task.isCancelled ? .cancelled(operation) : self
    }

    var asSeenByTask: HandleError { asSeenByTask(operation) }
}
