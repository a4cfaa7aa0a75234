import CHTTPHandlesCurl
package import HTTPHandlesCore

/// The cookies of one session, in the libcurl share of its transfers.
///
/// libcurl accesses the cookies of a share through an easy handle, so there is one for that purpose.
@safe
package final class CookieStore {
    private let curl: CurlEasy
    /// Released after the handle that uses it.
    private let share: CurlShare
    /// The number of cookies received since they were last counted.
    private var arrivals = 0

    init?(_ share: CurlShare) {
        guard let curl = CurlEasy() else { return nil }
        do { try unsafe curl.set(CURLOPT_SHARE, pointer: share.pointer) } catch { return nil }
        self.curl = curl
        self.share = share
    }

    /// All cookies that have not expired.
    package var lines: [CookieLine] {
        let now = CurlDate.now
        return curl.lines(CURLINFO_COOKIELIST).compactMap(CookieLine.init).filter { ($0.expires ?? .max) > now }
    }

    /// Adds cookies; replaces those with the same name, domain and path.
    package func set(_ lines: [CookieLine]) throws(HandleError) {
        for line in lines { try take(line.bytes) }
        trim()
    }

    package func remove(_ line: CookieLine) throws(HandleError) { try take(line.expired) }

    package func removeAll() throws(HandleError) {
        do { try curl.set(CURLOPT_COOKIELIST, "ALL") } catch { throw Self.noMemory }
    }

    private func take(_ line: [UInt8]) throws(HandleError) {
        do { try curl.set(CURLOPT_COOKIELIST, bytes: line) } catch { throw Self.noMemory }
    }

    private static let noMemory = HandleError(
        .notEnoughMemory,
        .accessCookies,
        reason: "libcurl has no memory for a cookie"
    )

    // MARK: Limit

    /// Counts a received cookie. Counting the whole jar each time would be too expensive.
    func cookieArrived() { arrivals += 1 }

    func trimIfDue() {
        if arrivals >= Self.arrivalsBetweenCounts { trim() }
    }

    private static let arrivalsBetweenCounts = 256

    private func trim() {
        arrivals = 0
        // If there is no memory, the cookie stays until the next time.
        for line in CookieLimit.surplus(lines) { try? remove(line) }
    }
}
