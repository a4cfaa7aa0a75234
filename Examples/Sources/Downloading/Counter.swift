import Synchronization

/// A number that the callback of a download sets, and the task that waits for the download reads.
final class Counter: Sendable {
    private let number = Mutex<UInt64>(0)

    var value: UInt64 { number.withLock { $0 } }

    func set(_ value: UInt64) {
        number.withLock { $0 = value }
    }
}
