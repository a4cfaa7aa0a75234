/// The events that a listener has not read yet: the newest 1024 of them.
package struct EventBacklog {
    private var events: [StatusEvent?] = []
    /// Those before it were read, or are lost.
    private var first = 0

    package init() {}

    package mutating func append(_ event: StatusEvent) {
        events.append(event)
        if events.count - first > StatusEvent.bufferedEvents { _ = removeFirst() }
    }

    package mutating func popFirst() -> StatusEvent? {
        first < events.count ? removeFirst() : nil
    }

    private mutating func removeFirst() -> StatusEvent? {
        let event = events[first].take()
        first += 1
        if first == events.count {
            events.removeAll(keepingCapacity: true)
            first = 0
        } else if first > StatusEvent.bufferedEvents {
            // Moving the rest forward costs its length, so only now and then.
            events.removeFirst(first)
            first = 0
        }
        return event
    }
}

extension StatusEvent {
    /// How many events a stream keeps for a listener that is slow.
    public static var bufferedEvents: Int { 1024 }
}
