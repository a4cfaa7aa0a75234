/// When a handle is gone: the same rules on every level.
///
/// A handle is *open* until it is closed, and *gone* when, in addition, its last child is gone and nothing of its own
/// is left in libcurl. Only then `handleClosing` may be emitted; so a parent that is closed first gets its own only after
/// its children have theirs: request, then connection, then session.
package struct HandleLifetime: ~Copyable {
    private enum State {
        /// In use. Can transition to: closing (closed by its owner).
        case open
        /// Closed by its owner; a child still needs it. Can transition to: gone (last child gone).
        case closing
        /// `handleClosing` is due or was emitted. Final.
        case gone
    }

    package enum Action: Equatable {
        case doNothing
        /// Emit `handleClosing`, release the context, tell the parent.
        case finish
    }

    private var state = State.open
    private var children = 0

    package init() {}

    package var isOpen: Bool { state == .open }

    package mutating func childOpened() {
        // Children are opened on the driver's thread if the closed flag of their parent is not set, which is set before
        // `closed`; or in the place of a request that is a child, and so keeps its parent.
        precondition(state != .gone, "A child was opened on a handle that is \(state).")
        children += 1
    }

    package mutating func childGone() -> Action {
        // Only a child that was opened has this parent to tell.
        precondition(children > 0, "More children are gone than were opened.")
        children -= 1
        return finishIfUnused()
    }

    /// The owner closed the handle and nothing of its own is left in libcurl.
    package mutating func closed() -> Action {
        guard state == .open else { return .doNothing }
        state = .closing
        return finishIfUnused()
    }

    private mutating func finishIfUnused() -> Action {
        guard state == .closing, children == 0 else { return .doNothing }
        state = .gone
        return .finish
    }
}
