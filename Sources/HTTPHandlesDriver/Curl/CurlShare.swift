import CHTTPHandlesCurl

/// What the transfers of one session have in common: resumable TLS sessions and cookies. Used by one thread, so without
/// locks.
@safe
final class CurlShare {
    let pointer: UnsafeMutableRawPointer

    init?() {
        guard let pointer = unsafe curl_share_init() else { return nil }
        // Without TLS or without cookies built in there is nothing to share.
        for data in [CURL_LOCK_DATA_SSL_SESSION, CURL_LOCK_DATA_COOKIE] {
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
