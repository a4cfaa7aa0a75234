import Synchronization

/// A list that a server or a callback appends to, and a test reads.
package final class Record<Element: Sendable>: Sendable {
    private let entries = Mutex<[Element]>([])

    package init() {}

    package func note(_ element: Element) {
        entries.withLock { $0.append(element) }
    }

    package var all: [Element] { entries.withLock { $0 } }
}
