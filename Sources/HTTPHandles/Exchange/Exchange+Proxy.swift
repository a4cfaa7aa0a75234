import HTTPHandlesCore
import HTTPHandlesDriver

// The proxy of a transfer is known before the transfer begins: each hop of redirects, and each attempt, finds its own.

/// The search of an exchange for a proxy.
struct ProxySearch {
    /// The way of the next transfer is that of its request.
    var keepsRoute = false
    /// What the caller's closure has answered, as far as it was not tried.
    var choices: ArraySlice<ProxyChoice>?
    /// Goes off when the closure has taken too long.
    var alarm: DeadlineToken?

    mutating func nextChoice() -> ProxyChoice? { choices?.popFirst() }
}

/// What the exchanges of a session know of proxies.
struct SessionProxies: ~Copyable {
    /// A proxy for which a provider has given credentials.
    private struct AskedProxy: Hashable {
        let address: ProxyAddress
        let provider: CredentialProvider
    }

    let environment: ProxyEnvironment
    private var routes = ProxyRoutes()
    private var credentials: [AskedProxy: Credentials] = [:]

    init(_ environment: ProxyEnvironment) {
        self.environment = environment
    }

    /// The way through a proxy, with the credentials that the provider of the request gave for it, if it has none.
    mutating func route(through proxy: Proxy, _ values: OptionValues, to origin: Origin) -> ProxyRoute {
        var proxy = proxy
        if proxy.credentials == nil, let provider = values.credentialProvider {
            proxy.credentials = credentials[AskedProxy(address: proxy.address, provider: provider)]
        }
        return routes.route(through: proxy, values, to: origin)
    }

    /// Keeps what a provider has answered, for its later requests through the same proxy.
    mutating func keep(_ answer: Credentials, for address: ProxyAddress, from provider: CredentialProvider) {
        if credentials.count >= 256 { credentials = [:] }
        credentials[AskedProxy(address: address, provider: provider)] = answer
    }
}

extension Exchange {
    // MARK: Finding one

    /// Finds the proxy of the next transfer. `false` if it is not known yet, or there is none that can be used.
    func findRoute(_ engine: TransferEngine) -> Bool {
        if proxySearch.keepsRoute {
            proxySearch.keepsRoute = false
            return true
        }
        if options.proxyUse == .byEnvironment, resources.proxies.environment.isEmpty { return true }
        let origin = request.message.url.origin
        switch options.values.proxy {
        case .environment:
            do throws(HandleError) {
                use(try resources.proxies.environment.proxy(for: origin))
            } catch {
                transferFailed(error, engine)
                return false
            }
        case .named(let proxy, let bypass):
            use(bypass.contains(host: origin.host, port: origin.port) ? nil : proxy)
        case .choosing(let chooser):
            ask(chooser, engine)
            return false
        default: use(nil)
        }
        return true
    }

    private func use(_ proxy: Proxy?) {
        let origin = request.message.url.origin
        let route = proxy.map { resources.proxies.route(through: $0, options.values, to: origin) }
        if route === request.route { return }
        request = TransferRequest(request.message, request.body, request.options, through: route)
    }

    private func use(next choice: ProxyChoice?) {
        if case .proxy(let proxy)? = choice { use(proxy) } else { use(nil) }
    }

    private func ask(_ chooser: ProxyChooser, _ engine: TransferEngine) {
        do throws(HandleError) {
            try engine.makeReadyForAlarms()
        } catch {
            return transferFailed(error, engine)
        }
        advance(engine) { $0.proxyAsked(&$1) }
        ask { [url = request.message.url] in
            await chooser.choices(for: url)
        } then: { exchange, answer, engine in
            exchange.chosen(answer, engine)
        }
    }

    /// The caller's closure has answered.
    func chosen(_ answer: Result<[ProxyChoice], HandleError>, _ engine: TransferEngine) {
        endChoosing(engine)
        switch answer {
        case .failure(let error): transferFailed(error, engine)
        case .success(let choices):
            proxySearch.choices = choices[...]
            use(next: proxySearch.nextChoice())
            advance(engine) { $0.proxyChosen(&$1) }
            if takeSlot(engine) { beginTransfer(engine) }
            setAlarm(engine)
        }
    }

    // MARK: Time

    func setChoosingAlarm(at time: MonotonicTime, _ engine: TransferEngine) {
        guard machine.awaited == .proxy else { return }
        if let alarm = proxySearch.alarm {
            engine.move(alarm, to: time)
        } else {
            proxySearch.alarm = engine.setAlarm(of: self, at: time)
        }
    }

    func endChoosing(_ engine: TransferEngine) {
        if let alarm = proxySearch.alarm.take() { engine.cancel(alarm) }
    }

    // MARK: Failures

    /// Whether the exchange goes on after a failure on the way to the server.
    func goesOn(
        after error: HandleError,
        _ secureFailure: SecureFailure,
        _ actions: inout ExchangeActions
    ) -> Bool {
        if alternative.place != nil { return leavesAlternative(after: error, secureFailure, &actions) }
        return error.proxyFailure != nil && leavesProxy(after: error, &actions)
    }

    /// Whether the exchange goes on after a failure at the proxy: with the next choice, or with credentials.
    private func leavesProxy(after error: HandleError, _ actions: inout ExchangeActions) -> Bool {
        if error.isUnreachableProxy, let next = proxySearch.nextChoice() {
            guard machine.proxyUnreachable(error, &actions) else { return false }
            use(next: next)
            proxySearch.keepsRoute = true
            return true
        }
        // Not where a time limit has run out while the rest of a 407 was to come.
        guard error.code == .loginFailure, error.proxyFailure?.response?.status.code == 407,
            options.values.credentialProvider != nil,
            proxyQuestions < HeadDecision.maximumCredentialQuestions
        else { return false }
        return machine.tunnelChallenged(error, &actions)
    }

    // MARK: Credentials

    /// A proxy wants credentials before it makes a tunnel.
    func askForTunnelCredentials(_ error: HandleError, _ engine: TransferEngine) {
        guard let provider = options.values.credentialProvider, let route = request.route else {
            return answered(.deliver, engine)
        }
        askForCredentials(for: route, error.proxyFailure?.challenges ?? [], provider, engine)
    }

    func askForCredentials(
        for route: ProxyRoute,
        _ challenges: [AuthenticationChallenge],
        _ provider: CredentialProvider,
        _ engine: TransferEngine
    ) {
        proxyQuestions += 1
        let asked = AuthenticationQuestion(
            url: request.message.url,
            proxy: route.address,
            challenges: challenges,
            hasRefusedCredentials: route.proxy.credentials != nil
        )
        ask {
            await provider.answer(asked)
        } then: { exchange, answer, engine in
            exchange.answered(exchange.outcome(of: answer, for: route, provider), engine)
        }
    }

    private func outcome(
        of answer: Credentials?,
        for route: ProxyRoute,
        _ provider: CredentialProvider
    ) -> CredentialAnswer {
        guard let answer, answer != route.proxy.credentials else { return .deliver }
        var proxy = route.proxy
        proxy.credentials = answer
        if let problem = proxy.problem {
            let reason = "the provider's answer cannot be used: \(problem)"
            return .refuse(.invalidParameter(.receiveResponse, reason))
        }
        resources.proxies.keep(answer, for: proxy.address, from: provider)
        guard machine.tunnelChallenge != nil || !request.body.isStreamed else {
            let reason = "the proxy asks for credentials, and a streamed body cannot be sent again"
            return .refuse(HandleError(.resendRequest, .receiveResponse, reason: reason))
        }
        let next = resources.proxies.route(through: proxy, options.values, to: request.message.url.origin)
        nextHop = TransferRequest(request.message, request.body, request.options, through: next)
        proxySearch.keepsRoute = true
        return .sendAgain
    }
}

extension TransferRequest {
    /// Whether an HTTP proxy forwards the request, and so sees it.
    var isForwarded: Bool { route.map { !$0.isTunnel(to: message.url.origin) } ?? false }
}

extension HandleError {
    /// A proxy was not reached, so that another may be tried.
    fileprivate var isUnreachableProxy: Bool {
        guard let proxyFailure, proxyFailure.response == nil else { return false }
        return code == .cannotConnect || code == .nameNotResolved || code == .timeout
    }
}
