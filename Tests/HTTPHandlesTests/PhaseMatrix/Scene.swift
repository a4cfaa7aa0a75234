import HTTPHandles
import HTTPHandlesLock
import HTTPHandlesTesting
import Testing
import TransfersInEveryPhase

/// A request in a phase, with everything that its end must not affect or has to release.
final class Scene: Sendable {
    /// The context of the request, which reports its deinitialization.
    final class Context: Sendable {
        let released: Gate

        init(_ released: Gate) {
            self.released = released
        }

        deinit {
            released.open()
        }
    }

    struct Pending {
        let operation: HandleOperation
        let task: Task<Void, any Error>
    }

    let cell: Cell
    let servers: PhaseServers
    let session: SessionHandle
    let connection: ConnectionHandle
    let requestID: HandleID
    let contextReleased = Gate()
    /// The event queues of the drivers that must not fail.
    private let sparedQueues: Set<UInt>
    let neighbour: Neighbour
    /// Holds the slot that the request waits for.
    let holder: RequestHandle?
    let recorder: EventRecorder
    let connectionRecorder: EventRecorder
    let sessionRecorder: EventRecorder
    let treeRecorder: EventRecorder
    private let hasCome = Gate()
    /// The only references to the request, except those of operations and loops over events.
    private let references: Lock<(request: RequestHandle?, pending: [Pending])>

    /// The connection limit of the session.
    static func options(_ cell: Cell) -> [OptionSetting] {
        // Nothing expires, however slow the machine is.
        [.set(.maximumConnections, to: cell.way.endsSession ? 1 : 2)]
            + [.connectTimeout, .sendTimeout, .responseTimeout, .receiveTimeout].map { .set($0, to: .zero) }
    }

    init(_ cell: Cell, _ servers: PhaseServers, in session: SessionHandle) async throws {
        self.cell = cell
        self.servers = servers
        self.session = session
        let phase = cell.phase
        sessionRecorder = EventRecorder(of: session)
        treeRecorder = EventRecorder(of: session, scope: .tree)
        neighbour = try await Neighbour(in: cell.way.endsSession ? SessionHandle() : session, servers)
        sparedQueues = cell.way == .driverDeath ? Self.queues : []
        if phase == .queued {
            let connection = try await session.connect(to: "127.0.0.1", port: servers.server.port)
            let holder = try await connection.openRequest(.get, "/silent")
            try await holder.send()
            self.holder = holder
        } else {
            holder = nil
        }
        connection = try await session.connect(to: servers.host(for: phase), port: servers.port(for: phase))
        connectionRecorder = EventRecorder(of: connection)
        let request = try await connection.openRequest(
            phase.method,
            phase.target,
            secure: phase == .securing,
            headerFields: phase.headerFields,
            context: Context(contextReleased)
        )
        requestID = request.id
        if phase.asksForUpgrade { try await request.setOption(.upgradesToWebSocket, to: true) }
        if let proxy = servers.proxy(for: phase) { try await request.setOption(.proxy, to: proxy) }
        switch phase {
        case .askingForTunnel:
            try await request.setOption(.credentialProvider, to: servers.silentProvider)
        case .inChallenge, .secondRound, .secondUpgradeRound:
            try await request.setOption(.credentials, to: Phase.credentials)
        case .askingForCredentials, .askingForUpgradeCredentials:
            try await request.setOption(.credentialProvider, to: servers.silentProvider)
        case .awaitingRetry:
            let clock = TestClock(isStopped: true)
            let policy = RetryPolicy(firstDelay: .seconds(1), jitter: .none, clock: clock)
            try await request.setOption(.retryPolicy, to: policy)
        case .awaitingDecision:
            let undecided = RedirectDecider { _ in
                try? await Task.sleep(for: .seconds(1_000_000))
                return .stop
            }
            try await request.setOption(.redirectDecider, to: undecided)
        default: break
        }
        recorder = EventRecorder(of: request)
        references = Lock((request, []))
    }

    /// The request, until its reference was released.
    func request() throws -> RequestHandle {
        try #require(references.withLock { $0.request })
    }

    // MARK: Reaching the phase

    /// Brings the request to its phase, with all pending operations.
    func play() async throws {
        let loop = try cell.way == .closeInItsOwnEvents ? closeInOwnEvents(request()) : nil
        try await come(request())
        try await arrived()
        for operation in cell.pending where !isPending(operation) { try begin(operation) }
        // The driver knows of them.
        _ = try await session.option(.connectTimeout)
        hasCome.open()
        try await loop?.value
    }

    private func come(_ request: RequestHandle) async throws {
        let phase = cell.phase
        switch phase {
        case .unused: return
        case .queued, .resolving, .connecting, .securing, .sendingHead: return try begin(.sendRequest)
        case .awaitingSource: return try begin(.sendRequest)
        case .choosingProxy, .requestingTunnel, .askingForTunnel: return try begin(.sendRequest)
        case .awaitingProducer where cell.pending.contains(.writeData): return try begin(.writeData)
        case .awaitingProducer:
            try await request.send(.writes())
            try await request.write(Array("hello".utf8))
            return
        case .awaitingServer:
            try await request.send(.writes())
            // More than all socket buffers.
            try await request.write([UInt8](repeating: 0, count: 4 << 20))
            return
        default: try await request.send()
        }
        switch phase {
        case .awaitingHead, .inHead, .awaitingDecision, .awaitingRetry, .awaitingUpgrade, .inUpgradeHead: return
        case .inChallenge, .secondRound, .inProxyChallenge, .secondUpgradeRound: return
        case .discardingRedirect, .secondHop, .askingForCredentials, .askingForUpgradeCredentials, .inUpgradeRedirect:
            return try begin(.receiveResponse)
        case .failed:
            await #expect(throws: Phase.failure) { try await request.receiveResponse() }
            return
        default: _ = try await request.receiveResponse()
        }
        switch phase {
        case .readingBody, .upgradeRefused:
            var body = request.body.makeAsyncIterator()
            _ = try await body.next()
        case .complete: _ = try await request.body.collect(upTo: 5)
        case .upgradedEnded: servers.upgradedMayEnd.open()
        default: break
        }
    }

    /// Waits until the request is in its phase: for its last event, and for conditions without events.
    private func arrived() async throws {
        let count = cell.phase.countOfEvents(servers)
        if count > 0 { try await recorder.first { $0.sequence >= count } }
        switch cell.phase {
        case .securing, .sendingHead: await servers.headBegun.passed()
        case .askingForCredentials, .askingForUpgradeCredentials, .askingForTunnel: await servers.providerAsked.passed()
        case .requestingTunnel: await servers.responseSent.passed()
        case .upgraded, .upgradedEnded: try await checkUpgradedSlot()
        case .unread, .bodyPaused, .upgradedWithBytes:
            await servers.responseSent.passed()
            // Each call is a turn of the driver, which processes all ready sockets.
            for _ in 0..<100 { _ = try await session.option(.connectTimeout) }
            if cell.phase == .upgradedWithBytes { try await checkUpgradedSlot() }
        default: break
        }
    }

    // MARK: Pending operations

    private func isPending(_ operation: HandleOperation) -> Bool {
        references.withLock { $0.pending.contains { $0.operation == operation } }
    }

    /// Begins an operation that ends with the request. It is pending after the next turn of the driver.
    private func begin(_ operation: HandleOperation) throws {
        let (request, phase) = (try request(), cell.phase)
        let task = Task.immediate {
            switch operation {
            case .sendRequest where phase == .awaitingSource: try await request.send(.restartable { Producer() })
            case .sendRequest: try await request.send()
            case .writeData where phase == .awaitingProducer: try await request.send(.stream(Producer()))
            case .writeData: try await request.write([0])
            case .receiveResponse: _ = try await request.receiveResponse()
            default:
                var body = request.body.makeAsyncIterator()
                _ = try await body.next()
            }
        }
        references.withLock { $0.pending.append(Pending(operation: operation, task: task)) }
    }

    /// One piece, and then it waits until its task is cancelled.
    private struct Producer: AsyncSequence, AsyncIteratorProtocol {
        private let silence = AsyncStream<[UInt8]>.makeStream()
        private var hasBegun = false

        func makeAsyncIterator() -> Producer { self }

        mutating func next() async -> [UInt8]? {
            if hasBegun {
                for await piece in silence.stream { return piece }
                return nil
            }
            hasBegun = true
            return Array("hello".utf8)
        }
    }

    // MARK: The end

    /// Ends the request; a scope is ended by its own task.
    func end() async throws {
        switch cell.way {
        case .closeWithOtherOptions:
            try await changeOptions()
            try request().close()
        case .close: try request().close()
        case .closeInAnotherTask:
            let request = try request()
            try await Task.detached { try request.close() }.value
        case .closeInItsOwnEvents: break
        case .closeInEventsOfAnotherHandle: try await closeInEventsOfAnother(request())
        case .cancel(let operation):
            let pending = references.withLock { $0.pending }
            try #require(pending.first { $0.operation == operation }).task.cancel()
        case .drop: references.withLock { $0.request = nil }
        case .closeAllOfItsConnection: try connection.closeAll()
        case .closeAllOfItsSession: try session.closeAll()
        case .driverDeath: await killDriver()
        case .leaveTheScope, .leaveTheScopeByError, .leaveTheScopeByCancellation: break
        }
    }

    /// Sets every option to several values, and restores those of the session, which other requests use.
    private func changeOptions() async throws {
        let request = try request()
        for option in OptionChange.all where !option.isOnlySessions {
            let setBack = try await option.setting(of: session)
            for handle in [session, connection, request] as [any Handle] { try await option.setAll(on: handle) }
            try await setBack()
        }
    }

    /// A loop that closes the request while it handles the last event of the phase.
    private func closeInOwnEvents(_ request: RequestHandle) -> Task<Void, any Error> {
        let last = cell.phase.countOfEvents(servers)
        let events = request.statusEvents()
        return Task { [hasCome] in
            for await event in events where event.sequence == last {
                await hasCome.passed()
                try request.close()
            }
        }
    }

    private func closeInEventsOfAnother(_ request: RequestHandle) async throws {
        let other = try await connection.openRequest(.get, "/")
        let events = other.statusEvents()
        try other.close()
        for await _ in events { try request.close() }
    }

    /// The function in which drivers wait: epoll, or libcurl's poll.
    private static var queues: Set<UInt> {
        Phase.isPolled ? CurlCensus.multis : Set(EventQueue.all.map { UInt($0) })
    }

    /// Breaks the event queue of the session's driver, on either back end, and wakes it.
    private func killDriver() async {
        let queues = Self.queues.subtracting(sparedQueues)
        if Phase.isPolled {
            CurlCensus.breakPolling(of: queues)
        } else {
            EventQueue.replace(Set(queues.map { Int32($0) }))
        }
        _ = try? await session.option(.connectTimeout)
        await session.closed()
    }

    /// The errors of the pending operations.
    func outcomes() async throws -> [(operation: HandleOperation, error: HandleError?)] {
        var outcomes: [(HandleOperation, HandleError?)] = []
        for pending in references.withLock({ $0.pending }) {
            let error = await #expect(throws: HandleError.self) { try await pending.task.value }
            outcomes.append((pending.operation, error))
        }
        return outcomes
    }
}
