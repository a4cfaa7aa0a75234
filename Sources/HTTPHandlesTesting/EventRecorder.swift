public import HTTPHandles
import HTTPHandlesCore
import HTTPHandlesLock

/// Records the events of a handle and checks their order (`Docs/StatusEvents.md`).
///
///     let recorder = EventRecorder(of: request)
///     try await request.send()
///     try await recorder.first { $0 == .sendRequestComplete }
///     try request.close()
///     let kinds = try await recorder.finish().map(\.kind)
///
/// It records from its initialization on. If the stream breaks a rule (an event out of order, a gap, an event after
/// `handleClosing`, an end without it), every later call throws.
public final class EventRecorder: Sendable {
    private struct State {
        var events: [StatusEvent] = []
        var checker: EventOrderChecker
        var violation: EventOrderChecker.Violation?
        var isOver = false
        var waiters: [Waiter] = []
    }

    private struct Waiter {
        let continuation: TaskContinuation<Result<StatusEvent?, EventOrderChecker.Violation>>
        let condition: (@Sendable (StatusEvent) -> Bool)?
    }

    private let state: Lock<State>

    /// Makes a recorder and starts recording.
    ///
    /// - Parameters:
    ///   - handle: The handle.
    ///   - mask: The events to record. Gaps and order are checked only in a recording of all events.
    ///   - scope: The handles whose events are recorded.
    public init(of handle: some Handle, _ mask: StatusMask = .all, scope: StatusScope = .handle) {
        state = Lock(State(checker: EventOrderChecker(of: handle.id, mask: mask)))
        let stream = handle.statusEvents(mask, scope: scope)
        Task { [self] in
            for await event in stream { took(event) }
            streamEnded()
        }
    }

    /// The events so far.
    public var events: [StatusEvent] { state.withLock { $0.events } }

    /// Waits until the stream has ended, and returns all events.
    ///
    /// Throws if the stream broke a rule.
    public func finish() async throws -> [StatusEvent] {
        _ = try await wait(for: nil)
        return events
    }

    /// Waits for the first event that fulfils a condition, among those recorded already and later ones.
    ///
    /// Returns `nil` if the stream ended without such an event. Throws if the stream broke a rule.
    @discardableResult
    public func first(where condition: @escaping @Sendable (StatusEvent) -> Bool) async throws -> StatusEvent? {
        try await wait(for: condition)
    }

    /// Waits for the first event of a kind. See `first(where:)`.
    @discardableResult
    public func first(_ kind: StatusEvent.Kind) async throws -> StatusEvent? {
        try await wait { $0.kind == kind }
    }

    private func wait(for condition: (@Sendable (StatusEvent) -> Bool)?) async throws -> StatusEvent? {
        let result = await TaskContinuation.suspend { continuation in
            let answer: Result<StatusEvent?, EventOrderChecker.Violation>? = state.withLock { state in
                if let violation = state.violation { return .failure(violation) }
                if let condition, let event = state.events.first(where: condition) { return .success(event) }
                if state.isOver { return .success(nil) }
                state.waiters.append(Waiter(continuation: continuation, condition: condition))
                return nil
            }
            if let answer { continuation.resume(returning: answer) }
        }
        return try result.get()
    }

    private func took(_ event: StatusEvent) {
        settle { state in
            do throws(EventOrderChecker.Violation) {
                try state.checker.check(event)
            } catch {
                state.violation = state.violation ?? error
            }
            state.events.append(event)
            return event
        }
    }

    private func streamEnded() {
        settle { state in
            do throws(EventOrderChecker.Violation) {
                try state.checker.end()
            } catch {
                state.violation = state.violation ?? error
            }
            state.isOver = true
            return nil
        }
    }

    /// Changes the state and resumes the waiters whose condition is now met.
    private func settle(_ change: (inout State) -> StatusEvent?) {
        let (waiters, event, violation) = state.withLock { state in
            let event = change(&state)
            let isDone = { (waiter: Waiter) -> Bool in
                if state.violation != nil || state.isOver { return true }
                return event.map { waiter.condition?($0) ?? false } ?? false
            }
            let done = state.waiters.filter(isDone)
            state.waiters.removeAll(where: isDone)
            return (done, event, state.violation)
        }
        for waiter in waiters {
            if let violation {
                waiter.continuation.resume(returning: .failure(violation))
            } else {
                let isMatch = event.map { waiter.condition?($0) ?? false } ?? false
                waiter.continuation.resume(returning: .success(isMatch ? event : nil))
            }
        }
    }
}
