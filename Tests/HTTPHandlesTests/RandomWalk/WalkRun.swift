import HTTPHandles
import HTTPHandlesLock
import HTTPHandlesTesting

/// A walk from its first step until all its resources are released.
extension RandomWalk {
    private struct Left: Error {}

    /// Returns the violations.
    func run() async throws -> [String] {
        let problems = try await walk()
        census.sessionIsGone.open()
        return problems + (await remains())
    }

    /// Events hold contexts, so all of them have to be released when this returns.
    private func walk() async throws -> [String] {
        let limits = program.hasShortLimits ? WalkSettings.shortLimits : []
        var options = limits.map { OptionSetting.set($0.option, to: $0.value) } + ServerBehaviour.options
        if program.hasRetries { options.append(.set(.retryPolicy, to: WalkSettings.retryPolicy(program.seed))) }
        if program.decidesRedirects { options.append(.set(.redirectDecider, to: ServerBehaviour.decider)) }
        if let use = program.proxy {
            options.append(.set(.proxy, to: ServerBehaviour.proxy(at: server.port, tunnels: use == .tunnels)))
        }
        options.append(.set(.maximumConnections, to: program.maximumConnections))
        var listener: EventRecorder?
        switch program.ending {
        case .leaveScope, .leaveScopeByError:
            do {
                try await withSession(context: WalkContext(0, census), options: options) { session in
                    listener = listen(to: session)
                    await walk(session)
                    // The scope closes it.
                    if let session = self.session { history.end(history.begin(.closeAll, on: session.walked), .done) }
                    if program.ending == .leaveScopeByError { throw Left() }
                }
            } catch is Left {}
            dropEverything()
        default:
            try await {
                let session = try SessionHandle(context: WalkContext(0, census), options: options)
                listener = listen(to: session)
                await walk(session)
            }()
            await end()
        }
        var problems = await orderViolations(listener)
        problems += HandleTreeModel(history).problems(listener?.events) + census.mistakes
        return problems
    }

    /// Waits for the end of every stream. Returns the violations of the order of events.
    private func orderViolations(_ listener: EventRecorder?) async -> [String] {
        var problems: [String] = []
        for recorder in takeRecorders() + (listener.map { [$0] } ?? []) {
            do {
                _ = try await recorder.finish()
            } catch {
                // The error begins with the handle's name.
                let events = recorder.events.filter { "\(error)".hasPrefix("\($0.handle) ") }.map(\.kind)
                problems.append("\(error): \(events)")
            }
        }
        await finishListening()
        return problems
    }

    private func listen(to session: SessionHandle) -> EventRecorder? {
        program.hasListener ? EventRecorder(of: session, scope: .tree) : nil
    }

    /// Runs all tasks.
    private func walk(_ session: SessionHandle) async {
        begin(session)
        await withTaskGroup { group in
            for (task, steps) in program.tasks.enumerated() {
                let executor = program.prefersDriver[task] ? session.executor : nil
                group.addTask(executorPreference: executor) { [self] in
                    var generator = SeededGenerator(seed: program.seed &+ UInt64(task) << 32)
                    for step in steps { await perform(step, &generator) }
                }
            }
            if program.ending == .closeAllAtOnce {
                await pause(microseconds: program.endingMicroseconds)
                closeAll(.session)
            }
        }
    }

    /// Closes the handles that the tasks have left open, and waits for their end.
    private func end() async {
        guard let session else { return }
        switch program.ending {
        case .closeAllAtOnce, .closeAll, .leaveScope, .leaveScopeByError: closeAll(.session)
        case .closeSessionFirst:
            close(session.handle, session.walked)
            closeConnections()
            closeRequests()
        case .closeRequestsFirst:
            closeRequests()
            closeConnections()
            close(session.handle, session.walked)
        case .dropEverything: return dropEverything()
        }
        let (requests, connections) = (requests, connections)
        // Released handles are closed already.
        await session.handle.closed()
        for connection in connections { await connection.handle.closed() }
        for request in requests { await request.handle.closed() }
        dropEverything()
    }

    private func closeRequests() {
        for request in requests { close(request.handle, request.walked) }
    }

    private func closeConnections() {
        for connection in connections { close(connection.handle, connection.walked) }
    }

    /// The resources that should have been released.
    private func remains() async -> [String] {
        var problems: [String] = []
        if !(await eventually { census.contextsAlive == 0 }) {
            problems.append("\(census.contextsAlive) contexts are still there")
        }
        if !(await eventually { census.connectionsOpen == 0 }) {
            problems.append("\(census.connectionsOpen) network connections are still there")
        }
        return problems
    }
}
