package import HTTPHandlesCore

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

// The library follows no link. The tool does, as the curl command.

extension WritableFile {
    /// A file that only its owner may read, in the place of the one that a path leads to; a pipe or a device is written to.
    package static func privateFile(_ path: String) throws(HandleError) -> WritableFile {
        if let status = FileStatus(following: path), !status.isRegular { return try WritableFile(into: path) }
        return try WritableFile(replacing: target(of: path), isPrivate: true)
    }

    /// The path of the file that a path leads to; the same if there is none.
    package static func target(of path: String) -> String {
        guard let target = unsafe realpath(path, nil) else { return path }
        defer { unsafe free(target) }
        return unsafe String(cString: target)
    }
}
