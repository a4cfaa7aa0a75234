import CHTTPHandlesCurl
package import HTTPHandlesCore
import HTTPHandlesSystem

/// Who is called at a certain time.
package protocol AlarmOwner: AnyObject {
    /// The alarm went off, and will again in each turn until it is moved or cancelled.
    func timerFired(_ engine: TransferEngine)
}

/// Who is told of what belongs to no transfer.
package protocol TransferEngineDelegate: AnyObject {
    /// What the idle connections may be at this moment.
    var idleLimits: IdleLimits { get }
    /// A connection that no transfer used was closed.
    func idleConnectionClosed(_ connection: ConnectionID)
    /// The engine can do nothing any more. Every transfer has been told.
    func engineFailed(_ engine: TransferEngine)
}

/// libcurl's multi handle with everything around it: transfers, sockets, deadlines.
///
/// Lives on the driver's thread. The multi handle is made for the first transfer.
package final class TransferEngine {
    private enum State {
        /// No transfer was made yet. Can transition to: running, failed, over.
        case fresh
        /// Can transition to: failed, over.
        case running(CurlObjects)
        /// An error of the multi handle, or no thread. Can transition to: over.
        case failed(HandleError)
        /// The session is gone. Final.
        case over
    }

    /// What exists while there is a multi handle.
    private final class CurlObjects {
        let multi: CurlMulti
        let share: CurlShare
        let cookies: CookieStore
        let backend: any EventBackend
        let idleCare: IdleConnectionCare
        /// A share whose connections are none; `nil` if libcurl has no memory for it.
        private(set) lazy var noConnections = CurlShare(CURL_LOCK_DATA_CONNECT)

        init(_ multi: CurlMulti, _ share: CurlShare, _ cookies: CookieStore, _ backend: any EventBackend) {
            self.multi = multi
            self.share = share
            self.cookies = cookies
            self.backend = backend
            idleCare = IdleConnectionCare()
        }

        func add(_ transfer: Transfer) throws(HandleError) {
            do {
                try multi.add(transfer.curl)
            } catch {
                throw HandleError(.internalError, .sendRequest, reason: "libcurl refuses the transfer: \(error.text)")
            }
            backend.noteNewWork()
        }
    }

    /// The moment of the present turn, by the session's clock.
    package var now: MonotonicTime { turn.advanced(by: clockLead) }
    let sockets = SocketTable()
    var tlsProfiles = TLSProfiles()

    /// The moment of the present turn, by the system's clock, which libcurl and the event back ends use.
    private var turn = MonotonicTime.now
    /// By how many nanoseconds the session's clock is ahead of the system's.
    private var clockLead: Int64 = 0
    /// Until `shutDown`.
    private var delegate: (any TransferEngineDelegate)?
    private let configuration: DriverConfiguration
    private let waker: Waker
    private var state = State.fresh
    /// All transfers, also the spare ones.
    private var transfers: [Transfer] = []
    @safe @exclusivity(unchecked) private(set) var spares: [Transfer] = []
    /// Transfers with something to pass on.
    @safe @exclusivity(unchecked) private var noted: [Transfer] = []
    @safe @exclusivity(unchecked) private var reportList: [TransferReport] = []
    /// Transfers whose head was not sent yet: libcurl has no callback for that.
    @safe @exclusivity(unchecked) private var unsent: [Transfer] = []
    @safe @exclusivity(unchecked) private var deadlines = DeadlineHeap()
    @safe @exclusivity(unchecked) private var alarmOwners: [(any AlarmOwner)?] = []
    /// The error of the last wait, which the next turn reports.
    private var sleepFailure: MultiFailure?
    /// Tasks of other threads that go on at the end of the turn.
    package let resumptions: Resumptions
    /// For the masking keys of WebSockets.
    package private(set) lazy var random = RandomPool()

    init(_ configuration: DriverConfiguration, waker: Waker, _ resumptions: Resumptions) {
        self.resumptions = resumptions
        self.configuration = configuration
        self.waker = waker
    }

    /// Has `delegate` told of what belongs to no transfer. There is one in an engine's life.
    package func setDelegate(_ delegate: any TransferEngineDelegate) {
        if self.delegate == nil { self.delegate = delegate }
    }

    // MARK: Transfers

    /// Begins a transfer. Its delegate is called from the next turn on.
    package func start(
        _ request: TransferRequest,
        download: DownloadBuffer,
        delegate: any TransferDelegate
    ) throws(HandleError) -> Transfer {
        let curlObjects = try curlObjects()
        let transfer = try spareTransfer(curlObjects)
        do {
            try transfer.begin(request, download: download, delegate: delegate)
            try curlObjects.add(transfer)
        } catch {
            recycle(transfer)
            throw error
        }
        return transfer
    }

    private func spareTransfer(_ curlObjects: CurlObjects) throws(HandleError) -> Transfer {
        if let transfer = spares.popLast() { return transfer }
        guard let transfer = Transfer(engine: self, share: curlObjects.share) else {
            throw HandleError(.notEnoughMemory, .sendRequest, reason: "libcurl has no memory for a transfer")
        }
        transfer.engineIndex = transfers.count
        transfers.append(transfer)
        return transfer
    }

    func release(_ transfer: Transfer) {
        remove(transfer)
        transfer.deliver(self)
        recycle(transfer)
    }

    /// Takes a transfer out of libcurl; its easy handle still knows what was. Callbacks run in here.
    private func remove(_ transfer: Transfer) {
        guard transfer.isRunning else { return }
        if let watch = transfer.attempt.uploadWatch.take() { watch.end(self) }
        if case .running(let curlObjects) = state { curlObjects.multi.remove(transfer.curl) }
        transfer.isRunning = false
        transfer.leaveSockets()
    }

    private func recycle(_ transfer: Transfer) {
        transfer.isRunning = false
        transfer.forgetSecrets()
        transfer.end()
        guard case .running = state else { return }
        if transfer.isReusable, spares.count < configuration.spareTransfers {
            spares.append(transfer)
        } else {
            transfer.cancelAlarm()
            let last = transfers.removeLast()
            guard last !== transfer else { return }
            transfers[transfer.engineIndex] = last
            last.engineIndex = transfer.engineIndex
        }
    }

    func unpause(_ transfer: Transfer) {
        guard transfer.isRunning, case .running(let curlObjects) = state else { return }
        // What libcurl has kept is delivered from inside this call, and may fill the buffer again.
        guard transfer.curl.pause(transfer.pauseMask) != .writeError else { return end(transfer, with: .writeError) }
        curlObjects.backend.noteNewWork()
    }

    /// Ends a transfer that libcurl does not end. The delegate is told as if libcurl had.
    private func end(_ transfer: Transfer, with result: CurlCode) {
        remove(transfer)
        transfer.completed(result)
    }

    /// Has libcurl look for the end of a response that it has received already, or for the next address. It does so only for a
    /// transfer that goes on after a pause.
    func look(at transfer: Transfer) {
        guard transfer.isRunning, !transfer.attempt.isReceivingPaused, case .running(let curlObjects) = state else {
            return
        }
        transfer.curl.pause(transfer.pauseMask | CURLPAUSE_SEND)
        transfer.curl.pause(transfer.pauseMask)
        curlObjects.backend.noteNewWork()
    }

    func note(_ transfer: Transfer) {
        noted.append(transfer)
        if case .running(let curlObjects) = state { curlObjects.backend.noteActivity() }
    }

    /// The server of an HTTP/2 connection has not processed, and will not, what came after `last`.
    func serverGoesAway(_ connection: HTTP2Stream, last: UInt32) {
        for transfer in transfers where transfer.isRunning {
            guard let stream = transfer.attempt.stream, stream.isBeside(connection), stream.id > last else { continue }
            transfer.attempt.rejection = .notProcessed
        }
    }

    /// The transfer is over, whatever is left of the request.
    package func giveUpUpload(of transfer: Transfer) {
        guard transfer.isRunning else { return }
        end(transfer, with: .sendError)
    }

    /// Asks the transfer again in the next turn.
    func lookAgain(_ transfer: Transfer) {
        unsent.append(transfer)
    }

    func takeReportList() -> [TransferReport] {
        var list: [TransferReport] = []
        swap(&list, &reportList)
        return list
    }

    func recycle(_ list: inout [TransferReport]) {
        list.removeAll(keepingCapacity: true)
        swap(&list, &reportList)
    }

    // MARK: Cookies

    /// The session's cookies.
    package func cookies() throws(HandleError) -> CookieStore {
        do {
            return try curlObjects().cookies
        } catch {
            throw error.seen(by: .accessCookies)
        }
    }

    func cookieArrived() {
        if case .running(let curlObjects) = state { curlObjects.cookies.cookieArrived() }
    }

    // MARK: Deadlines

    /// Makes what an alarm needs: before the first transfer the engine sleeps until there is a command.
    package func makeReadyForAlarms() throws(HandleError) { _ = try curlObjects() }

    /// Has `owner` called at `time`, and again each turn until it moves or cancels its alarm.
    package func setAlarm(of owner: any AlarmOwner, at time: MonotonicTime) -> DeadlineToken {
        let token = deadlines.insert(time)
        if token.slot == alarmOwners.count { alarmOwners.append(nil) }
        alarmOwners[token.slot] = owner
        return token
    }

    package func move(_ token: DeadlineToken, to time: MonotonicTime) {
        deadlines.move(token, to: time)
    }

    /// Moves the deadline unless it is earlier already.
    func bringForward(_ token: DeadlineToken, to time: MonotonicTime) {
        deadlines.bringForward(token, to: time)
    }

    package func cancel(_ token: DeadlineToken) {
        deadlines.remove(token)
        alarmOwners[token.slot] = nil
    }

    /// Sets the session's clock ahead. Time limits that are over by then expire in this turn.
    package func advanceClock(by duration: Duration) {
        clockLead += duration.nanosecondsClamped
    }

    // MARK: Turns

    /// Does everything that needs no waiting.
    func runDueWork() {
        turn = .now
        while let (time, token) = deadlines.nearest, time <= now {
            alarmOwners[token.slot]?.timerFired(self)
        }
        guard case .running(let curlObjects) = state else { return }
        do {
            if curlObjects.backend.hasDueWork(at: turn) { try curlObjects.backend.runDueWork(at: turn) }
            finishTurn(curlObjects)
        } catch {
            fail(error)
        }
    }

    /// Sleeps, unless there is something to do, until a socket or a deadline wants attention. Transfers are left alone.
    func sleep(mayBlock: Bool) {
        guard case .running(let curlObjects) = state else {
            if mayBlock { waker.wait() }
            return
        }
        let isBusy = !mayBlock || !unsent.isEmpty || curlObjects.backend.hasDueWork(at: turn)
        do {
            let deadline = deadlines.nearest?.time.advanced(by: -clockLead)
            try curlObjects.backend.sleep(until: isBusy ? turn : deadline, now: turn)
        } catch {
            sleepFailure = error
        }
    }

    /// Gives the sockets that ended the sleep their attention.
    func work() {
        guard case .running(let curlObjects) = state else { return }
        turn = .now
        do throws(MultiFailure) {
            if let sleepFailure { throw sleepFailure }
            try curlObjects.backend.work()
            finishTurn(curlObjects)
        } catch {
            fail(error)
        }
    }

    private func finishTurn(_ curlObjects: CurlObjects) {
        while let (transfer, result) = curlObjects.multi.nextCompletion() {
            if transfer.exchange.names.isAsking {
                remove(transfer)
                transfer.addressesAwaited()
            } else if transfer.beginsAgain(after: result) {
                restart(transfer, curlObjects)
            } else if transfer.asksForVerdict(after: result) {
                remove(transfer)
            } else {
                transfer.completed(result)
                if result == .ok, isSearchExpensive, let none = curlObjects.noConnections {
                    transfer.forgetLastConnection(none)
                }
                remove(transfer)
            }
        }
        curlObjects.cookies.trimIfDue()
        curlObjects.idleCare.turnEnds(curlObjects.multi, curlObjects.backend, self)
        deliverReports()
    }

    /// Whether libcurl's search among all connections costs more than to avoid it.
    private var isSearchExpensive: Bool { CurlLibrary.searchesForLastConnection && sockets.records.count > 100 }

    /// What the idle connections may be.
    var idleLimits: IdleLimits { delegate?.idleLimits ?? configuration.idleLimits }

    /// The limits of the idle connections are others.
    package func idleLimitsChanged() {
        sockets.maximumAge = idleLimits.age
        if case .running(let curlObjects) = state { curlObjects.idleCare.limitsChanged(self) }
    }

    /// The connections that are ready for requests or in use.
    package var connections: [PooledConnection] { sockets.connections(at: now) }

    /// Ends all connections that no transfer uses. Returns how many there were.
    package func closeIdleConnections() -> Int { sockets.endIdleConnections() }

    /// Goes on with a transfer for which the caller's resolver was asked.
    package func proceed(_ transfer: Transfer, to addresses: [String]) throws(HandleError) {
        guard case .running(let curlObjects) = state, transfer.exchange.names.isAsking else { return }
        try transfer.beginAgain(at: addresses)
        do {
            try curlObjects.add(transfer)
        } catch {
            transfer.isRunning = false
            throw error
        }
    }

    /// Takes the caller's verdict on the certificate that a transfer has reported, and begins its exchange once more.
    package func answer(_ transfer: Transfer, _ verdict: CertificateVerdict.Answer) {
        guard case .running(let curlObjects) = state, transfer.takeVerdict(verdict) else { return }
        restart(transfer, curlObjects)
    }

    /// Begins the exchange of a transfer once more. What its first attempt leads to in libcurl's callbacks, like the end of
    /// its connection, is told before anything of the second.
    private func restart(_ transfer: Transfer, _ curlObjects: CurlObjects) {
        remove(transfer)
        do {
            try transfer.beginAgain()
            try curlObjects.add(transfer)
        } catch {
            transfer.isRunning = false
            transfer.record(.failed(error, []))
        }
    }

    /// Delivers the records of callbacks. The delegates may start and release transfers, which may add records.
    private func deliverReports() {
        if !unsent.isEmpty {
            let again = unsent
            unsent = []
            for transfer in again where transfer.isRunning { transfer.deliver(self) }
        }
        guard !noted.isEmpty || !sockets.closedIdleConnections.isEmpty else { return }
        var next = 0
        while next < noted.count {
            let transfer = noted[next]
            next += 1
            if transfer.isNoted { transfer.deliver(self) }
        }
        noted.removeAll(keepingCapacity: true)
        guard !sockets.closedIdleConnections.isEmpty else { return }
        let closed = sockets.closedIdleConnections
        sockets.closedIdleConnections = []
        for connection in closed { delegate?.idleConnectionClosed(connection) }
    }

    // MARK: Beginning and end

    private func curlObjects() throws(HandleError) -> CurlObjects {
        switch state {
        case .running(let curlObjects): return curlObjects
        case .failed(let error): throw error
        case .over: throw .driverStopped(.sendRequest, "the session is gone")
        case .fresh: break
        }
        guard let multi = CurlMulti(), let share = CurlShare(), let cookies = CookieStore(share) else {
            throw HandleError(.notEnoughMemory, .sendRequest, reason: "libcurl has no memory for a session")
        }
        // The limits of idle connections are ours: libcurl counts those in use as well, and over its limit looks through all
        // of them, after each transfer, for one to close: the one that has just become idle.
        multi.set(CURLMOPT_MAXCONNECTS, Int(Int32.max))
        // Newer libraries wait for resolver threads when the multi handle goes, unless told otherwise (number 21).
        multi.set(CURLMoption(rawValue: 21), 1)
        let backend: any EventBackend
        do {
            backend = try makeBackend(multi)
        } catch {
            throw HandleError(
                .notEnoughMemory,
                .sendRequest,
                reason: "an event queue cannot be created: \(error.text)",
                systemError: error.systemError
            )
        }
        sockets.backend = backend
        sockets.maximumAge = idleLimits.age
        let curlObjects = CurlObjects(multi, share, cookies, backend)
        state = .running(curlObjects)
        return curlObjects
    }

    private func makeBackend(_ multi: CurlMulti) throws(MultiFailure) -> any EventBackend {
        #if os(Linux)
        if configuration.backend == .epoll { return try EpollBackend(multi: multi, waker: waker, sockets: sockets) }
        #endif
        return PollBackend(multi: multi, waker: waker, sockets: sockets)
    }

    private func fail(_ failure: MultiFailure) {
        let reason = "the session's driver has failed: \(failure.text)"
        fail(.driverStopped(.sendRequest, reason, systemError: failure.systemError))
    }

    /// The multi handle reported an error: what its transfers do is undefined from now on.
    func fail(_ error: HandleError) {
        // Also one that is over, for whose request the caller is being asked for credentials.
        for transfer in transfers where transfer.exchange.request != nil {
            remove(transfer)
            transfer.exchange.names.isAsking = false
            transfer.record(.failed(error, []))
        }
        tearDown(.failed(error))
        deliverReports()
        delegate?.engineFailed(self)
    }

    /// The session is gone. Its connections are closed here, and libcurl's last callbacks run.
    package func shutDown() {
        tearDown(.over)
        deliverReports()
        delegate = nil
        // Last: libcurl calls OpenSSL while it closes connections.
        TLSLibrary.endThread()
    }

    /// In this order: the transfers' easy handles go before the multi handle, whose last callbacks report to the event
    /// queue, which goes last.
    private func tearDown(_ next: State) {
        for transfer in transfers {
            remove(transfer)
            transfer.cancelAlarm()
        }
        spares = []
        transfers = []
        // libcurl's last callbacks look at this, so it may not be in the middle of its assignment then.
        let last = state
        state = next
        if case .running(let curlObjects) = last {
            curlObjects.idleCare.end(curlObjects.multi, self)
            curlObjects.multi.end()
        }
        // Here and not with the engine, which goes outside of `ExitBarrier`: they are objects of OpenSSL.
        tlsProfiles = TLSProfiles()
        let backend = sockets.backend
        sockets.backend = nil
        withExtendedLifetime((last, backend)) {}
    }
}

extension TransferEngine {
    /// An engine that can do nothing but say why.
    convenience init(failure: HandleError, waker: Waker, _ resumptions: Resumptions) {
        self.init(.standard, waker: waker, resumptions)
        fail(failure)
    }
}

extension HandleError {
    static func noThread(_ errorNumber: Int32) -> HandleError {
        let error = SystemErrorNumber(rawValue: errorNumber)
        return .driverStopped(
            .sendRequest,
            "the system gives no thread for the session's driver: \(error.text)",
            systemError: error
        )
    }
}
