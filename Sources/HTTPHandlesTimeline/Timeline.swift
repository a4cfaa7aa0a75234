package import HTTPHandlesCore
package import HTTPTypes

/// What the requests of a session did and when, by its events: every hop, every attempt, every connection.
package struct Timeline: Sendable {
    /// A part of an attempt.
    package enum Phase: Sendable, Hashable, CaseIterable {
        /// Waiting for a connection slot, or for the choice of a proxy.
        case queue
        case name
        /// TCP, and the tunnel of a proxy.
        case connect
        case secure
        case send
        case wait
        case receive

        package var label: String {
            switch self {
            case .queue: "queue"
            case .name: "name"
            case .connect: "connect"
            case .secure: "TLS"
            case .send: "request sent"
            case .wait: "waiting"
            case .receive: "receiving"
            }
        }
    }

    /// A phase with its times, since the beginning of the timeline.
    package struct Segment: Sendable, Hashable {
        package let phase: Phase
        package let start: Duration
        package var end: Duration
    }

    /// How an attempt ended.
    package enum Outcome: Sendable, Hashable {
        /// It has not ended, or its handle was closed.
        case open
        /// The body was received.
        case complete
        case redirected
        /// The request is sent again, after a pause.
        case retried(after: Duration)
        /// The request is sent again at once: with credentials, to another address, or because the connection was dead.
        case resent
        case failed(String)
    }

    /// One sending of a request.
    package struct Attempt: Sendable {
        package let request: HandleID
        /// How many redirects came before.
        package let hop: Int
        /// Its number within the hop, from 1.
        package let number: Int
        /// `nil` after a redirect, which may change it.
        package let method: HTTPRequest.Method?
        /// With secrets.
        package let url: String
        package let start: Duration
        package internal(set) var end: Duration
        package internal(set) var segments: [Segment] = []
        package internal(set) var connection: ConnectionID?
        package internal(set) var address: SocketAddress?
        package internal(set) var isReused = false
        package internal(set) var status: Int?
        package internal(set) var outcome = Outcome.open
        /// The phase that is going on.
        var phase: Phase?
    }

    /// A network connection.
    package struct Connection: Sendable {
        package let id: ConnectionID
        package let address: SocketAddress?
        package let opened: Duration
        package internal(set) var closed: Duration?
        /// Indices of `attempts`.
        package internal(set) var attempts: [Int] = []
        package internal(set) var uses = 0
    }

    /// A handle that is not closed.
    package struct OpenHandle: Sendable {
        package let id: HandleID
        package let parent: HandleID?
        package let purpose: String
        package internal(set) var last: String
    }

    /// In the order in which they began.
    package internal(set) var attempts: [Attempt] = []
    /// Attempts that are not among them because there were too many.
    package internal(set) var omitted = 0
    /// Attempts that were among them.
    package internal(set) var forgotten = 0
    /// In the order in which they were opened.
    package internal(set) var connections: [Connection] = []
    package internal(set) var handles: [OpenHandle] = []
    /// Since when times are counted: that of the first event.
    package internal(set) var origin: ContinuousClock.Instant?
    package let limit: Int

    /// What is known of a request handle.
    struct Course {
        let method: HTTPRequest.Method?
        var url: String
        var hop = 0
        var number = 0
        /// Its last attempt; `nil` before the first one and if that is among the omitted ones.
        var attempt: Int?
        /// Whether the next phase begins another attempt.
        var isOver = true
        /// Whether its connection was closed before the response: it fails, or is sent again.
        var isLost = false
    }
    var courses: [HandleID: Course] = [:]
    /// The attempt that the present event has ended.
    var ended: Attempt?

    /// - Parameter limit: The number of attempts after which others are only counted.
    package init(limit: Int = .max) {
        self.limit = limit
    }

    package init(_ events: some Sequence<StatusEvent>) {
        self.init()
        for event in events { add(event) }
    }

    /// Drops the oldest attempts, and the connections that are closed and that no other attempt used.
    package mutating func forget(keeping count: Int) {
        let surplus = attempts.count - count
        guard surplus > 0 else { return }
        attempts.removeFirst(surplus)
        forgotten += surplus
        for (request, course) in courses {
            courses[request]?.attempt = course.attempt.flatMap { $0 < surplus ? nil : $0 - surplus }
        }
        for index in connections.indices {
            connections[index].attempts = connections[index].attempts.filter { $0 >= surplus }.map { $0 - surplus }
        }
        connections.removeAll { $0.closed != nil && $0.attempts.isEmpty }
    }

    /// The end of the last attempt.
    package var end: Duration { attempts.map(\.end).max() ?? .zero }

    /// The start of the first attempt.
    package var start: Duration { attempts.map(\.start).min() ?? .zero }

    /// The attempts of a request, by hops.
    package func hops(of request: HandleID) -> [[Attempt]] {
        attempts.filter { $0.request == request }.reduce(into: []) { hops, attempt in
            if let last = hops.last?.last, last.hop == attempt.hop {
                hops[hops.count - 1].append(attempt)
            } else {
                hops.append([attempt])
            }
        }
    }
}
