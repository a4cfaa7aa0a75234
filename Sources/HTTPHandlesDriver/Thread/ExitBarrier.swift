import HTTPHandlesLock

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// Keeps the drivers out of libcurl while the process exits.
///
/// `exit` and the return of `main` have the libraries below libcurl take themselves apart, OpenSSL among them, while all
/// threads go on: a driver in the middle of a TLS handshake crashes. So drivers enter libcurl only through here. The
/// exit handler lets nobody in any more and waits until all are out; it runs before those of the libraries, because it
/// was registered after theirs.
///
/// It waits two seconds at most: a signal handler that exits may have interrupted a thread that holds what a driver in
/// libcurl is waiting for, such as the lock of `malloc`.
enum ExitBarrier {
    /// How many drivers are in libcurl, and the flag `isExiting`.
    private static let state = Atomic(0)
    private static let isExiting = 1 << 32

    /// To be called once, when libcurl is initialised.
    static func install() {
        atexit { ExitBarrier.shut() }
    }

    /// Runs `body`, or never returns because the process exits.
    static func pass(_ body: () -> Void) {
        if state.wrappingAdd(1, ordering: .acquiring).oldValue >= isExiting { waitForTheEnd() }
        body()
        state.wrappingSubtract(1, ordering: .releasing)
    }

    private static func waitForTheEnd() -> Never {
        state.wrappingSubtract(1, ordering: .releasing)
        while true { pause() }
    }

    private static func shut() {
        state.bitwiseOr(isExiting, ordering: .sequentiallyConsistent)
        for _ in 0..<2000 where state.load(ordering: .acquiring) != isExiting { usleep(1000) }
    }
}
