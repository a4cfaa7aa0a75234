/// Tasks of other threads that are to go on, many at once.
///
/// A task that goes on alone has a thread of the pool woken for it. Where processors are scarce that thread takes the
/// driver's place at once, finds nothing else to do and sleeps again, and so on for each response. So those of one turn
/// of the driver go on together: the pool gets one job, which resumes them all, with the highest priority of them.
///
/// Sendable, because only the driver's thread touches it.
package final class Resumptions: @unchecked Sendable {
    private var waiting: [@Sendable () -> Void] = []
    private var highest = TaskPriority.background

    /// No more than this many wait for each other.
    private static let most = 32

    /// - Parameter priority: That of the task.
    package func add(at priority: TaskPriority, _ resumption: @escaping @Sendable () -> Void) {
        waiting.append(resumption)
        highest = max(highest, priority)
        if waiting.count == Self.most { flush() }
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
