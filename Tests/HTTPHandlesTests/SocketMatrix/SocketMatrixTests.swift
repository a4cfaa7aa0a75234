import HTTPHandles
import HTTPHandlesLock
import HTTPHandlesTesting
import Testing

/// The guarantees of closing for sockets, in every phase and for every way to end.
@Suite("Socket matrix", .timeLimit(.minutes(5)))
struct SocketMatrixTests {
    @Test(arguments: SocketCell.all.filter { !$0.needsOwnProcess })
    func `closing keeps its guarantees on`(_ cell: SocketCell) async throws {
        try await cell.run()
    }

    /// In separate processes, because other tests have threads, descriptors and transfers too.
    @Test(arguments: SocketPhase.allCases)
    func `everything is released by every end of a socket that is`(_ phase: SocketPhase) async {
        await #expect(processExitsWith: .success) { [phase] in
            let cells = SocketCell.all.filter { $0.phase == phase }
            // The first one also makes everything that is made once and kept.
            try await cells[0].run(isAlone: true)
            #expect(await eventually { Baseline.driverThreads == 0 && CurlCensus.handles == 0 })
            let descriptors = Baseline.descriptors
            for cell in cells {
                try await cell.run(isAlone: true)
                #expect(await eventually { Baseline.driverThreads == 0 }, "a thread after \(cell.testDescription)")
                #expect(await eventually { CurlCensus.handles == 0 }, "a libcurl handle after \(cell.testDescription)")
                #expect(
                    await eventually { Baseline.descriptors <= descriptors },
                    "a descriptor after \(cell.testDescription)"
                )
            }
        }
    }
}

/// The error that ends a `withSession`.
private struct Leaving: Error {}

extension SocketCell {
    /// Runs the cell and checks all guarantees of closing.
    ///
    /// - Parameter isAlone: Whether no other code of the process uses libcurl, so that its transfers can be counted.
    func run(isAlone: Bool = false) async throws {
        let contextReleased = try await playAndCheck(isAlone)
        // All events were released, which hold the context too.
        await contextReleased.passed()
    }

    private func playAndCheck(_ isAlone: Bool) async throws -> Gate {
        let servers = try PhaseServers()
        let scene = try await (way.leavesScope ? playInScope(servers) : play(servers))
        try await checkSocket(scene)
        #expect(!isAlone || CurlCensus.attachedTransfers == 1, "libcurl has other transfers than the neighbour's")
        if !way.endsSession { try await checkSlot(scene) }
        try await scene.neighbour.finish()
        try await checkParents(scene)
        return scene.contextReleased
    }

    private func play(_ servers: PhaseServers) async throws -> SocketScene {
        let scene = try await SocketScene(self, servers, in: SessionHandle(options: SocketScene.options(way)))
        try await scene.play()
        try await scene.end()
        return scene
    }

    private func playInScope(_ servers: PhaseServers) async throws -> SocketScene {
        let played = Record<SocketScene>()
        // A separate task, which can be cancelled.
        let scope = Task {
            try await withSession(options: SocketScene.options(way)) { session in
                let scene = try await SocketScene(self, servers, in: session)
                try await scene.play()
                played.note(scene)
                switch way {
                case .leaveTheScopeByError: throw Leaving()
                case .leaveTheScopeByCancellation:
                    unsafe withUnsafeCurrentTask { unsafe $0?.cancel() }
                    try Task.checkCancellation()
                default: break
                }
            }
        }
        switch way {
        case .leaveTheScopeByError: await #expect(throws: Leaving.self) { try await scope.value }
        case .leaveTheScopeByCancellation: await #expect(throws: CancellationError.self) { try await scope.value }
        default: try await scope.value
        }
        return try #require(played.all.first)
    }

    // MARK: Checks

    /// Operations, events, and the handle itself.
    private func checkSocket(_ scene: SocketScene) async throws {
        for (operation, error) in try await scene.outcomes() {
            // With the values, because an exit test does not report them.
            let outcome = "\(self): the pending \(operation) ends with \(error.map { "\($0)" } ?? "no error")"
            #expect(error == self.error(of: operation), "\(outcome)")
        }
        if way != .drop {
            let socket = try scene.socket()
            await socket.handle.closed()
            #expect(socket.handle.context == nil, "the context is not released when closed() returns")
            #expect(throws: HandleError.closed(.closeHandle)) { try socket.handle.close() }
            switch socket {
            case .webSocket(let socket):
                await #expect(throws: HandleError.closed(.sendMessage)) { try await socket.send(.text("")) }
                await #expect(throws: HandleError.closed(.receiveMessage)) { try await socket.receive() }
            case .upgraded(let socket):
                await #expect(throws: HandleError.closed(.writeData)) { try await socket.write([1]) }
                await #expect(throws: HandleError.closed(.readData)) { try await socket.read() }
            }
        }
        let events = try await scene.recorder.finish()
        #expect(events.map(\.kind) == self.events, "\(self): \(events.map(\.kind))")
        #expect(events.last?.context is Scene.Context, "the context was released before handleClosing")
        if way != .drop {
            let late = try await EventRecorder(of: scene.socket().handle).finish()
            #expect(late.map(\.kind) == [.handleClosing], "a late listener gets other events than handleClosing")
        }
    }

    /// The next request gets the slot: the neighbour has the only other one.
    private func checkSlot(_ scene: SocketScene) async throws {
        try await scene.servers.checkSlot(scene.session)
    }

    /// The ancestors close too, in order.
    private func checkParents(_ scene: SocketScene) async throws {
        switch way {
        case .closeAllOfItsConnection: try scene.session.closeAll()
        case _ where way.endsSession: break
        default:
            try scene.connection.close()
            try scene.session.closeAll()
        }
        await scene.connection.closed()
        await scene.session.closed()
        // Throws if a handle has handleClosing before a descendant.
        let all = try await scene.treeRecorder.finish()
        let closed = all.filter { $0.kind == .handleClosing }.map(\.handle)
        #expect(Set(closed).count == closed.count)
        #expect(closed.contains(scene.socketID) && closed.last == scene.session.id)
        let created = all.first { $0.handle == scene.socketID }?.kind
        #expect(created == .handleCreated(parent: scene.connection.id))
    }
}
