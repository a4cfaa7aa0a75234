/// An object that is accessed only on the driver thread.
package protocol DriverResident: AnyObject {
    var driver: Driver { get }
}

/// A sendable reference to an object that is accessed only on the driver thread.
///
/// The object may be made and its reference passed on any thread. `@unchecked Sendable`, because the object is accessed
/// only on the driver thread, which debug builds check. (It may be freed on another thread, after the last access.)
@frozen
package struct DriverBound<Value: DriverResident>: @unchecked Sendable {
    @usableFromInline
    package let bound: Value

    @inlinable
    package init(_ value: Value) {
        bound = value
    }

    @inlinable
    package var value: Value {
        assert(bound.driver.isCurrent, "This object must be accessed on its session's driver thread.")
        return bound
    }
}
