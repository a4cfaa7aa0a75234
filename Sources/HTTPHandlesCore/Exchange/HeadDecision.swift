import HTTPTypes

/// What becomes of the final head of a transfer.
///
/// A decision changes nothing: it is made from the head and from what is known of the exchange, and carried out by the
/// exchange. This is where it is decided that a redirect is followed.
package enum HeadDecision {
    /// The caller gets it.
    case deliver
    /// A 401 of the server or a 407 of its proxy, for which the caller's provider may have credentials.
    case askForCredentials
    /// A redirect that is followed.
    case follow(RedirectedRequest)
    /// A redirect that may be followed, if the caller's decider agrees.
    case askDecider(RedirectedRequest)
    /// A status that the retry policy is about: whether there is another attempt is decided by `Attempts`.
    case retry(RetryPolicy)
    /// The exchange fails.
    case refuse(HandleError)

    /// Without a limit, a provider that returns new tokens would be called without end if the server refuses all of them.
    package static let maximumCredentialQuestions = 3

    /// - Parameters:
    ///   - location: Finds the value of `Location`, in the bytes in which it came.
    ///   - resolve: Makes a URL of a reference and the URL that it is relative to.
    package init(
        _ head: HeaderBlock,
        _ context: HeadContext,
        location: (HeaderBlock) -> [UInt8]?,
        resolve: (_ reference: [UInt8], _ base: RequestURL) throws(HandleError) -> RequestURL
    ) {
        if head.status == 401 && context.mayAskForCredentials || head.status == 407 && context.mayAskForProxyCredentials
        {
            self = .askForCredentials
        } else if Redirection.isRedirect(head.status) {
            do {
                self = try Self.redirect(head, context, location, resolve)
            } catch {
                self = .refuse(error)
            }
        } else if let policy = context.options.values.retryPolicy, policy.statuses.contains(head.status) {
            self = .retry(policy)
        } else {
            self = .deliver
        }
    }

    private static func redirect(
        _ head: HeaderBlock,
        _ context: HeadContext,
        _ location: (HeaderBlock) -> [UInt8]?,
        _ resolve: ([UInt8], RequestURL) throws(HandleError) -> RequestURL
    ) throws(HandleError) -> HeadDecision {
        let values = context.options.values
        guard values.redirectPolicy != .never, let reference = location(head), !reference.isEmpty else {
            return .deliver
        }
        guard context.redirects < values.maximumRedirects else {
            throw .redirectFailed("the server redirects more than \(values.maximumRedirects) times")
        }
        let url = try resolve(reference, context.message.url)
        if context.message.url.isSecure, !url.isSecure, values.redirectPolicy == .refuseDowngrade {
            throw .redirectFailed("a redirect from https to \(Redaction.standard.url(url.text)) is not allowed")
        }
        let next = RedirectedRequest(context.message, status: head.status, to: url, values)
        guard !next.keepsBody || !context.isBodyStreamed else {
            let target = Redaction.standard.url(url.text)
            let reason = "the server redirects to \(target), and a streamed body cannot be sent again"
            throw HandleError(.resendRequest, .receiveResponse, reason: reason)
        }
        return values.redirectDecider == nil ? .follow(next) : .askDecider(next)
    }
}

/// What is known of an exchange when a final head comes.
package struct HeadContext {
    /// What was sent.
    package let message: RequestMessage
    /// What was sent cannot be sent again.
    package let isBodyStreamed: Bool
    /// The options of the exchange.
    package let options: OptionSnapshot
    /// How many redirects were followed.
    package let redirects: Int
    /// How often the caller's provider was asked for credentials.
    package let credentialQuestions: Int
    /// How often the provider was asked for credentials for a proxy; `nil` where no proxy sees the request, so that a 407
    /// is not a proxy's.
    package let proxyQuestions: Int?

    package init(
        message: RequestMessage,
        isBodyStreamed: Bool,
        options: OptionSnapshot,
        redirects: Int,
        credentialQuestions: Int,
        proxyQuestions: Int? = nil
    ) {
        self.message = message
        self.isBodyStreamed = isBodyStreamed
        self.options = options
        self.redirects = redirects
        self.credentialQuestions = credentialQuestions
        self.proxyQuestions = proxyQuestions
    }

    /// A caller who writes `Authorization` is not asked.
    fileprivate var mayAskForCredentials: Bool {
        options.values.credentialProvider != nil && credentialQuestions < HeadDecision.maximumCredentialQuestions
            && !message.knownFields.contains(.authorization)
    }

    fileprivate var mayAskForProxyCredentials: Bool {
        guard let proxyQuestions, options.values.credentialProvider != nil else { return false }
        return proxyQuestions < HeadDecision.maximumCredentialQuestions
            && !message.headerFields.contains(.proxyAuthorization)
    }
}

/// A request as it is made at the target of a redirect.
package struct RedirectedRequest {
    package let message: RequestMessage
    /// Whether the body is sent again.
    package let keepsBody: Bool
    /// Whether the target has another origin, which gets no secrets.
    package let changesOrigin: Bool

    fileprivate init(_ message: RequestMessage, status: Int, to url: RequestURL, _ values: OptionValues) {
        let redirection = Redirection(
            of: message.method,
            message.headerFields,
            status: status,
            from: message.url.origin,
            to: url.origin,
            keepingPost: values.redirectsKeepingPost
        )
        self.message = RequestMessage(method: redirection.method, url: url, headerFields: redirection.headerFields)
        keepsBody = redirection.keepsBody
        changesOrigin = url.origin != message.url.origin
    }
}

extension HandleError {
    fileprivate static func redirectFailed(_ reason: String) -> HandleError {
        HandleError(.redirectFailed, .receiveResponse, reason: reason)
    }
}
