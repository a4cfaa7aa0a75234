/// Which transfers may use a connection now, and which have to wait: there is a limit for each server, and one for all.
///
/// First come, first served; a transfer whose server has no slot left does not delay those to other servers. Transfers
/// that share an HTTP/2 connection share its slot, once a connection or a response has shown that the server uses HTTP/2.
package struct ConnectionSlots: ~Copyable {
    /// `nil` is no limit.
    package struct Limits {
        let perServer: Int
        let total: Int

        package init(perServer: Int?, total: Int?) {
            self.perServer = perServer ?? .max
            self.total = total ?? .max
        }

        package var isUnlimited: Bool { perServer == .max && total == .max }
    }

    /// The place in the queue; a lower one came earlier.
    package struct Ticket: Hashable, Comparable {
        fileprivate let number: Int

        package static func < (one: Ticket, other: Ticket) -> Bool { one.number < other.number }
    }

    private final class Server {
        let origin: Origin
        var transfers = 0
        var isMultiplexed = false
        var waiting: [Ticket] = []

        init(_ origin: Origin) {
            self.origin = origin
        }

        var connections: Int { isMultiplexed ? min(transfers, 1) : transfers }
        var isUnused: Bool { transfers == 0 && waiting.isEmpty }

        /// Whether one more transfer needs no further connection.
        var hasConnectionToShare: Bool { isMultiplexed && transfers > 0 }
    }

    /// Those with a transfer, or with one that waits, and some that had one: requests that follow one another need no new
    /// entry.
    private var servers: [Origin: Server] = [:]
    /// The server that was looked for last, which most often is the next one too: it is found without a hash.
    private var latest: Server?
    /// When there are as many servers, those that are unused are removed.
    private var cleaningCount = minimumCleaningCount
    private var serversByTicket: [Ticket: Server] = [:]
    private var connections = 0
    private var ticketsMade = 0

    private static let minimumCleaningCount = 64

    package init() {}

    /// Takes a slot; if there is none, a place in the queue.
    package mutating func take(_ origin: Origin, _ limits: Limits) -> Ticket? {
        let server = server(of: origin)
        if server.waiting.isEmpty, hasSlot(server, limits) {
            change(server) { $0.transfers += 1 }
            return nil
        }
        ticketsMade += 1
        let ticket = Ticket(number: ticketsMade)
        serversByTicket[ticket] = server
        server.waiting.append(ticket)
        return ticket
    }

    /// A transfer is over.
    package mutating func release(_ origin: Origin) {
        change(server(of: origin)) { $0.transfers -= 1 }
    }

    /// A transfer does not wait any longer.
    package mutating func leave(_ ticket: Ticket) {
        guard let server = serversByTicket.removeValue(forKey: ticket) else { return }
        change(server) { server in server.waiting.removeAll { $0 == ticket } }
    }

    /// A connection or a response has shown whether the transfers to a server share a connection.
    package mutating func learned(_ origin: Origin, isMultiplexed: Bool) {
        let server = server(of: origin)
        guard server.isMultiplexed != isMultiplexed, !server.isUnused else { return }
        change(server) { $0.isMultiplexed = isMultiplexed }
    }

    /// The next transfer that gets a slot, if there is one. Looks at each server.
    package mutating func next(_ limits: Limits) -> Ticket? {
        guard !serversByTicket.isEmpty else { return nil }
        let candidates = servers.values.filter { !$0.waiting.isEmpty && hasSlot($0, limits) }
        guard let ticket = candidates.compactMap(\.waiting.first).min(),
            let server = serversByTicket.removeValue(forKey: ticket)
        else { return nil }
        change(server) { server in
            server.waiting.removeFirst()
            server.transfers += 1
        }
        return ticket
    }

    private func hasSlot(_ server: Server, _ limits: Limits) -> Bool {
        server.hasConnectionToShare || (server.connections < limits.perServer && connections < limits.total)
    }

    private mutating func server(of origin: Origin) -> Server {
        if let latest, latest.origin == origin { return latest }
        let server = servers[origin] ?? add(Server(origin))
        latest = server
        return server
    }

    private mutating func add(_ server: Server) -> Server {
        if servers.count >= cleaningCount {
            servers = servers.filter { !$0.value.isUnused }
            cleaningCount = max(Self.minimumCleaningCount, 2 * servers.count)
        }
        servers[server.origin] = server
        return server
    }

    private mutating func change(_ server: Server, _ body: (Server) -> Void) {
        connections -= server.connections
        body(server)
        // Its next connection may be another.
        if server.isUnused { server.isMultiplexed = false }
        connections += server.connections
    }
}
