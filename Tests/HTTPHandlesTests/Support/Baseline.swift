import Foundation
import Testing

/// Waits until something that happens on another thread has happened. Not for timing: for baselines that are reached a
/// moment after the call that leads to them.
func eventually(_ condition: () -> Bool) async -> Bool {
    let end = ContinuousClock.now + .seconds(20)
    while !condition() {
        guard ContinuousClock.now < end else { return false }
        await Task.yield()
    }
    return true
}

/// What the process holds of the system.
enum Baseline {
    /// The names of the driver threads that run.
    static var driverThreads: Int {
        let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")) ?? []
        return tasks.count { name(ofThread: $0) == "http-handles\n" }
    }

    /// Not with Foundation, which leaks its buffer where the thread ends before it is read.
    private static func name(ofThread task: String) -> String {
        let descriptor = unsafe open("/proc/self/task/\(task)/comm", O_RDONLY)
        guard descriptor >= 0 else { return "" }
        defer { _ = close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 32)
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
        return String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
    }

    static var descriptors: Int {
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? 0
    }
}
