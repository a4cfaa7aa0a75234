import CHTTPHandlesCurl
import HTTPHandlesCore
import HTTPTypes

// libcurl authenticates. Credentials that are sent at once need one round. With others libcurl sends the request without
// any, and sends it again, in the same transfer, when a 401 asks for them. The head of that 401 is reported as a challenge;
// it becomes the response's head if libcurl does not answer it.

extension Transfer {
    /// Sets the credentials of this exchange.
    func applyCredentials(_ credentials: Credentials?) throws(HandleError) {
        let before = appliedCredentials
        guard credentials != nil || before != nil else { return }
        let awaitsChallenge = credentials?.awaitChallenge == true
        guard credentials != before || awaitsChallenge else { return }
        // An easy handle remembers the scheme that was picked and the last Digest challenge, also of an exchange without
        // credentials, and would take the challenge of this exchange for a refusal.
        if before != nil || awaitsChallenge && attemptsBegun > 0 { try startOver() }
        guard let credentials else { return }
        try setSchemes(of: credentials, CURLOPT_HTTPAUTH)
        switch credentials.secret {
        case .password(let user, let password):
            try curl.set(CURLOPT_USERNAME, user)
            try curl.set(CURLOPT_PASSWORD, password)
        case .token(let token):
            try curl.set(CURLOPT_XOAUTH2_BEARER, token)
        case .ambient:
            // To libcurl an empty name means the user of the process.
            try curl.set(CURLOPT_USERNAME, "")
            try curl.set(CURLOPT_PASSWORD, "")
        }
        appliedCredentials = credentials
    }

    /// - Parameter option: That of the server, or that of the proxy.
    func setSchemes(of credentials: Credentials, _ option: CURLoption) throws(HandleError) {
        do {
            try curl.set(option, credentials.curlSchemes)
        } catch  where error.code != .notEnoughMemory {
            let schemes = credentials.schemes.map(\.rawValue).sorted().joined(separator: ", ")
            throw HandleError(
                .notSupported,
                .sendRequest,
                reason: "libcurl \(CurlLibrary.versionText) was built without authentication by \(schemes)"
            )
        }
    }

    /// Takes back everything that was set. libcurl keeps the share and its cookies.
    func startOver() throws(HandleError) {
        // libcurl 7.88 leaks the list of cookie files at a reset.
        try curl.set(CURLOPT_COOKIEFILE, nil)
        curl.reset()
        appliedURL = nil
        appliedHeader = .none
        appliedOptions = nil
        appliedRequest = AppliedRequest()
        appliedCredentials = nil
        appliedRoute = nil
        hasContextCallback = false
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
        switch head.status {
        case 401: appliedCredentials?.awaitChallenge == true
        case 407: appliedRoute?.proxy.credentials?.awaitChallenge == true && !isTunnelled
        default: false
        }
    }

    /// libcurl does not answer the challenge: it is the response.
    func deliverChallenge() {
        if let head = attempt.challenge.take() { record(.head(head)) }
    }

    /// libcurl answers a challenge. A server may reject every answer as stale, without end.
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
    /// None where the caller has set `Authorization`.
    var credentials: Credentials? {
        guard let credentials = options.values.credentials, !message.knownFields.contains(.authorization) else {
            return nil
        }
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
        // Without this libcurl would begin with an empty body, which a server that sends no challenge takes for the body.
        return awaitChallenge ? bits | chttphandles_auth_only : bits
    }
}
