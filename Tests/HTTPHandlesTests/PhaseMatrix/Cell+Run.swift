import HTTPHandles
import HTTPHandlesLock
import HTTPHandlesTesting
import Testing

/// The error that ends a `withSession`.
private struct Leaving: Error {}

/// Keeps a scene for the checks after the scope.
private final class Played: Sendable {
    let scene = Lock<Scene?>(nil)
}

extension Cell {
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
        try await checkRequest(scene)
        if isAlone { checkTransfers() }
        if !way.endsSession { try await checkSlot(scene) }
        try await scene.neighbour.finish()
        try await checkParents(scene)
        return scene.contextReleased
    }

    private func play(_ servers: PhaseServers) async throws -> Scene {
        let session = try SessionHandle(options: Scene.options(self))
        let scene = try await Scene(self, servers, in: session)
        try await scene.play()
        try await scene.end()
        return scene
    }

    private func playInScope(_ servers: PhaseServers) async throws -> Scene {
        let played = Played()
        // A separate task, which can be cancelled.
        let scope = Task {
            try await withSession(options: Scene.options(self)) { session in
                let scene = try await Scene(self, servers, in: session)
                try await scene.play()
                played.scene.withLock { $0 = scene }
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
        return try #require(played.scene.withLock { $0 })
    }

    // MARK: Checks

    /// Operations, events, and the handle itself.
    private func checkRequest(_ scene: Scene) async throws {
        for (operation, error) in try await scene.outcomes() {
            // With the values, because an exit test does not report them.
            let outcome = "\(way): the pending \(operation) ends with \(error.map { "\($0)" } ?? "no error")"
            #expect(error == self.error(of: operation), "\(outcome)")
        }
        if way != .drop {
            let request = try scene.request()
            await request.closed()
            #expect(request.context == nil, "the context is not released when closed() returns")
            #expect(throws: HandleError.closed(.closeHandle)) { try request.close() }
            await #expect(throws: HandleError.closed(.sendRequest)) { try await request.send() }
        }
        let events = try await scene.recorder.finish()
        #expect(events.map(\.kind) == self.events(scene.servers), "\(way): \(events.map(\.kind))")
        #expect(events.last?.context is Scene.Context, "the context was released before handleClosing")
        if way != .drop {
            let late = try await EventRecorder(of: scene.request()).finish()
            #expect(late.map(\.kind) == [.handleClosing], "a late listener gets other events than handleClosing")
        }
    }

    /// The transfer was removed from libcurl; that of the neighbour, and of the request with the slot, were not.
    private func checkTransfers() {
        let holder = phase == .queued && !way.endsSession ? 1 : 0
        #expect(CurlCensus.attachedTransfers == 1 + holder, "libcurl has the wrong number of transfers")
    }

    /// The next request gets the slot: the neighbour, or another request, has the only other one.
    private func checkSlot(_ scene: Scene) async throws {
        try scene.holder?.close()
        try await scene.servers.checkSlot(scene.session)
    }

    /// The ancestors close too, in order.
    private func checkParents(_ scene: Scene) async throws {
        switch way {
        case .closeAllOfItsConnection: try scene.session.closeAll()
        case _ where way.endsSession: break
        default:
            try scene.connection.close()
            try scene.session.closeAll()
        }
        await scene.connection.closed()
        await scene.session.closed()
        #expect(try await scene.connectionRecorder.finish().map(\.kind) == [.handleClosing])
        let idle = try await scene.sessionRecorder.finish().map(\.kind).filter {
            $0 != .closingConnection && $0 != .connectionClosed
        }
        #expect(idle == [.handleClosing])
        // Throws if a handle has handleClosing before a descendant.
        let closed = try await scene.treeRecorder.finish().filter { $0.kind == .handleClosing }.map(\.handle)
        #expect(Set(closed).count == closed.count)
        #expect(closed.contains(scene.requestID) && closed.last == scene.session.id)
    }
}
