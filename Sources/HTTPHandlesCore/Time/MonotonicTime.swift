/// A moment on the monotonic clock, in nanoseconds. Core reads no clock: the moment is always an argument.
package struct MonotonicTime: Sendable, Hashable, Comparable {
    package let nanoseconds: Int64

    package init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    package static func < (left: Self, right: Self) -> Bool { left.nanoseconds < right.nanoseconds }

    package static func + (time: Self, duration: Duration) -> Self {
        MonotonicTime(nanoseconds: time.nanoseconds.addingClamped(duration.nanosecondsClamped))
    }

    package func advanced(by nanoseconds: Int64) -> Self {
        MonotonicTime(nanoseconds: self.nanoseconds.addingClamped(nanoseconds))
    }

    package static func - (left: Self, right: Self) -> Duration {
        let (difference, overflow) = left.nanoseconds.subtractingReportingOverflow(right.nanoseconds)
        return .nanoseconds(overflow ? (left < right ? Int64.min : Int64.max) : difference)
    }
}

extension Duration {
    /// The duration in nanoseconds; the longest that fits where it is longer than 292 years.
    package var nanosecondsClamped: Int64 {
        // Not `components`, which traps where the seconds do not fit.
        Int64(clamping: attoseconds / 1_000_000_000)
    }
}

extension Int64 {
    fileprivate func addingClamped(_ other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other < 0 ? .min : .max) : sum
    }
}
