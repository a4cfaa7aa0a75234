import Foundation
import HTTPHandles
import TransfersInEveryPhase

/// Makes drivers fail, on either event back end.
enum DriverKiller {
    /// What the drivers of the process wait with: epoll, or libcurl's poll.
    static var queues: Set<UInt> {
        Phase.isPolled ? CurlCensus.multis : Set(EventQueue.all.map { UInt($0) })
    }

    /// Breaks what the session's driver waits with, and wakes it.
    static func killDriver(of session: SessionHandle, sparing spared: Set<UInt>) async {
        let queues = queues.subtracting(spared)
        if Phase.isPolled {
            CurlCensus.breakPolling(of: queues)
        } else {
            EventQueue.replace(Set(queues.map { Int32($0) }))
        }
        _ = try? await session.option(.connectTimeout)
        await session.closed()
    }
}

extension Cell {
    /// The error of an operation that was pending then.
    static func driverDeath(_ operation: HandleOperation) -> HandleError {
        let reason =
            "the session's driver has failed: "
            + (Phase.isPolled ? "Unrecoverable error in select/poll" : "epoll: Invalid argument")
        let systemError = Phase.isPolled ? nil : SystemErrorNumber(rawValue: EINVAL)
        return .driverStopped(operation, reason, systemError: systemError)
    }
}
