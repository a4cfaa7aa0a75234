import HTTPHandlesLock
import HTTPHandlesSystem

/// Prevents a driver from using libcurl while the process exits.
///
/// `exit` and the return of `main` run the exit handlers of libraries such as OpenSSL while all threads continue: a driver
/// in a TLS handshake would crash. So a driver calls libcurl only between `enter` and `leave`. The exit handler of all
/// barriers lets no driver enter any more and waits until all of them have left. It was registered last, so it runs before
/// those of the libraries.
///
/// It waits at most two seconds: a signal handler that calls `exit` may have interrupted a thread that holds a lock which
/// it or a driver needs, such as that of `malloc`.
///
/// Each driver has a barrier of its own, so that drivers do not write to the same memory in each turn.
final class ExitBarrier: Sendable {
    private static let isExiting = Atomic(false)
    /// Those of the drivers that have a thread.
    private static let all = Lock<[ObjectIdentifier: ExitBarrier]>([:])

    private let isInside = Atomic(false)

    /// To be called once, after libcurl was initialized.
    static func install() {
        atexit { ExitBarrier.shut() }
    }

    // MARK: The driver

    /// To be called when the driver's thread begins.
    func begin() {
        Self.all.withLock { $0[ObjectIdentifier(self)] = self }
    }

    /// To be called when the driver's thread ends.
    func end() {
        Self.all.withLock { $0[ObjectIdentifier(self)] = nil }
    }

    /// Returns when libcurl may be called, or never, because the process exits.
    func enter() {
        // One order for all threads: either this sees that the process exits, or `shut` sees that the driver is inside.
        isInside.store(true, ordering: .sequentiallyConsistent)
        guard Self.isExiting.load(ordering: .sequentiallyConsistent) else { return }
        leave()
        while true { pause() }
    }

    func leave() {
        isInside.store(false, ordering: .releasing)
    }

    // MARK: The exit handler

    private static func shut() {
        isExiting.store(true, ordering: .sequentiallyConsistent)
        for _ in 0..<2000 {
            let isOpen = all.withLockIfAvailable { barriers in
                barriers.values.contains { $0.isInside.load(ordering: .sequentiallyConsistent) }
            }
            if isOpen == false { return }
            usleep(1000)
        }
    }
}
