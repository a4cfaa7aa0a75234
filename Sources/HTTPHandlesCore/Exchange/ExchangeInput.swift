// What an `ExchangeStateMachine` is told, beside what the transfer reports (`TransferReport`).

/// How the request body reaches libcurl.
package enum RequestUpload: Hashable {
    /// Known when the request is sent, or none: `send` is done when all of it is out.
    case upFront
    /// Written piece by piece after `send`, which is done when the head is out.
    case streamed
}

/// What has become of a final head: a `HeadDecision` that was carried out.
package enum HeadDisposition: Hashable {
    case deliver
    /// The caller gets it, and may take over the connection: what comes now is not HTTP.
    case upgrade
    /// The next hop is ready to be started.
    case follow(url: String)
    /// A 401, for which the caller's provider may have credentials.
    case askForCredentials
    /// The next hop is ready to be started, if the caller's decider agrees.
    case askDecider(url: String)
    case retry(Retry)
    /// The caller gets it, because there is no further attempt.
    case giveUp(RefusedRetry)
    case refuse(HandleError)
}

/// What came of asking for credentials.
package enum CredentialAnswer: Hashable {
    /// There are none: the caller gets the 401.
    case deliver
    /// There are, and the next transfer is ready to be started with them.
    case sendAgain
    case refuse(HandleError)
}

/// What an exchange waits for beside libcurl.
package enum AwaitedAnswer: Hashable {
    /// The caller's closure that chooses proxies.
    case proxy
    /// The caller's provider of credentials; it is asked as soon as the caller asks for the response.
    case credentials
    /// The caller's decider about redirects.
    case decision
    /// The end of the pause before the next attempt.
    case pause
}
