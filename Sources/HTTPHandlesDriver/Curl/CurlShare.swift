import CHTTPHandlesCurl

/// What the transfers of one session have in common: resumable TLS sessions and cookies. Used by one thread, so without
/// locks.
@safe
final class CurlShare {
    let pointer: UnsafeMutableRawPointer

    init?() {
        guard let pointer = unsafe curl_share_init() else { return nil }
        unsafe self.pointer = pointer
        unsafe chttphandles_share_set_data(pointer, CURL_LOCK_DATA_SSL_SESSION)
        unsafe chttphandles_share_set_data(pointer, CURL_LOCK_DATA_COOKIE)
    }

    deinit {
        _ = unsafe curl_share_cleanup(pointer)
    }
}
