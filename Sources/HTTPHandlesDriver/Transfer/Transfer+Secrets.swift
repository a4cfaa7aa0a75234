import CHTTPHandlesCurl
import HTTPHandlesCore

extension Transfer {
    /// Removes the secrets of the past exchange from a spare easy handle. Called when the handle is in no multi handle.
    func forgetSecrets() {
        guard isReusable else { return }
        // libcurl frees what it made of credentials only with the handle.
        guard appliedCredentials == nil, appliedOptions?.holdsSecrets != true, appliedRoute?.holdsSecrets != true else {
            isReusable = false
            return
        }
        do {
            if hasOwnCookies { try curl.set(CURLOPT_COOKIE, nil) }
            hasOwnCookies = false
            if appliedHeader == .own {
                try curl.set(CURLOPT_HTTPHEADER, list: CurlList())
                headerList = CurlList()
                appliedHeader = .none
            }
            // A URL without a query is kept: so an easy handle that is used for it again parses nothing.
            if appliedURL != nil, appliedURLHasQuery {
                appliedURL = nil
                try curl.set(CURLOPT_URL, nil)
                try unsafe curl.set(CURLOPT_CURLU, pointer: nil)
                _ = unsafe curl_url_set(parsedURL.pointer, CURLUPART_URL, nil, 0)
            }
        } catch {
            isReusable = false
        }
    }

    /// The texts that a spare keeps, for tests.
    var maximumTexts: [String] {
        var texts = [appliedURL, curl.text(CURLINFO_EFFECTIVE_URL)].compactMap(\.self)
        if let credentials = appliedCredentials { texts.append("\(credentials.secret)") }
        var next = unsafe headerList.pointer
        while let line = unsafe next {
            unsafe texts.append(String(cString: line.pointee.data))
            unsafe next = line.pointee.next
        }
        return texts
    }
}

extension TransferEngine {
    /// How many spares there are, and what they keep, for tests.
    package var maximumSpares: (count: Int, texts: [String]) {
        (spares.count, spares.flatMap(\.maximumTexts))
    }
}

extension OptionSnapshot {
    fileprivate var holdsSecrets: Bool { values.credentials != nil || values.clientIdentity?.holdsSecrets == true }
}

extension ClientIdentity {
    var holdsSecrets: Bool { password != nil || sources.contains { $0.path == nil } }
}
