import CHTTPHandlesCurl
import HTTPHandlesSystem

/// HTTP dates, as seconds since 1970.
package enum CurlDate {
    package static var now: Int64 { Int64(time(nil)) }

    /// Parses a date in any format that libcurl supports (more than those of RFC 9110).
    package static func seconds(of text: String) -> Int64? {
        let seconds = unsafe text.withCString { unsafe curl_getdate($0, nil) }
        return seconds < 0 ? nil : Int64(seconds)
    }
}
