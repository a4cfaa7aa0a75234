import HTTPHandlesLock

/// What a server or somebody else has seen, in that order, for a test to look at.
final class Record<Element: Sendable>: Sendable {
    private let entries = Lock<[Element]>([])

    func note(_ element: Element) {
        entries.withLock { $0.append(element) }
    }

    var all: [Element] { entries.withLock { $0 } }
}
