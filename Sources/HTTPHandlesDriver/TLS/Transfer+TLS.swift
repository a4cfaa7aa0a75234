import CHTTPHandlesCurl
import HTTPHandlesCore

// Trust, identity and TLS versions. What libcurl has an option for, and compares when it chooses a connection, is left to
// it; everything else is a `TLSProfile`.

extension Transfer {
    func applyTLS(_ values: OptionValues) throws(HandleError) {
        let trust = values.serverTrust
        profile = try profile(trust, values.clientIdentity, nil)
        if let profile {
            // The store of the profile takes the place of libcurl's, so libcurl has nothing to load.
            try curl.set(CURLOPT_CAINFO, nil)
            try curl.set(CURLOPT_CAPATH, profile.directory)
        } else {
            // With a real directory libcurl would read all of it for each connection: decision 0008.
            try curl.switchOff(CURLOPT_CAPATH, text: nil)
            try applyWithoutOpenSSL(trust, values.clientIdentity)
        }
        // With a verdict the name is one of the things that it is told of.
        let verifiesName = trust.verifies && !trust.ignored.contains(.wrongName) && trust.verdict == nil
        try curl.set(CURLOPT_SSL_VERIFYPEER, trust.verifies ? 1 : 0)
        try curl.set(CURLOPT_SSL_VERIFYHOST, verifiesName ? 2 : 0)
        try setPins(of: trust, CURLOPT_PINNEDPUBLICKEY, "serverTrust")
        if trust.requiresStapledStatus {
            try require(curl.set(CURLOPT_SSL_VERIFYSTATUS, 1), "serverTrust", trust)
        } else {
            try curl.switchOff(CURLOPT_SSL_VERIFYSTATUS)
        }
        // A server staples nothing to a resumed session, which old versions of libcurl take for a missing status.
        try curl.set(CURLOPT_SSL_SESSIONID_CACHE, trust.requiresStapledStatus ? 0 : 1)
        try applyTLSVersions(values)
        try applyAlgorithms(values.tlsAlgorithms)
        try curl.set(CURLOPT_CERTINFO, values.recordsSecurityInfo ? 1 : 0)
        recordsHandshakes = values.recordsSecurityInfo
    }

    /// - Parameters:
    ///   - option: That of the server, or that of the proxy.
    ///   - name: The option of the caller, for errors.
    func setPins(of trust: ServerTrust, _ option: CURLoption, _ name: String) throws(HandleError) {
        let pins = trust.pins.map(\.description).joined(separator: ";")
        if pins.isEmpty {
            try curl.switchOff(option, text: nil)
        } else {
            try require(curl.set(option, pins), name, trust)
        }
    }

    /// - Parameter option: The option, for errors, if it is neither `serverTrust` nor `clientIdentity`.
    func profile(
        _ trust: ServerTrust,
        _ identity: ClientIdentity?,
        _ option: String?
    ) throws(HandleError) -> TLSProfile? {
        guard trust.needsStore || identity != nil, let openSSL = unsafe OpenSSL.loaded else { return nil }
        do {
            return try unsafe engine.tlsProfiles.profile(trust, identity, openSSL)
        } catch {
            guard let option else { throw error }
            throw HandleError(error.code, error.operation, reason: "\(option): \(error.reason)")
        }
    }

    /// What libcurl can do with any TLS library; the rest is not supported.
    private func applyWithoutOpenSSL(_ trust: ServerTrust, _ identity: ClientIdentity?) throws(HandleError) {
        var authorities = CurlLibrary.authorityFile
        if trust.needsStore {
            guard trust == .authorities(inFile: trust.ownAuthorities.first?.path ?? ""), trust.ownAuthorities.count == 1
            else {
                throw Self.needsOpenSSL("serverTrust")
            }
            authorities = trust.ownAuthorities.first?.path
            if let authorities { try CertificateReader.requireReadable(authorities, "serverTrust") }
        }
        try curl.set(CURLOPT_CAINFO, authorities)
        guard hasCurlIdentity || identity != nil else { return }
        hasCurlIdentity = identity != nil
        guard let identity else {
            for option in [CURLOPT_SSLCERT, CURLOPT_SSLKEY, CURLOPT_KEYPASSWD] { try curl.set(option, nil) }
            return
        }
        guard case .certificate(.file(let file), let key) = identity.material, key?.path != nil || key == nil else {
            throw Self.needsOpenSSL("clientIdentity")
        }
        for path in [file, key?.path].compactMap(\.self) {
            try CertificateReader.requireReadable(path, "clientIdentity")
        }
        try require(curl.set(CURLOPT_SSLCERT, file), "clientIdentity", identity)
        try curl.set(CURLOPT_SSLKEY, key?.path)
        // Never without a password: the TLS library would ask for one on the terminal.
        try curl.set(CURLOPT_KEYPASSWD, identity.password ?? "")
    }

    static func needsOpenSSL(_ option: String) -> HandleError {
        let reason = "this value of \(option) needs a libcurl with OpenSSL 3.0 or later"
        return HandleError(.notSupported, .sendRequest, reason: reason)
    }

    private func applyTLSVersions(_ values: OptionValues) throws(HandleError) {
        let highest =
            switch values.maximumTLSVersion {
            case .tls1_2: CURL_SSLVERSION_MAX_TLSv1_2
            case .tls1_3: CURL_SSLVERSION_MAX_TLSv1_3
            case nil: CURL_SSLVERSION_MAX_NONE
            }
        if values.minimumTLSVersion == .tls1_3, values.maximumTLSVersion == .tls1_2 {
            throw .invalidParameter(.sendRequest, "maximumTLSVersion is older than minimumTLSVersion")
        }
        try require(
            curl.set(CURLOPT_SSLVERSION, values.minimumTLSVersion.lowestForCurl | Int(highest)),
            "minimumTLSVersion",
            values.minimumTLSVersion
        )
    }

    private func applyAlgorithms(_ algorithms: TLSAlgorithms?) throws(HandleError) {
        guard algorithms != nil || hasAlgorithms else { return }
        if let algorithms { try requireKnown(algorithms) }
        hasAlgorithms = true
        try require(curl.set(CURLOPT_SSL_CIPHER_LIST, algorithms?.cipherSuites), "tlsAlgorithms", algorithms)
        try require(curl.set(CURLOPT_TLS13_CIPHERS, algorithms?.tls1_3CipherSuites), "tlsAlgorithms", algorithms)
        try require(curl.set(CURLOPT_SSL_EC_CURVES, algorithms?.groups), "tlsAlgorithms", algorithms)
        hasAlgorithms = algorithms != nil
    }

    /// libcurl would find an unknown name only when the connection is made.
    private func requireKnown(_ algorithms: TLSAlgorithms) throws(HandleError) {
        guard let openSSL = unsafe OpenSSL.loaded,
            let context = unsafe openSSL.SSL_CTX_new(openSSL.TLS_client_method())
        else { return }
        defer {
            unsafe openSSL.SSL_CTX_free(context)
            unsafe openSSL.ERR_clear_error()
        }
        func check(_ list: String?, _ isKnown: (String) -> Bool) throws(HandleError) {
            guard let list, !isKnown(list) else { return }
            throw .invalidParameter(
                .sendRequest,
                "tlsAlgorithms: OpenSSL does not know all of \(list.debugDescription)"
            )
        }
        try check(algorithms.cipherSuites) { list in
            unsafe list.withCString { unsafe openSSL.SSL_CTX_set_cipher_list(context, $0) == 1 }
        }
        try check(algorithms.tls1_3CipherSuites) { list in
            unsafe list.withCString { unsafe openSSL.SSL_CTX_set_ciphersuites(context, $0) == 1 }
        }
        try check(algorithms.groups) { list in unsafe openSSL.setGroups(context, list) }
    }

    /// libcurl with another TLS library does not know the callback.
    func applyContextCallback() throws(HandleError) {
        let isNeeded = profile != nil || proxyProfile != nil || recordsHandshakes
        guard isNeeded != hasContextCallback else { return }
        let isOn = unsafe isNeeded && OpenSSL.loaded != nil
        guard isOn != hasContextCallback else { return }
        try unsafe curl.setContextCallback(isOn, Unmanaged.passUnretained(self).toOpaque())
        hasContextCallback = isOn
    }

    // MARK: Handshakes

    /// A connection of this transfer begins its TLS handshake: to an https proxy first with that.
    ///
    /// - Parameter isOwn: `false` for one to a server of names, which gets no identity and no verdict.
    func handshakeBegins(_ context: UnsafeMutableRawPointer, isOwn: Bool) -> Bool {
        guard isOwn else { return unsafe profile?.setStore(context) ?? true }
        guard let openSSL = unsafe OpenSSL.loaded, let request = exchange.request else { return false }
        let origin = request.url.origin
        let isFirst = !attempt.hasHandshake
        attempt.hasHandshake = true
        if isFirst, let proxy = request.route?.address, proxy.kind == .https {
            let origin = Origin(isSecure: true, host: proxy.host, port: proxy.port)
            return unsafe TLSHandshake(proxyProfile, origin, openSSL).begin(context)
        }
        let handshake = unsafe TLSHandshake(profile, origin, openSSL)
        attempt.handshake = handshake
        return unsafe handshake.begin(context)
    }

    // MARK: Verdicts

    /// The handshake has failed because the caller's verdict is not known. Whether it is asked now.
    func asksForVerdict(after result: CurlCode) -> Bool {
        guard result == .certificateRefused, attempt.refusal == nil, let question = attempt.handshake?.question,
            exchange.certificateQuestions < Self.maximumCertificateQuestions
        else { return false }
        exchange.certificateQuestion = question
        exchange.certificateQuestions += 1
        record(.certificateQuestion(question))
        return true
    }

    /// A server that has another certificate each time is given up.
    private static let maximumCertificateQuestions = 4

    /// Takes the caller's answer. Whether the transfer begins again.
    func takeVerdict(_ answer: CertificateVerdict.Answer) -> Bool {
        guard let question = exchange.certificateQuestion.take() else { return false }
        profile?.keep(answer, on: question)
        if answer == .accept {
            exchange.pendingRestart = .certificateAccepted
            return true
        }
        let problem = question.problems.first ?? .refused
        let reasons = Set([CertificateProblem.refused.reason, problem.reason]).sorted().reversed()
        let error = HandleError(
            .secureFailure,
            .sendRequest,
            reason: reasons.joined(separator: ": "),
            certificateProblem: problem
        )
        let failure = question.problems.isEmpty ? [problem] : question.problems
        record(.failed(error, failure.reduce(into: []) { $0.formUnion($1.secureFailure) }))
        return false
    }
}

extension TLSVersion {
    /// As the lowest version, to libcurl.
    var lowestForCurl: Int {
        switch self {
        case .tls1_2: Int(CURL_SSLVERSION_TLSv1_2)
        case .tls1_3: Int(CURL_SSLVERSION_TLSv1_3)
        }
    }
}

extension HTTPVersionPolicy {
    /// Whether HTTP/2 may be negotiated in the TLS handshake.
    var offersHTTP2: Bool {
        switch self {
        case .automatic, .http2Only, .http3: true
        case .http1_1, .http2PriorKnowledge, .http3Only: false
        }
    }
}
