import HTTPHandlesSystem

/// Type, owner and permissions of a file (`stat`).
struct FileStatus {
    private let status: stat

    init(_ status: stat) { self.status = status }

    /// The status of the file with that path, without following a link; `nil` if it does not exist or is not accessible.
    init?(named path: String) {
        var status = stat()
        guard !path.utf8.contains(0), unsafe lstat(path, &status) == 0 else { return nil }
        self.status = status
    }

    /// The same, following links.
    init?(following path: String) {
        var status = stat()
        guard !path.utf8.contains(0), unsafe stat(path, &status) == 0 else { return nil }
        self.status = status
    }

    var length: Int64 { Int64(status.st_size) }
    var isRegular: Bool { status.st_mode & S_IFMT == S_IFREG }
    /// The permissions.
    var mode: mode_t { status.st_mode & 0o777 }
    var group: gid_t { status.st_gid }
    var isOurs: Bool { status.st_uid == geteuid() }

    /// Whether this process may read it.
    static func isReadable(_ path: String) -> Bool { unsafe access(path, R_OK) == 0 }

    /// For telling whether the file has changed.
    var stamp: FileStamp {
        #if canImport(Darwin)
        let time = status.st_mtimespec
        #else
        let time = status.st_mtim
        #endif
        return FileStamp(
            device: UInt64(status.st_dev),
            file: UInt64(status.st_ino),
            length: Int64(status.st_size),
            seconds: time.tv_sec,
            nanoseconds: time.tv_nsec
        )
    }

    /// The names in a directory, sorted; `nil` if it cannot be read.
    static func names(in path: String) -> [String]? {
        guard !path.utf8.contains(0), let directory = unsafe opendir(path) else { return nil }
        defer { unsafe closedir(directory) }
        var names: [String] = []
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { name in
                unsafe name.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            names.append(name)
        }
        return names.sorted()
    }

    func isSameFile(as other: FileStatus?) -> Bool {
        status.st_ino == other?.status.st_ino && status.st_dev == other?.status.st_dev
    }

    /// Why another user can have written the file's content; `nil` if no other user can. For folders that several users may
    /// write to.
    var distrust: String? {
        if !isRegular { return "it is not a regular file" }
        if !isOurs { return "it belongs to another user" }
        if mode & 0o022 != 0 { return "other users may write to it" }
        if status.st_nlink > 1 { return "it has more than one hard link" }
        return nil
    }

    /// The status of a file that is about to be replaced; `nil` if there is none.
    ///
    /// Throws unless it is a regular file: replacing a device would break the system, and a link could lead to a file that
    /// another user has chosen.
    static func replaceable(_ path: String) throws(FileFailure) -> FileStatus? {
        guard !path.utf8.contains(0) else { throw FileFailure("the path contains a NUL") }
        guard let status = FileStatus(named: path) else { return nil }
        guard status.status.st_mode & S_IFMT != S_IFLNK else { throw FileFailure("it is a symbolic link") }
        guard status.isRegular else { throw FileFailure("it is not a regular file") }
        return status
    }
}

/// What changes when a file is written or replaced.
struct FileStamp: Equatable {
    let device: UInt64
    let file: UInt64
    let length: Int64
    let seconds: Int
    let nanoseconds: Int
}
