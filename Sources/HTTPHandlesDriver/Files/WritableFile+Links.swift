package import HTTPHandlesCore
import HTTPHandlesSystem

// The library does not follow links. The tool does, like the curl command.

extension WritableFile {
    /// A file that only its owner may read, which replaces the target of a path. A pipe or a device is written to.
    package static func privateFile(_ path: String) throws(HandleError) -> WritableFile {
        if let status = FileStatus(following: path), !status.isRegular { return try WritableFile(into: path) }
        return try WritableFile(replacing: target(of: path), isPrivate: true)
    }

    /// The path after following links; the same path if the target does not exist.
    package static func target(of path: String) -> String {
        guard let target = unsafe realpath(path, nil) else { return path }
        defer { unsafe free(target) }
        return unsafe String(cString: target)
    }
}
