/// A version of TLS that may be required.
///
/// Versions before 1.2 are broken (RFC 8996) and cannot be had.
@nonexhaustive
public enum TLSVersion: Sendable, Hashable, CaseIterable {
    /// TLS 1.2.
    case tls1_2
    /// TLS 1.3.
    case tls1_3
}

/// A certificate that proves who the client is, for servers that ask for one.
///
/// Counterpart of `WINHTTP_OPTION_CLIENT_CERT_CONTEXT`.
public struct ClientCertificate: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible {
    /// The PEM file with the certificate, followed by those that lead from it to an authority. (`CURLOPT_SSLCERT`)
    public let file: String
    /// The PEM file with the private key; `nil` if it is in the certificate's file. (`CURLOPT_SSLKEY`)
    public let keyFile: String?
    /// What the private key is encrypted with; no library ever asks for it. (`CURLOPT_KEYPASSWD`)
    public let keyPassword: String?

    /// Names the files; they are read for each connection, on the session's thread: they belong on a local disk.
    public init(file: String, keyFile: String? = nil, keyPassword: String? = nil) {
        self.file = file
        self.keyFile = keyFile
        self.keyPassword = keyPassword
    }

    /// The names of the files, never the password.
    public var description: String { keyFile.map { "\(file) with the key in \($0)" } ?? file }

    /// The names of the files, never the password.
    public var debugDescription: String { description }

    package var problem: String? {
        if file.isEmpty || keyFile?.isEmpty == true { return "a file has a name" }
        let containsNUL = [file, keyFile, keyPassword].contains { $0?.utf8.contains(0) == true }
        return containsNUL ? "it contains a NUL" : nil
    }
}
