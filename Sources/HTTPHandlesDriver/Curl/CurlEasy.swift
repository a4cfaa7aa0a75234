import CHTTPHandlesCurl
import HTTPHandlesCore

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// The owner of a libcurl easy handle.
@safe
struct CurlEasy: ~Copyable {
    let pointer: UnsafeMutableRawPointer

    init?() {
        guard let pointer = unsafe curl_easy_init() else { return nil }
        unsafe self.pointer = pointer
    }

    deinit {
        unsafe curl_easy_cleanup(pointer)
    }

    // MARK: Options

    @discardableResult
    func set(_ option: CURLoption, _ value: Int) -> CurlCode {
        CurlCode(unsafe chttphandles_easy_set_long(pointer, option, value))
    }

    @discardableResult
    func set(_ option: CURLoption, offset value: Int64) -> CurlCode {
        CurlCode(unsafe chttphandles_easy_set_offset(pointer, option, curl_off_t(value)))
    }

    /// libcurl copies the text; `nil` takes the option back.
    @discardableResult
    func set(_ option: CURLoption, _ value: String?) -> CurlCode {
        guard let value else { return CurlCode(unsafe chttphandles_easy_set_string(pointer, option, nil)) }
        return CurlCode(unsafe value.withCString { unsafe chttphandles_easy_set_string(pointer, option, $0) })
    }

    /// libcurl copies the bytes, which contain no NUL.
    @discardableResult
    func set(_ option: CURLoption, bytes: [UInt8]) -> CurlCode {
        unsafe (bytes + [0]).withUnsafeBytes { bytes in
            CurlCode(
                unsafe chttphandles_easy_set_string(pointer, option, bytes.bindMemory(to: CChar.self).baseAddress)
            )
        }
    }

    /// libcurl keeps the pointer.
    @discardableResult
    func set(_ option: CURLoption, pointer value: UnsafeMutableRawPointer?) -> CurlCode {
        CurlCode(unsafe chttphandles_easy_set_pointer(pointer, option, value))
    }

    /// libcurl keeps the list.
    @discardableResult
    func set(_ option: CURLoption, list: borrowing CurlList) -> CurlCode {
        CurlCode(unsafe chttphandles_easy_set_list(pointer, option, list.pointer))
    }

    /// Pauses and continues; bytes that libcurl has kept are delivered in here.
    func pause(_ mask: Int32) {
        // An error is the transfer's, which libcurl reports as its result.
        _ = unsafe curl_easy_pause(pointer, mask)
    }

    /// Takes all options back, and forgets what was learned in transfers; connections stay.
    func reset() {
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
        // The text is the handle's and may go with its next call: copied at once.
        return unsafe value.map { unsafe String(cString: $0) }
    }

    /// A list of lines, which libcurl makes for the caller.
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

    /// The pointer is libcurl's and good until its next call.
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

    mutating func append(_ line: String) {
        append(nulTerminated: line.utf8 + [0])
    }

    /// libcurl copies the line. It has to end in a NUL.
    mutating func append(nulTerminated line: [UInt8]) {
        isEmpty = false
        unsafe line.withUnsafeBytes { bytes in
            // Out of memory leaves the list as it is.
            guard let text = unsafe bytes.bindMemory(to: CChar.self).baseAddress,
                let longer = unsafe curl_slist_append(pointer, text)
            else { return }
            unsafe pointer = longer
        }
    }
}
