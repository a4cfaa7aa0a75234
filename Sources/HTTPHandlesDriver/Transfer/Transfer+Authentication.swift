import CHTTPHandlesCurl
import HTTPHandlesCore
import HTTPTypes

// Authentication is libcurl's. Credentials that are sent at once need one round. With others libcurl sends the request
// without any, and sends it again, on the same transfer, when a 401 has asked for them: the head of that 401 is told as a
// challenge, and what it turns out to be follows.

extension Transfer {
    /// Sets who the client is for this exchange.
    func applyCredentials(_ credentials: Credentials?) throws(HandleError) {
        let before = appliedCredentials
        guard credentials != nil || before != nil else { return }
        let awaitsChallenge = credentials?.awaitChallenge == true
        guard credentials != before || awaitsChallenge else { return }
        // An easy handle remembers the scheme that was picked and the last Digest challenge, also of an exchange without
        // credentials, and would take the challenge of this exchange for a refusal.
        if before != nil || awaitsChallenge && attemptsBegun > 0 { try startOver() }
        guard let credentials else { return }
        do {
            try curl.set(CURLOPT_HTTPAUTH, credentials.curlSchemes)
        } catch  where error.code != .notEnoughMemory {
            let schemes = credentials.schemes.map(\.rawValue).sorted().joined(separator: ", ")
            throw HandleError(
                .notSupported,
                .sendRequest,
                reason: "libcurl \(CurlLibrary.versionText) was built without authentication by \(schemes)"
            )
        }
        switch credentials.secret {
        case .password(let user, let password):
            try curl.set(CURLOPT_USERNAME, user)
            try curl.set(CURLOPT_PASSWORD, password)
        case .token(let token):
            try curl.set(CURLOPT_XOAUTH2_BEARER, token)
        case .ambient:
            // An empty name is libcurl's word for "whoever I am".
            try curl.set(CURLOPT_USERNAME, "")
            try curl.set(CURLOPT_PASSWORD, "")
        }
        appliedCredentials = credentials
    }

    /// Forgets everything that was ever set. libcurl keeps the share and its cookies.
    private func startOver() throws(HandleError) {
        // libcurl 7.88 leaks the list of cookie files at a reset.
        try curl.set(CURLOPT_COOKIEFILE, nil)
        curl.reset()
        appliedURL = nil
        appliedHeader = .none
        appliedOptions = nil
        appliedRequest = AppliedRequest()
        appliedCredentials = nil
        hasCookies = nil
        hasOwnCookies = false
        isVerbose = false
        watchesHead = false
        keepsSendingOnError = false
        uploadBufferSize = 64 << 10
        try setUp()
    }

    /// Whether libcurl may have an answer to a response.
    func mayAnswer(_ head: HeaderBlock) -> Bool {
        head.status == 401 && appliedCredentials?.awaitChallenge == true
    }

    /// libcurl has no answer to the challenge: it is the response.
    func deliverChallenge() {
        if let head = attempt.challenge.take() { record(.head(head)) }
    }

    /// libcurl answers a challenge. A server may go on for ever with saying that the answer came too late.
    func mayAnswerAgain() -> Bool {
        forgetChallenge()
        attempt.challengesAnswered += 1
        guard attempt.challengesAnswered > Self.maximumAnswers else { return true }
        let reason = "the server asks for credentials more than \(Self.maximumAnswers) times"
        attempt.refusal = HandleError(.loginFailure, .receiveResponse, reason: reason)
        return false
    }

    /// More than any scheme takes.
    private static let maximumAnswers = 10

    /// What was received is no part of the response.
    func forgetChallenge() {
        attempt.challenge = nil
        attempt.receiving = .head
        attempt.headBytes = []
        attempt.headBytesTotal = 0
        attempt.headLines = 0
    }
}

extension TransferRequest {
    /// A caller who writes `Authorization` himself needs no help.
    var credentials: Credentials? {
        guard let credentials = options.values.credentials, !headerFields.contains(.authorization) else { return nil }
        return credentials
    }
}

extension Credentials {
    fileprivate var curlSchemes: Int {
        let bits = schemes.reduce(0) { bits, scheme in
            switch scheme {
            case .basic: bits | chttphandles_auth_basic
            case .digest: bits | chttphandles_auth_digest
            case .ntlm: bits | chttphandles_auth_ntlm
            case .negotiate: bits | chttphandles_auth_negotiate
            case .bearer: bits | chttphandles_auth_bearer
            default: bits
            }
        }
        // Without this libcurl would begin with an empty body, which a server that asks for nothing takes for the real one.
        return awaitChallenge ? bits | chttphandles_auth_only : bits
    }
}
