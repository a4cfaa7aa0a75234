import CHTTPHandlesCurl

/// Data that transfers of one session share. Used by one thread, so it needs no locks.
@safe
final class CurlShare {
    let pointer: UnsafeMutableRawPointer

    /// What all transfers of a session share: resumable TLS sessions and cookies.
    convenience init?() { self.init(CURL_LOCK_DATA_SSL_SESSION, CURL_LOCK_DATA_COOKIE) }

    init?(_ kinds: curl_lock_data...) {
        guard let pointer = unsafe curl_share_init() else { return nil }
        // Fails if libcurl was built without TLS or cookies; then there is nothing to share.
        for data in kinds {
            let result = unsafe chttphandles_share_set_data(pointer, data)
            guard result == CURLSHE_OK || result == CURLSHE_NOT_BUILT_IN else {
                _ = unsafe curl_share_cleanup(pointer)
                return nil
            }
        }
        unsafe self.pointer = pointer
    }

    deinit {
        CurlCallback.assertNone()
        _ = unsafe curl_share_cleanup(pointer)
    }
}
