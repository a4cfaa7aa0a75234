import HTTPHandlesCore
import HTTPHandlesDriver

// Credentials that are known are libcurl's business. Where the caller has a provider, a 401 that libcurl has no answer to
// is put to it, and the request is made again, as after a redirect.

extension RequestObject {
    /// The answer comes from a task: it is the caller's code. Until then a time limit, or a close and what follows it, may
    /// end the exchange, and the answer then belongs to nothing.
    func askForCredentials(_ engine: TransferEngine) {
        guard let provider = sentOptions.values.credentialProvider, let request, let head else {
            // `HeadDecision` has seen all three.
            return answered(.deliver, engine)
        }
        credentialQuestions += 1
        let asked = AuthenticationQuestion(
            url: request.message.url,
            challenges: head.challenges,
            hasRefused: request.options.values.credentials != nil
        )
        ask {
            await provider.answer(asked)
        } then: { request, answer, engine in
            request.answered(request.outcome(of: answer), engine)
        }
    }

    /// What becomes of an answer; where it is used, the next transfer is ready.
    private func outcome(of answer: Credentials?) -> RequestStateMachine.CredentialAnswer {
        guard let request, let answer, answer != request.options.values.credentials else { return .deliver }
        if let problem = answer.problem {
            let reason = "the provider's answer cannot be used: \(problem)"
            return .refuse(.invalidParameter(.receiveResponse, reason))
        }
        let isOwnOrigin = request.message.url.origin == message.url.origin
        // For the next time too.
        if isOwnOrigin { keep(answer) }
        guard !request.body.isStreamed else {
            let reason = "the server asks for credentials, and a streamed body cannot be sent again"
            return .refuse(HandleError(.resendRequest, .receiveResponse, reason: reason))
        }
        nextHop = TransferRequest(request.message, request.body, request.options.with(answer))
        return .sendAgain
    }
}
