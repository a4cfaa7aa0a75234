import CHTTPHandlesCurl
import HTTPHandlesCore
import HTTPHandlesSystem

@unsafe private let systemSend = unsafe HTTPHandlesSystem.send

/// The message by which a side of TLS says that it sends nothing more (RFC 8446, section 6.1). libcurl has no function for
/// it; OpenSSL makes it, see `OpenSSL`. With another TLS library there is none.
struct CloseNotify {
    /// What was not sent.
    private(set) var rest: ArraySlice<UInt8> = []

    /// Without TLS there is nothing to be sent.
    init() {}

    init(rest: [UInt8]) {
        self.rest = rest[...]
    }

    /// Ends the sending direction of a transfer's connection, for which libcurl has no bytes. What comes can still be read.
    init(endingSendingOf curl: borrowing CurlEasy) {
        guard let openSSL = unsafe OpenSSL.loaded, let connection = unsafe TLSLibrary.connection(of: curl),
            let libcurls = unsafe openSSL.SSL_get_wbio(connection),
            let memory = unsafe openSSL.BIO_new(openSSL.BIO_s_mem())
        else { return }
        defer { _ = unsafe openSSL.BIO_free(memory) }
        // libcurl's BIO works only inside of libcurl: for a broken connection it uses the transfer that is there then.
        guard unsafe openSSL.BIO_up_ref(libcurls) == 1 else { return }
        guard unsafe openSSL.BIO_up_ref(memory) == 1 else {
            _ = unsafe openSSL.BIO_free(libcurls)
            return
        }
        unsafe openSSL.SSL_set0_wbio(connection, memory)
        _ = unsafe openSSL.SSL_shutdown(connection)
        unsafe openSSL.SSL_set0_wbio(connection, libcurls)
        unsafe openSSL.ERR_clear_error()
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = unsafe bytes.withUnsafeMutableBytes { buffer in
            unsafe openSSL.BIO_read(memory, buffer.baseAddress, Int32(buffer.count))
        }
        rest = bytes.prefix(max(0, Int(count)))
    }

    /// Sends the rest. `false` if the system has no room for it. If the connection is broken, libcurl finds that out.
    mutating func send(on descriptor: Int32) -> Bool {
        // SIGPIPE is blocked on the driver's thread.
        let flags = Int32(MSG_DONTWAIT)
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe systemSend(descriptor, $0.baseAddress, $0.count, flags) }
            if count < 0 {
                if errno == EINTR { continue }
                return errno != EAGAIN && errno != EWOULDBLOCK
            }
            rest = rest.dropFirst(count)
        }
        return true
    }

    /// Whether it has come on a transfer's connection.
    static func hasCome(on curl: borrowing CurlEasy) -> Bool {
        guard let openSSL = unsafe OpenSSL.loaded, let connection = unsafe TLSLibrary.connection(of: curl) else {
            return false
        }
        // SSL_RECEIVED_SHUTDOWN
        return unsafe openSSL.SSL_get_shutdown(connection) & 2 != 0
    }
}
