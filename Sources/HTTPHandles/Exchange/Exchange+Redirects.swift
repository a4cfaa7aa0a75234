import HTTPHandlesCore
import HTTPHandlesDriver

// libcurl follows no redirects here: each hop is a transfer of its own, with its own events. That one is followed is decided
// by `HeadDecision`; here it is carried out.

extension Exchange {
    /// Prepares the next hop, and returns its URL.
    func redirect(_ next: RedirectedRequest) -> String {
        redirects += 1
        // The proxy for the next hop is chosen anew.
        proxySearch.keepsRoute = false
        nextHop = TransferRequest(
            next.message,
            next.keepsBody ? request.body : .none,
            next.changesOrigin ? request.options.forAnotherOrigin : request.options
        )
        return next.message.url.text
    }

    /// Asks the caller's decider about the next hop.
    func askDecider(_ engine: TransferEngine) {
        guard let nextHop, let decider = options.values.redirectDecider, let head else {
            // `HeadDecision` has seen the decider, and the head and the hop are kept before the machine is told.
            return decided(.follow, engine)
        }
        let message = nextHop.message
        let proposal = RedirectProposal(
            head.block,
            method: message.method,
            url: message.url.text,
            headerFields: message.headerFields,
            keepsBody: nextHop.body.length != 0
        )
        ask {
            await decider(proposal)
        } then: { exchange, decision, engine in
            exchange.decided(decision, engine)
        }
    }

    func decided(_ decision: RedirectDecision, _ engine: TransferEngine) {
        if decision != .follow { nextHop = nil }
        advance(engine) { $0.decided(decision, &$1) }
    }

    /// Keeps a head in the list of those that redirects led over.
    func keepHop(_ head: ResponseHead) {
        let message = request.message
        let hop = Hop(method: message.method, url: message.url.text, headerFields: message.headerFields, head: head)
        handle.changeReceived { $0.hops.append(hop) }
    }
}
