import CHTTPHandlesCurl
import HTTPHandlesCore
import HTTPHandlesSystem

/// An error of libcurl's multi interface, after which the state of the transfers is undefined.
struct MultiFailure: Error {
    let text: String
    /// The error of the system call that failed, if there was one.
    let systemError: SystemErrorNumber?

    init(_ code: CURLMcode) {
        text = unsafe String(cString: curl_multi_strerror(code))
        systemError = nil
    }

    init(system call: String, _ errorNumber: Int32) {
        let error = SystemErrorNumber(rawValue: errorNumber)
        text = "\(call): \(error.text)"
        systemError = error
    }
}

/// The owner of a libcurl multi handle.
///
/// A class, because engine and back end share it. Most of its methods call libcurl's callbacks.
@safe
final class CurlMulti {
    private let handle: UnsafeMutableRawPointer

    init?() {
        guard let handle = unsafe curl_multi_init() else { return nil }
        unsafe self.handle = handle
    }

    deinit { end() }

    /// Frees the handle. Idempotent; no other method may be called afterwards. Calls socket and timer callbacks, so their
    /// pointers must still be valid.
    func end() {
        guard !isOver else { return }
        isOver = true
        CurlCallback.assertNone()
        unsafe curl_multi_cleanup(handle)
    }

    private var isOver = false

    func set(_ option: CURLMoption, _ value: Int) {
        CurlCallback.assertNone()
        // An old library ignores options that it does not support.
        _ = unsafe chttphandles_multi_set_long(handle, option, value)
    }

    func setSocketCallback(_ callback: chttphandles_socket_callback, _ data: UnsafeMutableRawPointer) {
        unsafe chttphandles_multi_set_socket_callback(handle, callback)
        unsafe chttphandles_multi_set_pointer(handle, CURLMOPT_SOCKETDATA, data)
    }

    func setTimerCallback(_ callback: chttphandles_timer_callback, _ data: UnsafeMutableRawPointer) {
        unsafe chttphandles_multi_set_timer_callback(handle, callback)
        unsafe chttphandles_multi_set_pointer(handle, CURLMOPT_TIMERDATA, data)
    }

    func add(_ easy: borrowing CurlEasy) throws(MultiFailure) {
        CurlCallback.assertNone()
        try check(unsafe curl_multi_add_handle(handle, easy.pointer))
    }

    func remove(_ easy: borrowing CurlEasy) {
        CurlCallback.assertNone()
        // Fails only if the handle was not added; then there is nothing to remove.
        _ = unsafe curl_multi_remove_handle(handle, easy.pointer)
    }

    func act(on socket: Int32, _ events: Int32) throws(MultiFailure) {
        var running: Int32 = 0
        CurlCallback.assertNone()
        try check(unsafe curl_multi_socket_action(handle, socket, events, &running))
    }

    /// The remaining time of libcurl's timer, in milliseconds.
    func timeout() -> Int? {
        CurlCallback.assertNone()
        var milliseconds = -1
        unsafe curl_multi_timeout(handle, &milliseconds)
        return milliseconds < 0 ? nil : milliseconds
    }

    func perform() throws(MultiFailure) {
        var running: Int32 = 0
        CurlCallback.assertNone()
        try check(unsafe curl_multi_perform(handle, &running))
    }

    /// Waits until a transfer's socket or one of `others` is ready, at most `milliseconds`.
    func poll(also others: inout [curl_waitfd], milliseconds: Int32) throws(MultiFailure) {
        CurlCallback.assertNone()
        try check(unsafe curl_multi_poll(handle, &others, UInt32(others.count), milliseconds, nil))
    }

    /// The next completed transfer and its result, copied from libcurl's message.
    func nextCompletion() -> (transfer: Transfer, result: CurlCode)? {
        var left: Int32 = 0
        CurlCallback.assertNone()
        while let message = unsafe curl_multi_info_read(handle, &left) {
            guard unsafe message.pointee.msg == CURLMSG_DONE, let easy = unsafe message.pointee.easy_handle else {
                continue
            }
            let result = CurlCode(unsafe chttphandles_message_result(message))
            var pointer: UnsafeMutablePointer<CChar>?
            unsafe chttphandles_easy_get_string(easy, CURLINFO_PRIVATE, &pointer)
            // Newer libraries have internal easy handles in the multi handle.
            guard let pointer = unsafe pointer else { continue }
            return unsafe (Unmanaged<Transfer>.fromOpaque(UnsafeRawPointer(pointer)).takeUnretainedValue(), result)
        }
        return nil
    }

    private func check(_ result: CURLMcode) throws(MultiFailure) {
        guard result == CURLM_OK else { throw MultiFailure(result) }
    }
}
