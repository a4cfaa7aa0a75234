import CHTTPHandlesCurl
import HTTPHandlesCore
import HTTPHandlesSystem

// libcurl parses the URL of each exchange and puts it together again, unless it gets one that is parsed already. So an easy
// handle that is used for the same URL again parses nothing, and for another one of the same server only path and query
// are replaced.

extension Transfer {
    func applyURL(_ url: RequestURL) throws(HandleError) {
        guard appliedURL?.text != url.text else { return }
        let applied = appliedURL.take()
        try requireZone(of: url.origin)
        // The text as well: where libcurl sends a request again it goes by that, and before 8.12 it would not notice that
        // what it was made from has changed.
        try curl.set(CURLOPT_URL, url.text)
        let parts = url.parts
        appliedURLHasQuery = parts.query != nil
        if let applied, !hasOwnTarget, url.beginsLike(applied), parsedURL.replaceTarget(by: url.text, parts) {
            appliedURL = url
            return
        }
        guard parsedURL.parse(url.text) == CURLUE_OK else {
            throw HandleError(.notEnoughMemory, .sendRequest, reason: "no memory for the URL")
        }
        try unsafe curl.set(CURLOPT_CURLU, pointer: UnsafeMutableRawPointer(parsedURL.pointer))
        // libcurl would send "/" for a URL without a path.
        if url.isServerWide || hasOwnTarget { try curl.set(CURLOPT_REQUEST_TARGET, url.isServerWide ? "*" : nil) }
        hasOwnTarget = url.isServerWide
        appliedURL = url
    }

    /// Removes the query from a spare easy handle. It may be a secret; the rest of the URL is kept.
    func forgetQuery() throws(HandleError) {
        guard appliedURLHasQuery, let bare = appliedURL.take()?.withoutQuery else { return }
        try curl.set(CURLOPT_URL, bare.text)
        guard parsedURL.removeQuery() else {
            isReusable = false
            return
        }
        appliedURLHasQuery = false
        appliedURL = bare
    }

    /// Refuses a zone that is not there: libcurl would leave it out, and connect somewhere else.
    private func requireZone(of origin: Origin) throws(HandleError) {
        guard let zone = origin.zone, unsafe if_nametoindex(zone) == 0 else { return }
        var name = [CChar](repeating: 0, count: Int(IF_NAMESIZE))
        guard let index = UInt32(zone), unsafe if_indextoname(index, &name) != nil else {
            throw HandleError(.cannotConnect, .sendRequest, reason: "there is no network interface \"\(zone)\"")
        }
    }
}

extension CurlURL {
    /// Replaces path and query by those of a URL that is the same otherwise. `false` where the parser has to be used: what is
    /// set by itself libcurl changes, a percent-encoded byte to lower case, and an empty query to none.
    fileprivate func replaceTarget(by url: String, _ parts: RequestURL.Parts) -> Bool {
        guard !parts.path.isEmpty, parts.query?.isEmpty != true, !parts.hasEncodedBytes else { return false }
        guard let query = parts.query else {
            let isSet = unsafe url.withCString { text in
                unsafe curl_url_set(pointer, CURLUPART_PATH, text + parts.path.lowerBound, 0) == CURLUE_OK
            }
            return isSet && removeQuery()
        }
        let path = Array(url.utf8.prefix(parts.path.upperBound)) + [0]
        let isPathSet = unsafe path.withUnsafeBytes { bytes in
            let start = unsafe bytes.bindMemory(to: CChar.self).baseAddress.map { unsafe $0 + parts.path.lowerBound }
            return unsafe curl_url_set(pointer, CURLUPART_PATH, start, 0) == CURLUE_OK
        }
        let isQuerySet = unsafe url.withCString { text in
            unsafe curl_url_set(pointer, CURLUPART_QUERY, text + query.lowerBound, 0) == CURLUE_OK
        }
        return isPathSet && isQuerySet
    }

    fileprivate func removeQuery() -> Bool {
        unsafe curl_url_set(pointer, CURLUPART_QUERY, nil, 0) == CURLUE_OK
    }
}
