import HTTPHandlesLock

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// Prevents drivers from using libcurl while the process exits.
///
/// `exit` and the return of `main` run the exit handlers of libraries such as OpenSSL while all threads continue: a driver
/// in a TLS handshake would crash. So drivers call libcurl only inside `pass`. The exit handler of this barrier blocks new
/// calls and waits until all current ones have returned. It was registered last, so it runs before those of the libraries.
///
/// It waits at most two seconds: a signal handler that calls `exit` may have interrupted a thread that holds a lock which
/// a driver needs, such as that of `malloc`.
enum ExitBarrier {
    /// The number of drivers inside libcurl, and the flag `isExiting`.
    private static let state = Atomic(0)
    private static let isExiting = 1 << 32

    /// To be called once, after libcurl was initialized.
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
