package import HTTPHandlesCore

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// A regular file, open for reading from any place; closed with its last reference.
///
/// The system's own calls: Foundation would be a large dependency for four of them, and its handles have one position for
/// all readers.
package final class ReadableFile: Sendable {
    private let path: String
    private let descriptor: Int32
    /// How many bytes it had when it was opened.
    package let length: Int64

    /// Pipes and devices have no length and may block for ever, so they are refused.
    package init(_ path: String, for operation: HandleOperation) throws(HandleError) {
        self.path = path
        // Not blocking: opening a pipe that nobody writes to would wait for a writer.
        descriptor = unsafe path.utf8.contains(0) ? -1 : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            length = 0
            throw .unreadable(path, path.utf8.contains(0) ? "the path contains a NUL" : systemError(), operation)
        }
        var status = stat()
        let result = unsafe fstat(descriptor, &status)
        length = Int64(status.st_size)
        guard result == 0 else { throw .unreadable(path, systemError(), operation) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .unreadable(path, "it is not a regular file", operation) }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    /// Reads the whole file. Blocks.
    package func readAll() throws(HandleError) -> [UInt8] { try read(at: 0, Int(length)) }

    /// Reads exactly `count` bytes. Blocks.
    func read(at offset: Int64, _ count: Int) throws(HandleError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let result = unsafe bytes.withUnsafeMutableBytes { target in
                let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: target[filled...])
                return unsafe pread(descriptor, rest.baseAddress, rest.count, off_t(offset) + off_t(filled))
            }
            if result < 0, errno == EINTR { continue }
            guard result > 0 else {
                let reason = result < 0 ? systemError() : "it became shorter while it was sent"
                throw .unreadable(path, reason, .sendRequest)
            }
            filled += result
        }
        return bytes
    }
}

/// What the last call to the system failed of.
func systemError() -> String { unsafe String(cString: strerror(errno)) }

extension HandleError {
    fileprivate static func unreadable(_ path: String, _ reason: String, _ operation: HandleOperation) -> HandleError {
        HandleError(.fileNotReadable, operation, reason: "the file \(path) cannot be read: \(reason)")
    }
}
