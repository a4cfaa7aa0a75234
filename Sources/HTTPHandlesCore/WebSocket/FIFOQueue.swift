/// A queue: elements are appended at the end and removed at the front, both in constant time on average.
struct FIFOQueue<Element> {
    private var elements: [Element?] = []
    private var start = 0

    var count: Int { elements.count - start }

    var isEmpty: Bool { count == 0 }

    /// Setting it replaces the first element, if there is one.
    var first: Element? {
        get { isEmpty ? nil : elements[start] }
        set {
            guard !isEmpty, let newValue else { return }
            elements[start] = newValue
        }
    }

    mutating func append(_ element: Element) {
        elements.append(element)
    }

    mutating func removeFirst() -> Element? {
        guard !isEmpty else { return nil }
        let element = elements[start]
        elements[start] = nil
        start += 1
        if start == elements.count {
            elements.removeAll(keepingCapacity: true)
            start = 0
        } else if start > 32, start > elements.count / 2 {
            elements.removeFirst(start)
            start = 0
        }
        return element
    }

    mutating func removeAll() {
        self = FIFOQueue()
    }
}

extension FIFOQueue: Sendable where Element: Sendable {}
