/// The TLS parameters of a request that was sent with `recordsSecurityInfo`.
///
/// Version and cipher are those of the connection. The certificates and the result of their verification are known only
/// if the request made the connection.
///
/// Counterpart of `WINHTTP_SECURITY_INFO` and `WINHTTP_OPTION_SERVER_CERT_CHAIN_CONTEXT`.
public struct SecurityInfo: Sendable, Hashable {
    /// The version as OpenSSL names it, for example "TLSv1.3"; `nil` if libcurl uses another TLS library.
    public let version: String?
    /// The cipher suite as OpenSSL names it, for example "TLS_AES_256_GCM_SHA384"; `nil` if libcurl uses another TLS
    /// library.
    public let cipher: String?
    /// The protocol that was negotiated by ALPN, for example "h2"; `nil` if there was none, or if libcurl uses another TLS
    /// library.
    public let applicationProtocol: String?
    /// OpenSSL's result of verifying the server's certificate (`X509_V_…`), 0 for a valid one; `nil` on a pooled connection.
    /// With `.unverified` libcurl loads no authorities: then a valid certificate has 20, a self-signed one 18.
    /// (`CURLINFO_SSL_VERIFYRESULT`)
    public let verifyResult: Int?
    /// The certificate chain that the server sent, its own first; empty on a pooled connection. (`CURLINFO_CERTINFO`)
    public let certificates: [PeerCertificate]

    package init(
        version: String?,
        cipher: String?,
        applicationProtocol: String?,
        verifyResult: Int?,
        certificates: [PeerCertificate]
    ) {
        self.version = version
        self.cipher = cipher
        self.applicationProtocol = applicationProtocol
        self.verifyResult = verifyResult
        self.certificates = certificates
    }
}

/// A certificate of the server's chain, as texts from libcurl.
public struct PeerCertificate: Sendable, Hashable {
    /// The subject.
    public let subject: String
    /// The issuer.
    public let issuer: String
    /// The serial number, in hexadecimal digits.
    public let serialNumber: String
    /// The start of its validity, for example "Jan 27 00:00:00 2026 GMT".
    public let notBefore: String
    /// The end of its validity.
    public let notAfter: String
    /// The whole certificate in PEM.
    public let pem: String

    /// Parses libcurl's lines, each "name:value".
    package init(lines: [String]) {
        var values: [Substring: Substring] = [:]
        for line in lines {
            guard let colon = line.utf8.firstIndex(of: UInt8(ascii: ":")) else { continue }
            values[line[..<colon]] = line[line.utf8.index(after: colon)...]
        }
        func value(_ name: Substring) -> String { values[name].map(String.init) ?? "" }
        subject = value("Subject")
        issuer = value("Issuer")
        serialNumber = value("Serial Number")
        notBefore = value("Start date")
        notAfter = value("Expire date")
        pem = value("Cert")
    }
}
