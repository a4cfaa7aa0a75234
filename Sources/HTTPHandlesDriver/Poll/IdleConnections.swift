import HTTPHandlesCore

/// How long, and how many, connections stay open that no transfer uses.
package struct IdleLimits: Sendable, Hashable {
    /// `nil` for no limit.
    package var count: Int?
    /// `nil` for no limit.
    package var time: Duration?
    /// How old they may be; `nil` for no limit.
    package var age: Duration?

    package init(count: Int?, time: Duration?, age: Duration? = nil) {
        self.count = count
        self.time = time
        self.age = age
    }
}

/// The connections that no transfer uses, in the order in which they became idle.
///
/// A list through an array, so that each change costs the same however many there are: small requests make two each.
final class IdleConnections {
    private struct Place {
        var previous: Int32 = -1
        var next: Int32 = -1
        var since = MonotonicTime(nanoseconds: 0)
        var isTaken = false
    }

    // Exclusive access is not checked at run time: see `Transfer`.
    @safe @exclusivity(unchecked) private var places: [Place] = []
    @safe @exclusivity(unchecked) private var first: Int32 = -1
    @safe @exclusivity(unchecked) private var last: Int32 = -1
    private(set) var count = 0
    /// Changes whenever a connection becomes idle or stops to be.
    private(set) var version = 0

    func contains(_ descriptor: Int32) -> Bool {
        Int(descriptor) < places.count && places[Int(descriptor)].isTaken
    }

    /// The one that has been idle for longest, and since when.
    var oldest: (descriptor: Int32, since: MonotonicTime)? {
        first < 0 ? nil : (first, places[Int(first)].since)
    }

    /// Since when one is idle, if it is.
    func since(_ descriptor: Int32) -> MonotonicTime? {
        contains(descriptor) ? places[Int(descriptor)].since : nil
    }

    /// All of them, the oldest first.
    func forEach(_ body: (Int32) -> Void) {
        var next = first
        while next >= 0 {
            let descriptor = next
            next = places[Int(next)].next
            body(descriptor)
        }
    }

    func append(_ descriptor: Int32, at now: MonotonicTime) {
        remove(descriptor)
        while Int(descriptor) >= places.count { places.append(Place()) }
        places[Int(descriptor)] = Place(previous: last, next: -1, since: now, isTaken: true)
        if last >= 0 { places[Int(last)].next = descriptor } else { first = descriptor }
        last = descriptor
        count += 1
        version &+= 1
    }

    func remove(_ descriptor: Int32) {
        guard contains(descriptor) else { return }
        let place = places[Int(descriptor)]
        if place.previous >= 0 { places[Int(place.previous)].next = place.next } else { first = place.next }
        if place.next >= 0 { places[Int(place.next)].previous = place.previous } else { last = place.previous }
        places[Int(descriptor)] = Place()
        count -= 1
        version &+= 1
    }

    // MARK: Limits

    /// A connection beyond the number stays for this long: between two requests of a busy program each one is idle for a
    /// moment.
    static let grace = Duration.seconds(1)

    /// The oldest connection, if one of the limits says that it has been idle for long enough.
    func surplus(_ limits: IdleLimits, at now: MonotonicTime) -> Int32? {
        guard let oldest, let due = due(limits), due <= now else { return nil }
        return oldest.descriptor
    }

    /// When `surplus` has its next one.
    func due(_ limits: IdleLimits) -> MonotonicTime? {
        guard let oldest else { return nil }
        let byTime = limits.time.map { oldest.since + $0 }
        guard let most = limits.count, count > most else { return byTime }
        let byCount = oldest.since + Self.grace
        return byTime.map { min($0, byCount) } ?? byCount
    }
}
