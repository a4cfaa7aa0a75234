import HTTPHandlesSystem

/// An open file descriptor, closed when its last reference is released. All calls block.
///
/// Uses the system calls directly: Foundation would be a large dependency, and `FileHandle` ends the process when a write
/// fails.
final class FileDescriptor: Sendable {
    let number: Int32

    /// Opened with `O_CLOEXEC`.
    init(opening path: String, _ flags: Int32, mode: mode_t = 0) throws(FileFailure) {
        guard !path.utf8.contains(0) else { throw FileFailure("the path contains a NUL") }
        number = try Self.retried { unsafe open(path, flags | O_CLOEXEC, mode) }
    }

    /// Another descriptor of an open file.
    init(duplicating number: Int32) throws(FileFailure) {
        self.number = try Self.retried { fcntl(number, F_DUPFD_CLOEXEC, 3) }
    }

    deinit {
        Self.close(number)
    }

    func status() throws(FileFailure) -> FileStatus {
        var status = stat()
        guard unsafe fstat(number, &status) == 0 else { throw .system }
        return FileStatus(status)
    }

    /// Writes all of the bytes.
    func write(_ bytes: [UInt8]) throws(FileFailure) {
        var written = 0
        while written < bytes.count {
            let result = unsafe bytes.withUnsafeBytes { bytes in
                let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[written...])
                return unsafe Self.write(number, rest)
            }
            if result < 0, errno == EINTR { continue }
            // A pipe or terminal that another process has set to non-blocking.
            if result < 0, errno == EAGAIN || errno == EWOULDBLOCK {
                var waiting = pollfd(fd: number, events: Int16(POLLOUT), revents: 0)
                _ = unsafe poll(&waiting, 1, -1)
                continue
            }
            guard result > 0 else { throw .system }
            written += result
        }
    }

    /// Reads exactly `count` bytes at an offset.
    func read(at offset: Int64, _ count: Int) throws(FileFailure) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let result = unsafe bytes.withUnsafeMutableBytes { target in
                let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: target[filled...])
                return unsafe pread(number, rest.baseAddress, rest.count, off_t(offset) + off_t(filled))
            }
            if result < 0, errno == EINTR { continue }
            guard result >= 0 else { throw .system }
            guard result > 0 else { throw FileFailure("it was truncated while it was sent") }
            filled += result
        }
        return bytes
    }

    func truncate() throws(FileFailure) {
        _ = try Self.retried { ftruncate(number, 0) }
    }

    func setMode(_ mode: mode_t) throws(FileFailure) {
        guard fchmod(number, mode) == 0 else { throw .system }
    }

    /// Sets the group of the file. Returns `false` if the process is not allowed to.
    func setGroup(_ group: gid_t) -> Bool { fchown(number, uid_t.max, group) == 0 }

    /// Waits until all written bytes are on permanent storage.
    func synchronize() throws(FileFailure) {
        _ = try Self.retried { fsync(number) }
    }

    /// Reports errors that the system detects only when a descriptor is closed (network file systems), by closing a
    /// duplicate. The file stays open and locked.
    func checkClosing() throws(FileFailure) {
        let result = Self.close(try Self.retried { fcntl(number, F_DUPFD_CLOEXEC, 3) })
        guard result == 0 || errno == EINTR else { throw .system }
    }

    /// Locks the file. Returns `false` if another descriptor has locked it.
    func lock() -> Bool { flock(number, LOCK_EX | LOCK_NB) == 0 }

    /// Closing is not sufficient: until it executes, a forked process has all descriptors and thereby the lock.
    func unlock() { flock(number, LOCK_UN) }

    // MARK: The system

    private static func retried(_ call: () -> Int32) throws(FileFailure) -> Int32 {
        while true {
            let result = call()
            if result >= 0 { return result }
            guard errno == EINTR else { throw .system }
        }
    }

    @discardableResult
    private static func close(_ number: Int32) -> Int32 {
        HTTPHandlesSystem.close(number)
    }

    private static func write(_ number: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
        unsafe HTTPHandlesSystem.write(number, bytes.baseAddress, bytes.count)
    }
}

/// Why a file cannot be read or written.
struct FileFailure: Error {
    let reason: String

    init(_ reason: String) { self.reason = reason }

    /// The error of the last system call.
    static var system: FileFailure { unsafe FileFailure(String(cString: strerror(errno))) }
}
