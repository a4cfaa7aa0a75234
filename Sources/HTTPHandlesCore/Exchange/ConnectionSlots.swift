/// Which transfers may use a connection now, and which have to wait: there is a limit for each server, and one for all.
///
/// First come, first served; a transfer whose server has no slot left does not delay those to other servers. Transfers
/// that share an HTTP/2 connection share its slot, once a response has shown that the server uses HTTP/2.
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

    private struct Server {
        var transfers = 0
        var isMultiplexed = false
        var waiting: [Ticket] = []

        var connections: Int { isMultiplexed ? min(transfers, 1) : transfers }
        var isUnused: Bool { transfers == 0 && waiting.isEmpty }

        /// Whether one more transfer needs no further connection.
        var hasConnectionToShare: Bool { isMultiplexed && transfers > 0 }
    }

    /// The servers with a transfer, or with one that waits.
    private var servers: [Origin: Server] = [:]
    private var serversByTicket: [Ticket: Origin] = [:]
    private var connections = 0
    private var ticketsMade = 0

    package init() {}

    /// Takes a slot; if there is none, a place in the queue.
    package mutating func take(_ origin: Origin, _ limits: Limits) -> Ticket? {
        if servers[origin]?.waiting.isEmpty ?? true, hasSlot(servers[origin] ?? Server(), limits) {
            change(origin) { $0.transfers += 1 }
            return nil
        }
        ticketsMade += 1
        let ticket = Ticket(number: ticketsMade)
        serversByTicket[ticket] = origin
        change(origin) { $0.waiting.append(ticket) }
        return ticket
    }

    /// A transfer is over.
    package mutating func release(_ origin: Origin) {
        change(origin) { $0.transfers -= 1 }
    }

    /// A transfer does not wait any longer.
    package mutating func leave(_ ticket: Ticket) {
        guard let origin = serversByTicket.removeValue(forKey: ticket) else { return }
        change(origin) { server in server.waiting.removeAll { $0 == ticket } }
    }

    /// A response has shown whether the transfers to a server share a connection.
    package mutating func learned(_ origin: Origin, isMultiplexed: Bool) {
        guard servers[origin] != nil else { return }
        change(origin) { $0.isMultiplexed = isMultiplexed }
    }

    /// The next transfer that gets a slot, if there is one. Looks at each server for which a transfer waits.
    package mutating func next(_ limits: Limits) -> Ticket? {
        guard !serversByTicket.isEmpty else { return nil }
        let candidates = servers.values.filter { !$0.waiting.isEmpty && hasSlot($0, limits) }
        guard let ticket = candidates.compactMap(\.waiting.first).min(),
            let origin = serversByTicket.removeValue(forKey: ticket)
        else { return nil }
        change(origin) { server in
            server.waiting.removeFirst()
            server.transfers += 1
        }
        return ticket
    }

    private func hasSlot(_ server: Server, _ limits: Limits) -> Bool {
        server.hasConnectionToShare || (server.connections < limits.perServer && connections < limits.total)
    }

    private mutating func change(_ origin: Origin, _ body: (inout Server) -> Void) {
        var server = servers[origin] ?? Server()
        connections -= server.connections
        body(&server)
        connections += server.connections
        servers[origin] = server.isUnused ? nil : server
    }
}
