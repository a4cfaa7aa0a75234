import HTTPHandlesCore
import HTTPHandlesSystem

/// How the driver waits for its sockets and lets libcurl work on them. Everything happens on the driver's thread.
protocol EventBackend: AnyObject {
    /// Whether `runDueWork` would do anything at this moment.
    func hasDueWork(at now: MonotonicTime) -> Bool

    /// Lets libcurl do what needs no socket: timers that are due, transfers that were just added.
    func runDueWork(at now: MonotonicTime) throws(MultiFailure)

    /// Sleeps until a socket is ready, the waker is called or `deadline` comes. `now` may be a little in the past.
    func sleep(until deadline: MonotonicTime?, now: MonotonicTime) throws(MultiFailure)

    /// Lets libcurl work on what ended the sleep.
    func work() throws(MultiFailure)

    /// A transfer was added or unpaused.
    func noteNewWork()

    /// libcurl has called back about a transfer.
    func noteActivity()

    /// libcurl has opened a socket, or one is about to be closed.
    func opened(_ descriptor: Int32)
    func closing(_ descriptor: Int32)
}

/// Which event back end a driver uses.
package enum EventBackendChoice: Sendable, CaseIterable {
    /// `curl_multi_socket_action` on epoll: its cost depends on what happens, not on how many transfers there are.
    case epoll
    /// `curl_multi_perform` and `curl_multi_poll`: what the curl tool itself uses, on every system.
    case poll

    /// The better one of those that work with the linked libcurl: epoll, except for the versions in which libcurl's event
    /// interface is known to be broken.
    package static func best(for version: UInt32) -> EventBackendChoice {
        #if canImport(Darwin)
        return .poll
        #else
        return brokenVersions.contains { $0.contains(version) } ? .poll : .epoll
        #endif
    }

    // 7.87.0: transfers crawl. 8.9.0: descriptors announced and never removed. 8.11.0: the timer callback is not called
    // again. 8.12 to 8.16.0: descriptor 0 announced, add_handle out of memory, every queued transfer woken for each free
    // connection, write errors of paused HTTP/2 streams. 8.20 to 8.22: an internal descriptor that is always ready,
    // leaked sockets, confusion when descriptors are used again.
    private static let brokenVersions: [ClosedRange<UInt32>] = [
        0x07_57_00...0x07_57_FF,
        0x08_09_00...0x08_09_00,
        0x08_0B_00...0x08_0B_00,
        0x08_0C_00...0x08_10_00,
        0x08_14_00...0x08_16_FF,
    ]
}

package struct DriverConfiguration: Sendable {
    package var backend: EventBackendChoice
    /// How many unused easy handles are kept for the next transfers.
    package var spareTransfers = 256
    /// What idle connections may be where nothing else is set.
    package var idleLimits = IdleLimits(count: 100, time: .seconds(118))

    package init(backend: EventBackendChoice) {
        self.backend = backend
    }

    /// The best back end for the linked libcurl, unless `HTTP_HANDLES_BACKEND` in the environment says "epoll" or "poll".
    package static let standard = DriverConfiguration(
        backend: environment ?? .best(for: CurlLibrary.version)
    )

    private static var environment: EventBackendChoice? {
        guard let value = unsafe getenv("HTTP_HANDLES_BACKEND") else { return nil }
        let name = unsafe String(cString: value)
        return EventBackendChoice.allCases.first { "\($0)" == name }
    }
}
