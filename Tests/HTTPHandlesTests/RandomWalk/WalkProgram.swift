import HTTPHandles

/// All random choices of a walk, made from its seed in advance. Only races are not determined: a seed may have to be replayed
/// repeatedly.
struct WalkProgram: Sendable {
    enum Ending: Sendable, CaseIterable {
        /// While the tasks are still running.
        case closeAllAtOnce
        case closeAll
        case closeSessionFirst
        case closeRequestsFirst
        case dropEverything
        case leaveScope
        case leaveScopeByError
    }

    enum ProxyUse: Sendable { case forwards, tunnels }

    static let requestSlots = 6
    static let connectionSlots = 3

    let seed: UInt64
    /// One list for each task.
    let tasks: [[WalkStep]]
    /// The tasks that run on the session's executor.
    let prefersDriver: [Bool]
    /// Listens to the whole tree from the first event to the last.
    let hasListener: Bool
    /// All requests have time limits of a few milliseconds.
    let hasShortLimits: Bool
    /// There is a retry policy.
    let hasRetries: Bool
    /// There is a redirect decider.
    let decidesRedirects: Bool
    /// The server is a proxy too, for tunnels or to forward requests.
    let proxy: ProxyUse?
    /// All options of all handles change at any time, so any result is possible.
    let hasAnyOptions: Bool
    /// The connection limit of the session; only if requests cannot wait for each other without end.
    let maximumConnections: Int?
    let ending: Ending
    let endingMicroseconds: Int

    init(seed: UInt64) {
        self.seed = seed
        var generator = SeededGenerator(seed: seed)
        let count = generator.weighted([(3, 1), (3, 2), (2, 3), (2, 4)])
        let steps = 48 / count
        let (hasRetries, decidesRedirects) = (generator.chance(40), generator.chance(40))
        let hasAnyOptions = generator.chance(20)
        let proxy = generator.weighted([(4, nil), (1, .forwards), (1, .tunnels)] as [(Int, ProxyUse?)])
        self.proxy = proxy
        self.hasAnyOptions = hasAnyOptions
        self.hasRetries = hasRetries
        self.decidesRedirects = decidesRedirects
        let behaviours = ServerBehaviour.allCases.filter {
            (hasRetries || !$0.isForRetries) && (decidesRedirects || !$0.isForDeciders)
                && (proxy == .forwards || !$0.isForProxies) && (proxy == nil || $0 != .refused)
        }
        tasks = (0..<count).map { task in
            var writer = StepWriter(task: task, of: count, behaviours, hasAnyOptions)
            return (0..<steps).map { _ in writer.next(&generator) }
        }
        prefersDriver = (0..<count).map { _ in generator.chance(15) }
        hasListener = generator.chance(75)
        hasShortLimits = generator.chance(25)
        maximumConnections = hasShortLimits ? generator.one(of: [nil, 1, 2, 3]) : nil
        ending = generator.one(of: Ending.allCases)
        endingMicroseconds = generator.one(of: [0, 300, 2000])
    }
}

extension WalkProgram: CustomStringConvertible {
    /// Without the steps.
    var description: String {
        let parts = [
            hasShortLimits ? "short limits" : nil, hasRetries ? "retries" : nil, decidesRedirects ? "decider" : nil,
            hasAnyOptions ? "any options" : nil, proxy.map { "proxy \($0)" },
            maximumConnections.map { "connections \($0)" }, hasListener ? "listener" : nil, "\(ending)",
        ]
        return parts.compactMap(\.self).joined(separator: ", ")
    }
}

/// Generates the steps of one task. It tracks the expected states of its handles, so that walks reach late states.
private struct StepWriter {
    enum Stage { case open, writing, sent, responded, over }

    private let ownRequests: [Int]
    private let behaviours: [ServerBehaviour]
    private let hasAnyOptions: Bool
    private var stages: [Stage?]

    init(task: Int, of tasks: Int, _ behaviours: [ServerBehaviour], _ hasAnyOptions: Bool) {
        self.behaviours = behaviours
        self.hasAnyOptions = hasAnyOptions
        ownRequests = (0..<WalkProgram.requestSlots).filter { $0 % tasks == task }
        stages = Array(repeating: nil, count: WalkProgram.requestSlots)
    }

    mutating func next(_ generator: inout SeededGenerator) -> WalkStep {
        let isForeign = generator.chance(8)
        let slot = isForeign ? Int.random(in: 0..<stages.count, using: &generator) : generator.one(of: ownRequests)
        let operation =
            hasAnyOptions && generator.chance(25)
            ? anyOption(slot, &generator) : generator.chance(78) ? onward(slot, &generator) : aside(slot, &generator)
        return WalkStep(operation: operation, interruption: interruption(&generator))
    }

    /// The usual next operation of a request.
    private mutating func onward(_ slot: Int, _ generator: inout SeededGenerator) -> WalkOperation {
        switch stages[slot] {
        case nil:
            stages[slot] = .open
            let behaviour = generator.weighted(behaviours.map { ($0.weight, $0) })
            let connection = Int.random(in: 0..<WalkProgram.connectionSlots, using: &generator)
            return .open(slot, on: connection, behaviour, generator.weighted([(13, .get), (4, .post), (3, .put)]))
        case .open:
            let body = body(&generator)
            if case .writes = body { stages[slot] = .writing } else { stages[slot] = .sent }
            return .send(slot, body)
        case .writing:
            guard generator.chance(60) else {
                stages[slot] = .sent
                return .finishWriting(slot)
            }
            return .write(slot, count: generator.one(of: [0, 1, 1000, 300_000]))
        case .sent:
            stages[slot] = .responded
            return .receive(slot)
        case .responded:
            if generator.chance(30) { return .read(slot) }
            stages[slot] = .over
            return .readToEnd(slot)
        case .over:
            let next: WalkOperation = generator.weighted([
                (3, .send(slot, body(&generator))), (2, .close(.request(slot))), (2, .drop(.request(slot))),
                (1, .readToEnd(slot)), (1, .closeAndWait(slot)),
            ])
            switch next {
            case .send: stages[slot] = .sent
            case .drop: stages[slot] = nil
            case .readToEnd: break
            default: stages[slot] = generator.chance(70) ? nil : .open
            }
            return next
        }
    }

    /// Disturbing operations.
    private mutating func aside(_ slot: Int, _ generator: inout SeededGenerator) -> WalkOperation {
        let connection = Int.random(in: 0..<WalkProgram.connectionSlots, using: &generator)
        let target: Target = generator.weighted([(6, .request(slot)), (3, .connection(connection)), (1, .session)])
        let mask: StatusMask = generator.one(of: [.all, .all, .allCompletions, .closeConnection])
        return generator.weighted([
            (8, .fetch(generator.one(of: behaviours), generator.one(of: ResponseUse.allCases))),
            (4, .subscribe(target, mask, generator.chance(50) ? .tree : .handle)),
            (3, .listenFor(target, events: Int.random(in: 0..<6, using: &generator))),
            (2, .changeHeaderFields(slot, generator.one(of: HeaderFieldRule.allCases))),
            (4, .queryOption(target)), (2, .setCookie), (3, .listCookies), (1, .removeCookies),
            (2, .setShortLimits(.request(slot))),
            (2, .close(.request(slot))),
            (2, .closeAndWait(slot)),
            (2, .closeAtEvent(slot, count: Int.random(in: 0..<9, using: &generator))),
            (2, .drop(.request(slot))),
            (2, .close(.connection(connection))),
            (2, .closeAll(.connection(connection))),
            (1, .drop(.connection(connection))),
            (1, .connect(connection)),
            (2, .send(slot, body(&generator))),
            (2, .receive(slot)),
            (2, .read(slot)),
            (2, .write(slot, count: 10)),
            (1, .finishWriting(slot)),
        ])
    }

    private func anyOption(_ slot: Int, _ generator: inout SeededGenerator) -> WalkOperation {
        let connection = Int.random(in: 0..<WalkProgram.connectionSlots, using: &generator)
        let target: Target = generator.weighted([(6, .request(slot)), (3, .connection(connection)), (2, .session)])
        let option = Int.random(in: 0..<OptionChange.all.count, using: &generator)
        let value = Int.random(in: 0..<OptionChange.all[option].count, using: &generator)
        return .setAnyOption(target, option: option, value: value)
    }

    private func body(_ generator: inout SeededGenerator) -> SentBody {
        generator.weighted([
            (6, .none), (2, .bytes(generator.one(of: [0, 10, 5000, 700_000]))),
            (2, .file(generator.one(of: WalkFiles.sizes))), (1, .form(300)), (1, .missingFile),
            (1, .multipart(generator.one(of: WalkFiles.sizes))),
            (2, .stream(pieces: Int.random(in: 0...4, using: &generator), of: 3000)),
            (2, .source(pieces: Int.random(in: 0...4, using: &generator), of: 3000)),
            (3, .writes(announced: generator.one(of: [nil, nil, 0, 2000]))),
        ])
    }

    private func interruption(_ generator: inout SeededGenerator) -> Interruption? {
        guard generator.chance(15) else { return nil }
        return Interruption(
            kind: generator.weighted([
                (3, .cancelTask), (3, .closeRequest), (1, .closeAllOfConnection), (4, .changeOptions),
            ]),
            microseconds: generator.one(of: [0, 0, 50, 200, 800])
        )
    }
}
