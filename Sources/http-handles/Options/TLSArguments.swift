import ArgumentParser
import HTTPHandles

/// The options for TLS, with curl's names.
struct TLSArguments: ParsableArguments {
    @Option(help: ArgumentHelp("The PEM file of the trusted certificate authorities.", valueName: "file"))
    var cacert: String?

    @Option(
        help: ArgumentHelp(
            "A directory of further authorities, in files with OpenSSL's hashed names.",
            valueName: "directory"
        )
    )
    var capath: String?

    @Flag(name: [.customShort("k"), .customLong("insecure")], help: "Do not verify the server's certificate.")
    var insecure = false

    @Option(
        name: [.customShort("E"), .customLong("cert")],
        help: ArgumentHelp(
            "The client's certificate, and the password of its key; \\ before a colon of the name.",
            valueName: "file[:password]"
        )
    )
    var certificate: String?

    @Option(
        name: .customLong("cert-type"),
        help: ArgumentHelp("PEM, DER or P12; P12 has the key as well.", valueName: "type")
    )
    var certificateType: CertificateType?

    @Option(help: ArgumentHelp("The client's private key, if it is not beside the certificate.", valueName: "file"))
    var key: String?

    @Option(help: ArgumentHelp("The password of the private key.", valueName: "password"))
    var pass: String?

    @Option(
        help: ArgumentHelp(
            "The hashes of the server's public key: sha256//BASE64, several with \";\" in between.",
            valueName: "hashes"
        )
    )
    var pinnedpubkey: String?

    @Option(help: ArgumentHelp("A file of revocation lists.", valueName: "file"))
    var crlfile: String?

    @Flag(help: "Require the status of the server's certificate (OCSP stapling).")
    var certStatus = false

    @Flag(exclusivity: .chooseLast) var minimum: MinimumVersion?

    @Option(help: ArgumentHelp("The newest allowed version of TLS: 1.2, 1.3 or default.", valueName: "version"))
    var tlsMax: MaximumVersion?

    @Option(help: ArgumentHelp("The cipher suites of TLS 1.2, with OpenSSL's names.", valueName: "list"))
    var ciphers: String?

    @Option(
        name: .customLong("tls13-ciphers"),
        help: ArgumentHelp("The cipher suites of TLS 1.3, with OpenSSL's names.", valueName: "list")
    )
    var tls1_3Ciphers: String?

    @Option(help: ArgumentHelp("The groups for the key exchange, with OpenSSL's names.", valueName: "list"))
    var curves: String?

    enum CertificateType: String, ExpressibleByArgument {
        case pem = "PEM"
        case der = "DER"
        case p12 = "P12"

        init?(argument: String) { self.init(rawValue: argument.uppercased()) }
    }

    enum MinimumVersion: String, CaseIterable, EnumerableFlag {
        // Older versions than 1.2 are not supported, and so not used with these either.
        case tls1 = "tlsv1"
        case tls1_0 = "tlsv1.0"
        case tls1_1 = "tlsv1.1"
        case tls1_2 = "tlsv1.2"
        case tls1_3 = "tlsv1.3"

        static func name(for value: MinimumVersion) -> NameSpecification { .customLong(value.rawValue) }

        static func help(for value: MinimumVersion) -> ArgumentHelp? {
            value == .tls1 ? "The oldest allowed version of TLS; none is older than 1.2." : nil
        }
    }

    enum MaximumVersion: String, ExpressibleByArgument {
        case tls1_2 = "1.2"
        case tls1_3 = "1.3"
        case newest = "default"
    }

    func validate() throws {
        guard certificate != nil || (key == nil && pass == nil && certificateType == nil) else {
            throw ValidationError("--key, --pass and --cert-type need --cert.")
        }
        guard certificateType != .p12 || key == nil else {
            throw ValidationError("--key cannot be combined with --cert-type P12, which has the key.")
        }
    }

    func options() throws -> [OptionSetting] {
        var options: [OptionSetting] = [
            .set(.serverTrust, to: try trust()), .set(.clientIdentity, to: identity),
            .set(.tlsAlgorithms, to: algorithms),
        ]
        if let minimum { options.append(.set(.minimumTLSVersion, to: minimum == .tls1_3 ? .tls1_3 : .tls1_2)) }
        switch tlsMax {
        case .tls1_2: options.append(.set(.maximumTLSVersion, to: .tls1_2))
        case .tls1_3: options.append(.set(.maximumTLSVersion, to: .tls1_3))
        case .newest, nil: break
        }
        return options
    }

    private func trust() throws -> ServerTrust {
        let pins = try pinnedpubkey.map(Self.pins) ?? []
        if insecure { return ServerTrust(pins: pins, ignored: .all) }
        let directory = capath.map { [CertificateSource.directory($0)] } ?? []
        return ServerTrust(
            cacert.map { .only([.file($0)] + directory) } ?? (directory.isEmpty ? .system : .systemAnd(directory)),
            pins: pins,
            revocationLists: crlfile.map { [.file($0)] } ?? [],
            requiresStapledStatus: certStatus
        )
    }

    private static func pins(_ text: String) throws -> [PublicKeyPin] {
        try text.utf8.split(separator: UInt8(ascii: ";")).map { part in
            guard let pin = PublicKeyPin(sha256: String(Substring(part))) else {
                throw ValidationError(
                    "--pinnedpubkey must be sha256//BASE64, or several of them with \";\" in between."
                )
            }
            return pin
        }
    }

    private var identity: ClientIdentity? {
        guard let certificate else { return nil }
        let (file, own) = Self.fileAndPassword(certificate)
        let password = pass ?? own
        if certificateType == .p12 { return .pkcs12(.file(file), password: password) }
        return ClientIdentity(certificate: .file(file), key: key.map { .file($0) }, password: password)
    }

    /// The password is behind the first colon that has no backslash before it.
    private static func fileAndPassword(_ text: String) -> (file: String, password: String?) {
        var file: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            switch (byte, rest.first) {
            case (UInt8(ascii: "\\"), UInt8(ascii: ":")?), (UInt8(ascii: "\\"), UInt8(ascii: "\\")?):
                if let next = rest.popFirst() { file.append(next) }
            case (UInt8(ascii: ":"), _): return (String(decoding: file, as: UTF8.self), String(Substring(rest)))
            default: file.append(byte)
            }
        }
        return (String(decoding: file, as: UTF8.self), nil)
    }

    private var algorithms: TLSAlgorithms? {
        guard ciphers != nil || tls1_3Ciphers != nil || curves != nil else { return nil }
        return TLSAlgorithms(cipherSuites: ciphers, tls1_3CipherSuites: tls1_3Ciphers, groups: curves)
    }
}
