#if TELEMETRY
/// What has become of a network connection.
package struct ConnectionChange: Sendable, Hashable {
    /// `http.connection.state`.
    package enum State: String, Sendable, Hashable {
        case active, idle
    }

    package let id: ConnectionID
    package let origin: Origin
    /// `nil` where it is new.
    package let from: State?
    /// `nil` where it is closed.
    package let to: State?
    /// How long it was open, where it is closed.
    package let duration: Duration?
    /// What it has carried, as far as that is known.
    package let version: HTTPVersion?

    package var attributes: [TelemetryAttribute] {
        [TelemetryAttribute(.connection, id.description)] + origin.attributes
    }

    /// The text of a log message.
    package var name: String {
        switch (from, to) {
        case (nil, _): "connectionOpened"
        case (_, nil): "connectionClosed"
        case (_, .active): "connectionActive"
        case (_, .idle): "connectionIdle"
        }
    }
}

/// The open connections of a session: which of them requests use.
package struct ConnectionCounts: Sendable {
    private struct Connection: Sendable {
        let origin: Origin
        let startTime: MonotonicTime
        var version: HTTPVersion?
        /// More than one over HTTP/2 only.
        var users = 1

        var state: ConnectionChange.State { users > 0 ? .active : .idle }
    }

    private var connections: [ConnectionID: Connection] = [:]

    package init() {}

    package func origin(of id: ConnectionID) -> Origin? { connections[id]?.origin }

    mutating func open(
        _ id: ConnectionID,
        _ origin: Origin,
        at time: MonotonicTime,
        _ signals: inout [TelemetrySignal]
    ) {
        guard connections[id] == nil else { return }
        connections[id] = Connection(origin: origin, startTime: time)
        append(id, from: nil, to: .active, &signals)
    }

    mutating func reuse(_ id: ConnectionID, _ signals: inout [TelemetrySignal]) {
        guard let before = connections[id]?.state else { return }
        connections[id]?.users += 1
        if before == .idle { append(id, from: .idle, to: .active, &signals) }
    }

    mutating func learn(_ version: HTTPVersion, of id: ConnectionID) {
        connections[id]?.version = version
    }

    mutating func release(_ id: ConnectionID, _ signals: inout [TelemetrySignal]) {
        guard connections[id]?.state == .active else { return }
        connections[id]?.users -= 1
        if connections[id]?.state == .idle { append(id, from: .active, to: .idle, &signals) }
    }

    /// A connection that is not known has never been open.
    package mutating func close(_ id: ConnectionID, at time: MonotonicTime, _ signals: inout [TelemetrySignal]) {
        guard let connection = connections[id] else { return }
        append(id, from: connection.state, to: nil, after: time - connection.startTime, &signals)
        connections[id] = nil
    }

    private func append(
        _ id: ConnectionID,
        from: ConnectionChange.State?,
        to: ConnectionChange.State?,
        after duration: Duration? = nil,
        _ signals: inout [TelemetrySignal]
    ) {
        guard let connection = connections[id] else { return }
        let change = ConnectionChange(
            id: id,
            origin: connection.origin,
            from: from,
            to: to,
            duration: duration,
            version: connection.version
        )
        signals.append(.connection(change))
    }
}
#endif
