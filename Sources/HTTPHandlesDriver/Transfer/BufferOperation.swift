/// The answer of a body buffer to an operation that does not want to wait.
package enum BufferAttempt<Outcome: Sendable>: Sendable {
    /// Where `mustResume`, the driver has to let libcurl go on.
    case now(Outcome, mustResume: Bool)
    case mustWait
}

/// An operation that waits for a body buffer.
struct BufferWaiter<Request: Sendable, Outcome: Sendable>: Sendable {
    let request: Request
    let resume: @Sendable (Outcome) -> Void
}

/// The end of an operation that has waited for a body buffer. The driver passes it on, outside the buffer's lock.
package struct BufferDelivery<Outcome: Sendable>: Sendable {
    package let resume: @Sendable (Outcome) -> Void
    package let outcome: Outcome
    /// The driver has to let libcurl go on.
    package var mustResume = false
}
