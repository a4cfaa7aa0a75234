import HTTPHandles
import Testing

/// One way to end a request in one phase.
struct Cell: Sendable, Hashable {
    let phase: Phase
    let way: WayToEnd

    /// The whole matrix.
    static let all: [Cell] = Phase.allCases.flatMap { phase in
        WayToEnd.all.map { Cell(phase: phase, way: $0) }.filter(\.makesSense)
    }

    private var makesSense: Bool {
        switch way {
        // The phase requires a pending operation.
        case .cancel(let operation): phase.operations.contains(operation)
        // A pending operation has a reference to its handle, so the last reference cannot be released.
        case .drop: !phase.isOperation
        // An unused request has no event after its creation, and cannot have a listener before.
        case .closeInItsOwnEvents: phase != .unused
        // A session that has sent nothing has no driver that could fail.
        case .driverDeath: phase != .unused
        default: true
        }
    }

    /// Affects more than the session, so it needs a separate process.
    var needsOwnProcess: Bool { way == .driverDeath }

    /// The pending operations at the end, in the order in which they were begun.
    var pending: [HandleOperation] {
        let usual = Array(phase.operations.prefix(1))
        switch way {
        case .drop: return []
        case .cancel(let operation): return usual.contains(operation) ? usual : usual + [operation]
        default: return usual
        }
    }
}

extension Cell: CustomTestStringConvertible {
    var testDescription: String { "\(way.testDescription) while the request \(phase.testDescription)" }
}
