/// Where certificates, keys or revocation lists are: in files or in memory, in PEM or DER.
///
/// The format is recognized from the content. PEM may have several items, DER has one.
public enum CertificateSource: Sendable, Hashable {
    /// A regular file of at most 4 MiB. It is read on the session's thread, once and again after it has changed, and should
    /// be on a local disk.
    case file(String)
    /// The files of a directory that OpenSSL's `rehash` has named, for example "9d66eef0.0". For authorities and revocation
    /// lists only.
    case directory(String)
    /// The bytes of such a file.
    case bytes([UInt8])

    package var problem: String? {
        switch self {
        case .file(let path), .directory(let path):
            if path.isEmpty { return "the path of a file is empty" }
            return path.utf8.contains(0) ? "the path of a file contains a NUL" : nil
        case .bytes(let bytes): return bytes.isEmpty ? "there are no bytes" : nil
        }
    }

    /// The file or directory that is read.
    package var path: String? {
        switch self {
        case .file(let path), .directory(let path): path
        case .bytes: nil
        }
    }
}

extension CertificateSource: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The path, or the number of bytes.
    public var description: String { path ?? self.bytesDescription }

    /// The path, or the number of bytes.
    public var debugDescription: String { description }

    /// Without content: bytes may be a private key.
    public var customMirror: Mirror { Mirror(self, children: ["source": description]) }

    private var bytesDescription: String {
        if case .bytes(let bytes) = self { "\(bytes.count) bytes" } else { "" }
    }
}
