/// Something that only one driver's thread touches.
package protocol DriverResident: AnyObject {
    var driver: Driver { get }
}

/// A reference to something that only one driver's thread touches, on its way through other threads.
///
/// The object may be made anywhere and its reference travel through any task; whoever opens the reference has to be on
/// the driver's thread, which debug builds check. That is what makes it `@unchecked Sendable`: all access is from one
/// thread. (The memory may be freed elsewhere, after the last access.)
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
        assert(bound.driver.isCurrent, "This object belongs to its session's driver thread.")
        return bound
    }
}
