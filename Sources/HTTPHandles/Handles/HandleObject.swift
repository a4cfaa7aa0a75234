import HTTPHandlesCore
import HTTPHandlesDriver

/// The half of a handle that belongs to the driver's thread. It exists until `handleClosing`.
///
/// Callers have references to handles (`SessionHandle` and so on), handles to objects, and objects to their parents. An
/// object exists after its handle was closed or released, as long as a child or libcurl needs it.
class HandleObject: DriverResident {
    /// The half that any thread may touch.
    let base: HandleBase
    var options: OptionSnapshot
    private(set) var parent: HandleObject?
    // Exclusive access to these is not checked at run time: nothing that could access them again is called meanwhile.
    @safe @exclusivity(unchecked) private var lifetime = HandleLifetime()
    private var eventsEmitted = 0
    /// The network connection that events name.
    @safe @exclusivity(unchecked) final var connection: ConnectionID?

    /// In no order: the last child takes the index of one that is removed.
    @safe @exclusivity(unchecked) private var children: [HandleObject] = []
    /// Where this handle is in the children of its parent.
    private var indexInParent = 0

    init(_ base: consuming HandleBase, options: OptionSnapshot) {
        self.base = base
        self.options = options
    }

    final var driver: Driver { base.driver }

    /// The handle was closed, and the driver's thread knows that.
    final var isClosed: Bool { !lifetime.isOpen }

    // MARK: The tree

    /// Adds a new child and emits its first event. The child starts with this handle's options.
    final func adopt(_ child: HandleObject) {
        lifetime.childOpened()
        child.parent = self
        child.options = options
        child.indexInParent = children.count
        children.append(child)
        child.emit(.handleCreated(parent: base.id, request: child.summary))
    }

    /// The handle was closed. Subclasses that have something in libcurl release it first.
    func close(_ engine: TransferEngine) {
        if lifetime.closed() == .finish { finish(engine) }
    }

    /// Whether a shutdown of the session lets this handle finish.
    var isInFlight: Bool { false }

    /// What a shutdown of the session lets finish in this subtree.
    final var handlesInFlight: [HandleID] { children.flatMap(\.handlesInFlight) + (isInFlight ? [base.id] : []) }

    /// Closes the whole subtree, leaves first.
    final func closeAll(_ engine: TransferEngine) {
        for child in children.sorted(by: { $0.base.id < $1.base.id }) { child.closeAll(engine) }
        // If the flag was set before, the command of that call is still in the inbox, and will find nothing left to do.
        _ = base.markClosed()
        close(engine)
    }

    /// The driver has failed: operations that wait for something else than libcurl end too.
    func engineFailed(_ engine: TransferEngine) {
        for child in children.sorted(by: { $0.base.id < $1.base.id }) { child.engineFailed(engine) }
    }

    private func childGone(_ child: HandleObject, _ engine: TransferEngine) {
        let last = children.removeLast()
        if last !== child {
            children[child.indexInParent] = last
            last.indexInParent = child.indexInParent
        }
        if lifetime.childGone() == .finish { finish(engine) }
    }

    /// Nothing of the handle is left but its last event.
    func finish(_ engine: TransferEngine) {
        let sequence = eventsEmitted
        skipEvents(1)
        // In this order. The stream of a listener that is added between the event and the end of the streams would end
        // without `handleClosing`; so listeners that are added from here on get it from `HandleBase.add`.
        let (listeners, hasContext) = base.finish(sequence: sequence, at: engine.now)
        if base.tree.hasListeners { deliver(.handleClosing, sequence: sequence, to: listeners) }
        for listener in listeners { base.end(listener) }
        if !hasContext {
            base.becomeGone()
        } else {
            // The context's deinitialiser is the caller's code, which does not run on the driver's thread.
            let object = DriverBound(self)
            Task.detached { object.bound.base.releaseContext() }
        }
        parent?.childGone(self, engine)
    }

    // MARK: Options

    /// What a request is for; `nil` on other levels.
    var summary: RequestSummary? { nil }

    /// What an exchange has shown; only requests have any.
    var facts: ExchangeFacts { ExchangeFacts() }

    final func option<Value: Sendable>(_ option: HandleOption<Value>) throws(HandleError) -> Value {
        try base.requireOpen(.queryOption)
        return try options.values.value(of: option, on: base.id.level) {
            var facts = facts
            facts.parent = parent?.base.id
            facts.library = CurlLibrary.linked
            return facts
        }
    }

    final func setOption<Value: Sendable>(_ option: HandleOption<Value>, to value: Value) throws(HandleError) {
        try base.requireOpen(.setOption)
        try CurlLibrary.requireKnown(option.row, for: .setOption)
        var values = options.values
        try values.set(option, to: value, on: base.id.level, for: .setOption)
        base.tree.note(values)
        options = OptionSnapshot(values)
    }

    // MARK: Events

    /// Tells the listeners of this handle and of the trees that it is in. Without any, the event is counted and not built.
    final func emit(_ kind: @autoclosure () -> StatusEvent.Kind) {
        eventsEmitted += 1
        guard base.tree.hasListeners else { return }
        let kind = kind()
        deliver(kind, sequence: eventsEmitted - 1, to: base.listeners)
    }

    /// Counts events that were not built, because there were no listeners.
    final func skipEvents(_ count: Int) {
        eventsEmitted += count
    }

    private func deliver(_ kind: StatusEvent.Kind, sequence: Int, to own: [StatusListener]) {
        let mask = kind.mask
        var event: StatusEvent?
        func tell(_ listeners: [StatusListener], ofDescendant: Bool) {
            for listener in listeners where listener.wants(mask, ofDescendant: ofDescendant) {
                let known =
                    event
                    ?? StatusEvent(
                        handle: base.id,
                        context: base.context?.value,
                        time: .now,
                        sequence: sequence,
                        kind: kind,
                        connection: connection
                    )
                event = known
                listener.add(known, driver)
            }
        }
        tell(own, ofDescendant: false)
        var ancestor = parent
        while let object = ancestor {
            tell(object.base.listeners, ofDescendant: true)
            ancestor = object.parent
        }
    }
}

// MARK: - What any thread may do with a handle

extension DriverBound where Value: HandleObject {
    /// Sets the closed flag, and submits the command that closes the handle, after everything that was submitted before.
    func close() throws(HandleError) {
        guard bound.base.markClosed() else { throw .closed(.closeHandle) }
        bound.driver.submit { value.close($0) }
    }

    func closeIfOpen() {
        guard bound.base.markClosed() else { return }
        bound.driver.submit { value.close($0) }
    }

    /// Closes a request of the session's own connections that has nothing left to do. Without listeners or tasks that wait for
    /// the end, and as long as the session is open, the driver's thread is not woken for it.
    ///
    /// The race with `closed()`, new listeners and the close of the session: they are noted first, and then look for commands
    /// or submit one; here the command is submitted first. So one of both sees the other.
    func closeWhenDone() {
        guard bound.base.markClosed() else { return }
        bound.driver.submitWithoutWaking { value.close($0) }
        if bound.base.isEndAwaited { bound.driver.wakeForCommands() }
    }

    func closeAll() throws(HandleError) {
        guard bound.base.markClosed() else { throw .closed(.closeHandle) }
        bound.driver.submit { value.closeAll($0) }
    }

    /// Closes the whole subtree, also if this handle was closed before, and waits for the end.
    nonisolated(nonsending) func closeTree() async {
        _ = bound.base.markClosed()
        bound.driver.submit { value.closeAll($0) }
        await bound.base.closed()
    }

    func statusEvents(_ mask: StatusMask, scope: StatusScope) -> AsyncStream<StatusEvent> {
        let listener = StatusListener(mask, scope)
        bound.base.add(listener)
        let subscription = StatusSubscription(listener, to: self)
        return AsyncStream {
            await subscription.next()
        } onCancel: {
            subscription.end()
        }
    }
}
