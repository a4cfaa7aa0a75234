import Synchronization

/// A list that a server or a callback appends to, and a test reads.
final class Record<Element: Sendable>: Sendable {
    private let entries = Mutex<[Element]>([])

    func note(_ element: Element) {
        entries.withLock { $0.append(element) }
    }

    var all: [Element] { entries.withLock { $0 } }
}
