/// Which servers a request trusts: the authorities, pinned keys, revocation, and what may be wrong with a certificate.
///
///     .set(.serverTrust, to: .authorities(inFile: "/etc/company/authority.pem"))
///     .set(.serverTrust, to: ServerTrust(.systemAnd([.bytes(pem)]), pins: [oldKey, newKey]))
///
/// A request never uses a connection, nor resumes a TLS session, that was made with another trust.
///
/// Counterpart of `WINHTTP_OPTION_SECURITY_FLAGS`; `CURLOPT_CAINFO`, `CURLOPT_SSL_VERIFYPEER`, `CURLOPT_SSL_VERIFYHOST`.
public struct ServerTrust: Sendable, Hashable {
    /// The authorities that may issue certificates.
    ///
    /// Not an enumeration: the tag of one is in the bits of a pointer, and LeakSanitizer does not find the array then.
    public struct Authorities: Sendable, Hashable {
        /// Besides the system's.
        package let sources: [CertificateSource]
        package let includesSystem: Bool

        /// Those of the system.
        public static let system = Authorities(sources: [], includesSystem: true)

        /// Those of the system and others.
        public static func systemAnd(_ sources: [CertificateSource]) -> Authorities {
            Authorities(sources: sources, includesSystem: true)
        }

        /// These only.
        public static func only(_ sources: [CertificateSource]) -> Authorities {
            Authorities(sources: sources, includesSystem: false)
        }
    }

    /// The trusted authorities.
    public var authorities: Authorities
    /// If not empty, the server's key must be one of these, whatever else is ignored. (`CURLOPT_PINNEDPUBLICKEY`)
    public var pins: [PublicKeyPin]
    /// If not empty, the certificates must not be in these lists, and there must be a list of each of their issuers.
    /// (`CURLOPT_CRLFILE`)
    public var revocationLists: [CertificateSource]
    /// Whether the server has to send the status of its certificate (OCSP stapling). (`CURLOPT_SSL_VERIFYSTATUS`)
    public var requiresStapledStatus: Bool
    /// What may be wrong with a certificate.
    public var ignored: IgnoredCertificateProblems
    /// Decides about the certificate of each new connection, in place of these rules.
    public var verdict: CertificateVerdict?

    /// By default: a valid certificate of one of the system's authorities, for the host of the URL.
    public init(
        _ authorities: Authorities = .system,
        pins: [PublicKeyPin] = [],
        revocationLists: [CertificateSource] = [],
        requiresStapledStatus: Bool = false,
        ignored: IgnoredCertificateProblems = [],
        verdict: CertificateVerdict? = nil
    ) {
        self.authorities = authorities
        self.pins = pins
        self.revocationLists = revocationLists
        self.requiresStapledStatus = requiresStapledStatus
        self.ignored = ignored
        self.verdict = verdict
    }

    /// The system's authorities.
    public static let system = ServerTrust()

    /// The authorities in a file, instead of the system's.
    public static func authorities(inFile file: String) -> ServerTrust { ServerTrust(.only([.file(file)])) }

    /// Any server: its certificate is not verified, so an attacker can impersonate it.
    public static let unverified = ServerTrust(ignored: .all)

    /// Whether the certificate is verified at all.
    package var verifies: Bool { ignored != .all }

    /// Whether a server has shown that it is the one in the URL: nothing is ignored, and no verdict decides.
    package var isStrict: Bool { ignored.isEmpty && verdict == nil }

    /// Whether libcurl's own options are not enough.
    package var needsStore: Bool {
        guard verifies else { return false }
        return authorities != .system || !revocationLists.isEmpty || verdict != nil
            || !ignored.subtracting(.wrongName).isEmpty
    }

    /// The sources of authorities besides the system's.
    package var ownAuthorities: [CertificateSource] { authorities.sources }

    package var includesSystem: Bool { authorities.includesSystem }

    package var problem: String? {
        if !includesSystem, ownAuthorities.isEmpty, verdict == nil { return "there are no authorities" }
        if !verifies, requiresStapledStatus || !revocationLists.isEmpty || verdict != nil {
            return "a certificate that is not verified cannot be checked for revocation or by a verdict"
        }
        return (ownAuthorities + revocationLists).lazy.compactMap(\.problem).first
    }
}

extension ServerTrust: CustomStringConvertible {
    /// The authorities, and what differs from the default.
    public var description: String {
        guard verifies else { return pins.isEmpty ? "unverified" : "unverified, \(pins.count) pins" }
        var parts: [String] = includesSystem ? ["system"] : []
        parts += ownAuthorities.map(\.description)
        if !pins.isEmpty { parts.append("\(pins.count) pins") }
        if !revocationLists.isEmpty { parts.append("revocation lists \(revocationLists)") }
        if requiresStapledStatus { parts.append("stapled status") }
        if !ignored.isEmpty { parts.append("ignoring \(ignored)") }
        if verdict != nil { parts.append("verdict") }
        return parts.joined(separator: ", ")
    }
}

/// The SHA-256 hash of a public key (its `SubjectPublicKeyInfo` in DER).
public struct PublicKeyPin: Sendable, Hashable, CustomStringConvertible {
    /// The hash in base64, as curl and RFC 7469 write it.
    public let base64: String

    /// Takes a hash in base64, with or without the prefix "sha256//". `nil` if it is not the hash of 32 bytes.
    public init?(sha256 text: String) {
        let prefix = "sha256//"
        let digits = text.utf8.starts(with: prefix.utf8) ? text.utf8.dropFirst(prefix.utf8.count) : text.utf8[...]
        // 32 bytes are 43 digits and one sign of padding; the last digit has two bits without a meaning.
        guard digits.count == 44, digits.last == UInt8(ascii: "="), digits.dropLast().allSatisfy(Self.isDigit) else {
            return nil
        }
        base64 = String(Substring(digits))
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        byte.isASCIILetter || byte.isASCIIDigit || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "/")
    }

    /// As curl writes it: "sha256//" and the hash.
    public var description: String { "sha256//\(base64)" }
}

/// What may be wrong with a server's certificate without a request failing.
///
/// Raw values are WinHTTP's `SECURITY_FLAG_IGNORE_…` values.
public struct IgnoredCertificateProblems: OptionSet, Sendable, Hashable, CustomStringConvertible {
    /// WinHTTP's bits.
    public let rawValue: UInt32

    /// Wraps WinHTTP's bits; others have no effect.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Its issuer is not trusted, or it is self-signed.
    public static let unknownAuthority = IgnoredCertificateProblems(rawValue: 0x100)
    /// It is not meant for servers.
    public static let wrongUsage = IgnoredCertificateProblems(rawValue: 0x200)
    /// It is for another name.
    public static let wrongName = IgnoredCertificateProblems(rawValue: 0x1000)
    /// It has expired or is not valid yet.
    public static let dates = IgnoredCertificateProblems(rawValue: 0x2000)
    /// Everything: nothing is verified, neither the signatures.
    public static let all = IgnoredCertificateProblems(rawValue: 0xFFFF_FFFF)

    /// Whether a result of OpenSSL (`X509_V_ERR_…`) is ignored. An explicit rejection by the trust settings is not, and
    /// neither is an intermediate certificate that is not of an authority.
    package func covers(verifyResult: Int) -> Bool {
        switch verifyResult {
        case 2, 18, 19, 20, 21, 27: contains(.unknownAuthority)
        case 26: contains(.wrongUsage)
        case 62, 64: contains(.wrongName)
        case 9, 10: contains(.dates)
        default: false
        }
    }

    /// The names, for example "dates and wrongName".
    public var description: String {
        guard self != .all else { return "everything" }
        let names: [(IgnoredCertificateProblems, String)] = [
            (.unknownAuthority, "unknownAuthority"), (.wrongUsage, "wrongUsage"), (.wrongName, "wrongName"),
            (.dates, "dates"),
        ]
        return names.filter { contains($0.0) }.map(\.1).joined(separator: " and ")
    }
}

/// A closure that decides whether a server's certificate is accepted.
///
///     ServerTrust(verdict: CertificateVerdict { certificate in
///         certificate.problems.isEmpty || known.contains(certificate.chain[0]) ? .accept : .refuse
///     })
///
/// It is asked before anything of a request is sent, in a separate task with the priority and the task-local values of the
/// task that called `send` or `fetch`; `connectTimeout` continues to run. The TLS handshake cannot wait for it: the
/// connection is closed, and made again if the answer is `.accept`. The session keeps the answer for the same host, chain and
/// list of problems. (Requests that begin at the same time may each ask.) Two verdicts are equal if one is a copy of the other.
public struct CertificateVerdict: Sendable, Hashable {
    /// An answer.
    @frozen
    public enum Answer: Sendable, Hashable, CaseIterable {
        /// The certificate is accepted, whatever was found wrong.
        case accept
        /// The request fails with `.secureFailure`.
        case refuse
    }

    private final class Storage: Sendable {
        let answer: @Sendable (ServerCertificate) async -> Answer

        init(_ answer: @escaping @Sendable (ServerCertificate) async -> Answer) {
            self.answer = answer
        }
    }

    private let storage: Storage

    /// Makes a verdict.
    ///
    /// - Parameter answer: Called in a separate task, which is cancelled when the request ends.
    public init(_ answer: @escaping @Sendable (ServerCertificate) async -> Answer) {
        storage = Storage(answer)
    }

    package func answer(_ certificate: ServerCertificate) async -> Answer {
        await storage.answer(certificate)
    }

    /// Whether both are the same closure.
    public static func == (left: CertificateVerdict, right: CertificateVerdict) -> Bool {
        left.storage === right.storage
    }

    /// Hashes the closure's identity.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(ObjectIdentifier(storage))
    }
}

/// A server's certificate, as a verdict sees it.
public struct ServerCertificate: Sendable, Hashable {
    /// The name or address in the URL.
    public let host: String
    /// The certificates that the server sent, in DER, its own first.
    public let chain: [[UInt8]]
    /// What was found wrong, apart from what `ignored` covers; empty for a valid certificate.
    public let problems: [CertificateProblem]

    /// Makes one, for tests.
    public init(host: String, chain: [[UInt8]], problems: [CertificateProblem]) {
        self.host = host
        self.chain = chain
        self.problems = problems
    }
}
