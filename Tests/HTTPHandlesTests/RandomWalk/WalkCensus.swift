import HTTPHandlesLock
import HTTPHandlesTesting

/// The current contexts of a walk, and its connections according to the server.
final class WalkCensus: Sendable {
    private let contexts = Atomic(0)
    private let connections = Atomic(0)
    private let wrongRequests = Lock<[String]>([])
    private let arrivals = Lock<[String: Int]>([:])
    /// For servers that wait until the end of the session.
    let sessionIsGone = Gate()

    var contextsAlive: Int { contexts.load(ordering: .acquiring) }
    var connectionsOpen: Int { connections.load(ordering: .acquiring) }

    func connectionOpened() { connections.wrappingAdd(1, ordering: .acquiringAndReleasing) }
    func connectionClosed() { connections.wrappingSubtract(1, ordering: .acquiringAndReleasing) }

    /// Requests that the server should not have received.
    var mistakes: [String] { wrongRequests.withLock { $0 } }
    func noteMistake(_ text: String) { wrongRequests.withLock { $0.append(text) } }

    /// Whether it is the first, third … request for this target.
    func isOddRequest(_ target: String) -> Bool {
        arrivals.withLock { arrivals in
            arrivals[target, default: 0] += 1
            return arrivals[target, default: 0] % 2 == 1
        }
    }

    fileprivate func contextMade() { contexts.wrappingAdd(1, ordering: .acquiringAndReleasing) }
    fileprivate func contextReleased() { contexts.wrappingSubtract(1, ordering: .acquiringAndReleasing) }
}

/// The context of a handle of a walk: numbered and counted.
final class WalkContext: Sendable {
    let number: Int
    private let census: WalkCensus

    init(_ number: Int, _ census: WalkCensus) {
        self.number = number
        self.census = census
        census.contextMade()
    }

    deinit {
        census.contextReleased()
    }
}
