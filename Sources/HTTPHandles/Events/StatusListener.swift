import HTTPHandlesCore
import HTTPHandlesDriver
import HTTPHandlesLock

/// One listener's events, between the driver's thread, which adds them, and the task that reads them.
///
/// Not the buffer of `AsyncStream`, which resumes its reader with each event: a request has ten, and each would be two
/// changes of threads. Here a waiting reader is resumed at the end of the driver's turn, and finds the other events in the
/// backlog.
final class StatusListener: Sendable {
    private struct State {
        var backlog = EventBacklog()
        /// While there is one, the backlog is empty.
        var readers: [WaitingTask<StatusEvent?>] = []
        /// Nothing more will come.
        var isOver = false

        /// The answer to a reader: an event or the end; `nil` if it has to wait.
        mutating func next() -> StatusEvent?? {
            if let event = backlog.popFirst() { return event }
            return isOver ? .some(nil) : nil
        }
    }

    private let mask: StatusMask
    private let scope: StatusScope
    private let state = Lock(State())

    init(_ mask: StatusMask, _ scope: StatusScope) {
        self.mask = mask.union(.handleClosing)
        self.scope = scope
    }

    func wants(_ kind: StatusMask, ofDescendant: Bool) -> Bool {
        !mask.isDisjoint(with: kind) && (!ofDescendant || scope == .tree)
    }

    // MARK: The reader, on any thread

    func next(_ driver: Driver) async -> StatusEvent? {
        if let known = state.withLock({ $0.next() }) { return known }
        return await TaskContinuation.suspend { continuation in
            // The look and the registration are one step: an event that came between the two would resume no reader.
            let known: StatusEvent?? = state.withLock { state in
                if let known = state.next() { return known }
                state.readers.append(WaitingTask(continuation, on: driver))
                return nil
            }
            if let known { continuation.resume(returning: known) }
        }
    }

    // MARK: The handle

    /// On the driver's thread.
    func add(_ event: StatusEvent, _ driver: Driver) {
        let reader: WaitingTask<StatusEvent?>? = state.withLock { state in
            if !state.readers.isEmpty { return state.readers.removeFirst() }
            if !state.isOver { state.backlog.append(event) }
            return nil
        }
        reader?.resume(returning: event, driver.resumptions)
    }

    /// The end, once there is nothing left to read. Returns whether it was not over before: exactly one caller gets `true`.
    func end() -> Bool {
        let (isFirst, readers) = state.withLock { state in
            defer {
                state.isOver = true
                state.readers = []
            }
            return (!state.isOver, state.readers)
        }
        for reader in readers { reader.resume(returning: nil) }
        return isFirst
    }
}

/// What a stream of events holds of its listener: when the stream is released, the listener ends.
final class StatusSubscription<Object: HandleObject>: Sendable {
    private let listener: StatusListener
    private let object: DriverBound<Object>

    init(_ listener: StatusListener, to object: DriverBound<Object>) {
        self.listener = listener
        self.object = object
    }

    deinit { end() }

    func next() async -> StatusEvent? {
        await listener.next(object.bound.driver)
    }

    func end() {
        object.bound.base.remove(listener)
    }
}
