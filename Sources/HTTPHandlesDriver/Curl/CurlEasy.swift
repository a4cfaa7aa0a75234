import CHTTPHandlesCurl
import HTTPHandlesCore
import HTTPHandlesSystem

/// The owner of a libcurl easy handle.
@safe
struct CurlEasy: ~Copyable {
    let pointer: UnsafeMutableRawPointer

    init?() {
        guard let pointer = unsafe curl_easy_init() else { return nil }
        unsafe self.pointer = pointer
    }

    deinit {
        CurlCallback.assertNone()
        unsafe curl_easy_cleanup(pointer)
    }

    // MARK: Options

    func set(_ option: CURLoption, _ value: Int) throws(HandleError) {
        try change(option) { option in unsafe chttphandles_easy_set_long(pointer, option, value) }
    }

    func set(_ option: CURLoption, offset value: Int64) throws(HandleError) {
        try change(option) { option in unsafe chttphandles_easy_set_offset(pointer, option, curl_off_t(value)) }
    }

    /// Sets a boolean option.
    ///
    /// Also allowed inside a callback, for the handle of that callback: libcurl only stores the flag and reads it later.
    func setFlag(_ option: CURLoption, _ isOn: Bool) {
        // No known version refuses a flag that it supports.
        _ = unsafe chttphandles_easy_set_long(pointer, option, isOn ? 1 : 0)
    }

    /// libcurl copies the text; `nil` resets the option.
    func set(_ option: CURLoption, _ value: String?) throws(HandleError) {
        try change(option) { option in
            guard let value else { return unsafe chttphandles_easy_set_string(pointer, option, nil) }
            return unsafe value.withCString { unsafe chttphandles_easy_set_string(pointer, option, $0) }
        }
    }

    /// libcurl copies the bytes, which must not contain NUL.
    func set(_ option: CURLoption, bytes: [UInt8]) throws(HandleError) {
        try change(option) { option in
            unsafe (bytes + [0]).withUnsafeBytes { bytes in
                unsafe chttphandles_easy_set_string(pointer, option, bytes.bindMemory(to: CChar.self).baseAddress)
            }
        }
    }

    /// libcurl keeps the pointer.
    func set(_ option: CURLoption, pointer value: UnsafeMutableRawPointer?) throws(HandleError) {
        try change(option) { option in unsafe chttphandles_easy_set_pointer(pointer, option, value) }
    }

    /// libcurl keeps the list.
    func set(_ option: CURLoption, list: borrowing CurlList) throws(HandleError) {
        let lines = unsafe list.pointer
        try change(option) { option in unsafe chttphandles_easy_set_list(pointer, option, lines) }
    }

    /// What every easy handle of the library has: no signals, and no waiting for the resolver. Without the latter, removing a
    /// transfer that resolves a name waits (measured: 10 seconds); where libcurl does not have it, see `SystemResolver`.
    func setUsual() throws(HandleError) {
        try set(CURLOPT_NOSIGNAL, 1)
        if CurlLibrary.hasQuickExit { try set(chttphandles_quick_exit, 1) }
    }

    /// Never a file or an FTP server by the way of a URL or a redirect.
    func setProtocols() throws(HandleError) {
        if CurlLibrary.version >= 0x07_55_00 {
            try set(chttphandles_protocols_text, "http,https")
            try set(chttphandles_redirect_protocols_text, "http,https")
        } else {
            let both = Int(CURLPROTO_HTTP | CURLPROTO_HTTPS)
            try set(chttphandles_protocols, both)
            try set(chttphandles_redirect_protocols, both)
        }
    }

    /// Resets an option. Does nothing if the linked libcurl does not have it.
    func switchOff(_ option: CURLoption, _ value: Int = 0) throws(HandleError) {
        do {
            try set(option, value)
        } catch {
            try Self.ignoreUnknown(error)
        }
    }

    /// The same, for an option whose value is a text.
    func switchOff(_ option: CURLoption, text: String?) throws(HandleError) {
        do {
            try set(option, text)
        } catch {
            try Self.ignoreUnknown(error)
        }
    }

    private static func ignoreUnknown(_ error: HandleError) throws(HandleError) {
        guard error.curl?.code == .unknownOption || error.curl?.code == .notBuiltIn else { throw error }
    }

    @inline(__always)
    func change(_ option: CURLoption, _ change: (CURLoption) -> CURLcode) throws(HandleError) {
        CurlCallback.assertNone()
        let result = CurlCode(change(option))
        guard result == .ok else { throw HandleError(refused: option, result) }
    }

    /// Pauses or continues; libcurl delivers the bytes it has kept during this call. If the callback refuses them, the result
    /// is `writeError`, and libcurl leaves the transfer as it is: it neither ends nor goes on. Other errors it reports as the
    /// result of the transfer.
    @discardableResult
    func pause(_ mask: Int32) -> CurlCode {
        CurlCallback.assertNone()
        return CurlCode(unsafe curl_easy_pause(pointer, mask))
    }

    /// Resets all options and the information about transfers; connections are kept.
    func reset() {
        CurlCallback.assertNone()
        unsafe curl_easy_reset(pointer)
    }

    // MARK: Information

    func information(_ info: CURLINFO) -> Int {
        var value = 0
        unsafe chttphandles_easy_get_long(pointer, info, &value)
        return value
    }

    func offset(_ info: CURLINFO) -> Int64 {
        var value: curl_off_t = 0
        unsafe chttphandles_easy_get_offset(pointer, info, &value)
        return Int64(value)
    }

    func text(_ info: CURLINFO) -> String? {
        var value: UnsafeMutablePointer<CChar>?
        unsafe chttphandles_easy_get_string(pointer, info, &value)
        // The text is valid until the next call: copied at once.
        return unsafe value.map { unsafe String(cString: $0) }
    }

    func socket(_ info: CURLINFO) -> Int32? {
        var value = curl_socket_t(CURL_SOCKET_BAD)
        unsafe chttphandles_easy_get_socket(pointer, info, &value)
        return value == CURL_SOCKET_BAD ? nil : value
    }

    /// A list of lines, which the caller of libcurl owns.
    func lines(_ info: CURLINFO) -> [[UInt8]] {
        var list: UnsafeMutablePointer<curl_slist>?
        unsafe chttphandles_easy_get_list(pointer, info, &list)
        defer { unsafe curl_slist_free_all(list) }
        var lines: [[UInt8]] = []
        var next = unsafe list
        while let item = unsafe next {
            if let text = unsafe item.pointee.data {
                unsafe lines.append(Array(UnsafeRawBufferPointer(start: text, count: strlen(text))))
            }
            unsafe next = item.pointee.next
        }
        return lines
    }

    /// The pointer is valid until the next call of libcurl.
    func pointer(_ info: CURLINFO) -> UnsafeMutableRawPointer? {
        var value: UnsafeMutableRawPointer?
        unsafe chttphandles_easy_get_pointer(pointer, info, &value)
        return unsafe value
    }
}

/// The owner of a list of header lines.
@safe
struct CurlList: ~Copyable {
    fileprivate(set) var pointer: UnsafeMutablePointer<curl_slist>?

    init() {}

    deinit {
        unsafe curl_slist_free_all(pointer)
    }

    private(set) var isEmpty = true

    /// The list, for libcurl to free.
    consuming func take() -> UnsafeMutablePointer<curl_slist>? {
        let taken = unsafe pointer
        discard self
        return unsafe taken
    }

    mutating func append(_ line: String) throws(HandleError) {
        try append(nulTerminated: line.utf8 + [0])
    }

    /// libcurl copies the line. It has to end in a NUL.
    mutating func append(nulTerminated line: [UInt8]) throws(HandleError) {
        isEmpty = false
        let longer = unsafe line.withUnsafeBytes { bytes in
            unsafe curl_slist_append(pointer, bytes.bindMemory(to: CChar.self).baseAddress)
        }
        // On failure the list is unchanged; the request is not sent.
        guard let longer = unsafe longer else {
            throw HandleError(.notEnoughMemory, .sendRequest, reason: "libcurl has no memory for a header field")
        }
        unsafe pointer = longer
    }
}

extension HandleError {
    /// libcurl has refused an option. The operation must fail instead of continuing without it.
    fileprivate init(refused option: CURLoption, _ code: CurlCode) {
        let name = unsafe curl_easy_option_by_id(option).map { unsafe String(cString: $0.pointee.name) }
        self.init(
            code == .outOfMemory ? .notEnoughMemory : .notSupported,
            .sendRequest,
            reason: "libcurl refused its option \(name ?? "\(option.rawValue)")",
            curl: CurlFailure(code)
        )
    }
}
