/// A version of TLS.
///
/// Versions before 1.2 are deprecated (RFC 8996) and not supported.
@nonexhaustive
public enum TLSVersion: Sendable, Hashable, CaseIterable {
    /// TLS 1.2.
    case tls1_2
    /// TLS 1.3.
    case tls1_3
}

/// A client certificate, for servers that request one.
///
/// Counterpart of `WINHTTP_OPTION_CLIENT_CERT_CONTEXT`.
public struct ClientCertificate: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible {
    /// The PEM file with the certificate, followed by its intermediate certificates. (`CURLOPT_SSLCERT`)
    public let file: String
    /// The PEM file with the private key; `nil` if it is in the certificate's file. (`CURLOPT_SSLKEY`)
    public let keyFile: String?
    /// The password of an encrypted private key. There is no interactive prompt. (`CURLOPT_KEYPASSWD`)
    public let keyPassword: String?

    /// Makes a client certificate. The files are read for each connection, on the session's thread, and should be on a local
    /// disk.
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
        if file.isEmpty || keyFile?.isEmpty == true { return "the path of a file is empty" }
        let containsNUL = [file, keyFile, keyPassword].contains { $0?.utf8.contains(0) == true }
        return containsNUL ? "a path or the password contains a NUL" : nil
    }
}
