package import HTTPHandlesCore
package import HTTPHandlesLock

/// Who waits for an operation, to be resumed exactly once.
package typealias OperationContinuation<Value: Sendable> = TaskContinuation<Result<Value, HandleError>>
