/// The address of a Unix socket that requests connect to in place of the host of their URL.
///
/// Counterpart of `CURLOPT_UNIX_SOCKET_PATH` and `CURLOPT_ABSTRACT_UNIX_SOCKET`.
public enum UnixSocket: Sendable, Hashable {
    /// The path of a socket in the file system: from 1 to 107 bytes without NUL.
    case path(String)
    /// A name in the abstract namespace of Linux, without the NUL in front of it: from 1 to 107 bytes without NUL.
    case abstract(String)

    /// The room in an address of the system, without the NUL before or behind the text.
    private static let maximumLength = 107

    package var problem: String? {
        let (text, what) =
            switch self {
            case .path(let path): (path, "path")
            case .abstract(let name): (name, "name")
            }
        let count = text.utf8.count
        guard (1...Self.maximumLength).contains(count) else {
            return "the \(what) of a Unix socket must have from 1 to \(Self.maximumLength) bytes, but has \(count)"
        }
        return text.utf8.contains(0) ? "the \(what) of a Unix socket contains a NUL" : nil
    }

    /// The address as it is in events and facts.
    package var address: SocketAddress { SocketAddress(host: description, port: 0) }
}

extension UnixSocket: CustomStringConvertible {
    /// The path, or the name in the abstract namespace with "@" in front of it.
    public var description: String {
        switch self {
        case .path(let path): path
        case .abstract(let name): "@\(name)"
        }
    }
}
