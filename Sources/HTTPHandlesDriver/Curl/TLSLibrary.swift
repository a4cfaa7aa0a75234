import CHTTPHandlesCurl
import HTTPHandlesCore
import HTTPHandlesSystem

/// TLS properties of a connection that OpenSSL has and libcurl does not report.
///
/// OpenSSL is not linked: its functions are looked up in the loaded libcurl and its dependencies, so they belong to the
/// library that made the connection. With another TLS library, a static libcurl or another system there are none, and the
/// properties are `nil`.
@safe
enum TLSLibrary {
    /// Version, cipher suite and protocol of a connection.
    struct Agreement {
        let version: String?
        let cipher: String?
        let applicationProtocol: String?
    }

    /// The properties of a transfer's connection; available while the transfer uses the connection.
    static func agreement(of curl: borrowing CurlEasy) -> Agreement? {
        guard let functions = unsafe functions, let ssl = unsafe connection(of: curl) else { return nil }
        // Both texts are constants of OpenSSL.
        return unsafe Agreement(
            version: functions.version(ssl).map { unsafe String(cString: $0) },
            cipher: functions.cipher(ssl).flatMap { unsafe functions.cipherName($0) }.map {
                unsafe String(cString: $0)
            },
            applicationProtocol: protocolName(of: curl)
        )
    }

    /// The protocol that was negotiated by ALPN, for example "h2" (RFC 7301).
    static func protocolName(of curl: borrowing CurlEasy) -> String? {
        guard let functions = unsafe functions, let ssl = unsafe connection(of: curl) else { return nil }
        var name: UnsafePointer<UInt8>?
        var length: UInt32 = 0
        unsafe functions.agreedProtocol(ssl, &name, &length)
        // The text belongs to the connection: copied at once.
        return unsafe name.map {
            unsafe String(decoding: UnsafeBufferPointer(start: $0, count: Int(length)), as: UTF8.self)
        }
    }

    /// Frees what OpenSSL keeps for the calling thread.
    ///
    /// OpenSSL does that when a thread ends, which is outside of `ExitBarrier`: if the process exits just before, OpenSSL's exit
    /// handler has deleted the key of that memory, and it is never freed.
    static func endThread() {
        stopThread?()
    }

    private static let stopThread: (@convention(c) () -> Void)? = unsafe symbol("OPENSSL_thread_stop").map {
        unsafe unsafeBitCast($0, to: (@convention(c) () -> Void).self)
    }

    /// The `SSL` of the connection that the transfer uses.
    static func connection(of curl: borrowing CurlEasy) -> UnsafeMutableRawPointer? {
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

    /// A function of the loaded libcurl or of its dependencies.
    static func symbol(_ name: String) -> UnsafeMutableRawPointer? {
        #if os(Linux)
        guard let library = unsafe dlopen("libcurl.so.4", RTLD_NOLOAD | RTLD_LAZY) else { return nil }
        return unsafe dlsym(library, name)
        #else
        return nil
        #endif
    }
}
