import CHTTPHandlesCurl

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// Dates as HTTP writes them, in seconds since 1970.
package enum CurlDate {
    package static var now: Int64 { Int64(time(nil)) }

    /// Reads a date in any of the forms that libcurl knows, which are more than RFC 9110 has.
    package static func seconds(of text: String) -> Int64? {
        let seconds = unsafe text.withCString { unsafe curl_getdate($0, nil) }
        return seconds < 0 ? nil : Int64(seconds)
    }
}
