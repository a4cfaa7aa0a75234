public import HTTPHandlesCore
import HTTPHandlesDriver

/// What sessions, connections and requests have in common.
///
/// A handle is in use until it is closed. Closing is cancellation: an operation that is pending fails with
/// `.operationCancelled`. The last event of a handle is `handleClosing`, always and exactly once; from then on nothing of
/// it is left in libcurl. Closing a parent does not close its children: they go on, and the parent's `handleClosing`
/// waits for theirs. A handle whose last reference is dropped closes itself.
///
/// Counterpart of WinHTTP's `HINTERNET`.
public protocol Handle: Actor {
    /// The library's own reference to the handle. It is of no use to callers.
    nonisolated var reference: HandleReference { get }

    /// The identity of the handle.
    nonisolated var id: HandleID { get }

    /// The level of the handle.
    nonisolated var level: HandleLevel { get }

    /// The value that was given for the caller's own use; a child inherits its parent's unless it gets one of its own.
    ///
    /// Retained until `handleClosing` was delivered, and released then, off the driver's thread; `nil` afterwards.
    ///
    /// `WINHTTP_OPTION_CONTEXT_VALUE`.
    nonisolated var context: (any Sendable)? { get }

    /// The events of the handle from now on, or of the handle and all its descendants.
    ///
    /// Possible in every state and any number of times; each call makes a stream of its own. Every stream ends after
    /// `handleClosing`; on a handle that is gone already it yields just that. A listener that falls more than
    /// `StatusEvent.bufferedEvents` behind loses the oldest events, never the last one, and delays nothing.
    ///
    /// `WinHttpSetStatusCallback`.
    ///
    /// - Parameters:
    ///   - mask: Which events; `handleClosing` is always among them.
    ///   - scope: Whose events.
    nonisolated func statusEvents(_ mask: StatusMask, scope: StatusScope) -> AsyncStream<StatusEvent>

    /// Closes the handle: ends what is pending and makes the handle unusable.
    ///
    /// Callable from any thread and any task, also while handling an event; never blocks. What is pending fails with
    /// `.operationCancelled` and shows as `requestError`; `handleClosing` follows as soon as the last child is gone. The
    /// first call wins: every later one, and every other operation, throws `.invalidHandle` and changes nothing.
    ///
    /// `WinHttpCloseHandle`; `curl_multi_remove_handle`.
    nonisolated func close() throws(HandleError)

    /// Waits until the handle is gone: `handleClosing` was delivered, no callback will run, no buffer is referenced, the
    /// connection slot is free.
    ///
    /// Possible in every state. Does not close the handle, and does not end early when its task is cancelled.
    nonisolated func closed() async

    /// The value of an option.
    ///
    /// Throws `.invalidHandle` on a closed handle, `.incorrectHandleType` for an option that does not exist on this
    /// level, `.incorrectHandleState` for a fact that is not known yet.
    ///
    /// `WinHttpQueryOption`; `curl_easy_getinfo`.
    func option<Value: Sendable>(_ option: HandleOption<Value>) throws(HandleError) -> Value

    /// Sets an option for this handle and for children that are made from now on.
    ///
    /// Throws `.invalidHandle` on a closed handle, `.incorrectHandleType` for an option that cannot be set on this level,
    /// `.optionNotSettable` for a fact, `.invalidParameter` for a value out of range, `.invalidOption` for an option that
    /// the linked libcurl does not have. A request that was sent already keeps the values it was sent with.
    ///
    /// `WinHttpSetOption`; `curl_easy_setopt`.
    func setOption<Value: Sendable>(_ option: HandleOption<Value>, to value: Value) throws(HandleError)
}

/// The library's own reference to a handle.
///
/// Only the library can make one, so all handles are sessions, connections or requests of this library.
public struct HandleReference: Sendable {
    let object: DriverBound<HandleObject>

    init(_ object: HandleObject) {
        self.object = DriverBound(object)
    }

    var base: HandleBase {
        _read { yield object.bound.base }
    }
}

// What the members do is documented in `Handle`.
// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
extension Handle {
    public nonisolated var id: HandleID { reference.base.id }

    public nonisolated var level: HandleLevel { reference.base.id.level }

    public nonisolated var context: (any Sendable)? { reference.base.context?.value }

    public nonisolated func statusEvents(_ mask: StatusMask, scope: StatusScope) -> AsyncStream<StatusEvent> {
        reference.object.statusEvents(mask, scope: scope)
    }

    public nonisolated func close() throws(HandleError) {
        try reference.object.close()
    }

    public nonisolated func closed() async {
        await reference.base.closed()
    }

    public func option<Value: Sendable>(_ option: HandleOption<Value>) throws(HandleError) -> Value {
        try reference.object.value.option(option)
    }

    public func setOption<Value: Sendable>(_ option: HandleOption<Value>, to value: Value) throws(HandleError) {
        try reference.object.value.setOption(option, to: value)
    }
}

extension Handle {
    /// The events of the handle itself from now on. See `statusEvents(_:scope:)`.
    public nonisolated func statusEvents(_ mask: StatusMask = .all) -> AsyncStream<StatusEvent> {
        statusEvents(mask, scope: .handle)
    }

    /// All events of a handle, or of a handle and its descendants, from now on. See `statusEvents(_:scope:)`.
    public nonisolated func statusEvents(scope: StatusScope) -> AsyncStream<StatusEvent> {
        statusEvents(.all, scope: scope)
    }
}
