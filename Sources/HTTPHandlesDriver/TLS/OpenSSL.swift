import HTTPHandlesSystem

/// Functions of the OpenSSL that libcurl has loaded, under OpenSSL's names.
///
/// OpenSSL is not linked: see `TLSLibrary`. `loaded` is `nil` with another TLS library, with a version before 3.0, with a
/// static libcurl, and on other systems.
@unsafe
struct OpenSSL: Sendable {
    typealias Pointer = UnsafeMutableRawPointer
    typealias PasswordCallback = @convention(c) (UnsafeMutablePointer<CChar>?, Int32, Int32, Pointer?) -> Int32
    typealias Release = @convention(c) (Pointer?) -> Void
    typealias ExtraDataRelease = @convention(c) (Pointer?, Pointer?, Pointer?, Int32, Int, Pointer?) -> Void
    typealias VerifyCallback = @convention(c) (Pointer?, Pointer?) -> Int32
    typealias ErrorCallback = @convention(c) (Int32, Pointer?) -> Int32
    /// A function that reads one PEM item of a BIO.
    typealias ReadPEM = @convention(c) (Pointer?, Pointer?, PasswordCallback?, Pointer?) -> Pointer?
    /// A function that reads one DER item of a BIO.
    typealias ReadDER = @convention(c) (Pointer?, Pointer?) -> Pointer?
    /// A function that encodes in DER: it returns the length, and writes if there is a buffer.
    typealias Encode = @convention(c) (Pointer?, UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>?) -> Int32
    typealias Two = @convention(c) (Pointer?, Pointer?) -> Int32
    typealias TwoAndNumber = @convention(c) (Pointer?, UnsafePointer<CChar>?, UInt32) -> Int32
    typealias Control = @convention(c) (Pointer?, Int32, Int, Pointer?) -> Int

    // Reading
    let BIO_new_mem_buf: @convention(c) (UnsafeRawPointer?, Int32) -> Pointer?
    let BIO_free: @convention(c) (Pointer?) -> Int32
    let PEM_read_bio_X509_AUX: ReadPEM
    let d2i_X509_bio: ReadDER
    let PEM_read_bio_X509_CRL: ReadPEM
    let d2i_X509_CRL_bio: ReadDER
    let PEM_read_bio_PrivateKey: ReadPEM
    let d2i_PrivateKey_bio: ReadDER
    let d2i_PKCS8PrivateKey_bio: ReadPEM
    let d2i_PKCS12_bio: ReadDER
    let PKCS12_parse:
        @convention(c) (
            Pointer?, UnsafePointer<CChar>?, UnsafeMutablePointer<Pointer?>?, UnsafeMutablePointer<Pointer?>?,
            UnsafeMutablePointer<Pointer?>?
        ) -> Int32
    let PKCS12_free: Release
    let X509_free: Release
    let X509_CRL_free: Release
    let EVP_PKEY_free: Release
    let i2d_X509: Encode
    let i2d_X509_NAME: Encode
    let X509_NAME_oneline:
        @convention(c) (Pointer?, UnsafeMutablePointer<CChar>?, Int32) -> UnsafeMutablePointer<CChar>?
    let OPENSSL_sk_num: @convention(c) (Pointer?) -> Int32
    let OPENSSL_sk_value: @convention(c) (Pointer?, Int32) -> Pointer?
    let OPENSSL_sk_free: Release
    let ERR_clear_error: @convention(c) () -> Void
    let ERR_peek_last_error: @convention(c) () -> UInt
    let X509_check_private_key: Two

    // Stores
    let X509_STORE_new: @convention(c) () -> Pointer?
    let X509_STORE_free: Release
    let X509_STORE_up_ref: @convention(c) (Pointer?) -> Int32
    let X509_STORE_add_cert: Two
    let X509_STORE_add_crl: Two
    let X509_STORE_load_file: @convention(c) (Pointer?, UnsafePointer<CChar>?) -> Int32
    let X509_STORE_set_flags: @convention(c) (Pointer?, UInt) -> Int32

    // Verification
    let X509_verify_cert: @convention(c) (Pointer?) -> Int32
    let X509_STORE_CTX_set_verify_cb: @convention(c) (Pointer?, ErrorCallback?) -> Void
    let X509_STORE_CTX_get_error: @convention(c) (Pointer?) -> Int32
    let X509_STORE_CTX_set_error: @convention(c) (Pointer?, Int32) -> Void
    let X509_STORE_CTX_set_ex_data: @convention(c) (Pointer?, Int32, Pointer?) -> Int32
    let X509_STORE_CTX_get_ex_data: @convention(c) (Pointer?, Int32) -> Pointer?
    let X509_STORE_CTX_get0_cert: @convention(c) (Pointer?) -> Pointer?
    let X509_STORE_CTX_get0_untrusted: @convention(c) (Pointer?) -> Pointer?
    let X509_check_host:
        @convention(c) (Pointer?, UnsafePointer<CChar>?, Int, UInt32, UnsafeMutablePointer<Pointer?>?) -> Int32
    let X509_check_ip_asc: TwoAndNumber

    // Contexts
    let CRYPTO_get_ex_new_index: @convention(c) (Int32, Int, Pointer?, Pointer?, Pointer?, ExtraDataRelease?) -> Int32
    let TLS_client_method: @convention(c) () -> Pointer?
    let SSL_CTX_new: @convention(c) (Pointer?) -> Pointer?
    let SSL_CTX_free: Release
    let SSL_CTX_set_ex_data: @convention(c) (Pointer?, Int32, Pointer?) -> Int32
    let SSL_CTX_set_cert_store: @convention(c) (Pointer?, Pointer?) -> Void
    let SSL_CTX_set_cert_verify_callback: @convention(c) (Pointer?, VerifyCallback?, Pointer?) -> Void
    let SSL_CTX_set_cert_cb: @convention(c) (Pointer?, VerifyCallback?, Pointer?) -> Void
    let SSL_CTX_use_certificate: Two
    let SSL_CTX_use_PrivateKey: Two
    let SSL_CTX_ctrl: Control
    let SSL_CTX_set_cipher_list: @convention(c) (Pointer?, UnsafePointer<CChar>?) -> Int32
    let SSL_CTX_set_ciphersuites: @convention(c) (Pointer?, UnsafePointer<CChar>?) -> Int32
    let SSL_get0_peer_CA_list: @convention(c) (Pointer?) -> Pointer?

    // Ends of connections
    let SSL_get_shutdown: @convention(c) (Pointer?) -> Int32
    let SSL_shutdown: @convention(c) (Pointer?) -> Int32
    let SSL_get_wbio: @convention(c) (Pointer?) -> Pointer?
    let SSL_set0_wbio: @convention(c) (Pointer?, Pointer?) -> Void
    let BIO_new: @convention(c) (Pointer?) -> Pointer?
    let BIO_s_mem: @convention(c) () -> Pointer?
    let BIO_up_ref: @convention(c) (Pointer?) -> Int32
    let BIO_read: @convention(c) (Pointer?, Pointer?, Int32) -> Int32

    static let loaded: OpenSSL? = unsafe try? OpenSSL()

    private struct Missing: Error {}

    private init() throws {
        let version = try unsafe Self.find("OpenSSL_version_num", as: (@convention(c) () -> UInt).self)
        guard version() >= 0x3000_0000 else { throw Missing() }
        unsafe BIO_new_mem_buf = try Self.find("BIO_new_mem_buf")
        unsafe BIO_free = try Self.find("BIO_free")
        unsafe PEM_read_bio_X509_AUX = try Self.find("PEM_read_bio_X509_AUX")
        unsafe d2i_X509_bio = try Self.find("d2i_X509_bio")
        unsafe PEM_read_bio_X509_CRL = try Self.find("PEM_read_bio_X509_CRL")
        unsafe d2i_X509_CRL_bio = try Self.find("d2i_X509_CRL_bio")
        unsafe PEM_read_bio_PrivateKey = try Self.find("PEM_read_bio_PrivateKey")
        unsafe d2i_PrivateKey_bio = try Self.find("d2i_PrivateKey_bio")
        unsafe d2i_PKCS8PrivateKey_bio = try Self.find("d2i_PKCS8PrivateKey_bio")
        unsafe d2i_PKCS12_bio = try Self.find("d2i_PKCS12_bio")
        unsafe PKCS12_parse = try Self.find("PKCS12_parse")
        unsafe PKCS12_free = try Self.find("PKCS12_free")
        unsafe X509_free = try Self.find("X509_free")
        unsafe X509_CRL_free = try Self.find("X509_CRL_free")
        unsafe EVP_PKEY_free = try Self.find("EVP_PKEY_free")
        unsafe i2d_X509 = try Self.find("i2d_X509")
        unsafe i2d_X509_NAME = try Self.find("i2d_X509_NAME")
        unsafe X509_NAME_oneline = try Self.find("X509_NAME_oneline")
        unsafe OPENSSL_sk_num = try Self.find("OPENSSL_sk_num")
        unsafe OPENSSL_sk_value = try Self.find("OPENSSL_sk_value")
        unsafe OPENSSL_sk_free = try Self.find("OPENSSL_sk_free")
        unsafe ERR_clear_error = try Self.find("ERR_clear_error")
        unsafe ERR_peek_last_error = try Self.find("ERR_peek_last_error")
        unsafe X509_check_private_key = try Self.find("X509_check_private_key")
        unsafe X509_STORE_new = try Self.find("X509_STORE_new")
        unsafe X509_STORE_free = try Self.find("X509_STORE_free")
        unsafe X509_STORE_up_ref = try Self.find("X509_STORE_up_ref")
        unsafe X509_STORE_add_cert = try Self.find("X509_STORE_add_cert")
        unsafe X509_STORE_add_crl = try Self.find("X509_STORE_add_crl")
        unsafe X509_STORE_load_file = try Self.find("X509_STORE_load_file")
        unsafe X509_STORE_set_flags = try Self.find("X509_STORE_set_flags")
        unsafe X509_verify_cert = try Self.find("X509_verify_cert")
        unsafe X509_STORE_CTX_set_verify_cb = try Self.find("X509_STORE_CTX_set_verify_cb")
        unsafe X509_STORE_CTX_get_error = try Self.find("X509_STORE_CTX_get_error")
        unsafe X509_STORE_CTX_set_error = try Self.find("X509_STORE_CTX_set_error")
        unsafe X509_STORE_CTX_set_ex_data = try Self.find("X509_STORE_CTX_set_ex_data")
        unsafe X509_STORE_CTX_get_ex_data = try Self.find("X509_STORE_CTX_get_ex_data")
        unsafe X509_STORE_CTX_get0_cert = try Self.find("X509_STORE_CTX_get0_cert")
        unsafe X509_STORE_CTX_get0_untrusted = try Self.find("X509_STORE_CTX_get0_untrusted")
        unsafe X509_check_host = try Self.find("X509_check_host")
        unsafe X509_check_ip_asc = try Self.find("X509_check_ip_asc")
        unsafe CRYPTO_get_ex_new_index = try Self.find("CRYPTO_get_ex_new_index")
        unsafe TLS_client_method = try Self.find("TLS_client_method")
        unsafe SSL_CTX_new = try Self.find("SSL_CTX_new")
        unsafe SSL_CTX_free = try Self.find("SSL_CTX_free")
        unsafe SSL_CTX_set_ex_data = try Self.find("SSL_CTX_set_ex_data")
        unsafe SSL_CTX_set_cert_store = try Self.find("SSL_CTX_set_cert_store")
        unsafe SSL_CTX_set_cert_verify_callback = try Self.find("SSL_CTX_set_cert_verify_callback")
        unsafe SSL_CTX_set_cert_cb = try Self.find("SSL_CTX_set_cert_cb")
        unsafe SSL_CTX_use_certificate = try Self.find("SSL_CTX_use_certificate")
        unsafe SSL_CTX_use_PrivateKey = try Self.find("SSL_CTX_use_PrivateKey")
        unsafe SSL_CTX_ctrl = try Self.find("SSL_CTX_ctrl")
        unsafe SSL_CTX_set_cipher_list = try Self.find("SSL_CTX_set_cipher_list")
        unsafe SSL_CTX_set_ciphersuites = try Self.find("SSL_CTX_set_ciphersuites")
        unsafe SSL_get0_peer_CA_list = try Self.find("SSL_get0_peer_CA_list")
        unsafe SSL_get_shutdown = try Self.find("SSL_get_shutdown")
        unsafe SSL_shutdown = try Self.find("SSL_shutdown")
        unsafe SSL_get_wbio = try Self.find("SSL_get_wbio")
        unsafe SSL_set0_wbio = try Self.find("SSL_set0_wbio")
        unsafe BIO_new = try Self.find("BIO_new")
        unsafe BIO_s_mem = try Self.find("BIO_s_mem")
        unsafe BIO_up_ref = try Self.find("BIO_up_ref")
        unsafe BIO_read = try Self.find("BIO_read")
    }

    private static func find<Function>(_ name: String, as type: Function.Type = Function.self) throws -> Function {
        guard let symbol = unsafe TLSLibrary.symbol(name) else { throw Missing() }
        return unsafe unsafeBitCast(symbol, to: Function.self)
    }

    /// `SSL_CTRL_CHAIN_CERT`, with a reference of its own.
    func addToChain(_ context: Pointer, _ certificate: Pointer) -> Bool {
        unsafe SSL_CTX_ctrl(context, 89, 1, certificate) == 1
    }

    /// `SSL_CTRL_SET_GROUPS_LIST`.
    func setGroups(_ context: Pointer, _ names: String) -> Bool {
        unsafe names.withCString { unsafe SSL_CTX_ctrl(context, 92, 0, Pointer(mutating: $0)) == 1 }
    }

    /// An item in DER.
    func der(_ item: Pointer?, _ encode: Encode) -> [UInt8] {
        let length = Int(unsafe encode(item, nil))
        guard length > 0 else { return [] }
        var bytes = [UInt8](repeating: 0, count: length)
        unsafe bytes.withUnsafeMutableBufferPointer { buffer in
            var next = buffer.baseAddress
            _ = unsafe encode(item, &next)
        }
        return bytes
    }

    /// The items of a stack.
    func items(_ stack: Pointer?) -> [Pointer] {
        guard let stack = unsafe stack else { return unsafe [] }
        var items: [Pointer] = unsafe []
        let count = unsafe OPENSSL_sk_num(stack)
        for index in 0..<max(count, 0) {
            if let item = unsafe OPENSSL_sk_value(stack, index) { unsafe items.append(item) }
        }
        return unsafe items
    }
}

/// The owner of an object of OpenSSL.
@safe
final class OpenSSLObject {
    let pointer: UnsafeMutableRawPointer
    private let release: OpenSSL.Release

    init(_ pointer: UnsafeMutableRawPointer, _ release: OpenSSL.Release) {
        unsafe self.pointer = pointer
        unsafe self.release = release
    }

    deinit {
        unsafe release(pointer)
    }
}
