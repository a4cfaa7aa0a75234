import HTTPHandlesCore
import HTTPHandlesDriver

// With credentials that are known libcurl authenticates by itself. Where the caller has a provider, and libcurl has no
// answer to a 401, the provider is asked, and the request is made again, as after a redirect.

extension Exchange {
    /// Asks the caller's provider. Until it answers, a time limit or a close may end the exchange; the answer is dropped
    /// then.
    func askForCredentials(_ engine: TransferEngine) {
        if let challenge = machine.tunnelChallenge { return askForTunnelCredentials(challenge, engine) }
        guard let provider = options.values.credentialProvider, let head else {
            // `HeadDecision` has seen the provider, and the head is kept before the machine is told.
            return answered(.deliver, engine)
        }
        if head.block.status == 407, let route = request.route {
            return askForCredentials(for: route, head.challenges, provider, engine)
        }
        credentialQuestions += 1
        let asked = AuthenticationQuestion(
            url: request.message.url,
            challenges: head.challenges,
            hasRefusedCredentials: request.options.values.credentials != nil
        )
        ask {
            await provider.answer(asked)
        } then: { exchange, answer, engine in
            exchange.answered(exchange.outcome(of: answer), engine)
        }
    }

    func answered(_ answer: CredentialAnswer, _ engine: TransferEngine) {
        advance(engine) { $0.answered(answer, &$1) }
    }

    /// What becomes of an answer; where it is used, the next transfer is ready.
    private func outcome(of answer: Credentials?) -> CredentialAnswer {
        guard let answer, answer != request.options.values.credentials else { return .deliver }
        if let problem = answer.problem {
            let reason = "the provider's answer cannot be used: \(problem)"
            return .refuse(.invalidParameter(.receiveResponse, reason))
        }
        if request.message.url.origin == origin { keep(answer) }
        guard !request.body.isStreamed else {
            let reason = "the server asks for credentials, and a streamed body cannot be sent again"
            return .refuse(HandleError(.resendRequest, .receiveResponse, reason: reason))
        }
        nextHop = TransferRequest(request.message, request.body, request.options.with(answer), through: request.route)
        proxySearch.keepsRoute = true
        return .sendAgain
    }

    /// The next exchange of the handle uses them at once.
    private func keep(_ credentials: Credentials) {
        let provider = options.values.credentialProvider
        if handle.keep(credentials, inPlaceOf: knownCredentials, from: provider) { knownCredentials = credentials }
    }
}
