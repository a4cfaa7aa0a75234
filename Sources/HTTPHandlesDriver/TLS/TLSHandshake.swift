import HTTPHandlesCore

/// The handshake of one connection: what is decided and recorded in it. OpenSSL keeps it as long as its context.
@safe
final class TLSHandshake {
    /// `nil` where only the issuers are recorded.
    private let profile: TLSProfile?
    private let openSSL: OpenSSL
    /// The name or address in the URL.
    private let host: String
    private let isAddress: Bool

    /// What OpenSSL has found wrong, apart from what is ignored.
    private var problems: [CertificateProblem] = []
    private var firstError: Int32 = 0

    /// What the caller's verdict has to decide before the connection can be made.
    private(set) var question: ServerCertificate?
    /// The server's authorities, if it has requested a certificate.
    private(set) var issuers: [CertificateIssuer]?

    init(_ profile: TLSProfile?, _ origin: Origin, _ openSSL: OpenSSL) {
        self.profile = profile
        unsafe self.openSSL = openSSL
        isAddress = origin.isHostLiteral
        let zone = origin.host.utf8.firstIndex(of: UInt8(ascii: "%"))
        host = String(origin.host[..<(isAddress ? zone ?? origin.host.endIndex : origin.host.endIndex)])
    }

    /// Sets up the context of the connection. `false` if OpenSSL refuses.
    func begin(_ context: UnsafeMutableRawPointer) -> Bool {
        guard let index = Self.extraDataIndex else { return false }
        if let profile, unsafe !profile.configure(context) { return false }
        let this = unsafe Unmanaged.passRetained(self)
        guard unsafe openSSL.SSL_CTX_set_ex_data(context, index, this.toOpaque()) == 1 else {
            unsafe this.release()
            return false
        }
        if let trust = profile?.trust, trust.verifies, trust.verdict != nil || !trust.ignored.isEmpty {
            unsafe openSSL.SSL_CTX_set_cert_verify_callback(context, verifyCallback, this.toOpaque())
        }
        unsafe openSSL.SSL_CTX_set_cert_cb(context, certificateCallback, this.toOpaque())
        return true
    }

    /// Where OpenSSL keeps handshakes; it releases them with their contexts.
    private static let extraDataIndex: Int32? = {
        guard let openSSL = unsafe OpenSSL.loaded else { return nil }
        // 1 is CRYPTO_EX_INDEX_SSL_CTX.
        let index = unsafe openSSL.CRYPTO_get_ex_new_index(1, 0, nil, nil, nil) { _, data, _, _, _, _ in
            if let data = unsafe data { unsafe Unmanaged<TLSHandshake>.fromOpaque(data).release() }
        }
        return index >= 0 ? index : nil
    }()

    // MARK: Verification

    /// Verifies the chain in place of OpenSSL.
    fileprivate func verify(_ context: OpenSSL.Pointer) -> Bool {
        guard let profile else { return false }
        problems = []
        firstError = 0
        // 0 is the index for the application.
        guard unsafe openSSL.X509_STORE_CTX_set_ex_data(context, 0, Unmanaged.passUnretained(self).toOpaque()) == 1
        else { return false }
        unsafe openSSL.X509_STORE_CTX_set_verify_cb(context, errorCallback)
        let isValid = unsafe openSSL.X509_verify_cert(context) > 0
        guard profile.trust.verdict != nil else {
            if isValid { unsafe openSSL.X509_STORE_CTX_set_error(context, 0) }
            return isValid
        }
        if !isValid, problems.isEmpty { note(.invalid, unsafe openSSL.X509_STORE_CTX_get_error(context)) }
        if !profile.trust.ignored.contains(.wrongName), unsafe !hasName(openSSL.X509_STORE_CTX_get0_cert(context)) {
            note(.wrongName, 62)
        }
        let certificate = unsafe ServerCertificate(host: host, chain: chain(context), problems: problems)
        switch profile.verdict(on: certificate) {
        case .accept?:
            unsafe openSSL.X509_STORE_CTX_set_error(context, 0)
            return true
        case .refuse?: break
        case nil: question = certificate
        }
        // 50 is for a reason of the application.
        unsafe openSSL.X509_STORE_CTX_set_error(context, firstError == 0 ? 50 : firstError)
        return false
    }

    private func note(_ problem: CertificateProblem, _ error: Int32) {
        if firstError == 0 { firstError = error }
        if !problems.contains(problem) { problems.append(problem) }
    }

    /// OpenSSL has found something wrong. Whether it goes on.
    fileprivate func found(_ error: Int32, _ context: OpenSSL.Pointer) -> Bool {
        guard let trust = profile?.trust else { return false }
        if trust.ignored.covers(verifyResult: Int(error)) {
            unsafe openSSL.X509_STORE_CTX_set_error(context, 0)
            return true
        }
        guard trust.verdict != nil, let problem = CertificateProblem(verifyResult: Int(error)) else { return false }
        note(problem, error)
        return true
    }

    private func hasName(_ certificate: OpenSSL.Pointer?) -> Bool {
        if isAddress { return unsafe host.withCString { unsafe openSSL.X509_check_ip_asc(certificate, $0, 0) == 1 } }
        // The dot at the end of a name is not part of those in certificates.
        let name = host.utf8.last == UInt8(ascii: ".") ? String(host.dropLast()) : host
        return unsafe name.withCString { unsafe openSSL.X509_check_host(certificate, $0, name.utf8.count, 0, nil) == 1 }
    }

    private func chain(_ context: OpenSSL.Pointer) -> [[UInt8]] {
        let sent = unsafe openSSL.items(openSSL.X509_STORE_CTX_get0_untrusted(context))
        return unsafe sent.map { unsafe openSSL.der($0, openSSL.i2d_X509) }
    }

    // MARK: Issuers

    /// The server requests a client certificate.
    fileprivate func certificateRequested(_ connection: OpenSSL.Pointer) {
        let names = unsafe openSSL.items(openSSL.SSL_get0_peer_CA_list(connection))
        issuers = unsafe names.map { name in
            var text = [CChar](repeating: 0, count: 1024)
            _ = unsafe openSSL.X509_NAME_oneline(name, &text, Int32(text.count))
            let end = text.firstIndex(of: 0) ?? text.endIndex
            return unsafe CertificateIssuer(
                der: openSSL.der(name, openSSL.i2d_X509_NAME),
                description: String(decoding: text[..<end].map(UInt8.init(bitPattern:)), as: UTF8.self)
            )
        }
    }

    /// The handshake that OpenSSL has for the present verification.
    fileprivate static func current(_ context: OpenSSL.Pointer) -> TLSHandshake? {
        guard let openSSL = unsafe OpenSSL.loaded, let data = unsafe openSSL.X509_STORE_CTX_get_ex_data(context, 0)
        else { return nil }
        return unsafe Unmanaged<TLSHandshake>.fromOpaque(data).takeUnretainedValue()
    }
}

private let verifyCallback: OpenSSL.VerifyCallback = { context, data in
    guard let context = unsafe context, let data = unsafe data else { return 0 }
    return unsafe Unmanaged<TLSHandshake>.fromOpaque(data).takeUnretainedValue().verify(context) ? 1 : 0
}

private let errorCallback: OpenSSL.ErrorCallback = { isValid, context in
    guard isValid == 0 else { return isValid }
    guard let context = unsafe context, let openSSL = unsafe OpenSSL.loaded,
        let handshake = unsafe TLSHandshake.current(context)
    else { return 0 }
    return unsafe handshake.found(openSSL.X509_STORE_CTX_get_error(context), context) ? 1 : 0
}

private let certificateCallback: OpenSSL.VerifyCallback = { connection, data in
    if let connection = unsafe connection, let data = unsafe data {
        unsafe Unmanaged<TLSHandshake>.fromOpaque(data).takeUnretainedValue().certificateRequested(connection)
    }
    return 1
}
