#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// Whether the present thread is inside a callback of libcurl's, where nothing of libcurl may be called but what asks for
/// information. Newer versions refuse such calls; older ones are spoiled by them. Known in debug builds only, and checked
/// where libcurl is called.
enum CurlCallback {
    #if DEBUG
    // Thread-specific and not a variable of some object: each session has a thread of its own, and an easy handle does not
    // know which. The value is a mark and never followed.
    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        unsafe pthread_key_create(&key, nil)
        return key
    }()

    /// For tests, which show that the check finds something.
    static var isRunning: Bool { unsafe pthread_getspecific(key) != nil }
    #endif

    /// Runs what a callback does.
    @inline(__always)
    static func run<Answer>(_ body: () -> Answer) -> Answer {
        #if DEBUG
        let outer = unsafe pthread_getspecific(key)
        unsafe pthread_setspecific(key, UnsafeRawPointer(bitPattern: 1))
        defer { _ = unsafe pthread_setspecific(key, outer) }
        #endif
        return body()
    }

    /// Stands before every call of libcurl but those that ask for information.
    @inline(__always)
    static func assertNone() {
        #if DEBUG
        assert(!isRunning, "libcurl must not be called from inside its callbacks.")
        #endif
    }
}
