package import HTTPHandlesCore

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// A file that is written from its beginning to its end. All calls block.
///
/// Three ways: a new file that appears under its name when it is complete, a partial file that stays until it is, and
/// writing into what is there, as the curl command does. In the first two only a regular file is ever replaced, and no link
/// is followed.
package final class WritableFile {
    /// How errors call it.
    private var name: String
    private let path: String
    /// Where it is until it is complete, in the same folder, so that it can be renamed; `nil` for one that is written in
    /// place.
    private let temporaryPath: String?
    /// Stays if it is not completed.
    private let isKept: Bool
    private let isPrivate: Bool
    /// Another's partial file is not ours to remove.
    private var isOurs = false
    /// `nil` when it is complete.
    private var descriptor: FileDescriptor?
    var number: Int32? { descriptor?.number }
    /// How many bytes it has.
    package private(set) var length: UInt64 = 0

    private init(_ path: String, at temporaryPath: String?, name: String? = nil, isKept: Bool, isPrivate: Bool) {
        self.name = name ?? "the file \(path)"
        self.path = path
        self.temporaryPath = temporaryPath
        self.isKept = isKept
        self.isPrivate = isPrivate
        descriptor = nil
    }

    /// A new file, gone unless it is completed.
    ///
    /// - Parameter isPrivate: Whether only its owner may read it; else it gets the mode of the file that it replaces.
    package convenience init(replacing path: String, isPrivate: Bool = false) throws(HandleError) {
        let temporaryPath = "\(path).\(String(UInt64.random(in: .min ... .max), radix: 36)).tmp"
        self.init(path, at: temporaryPath, isKept: false, isPrivate: isPrivate)
        try explained { () throws(FileFailure) in
            let existing = try FileStatus.replaceable(path)
            let mode = isPrivate ? 0o600 : (existing?.mode ?? 0o666) & 0o666
            descriptor = try FileDescriptor(opening: temporaryPath, O_WRONLY | O_CREAT | O_EXCL, mode: mode)
            isOurs = true
        }
    }

    /// The file at `partial`, as far as it is there, to be written on; it stays if it is not completed.
    ///
    /// Two that write it at a time would break it, so it is locked. In a folder that others may write to it can be another
    /// user's: it is looked at after it was opened.
    package convenience init(resuming partial: String, for path: String) throws(HandleError) {
        self.init(path, at: partial, isKept: true, isPrivate: false)
        let existing = try explained { () throws(FileFailure) in try FileStatus.replaceable(path) }
        name = "the file \(partial)"
        try explained { () throws(FileFailure) in
            let mode = (existing?.mode ?? 0o666) & 0o644 | 0o600
            // Not blocking: opening a pipe would wait for a reader.
            let flags = O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY
            let opened = try FileDescriptor(opening: partial, flags, mode: mode)
            let status = try opened.status()
            guard status.isRegular else { throw FileFailure("it is not a regular file") }
            // A process that had it locked may have completed the file, which then has another name.
            guard opened.lock(), status.isSameFile(as: FileStatus(named: partial)) else {
                throw FileFailure("another download is writing it")
            }
            if let distrust = status.distrust { throw FileFailure(distrust) }
            length = UInt64(try opened.status().length)
            descriptor = opened
            isOurs = true
        }
    }

    /// Whatever has the name, or a new file, is opened as the curl command does it: links are followed, pipes and devices
    /// written to, regular files emptied first. Waits for the reader of a pipe.
    package convenience init(into path: String) throws(HandleError) {
        self.init(path, at: nil, isKept: true, isPrivate: false)
        try explained { () throws(FileFailure) in
            descriptor = try FileDescriptor(opening: path, O_WRONLY | O_CREAT | O_TRUNC | O_NOCTTY, mode: 0o666)
        }
    }

    /// The process's standard output.
    package static func standardOutput() throws(HandleError) -> WritableFile {
        try standardStream(STDOUT_FILENO, "standard output")
    }

    /// The process's standard error.
    package static func standardError() throws(HandleError) -> WritableFile {
        try standardStream(STDERR_FILENO, "standard error")
    }

    private static func standardStream(_ number: Int32, _ name: String) throws(HandleError) -> WritableFile {
        let file = WritableFile("", at: nil, name: name, isKept: true, isPrivate: false)
        try file.explained { () throws(FileFailure) in file.descriptor = try FileDescriptor(duplicating: number) }
        return file
    }

    deinit {
        if descriptor != nil { leave() }
    }

    /// Lets go of a file that is not complete.
    private func leave() {
        if isOurs, let temporaryPath, !isKept || length == 0 { unsafe unlink(temporaryPath) }
        if isOurs, isKept { descriptor?.unlock() }
        descriptor = nil
    }

    package func write(_ bytes: [UInt8]) throws(HandleError) {
        try explained { () throws(FileFailure) in
            do throws(FileFailure) {
                try open().write(bytes)
            } catch {
                if temporaryPath == nil { removeInPlace() }
                // A part of the bytes may have been written, and is kept.
                if let status = try? open().status() { length = UInt64(clamping: status.length) }
                throw error
            }
            length += UInt64(bytes.count)
        }
    }

    /// Throws away what is there.
    package func empty() throws(HandleError) {
        try explained { () throws(FileFailure) in try open().truncate() }
        length = 0
    }

    /// Gives the file its name, in the place of the file that had it before, when its bytes are on the disk.
    package func complete() throws(HandleError) {
        try explained { () throws(FileFailure) in
            guard let temporaryPath else {
                try open().checkClosing()
                descriptor = nil
                return
            }
            if !isPrivate, let existing = try FileStatus.replaceable(path) { try passOn(existing) }
            try open().synchronize()
            try open().checkClosing()
            guard try open().status().isSameFile(as: FileStatus(named: temporaryPath)) else {
                throw FileFailure("another process has moved it")
            }
            guard unsafe rename(temporaryPath, path) == 0 else { throw .system }
            if isKept { descriptor?.unlock() }
            descriptor = nil
            try Self.synchronizeFolder(of: path)
        }
    }

    package static func remove(_ path: String) { unsafe unlink(path) }

    // MARK: Parts

    private func open() throws(FileFailure) -> FileDescriptor {
        guard let descriptor else { throw FileFailure("it is complete") }
        return descriptor
    }

    /// Gives the new file the mode and the group of the one that it replaces, if that is ours; it has no wider mode already
    /// if it is not.
    private func passOn(_ existing: FileStatus) throws(FileFailure) {
        guard existing.isOurs else { return }
        let descriptor = try open()
        var mode = existing.mode
        if try descriptor.status().group != existing.group, !descriptor.setGroup(existing.group) {
            // What one group may do is not for another.
            mode = mode & ~0o070 | (mode & 0o007) << 3
        }
        try descriptor.setMode(mode)
    }

    /// Leaves no half of a file under the final name; what is no regular file has none.
    private func removeInPlace() {
        guard let status = try? descriptor?.status(), status.isRegular else { return }
        try? descriptor?.truncate()
        if status.isSameFile(as: FileStatus(named: path)) { unsafe unlink(path) }
    }

    /// The name of a file is in its folder.
    private static func synchronizeFolder(of path: String) throws(FileFailure) {
        let end = path.utf8.lastIndex(of: UInt8(ascii: "/"))
        let folder = end.map { String(path[...$0]) } ?? "."
        // One that may not be read cannot be opened, and some file systems have nothing to do for a folder.
        guard let descriptor = try? FileDescriptor(opening: folder, O_RDONLY | O_DIRECTORY) else { return }
        guard fsync(descriptor.number) != 0, errno != EINVAL, errno != EINTR else { return }
        throw .system
    }

    private func explained<Value>(_ body: () throws(FileFailure) -> Value) throws(HandleError) -> Value {
        do {
            return try body()
        } catch {
            throw HandleError(.fileNotWritable, .readData, reason: "\(name) cannot be written: \(error.reason)")
        }
    }
}
