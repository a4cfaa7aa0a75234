/// Names an entry of a `DeadlineHeap` from `insert` to `remove`; used again afterwards.
package struct DeadlineToken: Sendable, Hashable {
    /// A small number, unique among the entries at any moment.
    package let slot: Int

    fileprivate init(slot: Int) {
        self.slot = slot
    }
}

/// The deadlines of all requests of a driver, the nearest first.
///
/// A binary heap whose entries know their place, so that an entry can be moved or removed without a search. The usual
/// deadline is "now plus the same limit as all others", which goes to the end and stays there.
package struct DeadlineHeap: ~Copyable {
    private struct Entry {
        var time: MonotonicTime
        let slot: Int
    }

    private var entries: [Entry] = []
    /// Where the entry of each slot is in `entries`.
    private var places: [Int] = []
    private var freeSlots: [Int] = []

    package init() {}

    package var isEmpty: Bool { entries.isEmpty }

    package var nearest: (time: MonotonicTime, token: DeadlineToken)? {
        entries.first.map { ($0.time, DeadlineToken(slot: $0.slot)) }
    }

    package mutating func insert(_ time: MonotonicTime) -> DeadlineToken {
        let slot: Int
        if let free = freeSlots.popLast() {
            slot = free
        } else {
            slot = places.count
            places.append(0)
        }
        entries.append(Entry(time: time, slot: slot))
        places[slot] = entries.count - 1
        siftUp(from: entries.count - 1)
        return DeadlineToken(slot: slot)
    }

    package mutating func move(_ token: DeadlineToken, to time: MonotonicTime) {
        let place = places[token.slot]
        entries[place].time = time
        siftUp(from: place)
        siftDown(from: places[token.slot])
    }

    package mutating func bringForward(_ token: DeadlineToken, to time: MonotonicTime) {
        if time < entries[places[token.slot]].time { move(token, to: time) }
    }

    package mutating func remove(_ token: DeadlineToken) {
        let place = places[token.slot]
        freeSlots.append(token.slot)
        let last = entries.removeLast()
        guard place < entries.count else { return }
        entries[place] = last
        places[last.slot] = place
        siftUp(from: place)
        siftDown(from: places[last.slot])
    }

    private mutating func siftUp(from start: Int) {
        var child = start
        while child > 0 {
            let parent = (child - 1) / 2
            guard entries[child].time < entries[parent].time else { return }
            exchange(child, parent)
            child = parent
        }
    }

    private mutating func siftDown(from start: Int) {
        var parent = start
        while true {
            var least = parent
            for child in (2 * parent + 1)...(2 * parent + 2) where child < entries.count {
                if entries[child].time < entries[least].time { least = child }
            }
            guard least != parent else { return }
            exchange(parent, least)
            parent = least
        }
    }

    private mutating func exchange(_ first: Int, _ second: Int) {
        entries.swapAt(first, second)
        places[entries[first].slot] = first
        places[entries[second].slot] = second
    }
}
