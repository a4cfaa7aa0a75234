import HTTPHandlesCore
import HTTPHandlesDriver
import HTTPTypes

// libcurl follows no redirects here: each hop is a transfer of its own, with its own events. `HeadDecision` decides what
// becomes of a head; here it is carried out.

extension RequestObject {
    /// How much of a body that is of no use is read to keep the connection: a redirect's, or a challenge's.
    static let discardedBytes = 64 * 1024

    /// What becomes of a final head; where it is to be followed, the next hop is ready.
    func disposition(of head: HeaderBlock) -> RequestStateMachine.HeadDisposition {
        guard let request else { return .deliver }
        let context = HeadContext(
            message: request.message,
            isBodyStreamed: request.body.isStreamed,
            options: sentOptions,
            redirects: redirects,
            credentialQuestions: credentialQuestions
        )
        let decision = HeadDecision(head, context) {
            $0.fields().bytes(of: .location)
        } resolve: { reference, base throws(HandleError) in
            try RequestURL(reference, relativeTo: base, for: .receiveResponse)
        }
        switch decision {
        case .deliver: return .deliver
        case .askForCredentials: return .askForCredentials
        case .follow(let next):
            redirects += 1
            nextHop = request.redirected(next)
            return .follow(url: next.message.url.text)
        case .askDecider(let next):
            redirects += 1
            nextHop = request.redirected(next)
            return .askAboutRedirect(url: next.message.url.text)
        case .retry(let policy):
            return switch retry(after: head, policy) {
            case .again(let retry): .retry(retry)
            case .refused(let refused): .giveUp(refused)
            }
        case .refuse(let error): return .refuse(error)
        }
    }

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
    fileprivate func redirected(_ next: RedirectedRequest) -> TransferRequest {
        TransferRequest(
            next.message,
            next.keepsBody ? body : .none,
            next.changesOrigin ? options.forAnotherOrigin : options
        )
    }
}
