import CHTTPHandlesCurl
package import HTTPHandlesCore

/// The cookies of one session: libcurl's, in the share that the session's transfers use.
///
/// libcurl gives a share's cookies out and takes them in through an easy handle, so there is one that does nothing else.
@safe
package final class CookieStore {
    private let curl: CurlEasy
    /// Goes after the handle that uses it.
    private let share: CurlShare
    /// How many cookies may have come since they were last counted.
    private var arrivals = 0

    init?(_ share: CurlShare) {
        guard let curl = CurlEasy() else { return nil }
        do { try unsafe curl.set(CURLOPT_SHARE, pointer: share.pointer) } catch { return nil }
        self.curl = curl
        self.share = share
    }

    /// All cookies that have not come to their end.
    package var lines: [CookieLine] {
        let now = CurlDate.now
        return curl.lines(CURLINFO_COOKIELIST).compactMap(CookieLine.init).filter { ($0.expires ?? .max) > now }
    }

    /// Takes cookies in, in place of those of the same name, domain and path.
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

    /// A server has sent a cookie. Counting all of them each time would cost too much.
    func cookieArrived() { arrivals += 1 }

    func trimIfDue() {
        if arrivals >= Self.arrivalsBetweenCounts { trim() }
    }

    private static let arrivalsBetweenCounts = 256

    private func trim() {
        arrivals = 0
        // Without memory for it the cookie stays, until the next time.
        for line in CookieLimit.surplus(lines) { try? remove(line) }
    }
}
