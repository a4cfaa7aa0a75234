import Foundation
import Testing

/// Waits until a condition that another thread fulfils is true. Not for timing: for states that are reached shortly after the
/// call that causes them.
func eventually(_ condition: () -> Bool) async -> Bool {
    let end = ContinuousClock.now + .seconds(120)
    while !condition() {
        guard ContinuousClock.now < end else { return false }
        await Task.yield()
    }
    return true
}

/// The threads and descriptors of the process.
enum Baseline {
    /// The names of the driver threads that run.
    static var driverThreads: Int {
        let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")) ?? []
        return tasks.count { name(ofThread: $0) == "http-handles\n" }
    }

    /// Without Foundation, which leaks its buffer if the thread ends before it is read.
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
