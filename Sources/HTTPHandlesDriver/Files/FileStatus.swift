#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// What the system says of a file: its type, its owner, who may do what with it.
struct FileStatus {
    private let status: stat

    init(_ status: stat) { self.status = status }

    /// Of what has a name, a link itself included; `nil` if there is nothing, or nothing to be found out.
    init?(named path: String) {
        var status = stat()
        guard !path.utf8.contains(0), unsafe lstat(path, &status) == 0 else { return nil }
        self.status = status
    }

    /// Of what a name leads to; `nil` as above.
    init?(following path: String) {
        var status = stat()
        guard !path.utf8.contains(0), unsafe stat(path, &status) == 0 else { return nil }
        self.status = status
    }

    var length: Int64 { Int64(status.st_size) }
    var isRegular: Bool { status.st_mode & S_IFMT == S_IFREG }
    /// Who may read, write and execute.
    var mode: mode_t { status.st_mode & 0o777 }
    var group: gid_t { status.st_gid }
    var isOurs: Bool { status.st_uid == geteuid() }

    func isSameFile(as other: FileStatus?) -> Bool {
        status.st_ino == other?.status.st_ino && status.st_dev == other?.status.st_dev
    }

    /// Why what the file holds can be from another user, in a folder that several may write to; `nil` if it cannot.
    var distrust: String? {
        if !isRegular { return "it is not a regular file" }
        if !isOurs { return "it belongs to another user" }
        if mode & 0o022 != 0 { return "other users may write it" }
        if status.st_nlink > 1 { return "it has another name" }
        return nil
    }

    /// Of what will be replaced by a file; `nil` if there is nothing.
    ///
    /// Replacing a device breaks the machine, following a link writes where the maker of the link wants it. So only a
    /// regular file is ever replaced.
    static func replaceable(_ path: String) throws(FileFailure) -> FileStatus? {
        guard !path.utf8.contains(0) else { throw FileFailure("the path contains a NUL") }
        guard let status = FileStatus(named: path) else { return nil }
        guard status.status.st_mode & S_IFMT != S_IFLNK else { throw FileFailure("it is a symbolic link") }
        guard status.isRegular else { throw FileFailure("it is not a regular file") }
        return status
    }
}
