import HTTPHandlesSystem

/// Checks, in debug builds, that libcurl is not called from inside its callbacks, where only information functions are
/// allowed. Newer versions refuse other calls; in older ones they corrupt the state.
enum CurlCallback {
    #if DEBUG
    // Thread-specific data and not a variable of an object: each session has its own thread, and an easy handle has no
    // reference to it. The pointer is only a flag and never dereferenced.
    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        unsafe pthread_key_create(&key, nil)
        return key
    }()

    /// For tests of this check.
    static var isRunning: Bool { unsafe pthread_getspecific(key) != nil }
    #endif

    /// Runs the body of a callback.
    @inline(__always)
    static func run<Answer>(_ body: () -> Answer) -> Answer {
        #if DEBUG
        let outer = unsafe pthread_getspecific(key)
        unsafe pthread_setspecific(key, UnsafeRawPointer(bitPattern: 1))
        defer { _ = unsafe pthread_setspecific(key, outer) }
        #endif
        return body()
    }

    /// Called before every libcurl function except those that return information.
    @inline(__always)
    static func assertNone() {
        #if DEBUG
        assert(!isRunning, "libcurl must not be called from inside its callbacks.")
        #endif
    }
}
