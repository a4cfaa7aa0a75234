import HTTPHandlesCore
import HTTPHandlesDriver
import HTTPTypes

// libcurl follows no redirects here: each hop is a transfer of its own, with its own events, and what goes where is
// decided by `Redirection`.

extension RequestObject {
    /// How much of a body that nobody wants is read to keep the connection: a redirect's, or a challenge's.
    static let discardedBytes = 64 * 1024

    /// What becomes of a final head; where it is to be followed, the next hop is ready.
    func disposition(of head: HeaderBlock) -> RequestStateMachine.HeadDisposition {
        if head.status == 401, mayAskForCredentials { return .askForCredentials }
        guard Redirection.isRedirect(head.status) else {
            return switch retry(after: head) {
            case .again(let retry): .retry(retry)
            case .refused(let refused): .giveUp(refused)
            case nil: .deliver
            }
        }
        let values = sentOptions.values
        guard let request, values.redirectPolicy != .never,
            let location = head.fields().bytes(of: .location), !location.isEmpty
        else { return .deliver }
        guard redirects < values.maximumRedirects else {
            return .refuse(.redirectFailed("the server redirects more than \(values.maximumRedirects) times"))
        }
        do {
            let url = try RequestURL(location, relativeTo: request.message.url, for: .receiveResponse)
            if request.message.url.isSecure, !url.isSecure, values.redirectPolicy == .refuseDowngrade {
                let target = Redaction.standard.url(url.text)
                return .refuse(.redirectFailed("a redirect from https to \(target) is not allowed"))
            }
            nextHop = try request.redirected(to: url, status: head.status)
            redirects += 1
            return values.redirectDecider == nil ? .follow(url: url.text) : .askAboutRedirect(url: url.text)
        } catch {
            return .refuse(error)
        }
    }
}

extension RequestObject {
    /// Asks the caller about the next hop, in a task of its own.
    func ask(about head: HeaderBlock) {
        guard let nextHop, let decider = sentOptions.values.redirectDecider else { return }
        let message = nextHop.message
        let proposal = RedirectProposal(
            head,
            method: message.method,
            url: message.url.text,
            headerFields: message.headerFields,
            keepsBody: nextHop.body.length != 0
        )
        ask {
            await decider(proposal)
        } then: { request, decision, engine in
            request.decided(decision, engine)
        }
    }
}

extension TransferRequest {
    /// The request as it is made at the target of a redirect.
    fileprivate func redirected(to url: RequestURL, status: Int) throws(HandleError) -> TransferRequest {
        let next = Redirection(
            of: message.method,
            message.headerFields,
            status: status,
            from: message.url.origin,
            to: url.origin
        )
        guard !next.keepsBody || !body.isStreamed else {
            let target = Redaction.standard.url(url.text)
            let reason = "the server redirects to \(target), and a streamed body cannot be sent again"
            throw HandleError(.resendRequest, .receiveResponse, reason: reason)
        }
        return TransferRequest(
            RequestMessage(method: next.method, url: url, headerFields: next.headerFields),
            next.keepsBody ? body : .none,
            url.origin == message.url.origin ? options : options.forAnotherOrigin
        )
    }
}

extension HandleError {
    fileprivate static func redirectFailed(_ reason: String) -> HandleError {
        HandleError(.redirectFailed, .receiveResponse, reason: reason)
    }
}
