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
                try unsafe curl.set(CURLOPT_HTTPHEADER, pointer: nil)
                headerLines.removeAll()
                appliedHeader = .none
            }
            try forgetQuery()
        } catch {
            isReusable = false
        }
    }

    /// The texts that a spare keeps, for tests.
    var maximumTexts: [String] {
        var texts = [appliedURL?.text, curl.text(CURLINFO_EFFECTIVE_URL)].compactMap(\.self)
        if let credentials = appliedCredentials { texts.append("\(credentials.secret)") }
        return texts + headerLines.lines
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
