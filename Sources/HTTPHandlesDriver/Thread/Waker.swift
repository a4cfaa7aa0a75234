import CHTTPHandlesCurl
import HTTPHandlesCore
import HTTPHandlesSystem

/// Wakes the driver thread through a descriptor that becomes readable: an eventfd, or a pipe on systems without it.
final class Waker: Sendable {
    /// Readable from `wake` to `clear`.
    let descriptor: Int32
    private let writeEnd: Int32

    init() throws(HandleError) {
        #if canImport(Darwin)
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else { throw .noDescriptor("a pipe", errno) }
        for end in ends { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        descriptor = ends[0]
        writeEnd = ends[1]
        #else
        descriptor = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))
        guard descriptor >= 0 else { throw .noDescriptor("an eventfd", errno) }
        writeEnd = descriptor
        #endif
    }

    deinit {
        close(descriptor)
        if writeEnd != descriptor { close(writeEnd) }
    }

    /// Callable from any thread.
    func wake() {
        var one: UInt64 = 1
        // Fails only if the counter or the pipe is full; then the descriptor is readable already.
        _ = unsafe write(writeEnd, &one, MemoryLayout<UInt64>.size)
    }

    func clear() {
        var count: UInt64 = 0
        _ = unsafe read(descriptor, &count, MemoryLayout<UInt64>.size)
    }

    /// Blocks until `wake` is called.
    func wait() {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        _ = unsafe poll(&entry, 1, -1)
        clear()
    }
}

extension HandleError {
    static func noDescriptor(_ what: String, _ errorNumber: Int32) -> HandleError {
        let error = SystemErrorNumber(rawValue: errorNumber)
        return HandleError(
            .notEnoughMemory,
            .openSession,
            reason: "a descriptor for \(what) could not be created: \(error.text)",
            systemError: error
        )
    }
}

extension SystemErrorNumber {
    /// The system's text for the number, for example "Too many open files".
    var text: String { unsafe String(cString: strerror(rawValue)) }
}
