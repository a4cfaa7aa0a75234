package import HTTPHandlesCore

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// A file that becomes visible under its name when it is complete. All calls block.
///
/// The system's own calls, as in `ReadableFile`.
package final class WritableFile {
    private let path: String
    /// Where it is until then, in the same folder, so that it can be renamed.
    private let temporaryPath: String
    /// Stays if it is not completed.
    private let isKept: Bool
    /// Another's partial file is not ours to remove.
    private var isOurs: Bool
    private var isComplete = false
    let descriptor: Int32
    /// How many bytes it has.
    package private(set) var length: UInt64 = 0

    /// A new file, gone unless it is completed.
    ///
    /// - Parameter isPrivate: Whether nobody but its owner may read it.
    package init(replacing path: String, isPrivate: Bool = false) throws(HandleError) {
        try Self.check(path)
        self.path = path
        isKept = false
        isOurs = true
        temporaryPath = "\(path).\(String(UInt64.random(in: .min ... .max), radix: 36)).tmp"
        descriptor = unsafe open(temporaryPath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, isPrivate ? 0o600 : 0o666)
        guard descriptor >= 0 else { throw .unwritable(path, systemError()) }
    }

    /// The file at `partial`, as far as it is there, to be written on; it stays if it is not completed.
    ///
    /// Two that write it at a time would break it, so it is locked.
    package init(resuming partial: String, for path: String) throws(HandleError) {
        try Self.check(path)
        try Self.check(partial)
        self.path = path
        isKept = true
        isOurs = false
        temporaryPath = partial
        descriptor = unsafe open(partial, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o666)
        guard descriptor >= 0 else { throw .unwritable(partial, systemError()) }
        var mine = stat()
        var named = stat()
        // Whoever held the lock may have completed the file, which then has another name.
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0, unsafe fstat(descriptor, &mine) == 0,
            unsafe stat(partial, &named) == 0, mine.st_ino == named.st_ino
        else { throw .unwritable(partial, "another download is writing it") }
        length = UInt64(mine.st_size)
        isOurs = true
    }

    deinit {
        guard descriptor >= 0 else { return }
        if isOurs, !isComplete, !isKept || length == 0 { unsafe unlink(temporaryPath) }
        // Closing is not enough: a process that is being started has all descriptors for a moment, and the lock with them.
        if isOurs, isKept { flock(descriptor, LOCK_UN) }
        close(descriptor)
    }

    /// A rename would replace a device, or fail after all the work.
    private static func check(_ path: String) throws(HandleError) {
        guard !path.utf8.contains(0) else { throw .unwritable(path, "the path contains a NUL") }
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .unwritable(path, "it is not a regular file") }
    }

    package func write(_ bytes: [UInt8]) throws(HandleError) {
        var written = 0
        while written < bytes.count {
            let result = unsafe bytes.withUnsafeBytes { bytes in
                let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[written...])
                #if canImport(Darwin)
                return unsafe Darwin.write(descriptor, rest.baseAddress, rest.count)
                #else
                return unsafe Glibc.write(descriptor, rest.baseAddress, rest.count)
                #endif
            }
            if result < 0, errno == EINTR { continue }
            guard result > 0 else { throw .unwritable(path, systemError()) }
            written += result
            length += UInt64(result)
        }
    }

    /// Throws away what is there.
    package func empty() throws(HandleError) {
        guard ftruncate(descriptor, 0) == 0 else { throw .unwritable(path, systemError()) }
        length = 0
    }

    package static func remove(_ path: String) { unsafe unlink(path) }

    /// Gives the file its name, in the place of what had it before.
    package func complete() throws(HandleError) {
        guard unsafe rename(temporaryPath, path) == 0 else { throw .unwritable(path, systemError()) }
        isComplete = true
    }
}

extension HandleError {
    fileprivate static func unwritable(_ path: String, _ reason: String) -> HandleError {
        HandleError(.fileNotWritable, .readData, reason: "the file \(path) cannot be written: \(reason)")
    }
}
