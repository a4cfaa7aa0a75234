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
        guard let functions = unsafe functions, let pointer = unsafe curl.pointer(CURLINFO_TLS_SSL_PTR) else {
            return nil
        }
        let session = unsafe pointer.assumingMemoryBound(to: curl_tlssessioninfo.self).pointee
        guard unsafe session.backend == CURLSSLBACKEND_OPENSSL, let ssl = unsafe session.internals else { return nil }
        // Both texts are OpenSSL's constants.
        return unsafe Agreement(
            version: functions.version(ssl).map { unsafe String(cString: $0) },
            cipher: functions.cipher(ssl).flatMap { unsafe functions.cipherName($0) }.map { unsafe String(cString: $0) }
        )
    }

    private typealias Text = @convention(c) (UnsafeMutableRawPointer) -> UnsafePointer<CChar>?
    private typealias Pointer = @convention(c) (UnsafeMutableRawPointer) -> UnsafeMutableRawPointer?

    @unsafe
    private struct Functions: Sendable {
        let version: Text
        let cipher: Pointer
        let cipherName: Text
    }

    private static let functions: Functions? = {
        #if canImport(Glibc)
        guard let library = unsafe dlopen("libcurl.so.4", RTLD_NOLOAD | RTLD_LAZY),
            let version = unsafe dlsym(library, "SSL_get_version"),
            let cipher = unsafe dlsym(library, "SSL_get_current_cipher"),
            let cipherName = unsafe dlsym(library, "SSL_CIPHER_get_name")
        else { return nil }
        return unsafe Functions(
            version: unsafeBitCast(version, to: Text.self),
            cipher: unsafeBitCast(cipher, to: Pointer.self),
            cipherName: unsafeBitCast(cipherName, to: Text.self)
        )
        #else
        return nil
        #endif
    }()
}
