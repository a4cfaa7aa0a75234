import HTTPHandlesCore

/// What is known of a connection besides how it is used. Made once for each connection.
struct ConnectionRecord {
    let origin: Origin
    let proxy: ProxyAddress?
    let ends: ConnectionEnds
    let agreement: TLSLibrary.Agreement?
}

// The list of connections, and what the caller does with it.

extension SocketTable {
    /// All connections that are ready, in the order in which they were begun.
    func connections(at now: MonotonicTime) -> [PooledConnection] {
        records.compactMap { descriptor, record in
            let socket = self[descriptor]
            guard socket.isOpen, !socket.isDead else { return nil }
            let isShared = if case .shared = socket.sharing { true } else { false }
            return PooledConnection(
                id: ConnectionID(socket.number),
                origin: record.origin.urlPrefix,
                proxy: record.proxy,
                local: record.ends.local,
                peer: record.ends.remote,
                version: isShared ? .http2 : .http1_1,
                tlsVersion: record.agreement?.version,
                cipher: record.agreement?.cipher,
                activeRequests: socket.users,
                requests: Int(socket.requests),
                age: now - socket.openedAt,
                idleTime: idle.since(descriptor).map { now - $0 },
                statistics: ConnectionStatistics(of: descriptor)
            )
        }
        .sorted { $0.id < $1.id }
    }

    /// Ends all connections that no transfer uses. Returns how many there were.
    func endIdleConnections() -> Int {
        var ended = 0
        while let (descriptor, _) = idle.oldest {
            end(descriptor)
            ended += 1
        }
        return ended
    }

    /// Ends the idle connections that are older than `age`, and returns when the next one will be.
    func endOldConnections(_ age: Duration, at now: MonotonicTime) -> MonotonicTime? {
        var old: [Int32] = []
        var next: MonotonicTime?
        idle.forEach { descriptor in
            let due = self[descriptor].openedAt + age
            if due <= now { old.append(descriptor) } else { next = min(next ?? due, due) }
        }
        for descriptor in old { end(descriptor) }
        return next
    }

    /// Whether a connection is too old for a further request.
    func isTooOld(_ descriptor: Int32, at now: MonotonicTime) -> Bool {
        guard let maximumAge else { return false }
        return now - self[descriptor].openedAt >= maximumAge
    }
}
