/// The events that a listener has not read yet, at most the newest 1024.
package struct EventBacklog {
    private var events: [StatusEvent?] = []
    /// The index of the oldest event; those before it were read or dropped.
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
            // Not each time: it moves all remaining events.
            events.removeFirst(first)
            first = 0
        }
        return event
    }
}

extension StatusEvent {
    /// How many unread events a stream keeps for a slow listener.
    public static var bufferedEvents: Int { 1024 }
}
