package import HTTPHandlesCore

#if DEBUG
/// Who waits for an operation, to be resumed exactly once; this one checks that.
@frozen
package struct OperationContinuation<Value: Sendable>: Sendable {
    @usableFromInline
    let base: CheckedContinuation<Result<Value, HandleError>, Never>

    @inlinable
    init(_ base: CheckedContinuation<Result<Value, HandleError>, Never>) {
        self.base = base
    }

    @inlinable
    package func resume(with result: Result<Value, HandleError>) {
        base.resume(returning: result)
    }

    /// Suspends the task until the continuation that `body` gets is resumed.
    @inlinable
    package nonisolated(nonsending) static func suspend(
        _ body: (OperationContinuation) -> Void
    ) async -> Result<Value, HandleError> {
        await withCheckedContinuation { body(OperationContinuation($0)) }
    }
}
#else
/// Who waits for an operation, to be resumed exactly once: that is what `RequestStateMachine` is for. A check would cost
/// an object and a lock for each operation.
@safe
@frozen
package struct OperationContinuation<Value: Sendable>: Sendable {
    @usableFromInline
    let base: UnsafeContinuation<Result<Value, HandleError>, Never>

    @inlinable
    init(_ base: UnsafeContinuation<Result<Value, HandleError>, Never>) {
        unsafe self.base = unsafe base
    }

    @inlinable
    package func resume(with result: Result<Value, HandleError>) {
        unsafe base.resume(returning: result)
    }

    /// Suspends the task until the continuation that `body` gets is resumed.
    @inlinable
    package nonisolated(nonsending) static func suspend(
        _ body: (OperationContinuation) -> Void
    ) async -> Result<Value, HandleError> {
        await unsafe withUnsafeContinuation { unsafe body(OperationContinuation($0)) }
    }
}
#endif
