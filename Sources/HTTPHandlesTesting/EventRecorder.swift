public import HTTPHandles
import HTTPHandlesCore
import HTTPHandlesLock

/// Listens to a handle, keeps what it hears, and checks it against the event law.
///
///     let recorder = EventRecorder(of: request)
///     try await request.send()
///     try await recorder.first { $0 == .sendRequestComplete }
///     try request.close()
///     let kinds = try await recorder.finish().map(\.kind)
///
/// It listens from the moment it is made. A stream that breaks the law (an event in the wrong place, a gap, anything after
/// `handleClosing`, an end without it) makes every later call throw.
public final class EventRecorder: Sendable {
    private struct State {
        var events: [StatusEvent] = []
        var law: EventLaw
        var violation: EventLaw.Violation?
        var isOver = false
        var waiters: [Waiter] = []
    }

    private struct Waiter {
        let continuation: TaskContinuation<Result<StatusEvent?, EventLaw.Violation>>
        let condition: (@Sendable (StatusEvent) -> Bool)?
    }

    private let state: Lock<State>

    /// Begins to listen.
    ///
    /// - Parameters:
    ///   - handle: The handle to listen to.
    ///   - mask: Which events. Only a recording of all events can be checked for gaps and order.
    ///   - scope: Whose events.
    public init(of handle: some Handle, _ mask: StatusMask = .all, scope: StatusScope = .handle) {
        state = Lock(State(law: EventLaw(of: handle.id, mask: mask)))
        let stream = handle.statusEvents(mask, scope: scope)
        Task { [self] in
            for await event in stream { took(event) }
            streamEnded()
        }
    }

    /// What was heard so far.
    public var events: [StatusEvent] { state.withLock { $0.events } }

    /// Waits until the stream has ended, and returns everything that was heard.
    ///
    /// Throws if the stream broke the event law.
    public func finish() async throws -> [StatusEvent] {
        _ = try await wait(for: nil)
        return events
    }

    /// Waits for the first event, among those heard already and those to come, that fulfils a condition.
    ///
    /// Throws if the stream broke the event law, and returns `nil` if it ended without such an event.
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
            let answer: Result<StatusEvent?, EventLaw.Violation>? = state.withLock { state in
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
            do throws(EventLaw.Violation) {
                try state.law.check(event)
            } catch {
                state.violation = state.violation ?? error
            }
            state.events.append(event)
            return event
        }
    }

    private func streamEnded() {
        settle { state in
            do throws(EventLaw.Violation) {
                try state.law.end()
            } catch {
                state.violation = state.violation ?? error
            }
            state.isOver = true
            return nil
        }
    }

    /// Changes the state and tells those whose waiting it ends.
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
