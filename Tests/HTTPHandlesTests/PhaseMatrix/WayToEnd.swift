import HTTPHandles
import Testing

/// The cause of the end of a request.
enum WayToEnd: Sendable, Hashable {
    /// After every option was set to several values, on the request and its ancestors.
    case closeWithOtherOptions
    case close, closeInAnotherTask, closeInItsOwnEvents, closeInEventsOfAnotherHandle
    /// The task that is inside of this operation is cancelled.
    case cancel(HandleOperation)
    case drop
    case closeAllOfItsConnection, closeAllOfItsSession
    case leaveTheScope, leaveTheScopeByError, leaveTheScopeByCancellation
    case driverDeath

    static let all: [WayToEnd] =
        [.closeWithOtherOptions, .close, .closeInAnotherTask, .closeInItsOwnEvents, .closeInEventsOfAnotherHandle]
        + [.cancel(.sendRequest), .cancel(.writeData), .cancel(.receiveResponse), .cancel(.readData), .drop]
        + [.closeAllOfItsConnection, .closeAllOfItsSession]
        + [.leaveTheScope, .leaveTheScopeByError, .leaveTheScopeByCancellation, .driverDeath]

    /// The whole session ends with the request.
    var endsSession: Bool { self == .closeAllOfItsSession || self == .driverDeath || leavesScope }

    /// The session is that of a `withSession`.
    var leavesScope: Bool {
        switch self {
        case .leaveTheScope, .leaveTheScopeByError, .leaveTheScopeByCancellation: true
        default: false
        }
    }
}

extension WayToEnd: CustomTestStringConvertible {
    var testDescription: String {
        switch self {
        case .closeWithOtherOptions: "close() after all options have changed"
        case .close: "close() in the test's task"
        case .closeInAnotherTask: "close() in another task"
        case .closeInItsOwnEvents: "close() in the loop over its own events"
        case .closeInEventsOfAnotherHandle: "close() in the loop over another handle's events"
        case .cancel(let operation): "cancelling the task inside \(operation)"
        case .drop: "dropping the last reference"
        case .closeAllOfItsConnection: "closeAll() of its connection"
        case .closeAllOfItsSession: "closeAll() of its session"
        case .leaveTheScope: "leaving withSession"
        case .leaveTheScopeByError: "leaving withSession by an error"
        case .driverDeath: "the death of its driver"
        case .leaveTheScopeByCancellation: "leaving withSession by cancellation"
        }
    }
}
