package import HTTPHandlesCore
import HTTPHandlesSystem

/// A regular file, open for reading at any offset; closed when its last reference is released.
package final class ReadableFile: Sendable {
    private let path: String
    private let descriptor: FileDescriptor
    /// Its length in bytes when it was opened.
    package let length: Int64

    /// Pipes and devices are refused: they have no length and may block without limit.
    ///
    /// - Parameter isOwn: Whether to refuse a file that another user can have written, and not to follow links.
    package init(_ path: String, isOwn: Bool = false, for operation: HandleOperation) throws(HandleError) {
        self.path = path
        do throws(FileFailure) {
            // Non-blocking: opening a pipe would wait for a writer.
            let flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | (isOwn ? O_NOFOLLOW : 0)
            descriptor = try FileDescriptor(opening: path, flags)
            let status = try descriptor.status()
            length = status.length
            guard status.isRegular else { throw FileFailure("it is not a regular file") }
            if isOwn, let distrust = status.distrust { throw FileFailure(distrust) }
        } catch {
            throw .unreadable(path, error.reason, operation)
        }
    }

    /// Reads the whole file. Blocks.
    package func readAll() throws(HandleError) -> [UInt8] { try read(at: 0, Int(length)) }

    /// Reads exactly `count` bytes. Blocks.
    package func read(at offset: Int64, _ count: Int) throws(HandleError) -> [UInt8] {
        do throws(FileFailure) {
            return try descriptor.read(at: offset, count)
        } catch {
            throw .unreadable(path, error.reason, .sendRequest)
        }
    }
}

extension HandleError {
    fileprivate static func unreadable(_ path: String, _ reason: String, _ operation: HandleOperation) -> HandleError {
        HandleError(.fileNotReadable, operation, reason: "the file \(path) cannot be read: \(reason)")
    }
}
