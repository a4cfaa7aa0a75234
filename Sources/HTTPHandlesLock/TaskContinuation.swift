#if DEBUG
/// A suspended task, to be resumed exactly once; this one checks that.
@frozen
package struct TaskContinuation<Value: Sendable>: Sendable {
    @usableFromInline
    let base: CheckedContinuation<Value, Never>

    @inlinable
    init(_ base: CheckedContinuation<Value, Never>) {
        self.base = base
    }

    #if THREAD_SANITIZER
    /// What the resumer did happened before what the task does next. Where the resumption comes before the suspension,
    /// ThreadSanitizer does not see that in the runtime's atomics; it sees this.
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

    /// Suspends the task until the continuation that `body` gets is resumed.
    @inlinable
    package nonisolated(nonsending) static func suspend(_ body: (TaskContinuation) -> Void) async -> Value {
        await withCheckedContinuation { body(TaskContinuation($0)) }
    }
    #endif
}
#else
/// A suspended task, to be resumed exactly once: that is what the state machines are for. A check would cost an object
/// and a lock for each operation.
///
/// Public, in a module that is no product: the compiler (6.3.1) does not inline what is `package` into other modules, and
/// here each call would be a hop of the task.
@safe
@frozen
public struct TaskContinuation<Value: Sendable>: Sendable {
    @usableFromInline
    let base: UnsafeContinuation<Value, Never>

    @inlinable
    init(_ base: UnsafeContinuation<Value, Never>) {
        unsafe self.base = unsafe base
    }

    /// Lets the task go on.
    @inlinable
    public func resume(returning value: Value) {
        unsafe base.resume(returning: value)
    }

    /// Suspends the task until the continuation that `body` gets is resumed.
    @inlinable
    @inline(__always)
    public nonisolated(nonsending) static func suspend(_ body: (TaskContinuation) -> Void) async -> Value {
        await unsafe withUnsafeContinuation { unsafe body(TaskContinuation($0)) }
    }
}
#endif

extension TaskContinuation<Void> {
    /// Lets the task go on.
    @inlinable
    public func resume() {
        resume(returning: ())
    }
}
