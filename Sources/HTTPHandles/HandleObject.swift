import HTTPHandlesCore
import HTTPHandlesDriver

/// The half of a handle that belongs to the driver's thread: what the handle is made of, until `handleClosing`.
///
/// Users hold handles (`SessionHandle` and so on), handles hold objects, and objects hold their parents. An object lives
/// on after its handle was closed or dropped, for as long as a child or libcurl needs it.
class HandleObject: DriverResident {
    let base: HandleBase
    var options: OptionSnapshot
    private(set) var parent: HandleObject?
    private var lifetime = HandleLifetime()
    private var eventsEmitted = 0

    /// The children form a list, so that coming and going costs nothing but a few pointers.
    private var firstChild: HandleObject?
    private var nextSibling: HandleObject?
    private unowned var previousSibling: HandleObject?

    init(_ base: HandleBase, options: OptionSnapshot) {
        self.base = base
        self.options = options
    }

    final var driver: Driver { base.driver }

    // MARK: The tree

    /// Takes a new child in and tells the listeners. The child starts with this handle's options.
    final func adopt(_ child: HandleObject) {
        lifetime.childOpened()
        child.parent = self
        child.options = options
        child.nextSibling = firstChild
        firstChild?.previousSibling = child
        firstChild = child
        child.emit(.handleCreated(parent: base.id))
    }

    /// The handle was closed. Levels with something of their own in libcurl give it up first.
    func close(_ engine: TransferEngine) {
        if lifetime.closed() == .finish { finish(engine) }
    }

    /// Closes the whole subtree, leaves first.
    final func closeAll(_ engine: TransferEngine) {
        for child in children { child.closeAll(engine) }
        // Where somebody else has shut the door his command is still on its way, and will find nothing left to do.
        _ = base.shutDoor()
        close(engine)
    }

    /// In the order in which they were made.
    private var children: [HandleObject] {
        var children: [HandleObject] = []
        var next = firstChild
        while let child = next {
            children.append(child)
            next = child.nextSibling
        }
        return children.reversed()
    }

    private func childGone(_ child: HandleObject, _ engine: TransferEngine) {
        if let previous = child.previousSibling {
            previous.nextSibling = child.nextSibling
        } else {
            firstChild = child.nextSibling
        }
        child.nextSibling?.previousSibling = child.previousSibling
        child.nextSibling = nil
        child.previousSibling = nil
        if lifetime.childGone() == .finish { finish(engine) }
    }

    /// Nothing of the handle is left but its last event.
    func finish(_ engine: TransferEngine) {
        let sequence = eventsEmitted
        emit(.handleClosing)
        base.finish(sequence: sequence, at: engine.now)
        parent?.childGone(self, engine)
    }

    // MARK: Options

    /// What an exchange has shown; only requests have any.
    var facts: ExchangeFacts { ExchangeFacts() }

    final func option<Value: Sendable>(_ option: HandleOption<Value>) throws(HandleError) -> Value {
        try base.requireOpen(.queryOption)
        return try options.values.value(of: option, on: base.id.level) { facts }
    }

    final func setOption<Value: Sendable>(_ option: HandleOption<Value>, to value: Value) throws(HandleError) {
        try base.requireOpen(.setOption)
        var values = options.values
        try values.set(option, to: value, on: base.id.level, for: .setOption)
        options = OptionSnapshot(values)
    }

    // MARK: Events

    /// Tells the listeners of this handle and those who listen to a tree that it is in. An event that nobody wants is
    /// counted and otherwise free.
    final func emit(_ kind: StatusEvent.Kind) {
        eventsEmitted += 1
        guard base.tree.hasListeners else { return }
        deliver(kind, sequence: eventsEmitted - 1)
    }

    private func deliver(_ kind: StatusEvent.Kind, sequence: Int) {
        var listeners = base.listeners(for: kind.mask, ofDescendant: false)
        var ancestor = parent
        while let object = ancestor {
            listeners += object.base.listeners(for: kind.mask, ofDescendant: true)
            ancestor = object.parent
        }
        guard !listeners.isEmpty else { return }
        let event = StatusEvent(
            handle: base.id,
            context: base.context?.value,
            time: .now,
            sequence: sequence,
            kind: kind
        )
        for listener in listeners { listener.yield(event) }
    }
}
