import CHTTPHandlesCurl
import HTTPHandlesCore

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// What OpenSSL knows of a connection and libcurl does not tell.
///
/// We do not link OpenSSL: which one libcurl uses is libcurl's business. Its functions are looked up in the libcurl that
/// is loaded and in what that depends on, so they are those of the library that made the connection. Where there is none
/// (another TLS library, a static libcurl, another system) nothing is known.
@safe
enum TLSLibrary {
    /// Version and cipher suite of a connection.
    struct Agreement {
        let version: String?
        let cipher: String?
    }

    /// What the connection of a transfer agreed on; possible while libcurl has the connection in use.
    static func agreement(of curl: borrowing CurlEasy) -> Agreement? {
        guard let functions = unsafe functions, let ssl = unsafe connection(of: curl) else { return nil }
        // Both texts are OpenSSL's constants.
        return unsafe Agreement(
            version: functions.version(ssl).map { unsafe String(cString: $0) },
            cipher: functions.cipher(ssl).flatMap { unsafe functions.cipherName($0) }.map { unsafe String(cString: $0) }
        )
    }

    /// The protocol that the two ends have agreed on in the handshake, for example "h2" (RFC 7301).
    static func protocolName(of curl: borrowing CurlEasy) -> String? {
        guard let functions = unsafe functions, let ssl = unsafe connection(of: curl) else { return nil }
        var name: UnsafePointer<UInt8>?
        var length: UInt32 = 0
        unsafe functions.agreedProtocol(ssl, &name, &length)
        // The text is the connection's, and copied at once.
        return unsafe name.map {
            unsafe String(decoding: UnsafeBufferPointer(start: $0, count: Int(length)), as: UTF8.self)
        }
    }

    /// The `SSL` of the connection that the transfer uses.
    private static func connection(of curl: borrowing CurlEasy) -> UnsafeMutableRawPointer? {
        guard let pointer = unsafe curl.pointer(CURLINFO_TLS_SSL_PTR) else { return nil }
        let session = unsafe pointer.assumingMemoryBound(to: curl_tlssessioninfo.self).pointee
        guard unsafe session.backend == CURLSSLBACKEND_OPENSSL else { return nil }
        return unsafe session.internals
    }

    private typealias Text = @convention(c) (UnsafeMutableRawPointer) -> UnsafePointer<CChar>?
    private typealias AgreedProtocol =
        @convention(c) (
            UnsafeMutableRawPointer, UnsafeMutablePointer<UnsafePointer<UInt8>?>, UnsafeMutablePointer<UInt32>
        ) -> Void
    private typealias Pointer = @convention(c) (UnsafeMutableRawPointer) -> UnsafeMutableRawPointer?

    @unsafe
    private struct Functions: Sendable {
        let version: Text
        let cipher: Pointer
        let cipherName: Text
        let agreedProtocol: AgreedProtocol
    }

    private static let functions: Functions? = {
        guard let version = unsafe symbol("SSL_get_version"), let cipher = unsafe symbol("SSL_get_current_cipher"),
            let cipherName = unsafe symbol("SSL_CIPHER_get_name"),
            let agreedProtocol = unsafe symbol("SSL_get0_alpn_selected")
        else { return nil }
        return unsafe Functions(
            version: unsafeBitCast(version, to: Text.self),
            cipher: unsafeBitCast(cipher, to: Pointer.self),
            cipherName: unsafeBitCast(cipherName, to: Text.self),
            agreedProtocol: unsafeBitCast(agreedProtocol, to: AgreedProtocol.self)
        )
    }()

    /// A function of the loaded libcurl or of what that depends on.
    private static func symbol(_ name: String) -> UnsafeMutableRawPointer? {
        #if canImport(Glibc)
        guard let library = unsafe dlopen("libcurl.so.4", RTLD_NOLOAD | RTLD_LAZY) else { return nil }
        return unsafe dlsym(library, name)
        #else
        return nil
        #endif
    }
}
