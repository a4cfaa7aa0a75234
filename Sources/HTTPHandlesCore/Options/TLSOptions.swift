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

/// The cipher suites and groups of key exchange that are offered to servers, with OpenSSL's names, separated by colons.
///
/// What is `nil` is the TLS library's default.
public struct TLSAlgorithms: Sendable, Hashable {
    /// The cipher suites of TLS 1.2, for example "ECDHE-RSA-AES128-GCM-SHA256". (`CURLOPT_SSL_CIPHER_LIST`)
    public let cipherSuites: String?
    /// The cipher suites of TLS 1.3, for example "TLS_AES_128_GCM_SHA256". (`CURLOPT_TLS13_CIPHERS`)
    public let tls1_3CipherSuites: String?
    /// The groups, for example "X25519:P-256". (`CURLOPT_SSL_EC_CURVES`)
    public let groups: String?

    /// Names that the TLS library does not know are `.invalidParameter` when a request is sent. (In a list of TLS 1.2 they
    /// are ignored beside known ones.)
    public init(cipherSuites: String? = nil, tls1_3CipherSuites: String? = nil, groups: String? = nil) {
        self.cipherSuites = cipherSuites
        self.tls1_3CipherSuites = tls1_3CipherSuites
        self.groups = groups
    }

    package var problem: String? {
        let isText = [cipherSuites, tls1_3CipherSuites, groups].compactMap(\.self).allSatisfy { list in
            !list.isEmpty && list.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
        }
        return isText ? nil : "a list must be visible ASCII without spaces, and not empty"
    }
}

/// An authority from which a server accepts client certificates.
public struct CertificateIssuer: Sendable, Hashable, CustomStringConvertible {
    /// The distinguished name in DER.
    public let der: [UInt8]
    /// The distinguished name as text, for example "/CN=Example authority".
    public let description: String

    /// Makes one, for tests.
    public init(der: [UInt8], description: String) {
        self.der = der
        self.description = description
    }
}
