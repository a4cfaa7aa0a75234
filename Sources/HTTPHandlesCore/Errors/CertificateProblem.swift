/// What is wrong with a server's certificate.
@nonexhaustive
public enum CertificateProblem: Sendable, Hashable, CaseIterable {
    /// It is self-signed.
    case selfSigned
    /// Its issuer is not trusted, or the server does not send the intermediate certificates.
    case unknownAuthority
    /// It has expired, or another certificate of its chain has.
    case expired
    /// It is not valid yet, or another certificate of its chain is not.
    case notYetValid
    /// It is for another name than the URL's host.
    case wrongName
    /// It was revoked.
    case revoked
    /// Its revocation status could not be determined.
    case revocationUnknown
    /// It is not a server certificate, or another certificate of its chain is not a CA certificate.
    case wrongUsage
    /// Its key or its signature is too weak.
    case tooWeak
    /// Its key is not one of the pinned ones.
    case wrongKey
    /// The caller's verdict refuses it.
    case refused
    /// It is malformed, its signature is wrong, or it violates another rule.
    case invalid

    /// What the problem is, in one sentence for a person.
    public var reason: String {
        switch self {
        case .selfSigned: "the server's certificate is self-signed"
        case .unknownAuthority: "the issuer of the server's certificate is not trusted"
        case .expired: "the server's certificate has expired"
        case .notYetValid: "the server's certificate is not valid yet"
        case .wrongName: "the server's certificate is for another name"
        case .revoked: "the server's certificate was revoked"
        case .revocationUnknown: "the revocation status of the server's certificate could not be determined"
        case .wrongUsage: "the server's certificate must not be used for servers"
        case .tooWeak: "the key or the signature of the server's certificate is too weak"
        case .wrongKey: "the key of the server's certificate is not one of the pinned ones"
        case .refused: "the verdict refuses the server's certificate"
        case .invalid: "the server's certificate is invalid"
        }
    }

    /// The problem behind OpenSSL's result of verifying a certificate (`X509_V_ERR_…`); `nil` for 0, which is none.
    package init?(verifyResult: Int) {
        switch verifyResult {
        case 0: return nil
        case 18: self = .selfSigned
        case 2, 19, 20, 21, 27, 28: self = .unknownAuthority
        case 10: self = .expired
        case 9: self = .notYetValid
        case 62, 64: self = .wrongName
        case 23: self = .revoked
        case 3, 11, 12, 33: self = .revocationUnknown
        case 24, 26, 79: self = .wrongUsage
        case 66, 67, 68: self = .tooWeak
        case 50: self = .refused
        default: self = .invalid
        }
    }

    /// The problem behind libcurl's result and OpenSSL's; `nil` if TLS failed for another reason than the certificate.
    ///
    /// - Parameter text: libcurl's error text, the only place where it says what a stapled status is.
    package init?(_ curl: CurlCode, verifyResult: Int, text: String = "") {
        switch (curl, verifyResult) {
        // OpenSSL accepted the chain (1 is libcurl's initial value) and libcurl refused the certificate: the name
        // does not match.
        case (.certificateRefused, 0), (.certificateRefused, 1): self = .wrongName
        case (.certificateRefused, _): self.init(verifyResult: verifyResult)
        case (.pinMismatch, _): self = .wrongKey
        case (.certificateStatusInvalid, _):
            self = text.utf8.firstRange(of: "revocation reason".utf8) != nil ? .revoked : .revocationUnknown
        default: return nil
        }
    }

    /// The corresponding bits of WinHTTP.
    package var secureFailure: SecureFailure {
        switch self {
        case .selfSigned, .unknownAuthority: .unknownAuthority
        case .expired, .notYetValid: .dateInvalid
        case .wrongName: .nameMismatch
        case .revoked: .certificateRevoked
        case .revocationUnknown: .revocationCheckFailed
        case .wrongUsage: .wrongUsage
        case .tooWeak, .wrongKey, .refused, .invalid: .invalidCertificate
        }
    }
}
