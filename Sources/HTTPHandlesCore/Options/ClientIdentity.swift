/// A client's certificate and private key, for servers that request them.
///
/// It is read and checked before anything is sent. A request never uses a connection, nor resumes a TLS session, that was
/// made with another identity.
///
/// Counterpart of `WINHTTP_OPTION_CLIENT_CERT_CONTEXT`; `CURLOPT_SSLCERT`, `CURLOPT_SSLKEY`, `CURLOPT_KEYPASSWD`.
public struct ClientIdentity: Sendable, Hashable {
    package enum Material: Sendable, Hashable {
        /// Without a key it is beside the certificate.
        case certificate(CertificateSource, key: CertificateSource?)
        case pkcs12(CertificateSource)
    }

    package let material: Material
    package let password: String?

    /// A certificate and its key.
    ///
    /// - Parameters:
    ///   - certificate: The certificate, in PEM followed by its intermediate certificates.
    ///   - key: The private key; `nil` if it is in the same PEM.
    ///   - password: The password of an encrypted key. There is no interactive prompt.
    public init(certificate: CertificateSource, key: CertificateSource? = nil, password: String? = nil) {
        material = .certificate(certificate, key: key)
        self.password = password
    }

    private init(pkcs12 source: CertificateSource, password: String?) {
        material = .pkcs12(source)
        self.password = password
    }

    /// Certificate, intermediate certificates and key in the PKCS #12 format (.p12, .pfx).
    public static func pkcs12(_ source: CertificateSource, password: String? = nil) -> ClientIdentity {
        ClientIdentity(pkcs12: source, password: password)
    }

    package var sources: [CertificateSource] {
        switch material {
        case .certificate(let certificate, let key): [certificate] + (key.map { [$0] } ?? [])
        case .pkcs12(let source): [source]
        }
    }

    package var problem: String? {
        if let problem = sources.lazy.compactMap(\.problem).first { return problem }
        for case .directory in sources { return "a directory is not a certificate" }
        guard let password else { return nil }
        if password.utf8.contains(0) { return "the password contains a NUL" }
        return password.utf8.count > 1000 ? "the password is longer than 1000 bytes" : nil
    }
}

extension ClientIdentity: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The sources, never their bytes or the password.
    public var description: String {
        switch material {
        case .certificate(let certificate, let key):
            key.map { "\(certificate) with the key in \($0)" } ?? certificate.description
        case .pkcs12(let source): source.description
        }
    }

    /// The same.
    public var debugDescription: String { description }

    /// The same.
    public var customMirror: Mirror { Mirror(self, children: ["sources": sources]) }
}
