import HTTPHandlesCore

/// Reads certificates, keys and revocation lists with OpenSSL.
///
/// Errors name the option and the source, never bytes or a password. OpenSSL never asks for a password.
@safe
struct CertificateReader {
    let openSSL: OpenSSL
    /// The name of the option, for errors.
    let option: String

    // MARK: Bytes

    /// More is no certificate: twenty times what systems have as authorities. Parsing it would hold up the driver's thread.
    private static let maximumLength = 4 << 20

    /// The bytes of a source; several of a directory.
    func contents(_ source: CertificateSource) throws(HandleError) -> [[UInt8]] {
        switch source {
        case .bytes(let bytes):
            guard bytes.count <= Self.maximumLength else { throw problem(source, Self.tooLong) }
            return [bytes]
        case .file(let path): return [try read(path)]
        case .directory(let path):
            guard let names = FileStatus.names(in: path) else {
                throw Self.unreadable(path, FileFailure.system.reason, option)
            }
            var contents: [[UInt8]] = []
            for name in names where Self.isHashed(name) { contents.append(try read("\(path)/\(name)")) }
            return contents
        }
    }

    private func read(_ path: String) throws(HandleError) -> [UInt8] {
        try Self.requireReadable(path, option)
        do {
            return try ReadableFile(path, for: .sendRequest).readAll()
        } catch {
            throw .invalidParameter(.sendRequest, "\(option): \(error.reason)")
        }
    }

    private static let tooLong = "it is longer than \(maximumLength) bytes"

    /// Whether OpenSSL's `rehash` gives such names: eight digits, a dot, an optional "r", and a number.
    private static func isHashed(_ name: String) -> Bool {
        let bytes = Array(name.utf8)
        guard bytes.count > 9, bytes[8] == UInt8(ascii: "."), bytes[..<8].allSatisfy(\.isHexDigit) else { return false }
        let number = bytes[9...].drop { $0 == UInt8(ascii: "r") }
        return !number.isEmpty && number.allSatisfy(\.isASCIIDigit)
    }

    /// Refuses a file that would hold up the driver's thread: a pipe, a device, or one that is far too long. Also for files
    /// that libcurl reads, which it would find missing only when the connection is made.
    static func requireReadable(_ path: String, _ option: String) throws(HandleError) {
        guard let status = FileStatus(following: path), FileStatus.isReadable(path) else {
            throw unreadable(path, FileFailure.system.reason, option)
        }
        guard status.isRegular else { throw unreadable(path, "it is not a regular file", option) }
        guard status.length <= maximumLength else { throw unreadable(path, tooLong, option) }
    }

    private static func unreadable(_ path: String, _ reason: String, _ option: String) -> HandleError {
        .invalidParameter(.sendRequest, "\(option) cannot be read: \(path): \(reason)")
    }

    private func problem(_ source: CertificateSource, _ reason: String) -> HandleError {
        .invalidParameter(.sendRequest, "\(option): \(source): \(reason)")
    }

    // MARK: Certificates

    func certificates(_ source: CertificateSource) throws(HandleError) -> [OpenSSLObject] {
        let items = try unsafe items(
            source,
            openSSL.PEM_read_bio_X509_AUX,
            openSSL.d2i_X509_bio,
            openSSL.X509_free,
            "a certificate"
        )
        // A directory may be empty.
        if items.isEmpty, case .directory = source { return [] }
        return items
    }

    func revocationLists(_ source: CertificateSource) throws(HandleError) -> [OpenSSLObject] {
        try unsafe items(
            source,
            openSSL.PEM_read_bio_X509_CRL,
            openSSL.d2i_X509_CRL_bio,
            openSSL.X509_CRL_free,
            "a revocation list"
        )
    }

    private func items(
        _ source: CertificateSource,
        _ readPEM: OpenSSL.ReadPEM,
        _ readDER: OpenSSL.ReadDER,
        _ release: @escaping OpenSSL.Release,
        _ kind: String
    ) throws(HandleError) -> [OpenSSLObject] {
        var items: [OpenSSLObject] = []
        for bytes in try contents(source) {
            let before = items.count
            var isBroken = false
            unsafe withInput(bytes) { input in
                if Self.isDER(bytes) {
                    if let item = unsafe readDER(input, nil) { unsafe items.append(OpenSSLObject(item, release)) }
                    return
                }
                while let item = unsafe readPEM(input, nil, Self.noPassword, nil) {
                    unsafe items.append(OpenSSLObject(item, release))
                }
                isBroken = !isAtEnd
            }
            guard items.count > before, !isBroken else { throw problem(source, "it is not \(kind) in PEM or DER") }
        }
        return items
    }

    /// Whether the last PEM item was not found because there is none left.
    private var isAtEnd: Bool {
        // The library in the upper bits (9 is PEM), the reason in the lower ones (108 is "no start line").
        let error = unsafe openSSL.ERR_peek_last_error()
        return (error >> 23) & 0xFF == 9 && error & 0x7F_FFFF == 108
    }

    // MARK: Identities

    /// A certificate with its key and its intermediate certificates.
    struct Identity {
        let certificate: OpenSSLObject
        let key: OpenSSLObject
        let chain: [OpenSSLObject]
    }

    func identity(_ identity: ClientIdentity) throws(HandleError) -> Identity {
        let read: Identity
        switch identity.material {
        case .certificate(let certificate, let key):
            let chain = try certificates(certificate)
            guard let first = chain.first else { throw problem(certificate, "it is not a certificate in PEM or DER") }
            read = Identity(
                certificate: first,
                key: try self.key(key ?? certificate, identity.password),
                chain: Array(chain.dropFirst())
            )
        case .pkcs12(let source): read = try pkcs12(source, identity.password)
        }
        let isPair = unsafe openSSL.X509_check_private_key(read.certificate.pointer, read.key.pointer) == 1
        unsafe openSSL.ERR_clear_error()
        guard isPair else { throw noKey("the private key does not fit the certificate") }
        return read
    }

    private func noKey(_ reason: String) -> HandleError {
        HandleError(.clientCertNoPrivateKey, .sendRequest, reason: "\(option): \(reason)")
    }

    /// What is given to OpenSSL when it asks for a password.
    private final class Password {
        let bytes: [UInt8]
        var wasNeeded = false

        init(_ text: String?) {
            bytes = Array((text ?? "").utf8)
        }
    }

    private func key(_ source: CertificateSource, _ password: String?) throws(HandleError) -> OpenSSLObject {
        guard let bytes = try contents(source).first else { throw noKey("there is no private key in \(source)") }
        let needed = Password(password)
        var key: OpenSSL.Pointer?
        withExtendedLifetime(needed) {
            let data = unsafe Unmanaged.passUnretained(needed).toOpaque()
            if !Self.isDER(bytes) {
                return unsafe withInput(bytes) {
                    unsafe key = openSSL.PEM_read_bio_PrivateKey($0, nil, Self.password, data)
                }
            }
            unsafe withInput(bytes) { unsafe key = openSSL.d2i_PrivateKey_bio($0, nil) }
            if unsafe key == nil {
                unsafe withInput(bytes) {
                    unsafe key = openSSL.d2i_PKCS8PrivateKey_bio($0, nil, Self.password, data)
                }
            }
        }
        if let key = unsafe key { return unsafe OpenSSLObject(key, openSSL.EVP_PKEY_free) }
        guard needed.wasNeeded else { throw noKey("there is no private key in \(source)") }
        throw noKey(
            password == nil
                ? "the private key in \(source) needs a password"
                : "the private key in \(source) cannot be decrypted with the password"
        )
    }

    private func pkcs12(_ source: CertificateSource, _ password: String?) throws(HandleError) -> Identity {
        var file: OpenSSL.Pointer?
        for bytes in try contents(source) { unsafe withInput(bytes) { unsafe file = openSSL.d2i_PKCS12_bio($0, nil) } }
        guard let file = unsafe file else { throw problem(source, "it is not in the format of PKCS #12") }
        defer { unsafe openSSL.PKCS12_free(file) }
        var key: OpenSSL.Pointer?
        var certificate: OpenSSL.Pointer?
        var others: OpenSSL.Pointer?
        let isRead =
            if let password {
                unsafe password.withCString {
                    unsafe openSSL.PKCS12_parse(file, $0, &key, &certificate, &others) == 1
                }
            } else {
                unsafe openSSL.PKCS12_parse(file, nil, &key, &certificate, &others) == 1
            }
        unsafe openSSL.ERR_clear_error()
        let chain = unsafe openSSL.items(others).map { unsafe OpenSSLObject($0, openSSL.X509_free) }
        if let others = unsafe others { unsafe openSSL.OPENSSL_sk_free(others) }
        let ownedKey = unsafe key.map { unsafe OpenSSLObject($0, openSSL.EVP_PKEY_free) }
        let ownedCertificate = unsafe certificate.map { unsafe OpenSSLObject($0, openSSL.X509_free) }
        guard isRead else {
            throw noKey("\(source) cannot be decrypted \(password == nil ? "without a password" : "with the password")")
        }
        guard let ownedCertificate else { throw problem(source, "there is no certificate in it") }
        guard let ownedKey else { throw noKey("there is no private key in \(source)") }
        return Identity(certificate: ownedCertificate, key: ownedKey, chain: chain)
    }

    // MARK: Input

    private static func isDER(_ bytes: [UInt8]) -> Bool { bytes.first == 0x30 }

    /// Calls `body` with the bytes as OpenSSL's input.
    private func withInput(_ bytes: [UInt8], _ body: (OpenSSL.Pointer) -> Void) {
        unsafe openSSL.ERR_clear_error()
        unsafe bytes.withUnsafeBytes { buffer in
            guard let input = unsafe openSSL.BIO_new_mem_buf(buffer.baseAddress, Int32(buffer.count)) else { return }
            unsafe body(input)
            _ = unsafe openSSL.BIO_free(input)
        }
    }

    /// For items that are not encrypted: without a callback OpenSSL would ask on the terminal.
    private static let noPassword: OpenSSL.PasswordCallback = { _, _, _, _ in -1 }

    private static let password: OpenSSL.PasswordCallback = { buffer, size, _, data in
        guard let buffer = unsafe buffer, let data = unsafe data else { return -1 }
        return unsafe Unmanaged<Password>.fromOpaque(data)._withUnsafeGuaranteedRef { password in
            password.wasNeeded = true
            guard password.bytes.count <= Int(size) else { return -1 }
            for (index, byte) in password.bytes.enumerated() { unsafe buffer[index] = CChar(bitPattern: byte) }
            return Int32(password.bytes.count)
        }
    }
}
