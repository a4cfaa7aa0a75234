#if os(Linux)
import HTTPHandlesSystem

/// Files in /proc.
package enum SystemFile {
    /// The target of a link.
    package static func link(_ path: String) -> String {
        unsafe text { unsafe readlink(path, $0, $1) }
    }

    /// The beginning of a file.
    package static func contents(_ path: String) -> String {
        let file = unsafe open(path, O_RDONLY)
        defer { close(file) }
        return unsafe text { unsafe read(file, $0, $1) }
    }

    /// The names in a folder.
    package static func names(in path: String) -> [String] {
        guard let folder = unsafe opendir(path) else { return [] }
        defer { unsafe closedir(folder) }
        var names: [String] = []
        while let entry = unsafe readdir(folder) {
            let name = unsafe withUnsafePointer(to: entry.pointee.d_name) { pointer in
                unsafe String(cString: UnsafeRawPointer(pointer).assumingMemoryBound(to: CChar.self))
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names
    }

    private static func text(_ fill: (UnsafeMutablePointer<CChar>, Int) -> Int) -> String {
        var bytes = [CChar](repeating: 0, count: 4096)
        let count = unsafe bytes.withUnsafeMutableBufferPointer { buffer in
            unsafe buffer.baseAddress.map { unsafe fill($0, buffer.count) } ?? 0
        }
        return String(decoding: bytes.prefix(max(0, count)).map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
#endif
