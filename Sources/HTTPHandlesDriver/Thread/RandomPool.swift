import CHTTPHandlesCurl
import HTTPHandlesSystem

/// Random numbers of the system, taken 4 KiB at a time: a system call for each masking key of a WebSocket costs more than to
/// mask a short message.
///
/// They cannot be predicted, and are overwritten when they are handed out. Lives on the driver's thread.
package final class RandomPool: RandomNumberGenerator {
    private static let capacity = 512

    // Exclusive access is not checked at run time: nothing is called while they change.
    @safe @exclusivity(unchecked) private var numbers: [UInt64] = []
    /// How many of them were not handed out.
    @safe @exclusivity(unchecked) private var left = 0

    package init() {}

    package func next() -> UInt64 {
        if left == 0 { fill() }
        left -= 1
        defer { numbers[left] = 0 }
        return numbers[left]
    }

    private func fill() {
        if numbers.isEmpty { numbers = [UInt64](repeating: 0, count: Self.capacity) }
        #if canImport(Darwin)
        unsafe numbers.withUnsafeMutableBytes { unsafe arc4random_buf($0.baseAddress, $0.count) }
        left = numbers.count
        #else
        // A signal may interrupt it; what it has written is random all the same.
        let count = unsafe numbers.withUnsafeMutableBytes { unsafe getrandom($0.baseAddress, $0.count, 0) }
        left = max(count, 0) / MemoryLayout<UInt64>.size
        #endif
        guard left == 0 else { return }
        var system = SystemRandomNumberGenerator()
        numbers[0] = system.next()
        left = 1
    }
}
