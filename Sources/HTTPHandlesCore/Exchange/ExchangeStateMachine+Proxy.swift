// What happens on the way through proxies, before the request goes out.

extension ExchangeStateMachine {
    /// The caller's closure is being asked for proxies, before the transfer can begin.
    package mutating func proxyAsked(_ actions: inout ExchangeActions) {
        wire = .choosingProxy
        wait(for: .proxy, &actions)
        actions.emit(.detectingProxy)
    }

    /// The closure has answered, and the transfer can begin.
    package mutating func proxyChosen(_ actions: inout ExchangeActions) {
        guard case .choosingProxy = wire else { return }
        wire = .starting
        wait(for: .connect, &actions)
    }

    /// A proxy could not be reached, and there is another choice.
    ///
    /// - Returns: `false` where the request was sent before, so that the failure is not the proxy's alone.
    package mutating func proxyUnreachable(_ error: HandleError, _ actions: inout ExchangeActions) -> Bool {
        guard case .starting = wire else { return false }
        actions.append(.abandonTransfer)
        actions.emit(.nextProxy(after: error))
        startTransfer(&actions)
        return true
    }

    /// A proxy has refused a tunnel with a 407, and the caller has a provider of credentials.
    ///
    /// - Returns: `false` where the failure is the end all the same.
    package mutating func tunnelChallenged(_ error: HandleError, _ actions: inout ExchangeActions) -> Bool {
        guard case .starting = wire else { return false }
        actions.append(.releaseConnection)
        wire = .tunnelChallenged(error)
        waitForCaller(&actions)
        actions.append(.askForCredentials)
        return true
    }

    /// With what a proxy has refused a tunnel, while the provider is asked for credentials.
    package var tunnelChallenge: HandleError? {
        if case .tunnelChallenged(let error) = wire { error } else { nil }
    }

    mutating func tunnelAnswered(_ answer: CredentialAnswer, to error: HandleError, _ actions: inout ExchangeActions) {
        switch answer {
        case .sendAgain: startTransfer(&actions)
        case .deliver: transferFailed(error, [], nil, &actions)
        case .refuse(let refusal): transferFailed(refusal, [], nil, &actions)
        }
    }
}
