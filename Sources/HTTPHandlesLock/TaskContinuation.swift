#if DEBUG
/// The continuation of a suspended task, which must be resumed exactly once. This variant checks that.
@frozen
package struct TaskContinuation<Value: Sendable>: Sendable {
    @usableFromInline
    let base: CheckedContinuation<Value, Never>

    @inlinable
    init(_ base: CheckedContinuation<Value, Never>) {
        self.base = base
    }

    #if THREAD_SANITIZER
    /// Tells ThreadSanitizer that the resumption happens before the task continues. It does not see that in the runtime's
    /// atomics if the task is resumed before it is suspended.
    @usableFromInline
    let fence = Fence()

    @usableFromInline
    final class Fence: Sendable {
        @usableFromInline
        let lock = Lock(())

        @usableFromInline
        init() {}
    }

    @inlinable
    package func resume(returning value: Value) {
        fence.lock.withLock { _ in }
        base.resume(returning: value)
    }

    @inlinable
    package nonisolated(nonsending) static func suspend(_ body: (TaskContinuation) -> Void) async -> Value {
        var fence: Fence?
        let value = await withCheckedContinuation {
            let continuation = TaskContinuation($0)
            fence = continuation.fence
            body(continuation)
        }
        fence?.lock.withLock { _ in }
        return value
    }
    #else
    @inlinable
    package func resume(returning value: Value) {
        base.resume(returning: value)
    }

    /// Suspends the task until the continuation that is passed to `body` is resumed.
    @inlinable
    package nonisolated(nonsending) static func suspend(_ body: (TaskContinuation) -> Void) async -> Value {
        await withCheckedContinuation { body(TaskContinuation($0)) }
    }
    #endif
}
#else
/// The continuation of a suspended task, which must be resumed exactly once. The state machines ensure that; a check
/// would cost an allocation and a lock for each operation.
///
/// Public, in a module that is not a product: the compiler (6.3.1) does not inline `package` functions into other modules,
/// and a call that is not inlined costs an executor hop.
@safe
@frozen
public struct TaskContinuation<Value: Sendable>: Sendable {
    @usableFromInline
    let base: UnsafeContinuation<Value, Never>

    @inlinable
    init(_ base: UnsafeContinuation<Value, Never>) {
        unsafe self.base = unsafe base
    }

    /// Resumes the task.
    @inlinable
    public func resume(returning value: Value) {
        unsafe base.resume(returning: value)
    }

    /// Suspends the task until the continuation that is passed to `body` is resumed.
    @inlinable
    @inline(__always)
    public nonisolated(nonsending) static func suspend(_ body: (TaskContinuation) -> Void) async -> Value {
        await unsafe withUnsafeContinuation { unsafe body(TaskContinuation($0)) }
    }
}
#endif

extension TaskContinuation<Void> {
    /// Resumes the task.
    @inlinable
    public func resume() {
        resume(returning: ())
    }
}
