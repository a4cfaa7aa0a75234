/// What is wrong with a server's certificate.
@nonexhaustive
public enum CertificateProblem: Sendable, Hashable, CaseIterable {
    /// The server has signed it itself.
    case selfSigned
    /// No authority that is trusted has signed it, or the server does not send what leads to one.
    case unknownAuthority
    /// It has expired, or one that it depends on has.
    case expired
    /// It is not valid yet, or one that it depends on is not.
    case notYetValid
    /// It is for another name than the URL's host.
    case wrongName
    /// Its authority has taken it back.
    case revoked
    /// It could not be found out whether its authority has taken it back.
    case revocationUnknown
    /// It is not meant for servers, or one that it depends on is not meant for authorities.
    case wrongUsage
    /// Its key or its signature is too weak.
    case tooWeak
    /// Its signature is wrong, it cannot be read, or it breaks another rule.
    case invalid

    /// What the problem is, in one sentence for a person.
    public var reason: String {
        switch self {
        case .selfSigned: "the server's certificate is signed by itself"
        case .unknownAuthority: "the server's certificate is signed by an authority that is not trusted"
        case .expired: "the server's certificate has expired"
        case .notYetValid: "the server's certificate is not valid yet"
        case .wrongName: "the server's certificate is for another name"
        case .revoked: "the server's certificate was revoked"
        case .revocationUnknown: "it could not be found out whether the server's certificate was revoked"
        case .wrongUsage: "the server's certificate is not meant for servers"
        case .tooWeak: "the server's certificate has a key or a signature that is too weak"
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
        default: self = .invalid
        }
    }

    /// The problem behind libcurl's result and OpenSSL's; `nil` if it was not the certificate that TLS failed of.
    package init?(_ curl: CurlCode, verifyResult: Int) {
        switch (curl, verifyResult) {
        // OpenSSL found nothing wrong with the chain (1 is what libcurl sets before it asks), and still libcurl has
        // refused the certificate: it is for another name.
        case (.certificateRefused, 0), (.certificateRefused, 1): self = .wrongName
        case (.certificateRefused, _): self.init(verifyResult: verifyResult)
        case (.certificateStatusInvalid, _): self = .revoked
        default: return nil
        }
    }

    /// WinHTTP's bits for it.
    package var secureFailure: SecureFailure {
        switch self {
        case .selfSigned, .unknownAuthority: .unknownAuthority
        case .expired, .notYetValid: .dateInvalid
        case .wrongName: .nameMismatch
        case .revoked: .certificateRevoked
        case .revocationUnknown: .revocationCheckFailed
        case .wrongUsage: .wrongUsage
        case .tooWeak, .invalid: .invalidCertificate
        }
    }
}
