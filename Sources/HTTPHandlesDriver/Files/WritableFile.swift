package import HTTPHandlesCore
import HTTPHandlesSystem

/// A file that is written sequentially. All calls block.
///
/// There are three modes: a new file that gets its name when it is complete, a partial file that is kept until it is
/// complete, and writing in place, like the curl command. The first two replace only regular files and do not follow
/// links.
package final class WritableFile {
    /// Its name in error texts.
    private var name: String
    private let path: String
    /// The path until the file is complete, in the same folder, so that it can be renamed; `nil` for writing in place.
    private let temporaryPath: String?
    /// Whether the temporary file is kept if it is not completed.
    private let isKept: Bool
    private let isPrivate: Bool
    /// Whether this object may remove the temporary file: not if another download is writing it.
    private var isOurs = false
    /// `nil` after completion.
    private var descriptor: FileDescriptor?
    var number: Int32? { descriptor?.number }
    /// Its length in bytes.
    package private(set) var length: UInt64 = 0

    private init(_ path: String, at temporaryPath: String?, name: String? = nil, isKept: Bool, isPrivate: Bool) {
        self.name = name ?? "the file \(path)"
        self.path = path
        self.temporaryPath = temporaryPath
        self.isKept = isKept
        self.isPrivate = isPrivate
        descriptor = nil
    }

    /// A new file, which is removed unless it is completed.
    ///
    /// - Parameter isPrivate: Whether only its owner may read it; otherwise it gets the mode of the file that it replaces.
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

    /// Appends to the file at `partial`, which is created if necessary and kept if it is not completed.
    ///
    /// The file is locked against other downloads. It is checked after it was opened, because in a shared folder it can
    /// belong to another user.
    package convenience init(resuming partial: String, for path: String) throws(HandleError) {
        self.init(path, at: partial, isKept: true, isPrivate: false)
        let existing = try explained { () throws(FileFailure) in try FileStatus.replaceable(path) }
        name = "the file \(partial)"
        try explained { () throws(FileFailure) in
            let mode = (existing?.mode ?? 0o666) & 0o644 | 0o600
            // Non-blocking: opening a pipe would wait for a reader.
            let flags = O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY
            let opened = try FileDescriptor(opening: partial, flags, mode: mode)
            let status = try opened.status()
            guard status.isRegular else { throw FileFailure("it is not a regular file") }
            // A process that had the lock may have completed and renamed the file.
            guard opened.lock(), status.isSameFile(as: FileStatus(named: partial)) else {
                throw FileFailure("another download is writing it")
            }
            if let distrust = status.distrust { throw FileFailure(distrust) }
            length = UInt64(try opened.status().length)
            descriptor = opened
            isOurs = true
        }
    }

    /// Writes in place, like the curl command: follows links, writes to pipes and devices, truncates or creates regular
    /// files. Waits for the reader of a pipe.
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

    /// Closes a file that is not complete, and removes it unless it is kept.
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
                // Some of the bytes may have been written.
                if let status = try? open().status() { length = UInt64(clamping: status.length) }
                throw error
            }
            length += UInt64(bytes.count)
        }
    }

    /// Truncates the file.
    package func empty() throws(HandleError) {
        try explained { () throws(FileFailure) in try open().truncate() }
        length = 0
    }

    /// Synchronizes the file and renames it to its final path, replacing an existing file.
    package func complete() throws(HandleError) {
        try explained { () throws(FileFailure) in
            guard let temporaryPath else {
                try open().checkClosing()
                descriptor = nil
                return
            }
            if !isPrivate, let existing = try FileStatus.replaceable(path) { try copyPermissions(of: existing) }
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

    /// Copies the mode and group of the replaced file, if that belongs to this user.
    private func copyPermissions(of existing: FileStatus) throws(FileFailure) {
        guard existing.isOurs else { return }
        let descriptor = try open()
        var mode = existing.mode
        if try descriptor.status().group != existing.group, !descriptor.setGroup(existing.group) {
            // The group is a different one: it gets no permissions that the others do not have.
            mode = mode & ~0o070 | (mode & 0o007) << 3
        }
        try descriptor.setMode(mode)
    }

    /// Removes an incomplete regular file that was written in place.
    private func removeInPlace() {
        guard let status = try? descriptor?.status(), status.isRegular else { return }
        try? descriptor?.truncate()
        if status.isSameFile(as: FileStatus(named: path)) { unsafe unlink(path) }
    }

    /// Synchronizes the folder, which contains the file's name.
    private static func synchronizeFolder(of path: String) throws(FileFailure) {
        let end = path.utf8.lastIndex(of: UInt8(ascii: "/"))
        let folder = end.map { String(path[...$0]) } ?? "."
        // Errors are ignored: the folder may not be readable, and some file systems do not support this.
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
