import HTTPHandles
import Testing

/// One way to end in one phase.
struct Cell: Sendable, Hashable {
    let phase: Phase
    let way: WayToEnd

    /// The whole matrix.
    static let all: [Cell] = Phase.allCases.flatMap { phase in
        WayToEnd.all.map { Cell(phase: phase, way: $0) }.filter(\.makesSense)
    }

    private var makesSense: Bool {
        switch way {
        // Somebody has to be inside the operation in this phase.
        case .cancel(let operation): phase.operations.contains(operation)
        // An operation holds its handle: while one is pending there is no last reference to drop.
        case .drop: !phase.isOperation
        // A request that was never used has had no event after its creation, and nobody can listen to it before.
        case .closeInItsOwnEvents: phase != .unused
        // A session that has sent nothing has nothing that could fail yet.
        case .driverDeath: phase != .unused
        default: true
        }
    }

    /// Takes more than the session with it, so that it needs a process of its own.
    var needsOwnProcess: Bool { way == .driverDeath }

    /// The operations that are pending when the end comes, in the order in which they were begun.
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
