/// Resumes tasks of other threads in batches.
///
/// Resuming a single task wakes a thread of the pool. With few processors that thread preempts the driver, runs one task
/// and sleeps again, and that repeats for each response. So all tasks of one turn of the driver are resumed by one job of
/// the pool, with the highest of their priorities.
///
/// `@unchecked Sendable`: accessed only on the driver thread.
package final class Resumptions: @unchecked Sendable {
    // Exclusive access is not checked at run time: see `Transfer`. A list is taken out before it is used.
    @safe @exclusivity(unchecked) private var waiting: [@Sendable () -> Void] = []
    @safe @exclusivity(unchecked) private var highest = TaskPriority.background

    /// The maximum size of a batch.
    private static let maximumCount = 32

    /// - Parameter priority: The priority of the task.
    package func add(at priority: TaskPriority, _ resumption: @escaping @Sendable () -> Void) {
        waiting.append(resumption)
        highest = max(highest, priority)
        if waiting.count == Self.maximumCount { flush() }
    }

    func flush() {
        if waiting.count == 1, let resume = waiting.popLast() {
            resume()
        } else if !waiting.isEmpty {
            let resumptions = waiting
            waiting = []
            Task.detached(priority: highest) { for resume in resumptions { resume() } }
        }
        highest = .background
    }
}
