import HTTPHandlesCore
import HTTPHandlesDriver

/// Who waits for an operation. Resumed exactly once: that is what `RequestStateMachine` is for; debug builds check it.
#if DEBUG
typealias OperationContinuation<Value> = CheckedContinuation<Result<Value, HandleError>, Never>

nonisolated(nonsending) func withOperationContinuation<Value: Sendable>(
    _ body: (OperationContinuation<Value>) -> Void
) async -> Result<Value, HandleError> {
    await withCheckedContinuation(body)
}
#else
typealias OperationContinuation<Value> = UnsafeContinuation<Result<Value, HandleError>, Never>

nonisolated(nonsending) func withOperationContinuation<Value: Sendable>(
    _ body: (OperationContinuation<Value>) -> Void
) async -> Result<Value, HandleError> {
    await unsafe withUnsafeContinuation(body)
}
#endif

extension RequestHandle {
    /// Runs one operation: `begin` starts it on the driver's thread, and whoever finishes it calls the continuation.
    ///
    /// One command there and one resumption back, with no actor in between. The cancellation handler only shuts the door
    /// and submits a command. Between the look at the door and the command the handle may be closed; then the command
    /// finds it closed, which is the same as if it had been closed before. Where it was the task's cancellation that
    /// closed it, the caller is told so.
    nonisolated(nonsending) func perform<Value: Sendable>(
        _ operation: HandleOperation,
        _ begin: @escaping @Sendable (TransferEngine, OperationContinuation<Value>) -> Void
    ) async throws(HandleError) -> Value {
        try base.requireOpen(operation)
        let result: Result<Value, HandleError> = await withTaskCancellationHandler {
            await withOperationContinuation { continuation in
                base.driver.submit { engine in begin(engine, continuation) }
            }
        } onCancel: {
            closeIfOpen()
        }
        switch result {
        case .success(let value): return value
        case .failure(let error):
            throw error.code == .invalidHandle && Task.isCancelled ? .cancelled(operation) : error
        }
    }

    /// Lets an operation begin that needs no visit to the driver. A task that was cancelled before closes the handle all
    /// the same.
    nonisolated func requireUsable(_ operation: HandleOperation) throws(HandleError) {
        if Task.isCancelled {
            closeIfOpen()
            throw .cancelled(operation)
        }
        try base.requireOpen(operation)
    }
}
