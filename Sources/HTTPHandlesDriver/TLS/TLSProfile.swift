import HTTPHandlesCore

/// A trust and an identity, as OpenSSL uses them, and the pool of connections that were made with them.
///
/// libcurl does not compare these when it chooses a connection or a TLS session. But it compares the directory of
/// authorities, which is not used here: so each profile has another one, which does not exist.
@safe
final class TLSProfile {
    let openSSL: OpenSSL
    let trust: ServerTrust
    let identity: ClientIdentity?
    /// The files, and their state when they were read.
    private let files: [(path: String, stamp: FileStamp?)]
    /// For `CURLOPT_CAPATH`.
    let directory: String

    /// The authorities and revocation lists.
    let store: OpenSSLObject
    private let material: CertificateReader.Identity?
    /// What the caller's verdict has answered.
    private var verdicts: [ServerCertificate: CertificateVerdict.Answer] = [:]

    /// Reads and checks everything.
    ///
    /// - Parameter number: Not that of another profile of the session.
    init(
        _ trust: ServerTrust,
        _ identity: ClientIdentity?,
        number: Int,
        _ openSSL: OpenSSL
    ) throws(HandleError) {
        unsafe self.openSSL = openSSL
        self.trust = trust
        self.identity = identity
        directory = "/dev/null/http-handles-\(number)"
        let sources = trust.ownAuthorities + trust.revocationLists + (identity?.sources ?? [])
        files = sources.compactMap(\.path).map { ($0, FileStatus(following: $0)?.stamp) }
        store = try unsafe Self.makeStore(trust, openSSL)
        if let identity {
            material = try unsafe CertificateReader(openSSL: openSSL, option: "clientIdentity").identity(identity)
        } else {
            material = nil
        }
        try checkMaterial()
    }

    // MARK: Store

    private static func makeStore(_ trust: ServerTrust, _ openSSL: OpenSSL) throws(HandleError) -> OpenSSLObject {
        let reader = unsafe CertificateReader(openSSL: openSSL, option: "serverTrust")
        guard let pointer = unsafe openSSL.X509_STORE_new() else { throw noMemory }
        let store = unsafe OpenSSLObject(pointer, openSSL.X509_STORE_free)
        guard trust.verifies else { return store }
        if trust.includesSystem, let file = CurlLibrary.authorityFile {
            let isLoaded = unsafe file.withCString { unsafe openSSL.X509_STORE_load_file(pointer, $0) == 1 }
            guard isLoaded else {
                throw .invalidParameter(.sendRequest, "the system's authorities cannot be read: \(file)")
            }
        }
        for source in trust.ownAuthorities {
            for certificate in try reader.certificates(source) {
                guard unsafe openSSL.X509_STORE_add_cert(pointer, certificate.pointer) == 1 else { throw noMemory }
            }
        }
        for source in trust.revocationLists {
            for list in try reader.revocationLists(source) {
                guard unsafe openSSL.X509_STORE_add_crl(pointer, list.pointer) == 1 else { throw noMemory }
            }
        }
        // libcurl's: TRUSTED_FIRST, and PARTIAL_CHAIN unless there are lists; CRL_CHECK and CRL_CHECK_ALL if there are.
        let flags: UInt = trust.revocationLists.isEmpty ? 0x8000 | 0x80000 : 0x8000 | 0x4 | 0x8
        guard unsafe openSSL.X509_STORE_set_flags(pointer, flags) == 1 else { throw noMemory }
        unsafe openSSL.ERR_clear_error()
        return store
    }

    private static let noMemory = HandleError(.notEnoughMemory, .sendRequest, reason: "OpenSSL has no memory")

    // MARK: Contexts

    /// Sets store and identity of a connection. `false` if OpenSSL refuses them.
    func configure(_ context: UnsafeMutableRawPointer) -> Bool {
        guard unsafe setStore(context) else { return false }
        guard let material else { return true }
        guard unsafe openSSL.SSL_CTX_use_certificate(context, material.certificate.pointer) == 1,
            unsafe openSSL.SSL_CTX_use_PrivateKey(context, material.key.pointer) == 1
        else { return false }
        return material.chain.allSatisfy { unsafe openSSL.addToChain(context, $0.pointer) }
    }

    func setStore(_ context: UnsafeMutableRawPointer) -> Bool {
        guard unsafe openSSL.X509_STORE_up_ref(store.pointer) == 1 else { return false }
        unsafe openSSL.SSL_CTX_set_cert_store(context, store.pointer)
        return true
    }

    /// Whether OpenSSL takes the identity; it refuses weak keys, for example.
    private func checkMaterial() throws(HandleError) {
        guard material != nil else { return }
        guard let context = unsafe openSSL.SSL_CTX_new(openSSL.TLS_client_method()) else { throw Self.noMemory }
        defer { unsafe openSSL.SSL_CTX_free(context) }
        let isTaken = unsafe configure(context)
        unsafe openSSL.ERR_clear_error()
        guard isTaken else {
            let reason = "clientIdentity: OpenSSL refuses the certificate or its key, which may be too weak"
            throw HandleError(.clientCertNoPrivateKey, .sendRequest, reason: reason)
        }
    }

    // MARK: Changes

    /// Whether it is for these values, and no file has changed.
    func matches(_ trust: ServerTrust, _ identity: ClientIdentity?) -> Bool {
        self.trust == trust && self.identity == identity && isCurrent
    }

    /// Whether no file has changed.
    var isCurrent: Bool { files.allSatisfy { $0.stamp == FileStatus(following: $0.path)?.stamp } }

    // MARK: Verdicts

    func verdict(on certificate: ServerCertificate) -> CertificateVerdict.Answer? { verdicts[certificate] }

    func keep(_ answer: CertificateVerdict.Answer, on certificate: ServerCertificate) {
        if verdicts.count >= Self.maximumVerdicts { verdicts = [:] }
        verdicts[certificate] = answer
    }

    private static let maximumVerdicts = 256
}

/// The profiles of one session.
struct TLSProfiles {
    /// The most recently used last.
    private var profiles: [TLSProfile] = []
    private var made = 0

    /// The profile for these values; made if there is none, or if a file has changed.
    mutating func profile(
        _ trust: ServerTrust,
        _ identity: ClientIdentity?,
        _ openSSL: OpenSSL
    ) throws(HandleError) -> TLSProfile {
        if let index = profiles.lastIndex(where: { $0.matches(trust, identity) }) {
            let profile = profiles.remove(at: index)
            profiles.append(profile)
            return profile
        }
        made += 1
        let profile = try unsafe TLSProfile(trust, identity, number: made, openSSL)
        if profiles.count >= Self.maximumCount { profiles.removeFirst() }
        profiles.append(profile)
        return profile
    }

    private static let maximumCount = 16
}
