import HTTPHandles
import Testing

/// One way to end a socket in one phase.
struct SocketCell: Sendable, Hashable {
    let phase: SocketPhase
    let way: WayToEnd

    /// The whole matrix.
    static let all: [SocketCell] = SocketPhase.allCases.flatMap { phase in
        let others = WayToEnd.all.filter { if case .cancel = $0 { false } else { true } }
        let ways = others + phase.operations.map(WayToEnd.cancel)
        return ways.map { SocketCell(phase: phase, way: $0) }.filter(\.makesSense)
    }

    private var makesSense: Bool {
        switch way {
        // A pending operation has a reference to its handle.
        case .drop: phase.operations.isEmpty
        // Other sockets have no options.
        case .closeWithOtherOptions: phase.isWebSocket
        default: true
        }
    }

    /// Affects more than the session, so it needs a separate process.
    var needsOwnProcess: Bool { way == .driverDeath }

    // MARK: What has to come of it

    /// The error of a pending operation.
    func error(of operation: HandleOperation) -> HandleError {
        way == .driverDeath ? Cell.driverDeath(operation) : .cancelled(operation)
    }

    /// All events of the socket after its creation.
    var events: [StatusEvent.Kind] {
        var events = phase.events
        if phase.isConnected { events += [.closingConnection, .connectionClosed] }
        var failing = phase.operations
        if way == .driverDeath {
            // The socket fails before its handle is closed; a receive fails last, when everything was read.
            if !phase.hasEnded {
                events.append(.socketFailed(error(of: phase.isWebSocket ? .receiveMessage : .readData)))
            }
            failing = failing.filter { !Self.isReading($0) } + failing.filter(Self.isReading)
        } else if !phase.isWebSocket {
            failing = failing.filter(Self.isReading) + failing.filter { !Self.isReading($0) }
        }
        return events + failing.map { .requestError(error(of: $0)) } + [.handleClosing]
    }

    private static func isReading(_ operation: HandleOperation) -> Bool {
        operation == .receiveMessage || operation == .readData
    }
}

extension SocketCell: CustomTestStringConvertible {
    var testDescription: String { "\(way.testDescription) while the socket is \(phase)" }
}
