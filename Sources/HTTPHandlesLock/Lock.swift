@_exported public import Synchronization

#if THREAD_SANITIZER
import Glibc

/// A mutex with the interface of the standard library's, for builds with ThreadSanitizer.
///
/// On Linux the standard library's `Mutex` is made of system calls that ThreadSanitizer does not see, so that it reports
/// every use as a race. It knows `pthread_mutex_t`.
///
/// Sendable, which the compiler cannot see, because the value behind the pointer is touched only while the mutex is held.
@safe
package struct Lock<Value: ~Copyable>: ~Copyable, @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let value = UnsafeMutablePointer<Value>.allocate(capacity: 1)

    package init(_ value: consuming sending Value) {
        unsafe mutex.initialize(to: pthread_mutex_t())
        unsafe pthread_mutex_init(mutex, nil)
        unsafe self.value.initialize(to: value)
    }

    deinit {
        unsafe value.deinitialize(count: 1)
        unsafe value.deallocate()
        unsafe pthread_mutex_destroy(mutex)
        unsafe mutex.deallocate()
    }

    package borrowing func withLock<Result: ~Copyable, Failure: Error>(
        _ body: (inout sending Value) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
        unsafe pthread_mutex_lock(mutex)
        defer { _ = unsafe pthread_mutex_unlock(mutex) }
        return try unsafe body(&value.pointee)
    }
}
#else
/// The lock of this package: the standard library's mutex, except in builds with ThreadSanitizer.
package typealias Lock<Value: ~Copyable> = Mutex<Value>
#endif
