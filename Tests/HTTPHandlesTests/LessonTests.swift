import Foundation
import HTTPHandles
import HTTPHandlesLock
import HTTPHandlesTesting
import Testing

/// What famous clients of WinHTTP got wrong about the lives of handles: each mistake is a test that would have caught it.
///
/// Mistakes that need no test here:
///
/// | where                                         | what                            | why not                              |
/// |-----------------------------------------------|---------------------------------|--------------------------------------|
/// | dotnet/runtime 112700                         | a field of the handle was null  | the type: events carry the `HandleID`; |
/// |                                               | when its first event came       | a handle is complete when it is made |
/// | corefx 28156, libHttpClient 929               | the callback used a freed       | the type: no callback, no pointer;   |
/// |                                               | owner                           | a stream owns what it delivers       |
/// | Azure 7405                                    | SetEvent on a closed event      | there is no event object: `closed()` |
/// | Azure 7352 (first half)                       | the context was bound only when | `init` takes it, `let` keeps it      |
/// |                                               | the request was sent            |                                      |
/// | corefx 6500, dotnet/runtime 101725            | a buffer was unpinned before    | arrays are retained by who uses      |
/// |                                               | the read or write had ended     | them; AddressSanitizer runs the walk |
/// | corefx 11693                                  | state pinned once per retry     | nothing is pinned; counted below     |
/// | cpprestsdk 1617                               | proxy strings were not freed    | strings free themselves              |
/// | libHttpClient 696, 699, 788, 909 (WebSocket), | closing handshake, upgrade      | there is no WebSocket handle yet     |
/// | corefx 3256                                   |                                 |                                      |
/// | sentry-native 568 (first half)                | close blocks while a call lasts | `close()` waits for nothing: tested  |
/// |                                               |                                 | in `CloseTests`                      |
@Suite("Lessons of others", .timeLimit(.minutes(5)))
struct LessonTests {
    static func open(_ behaviour: ServerBehaviour, context: (any Sendable)? = nil) async throws -> Scene {
        try await Scene(behaviour, context)
    }

    /// A request for one behaviour of the server, and what it needs.
    struct Scene {
        let walk = WalkCensus()
        let server: ScriptedServer
        let session: SessionHandle
        let connection: ConnectionHandle
        let request: RequestHandle

        init(_ behaviour: ServerBehaviour, _ context: (any Sendable)?) async throws {
            server = try ServerBehaviour.server(for: walk)
            session = try SessionHandle()
            connection = try await session.connect(
                to: "127.0.0.1",
                port: behaviour == .refused ? 1 : server.port
            )
            request = try await connection.openRequest(.get, behaviour.target(1), context: context)
        }
    }

    // MARK: Two close one handle

    /// dotnet/corefx 26278 and 28367, aws-sdk-cpp 756, libHttpClient 656, 668 and 788.
    @Test func `many threads close one handle, and one of them has closed it`() async throws {
        for _ in 0..<200 {
            let scene = try await Self.open(.stallBeforeHead)
            let recorder = EventRecorder(of: scene.request)
            try await scene.request.send()
            let receiving = Task.immediate { try await scene.request.receiveResponse() }
            let winners = await withTaskGroup(of: Bool.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        do {
                            try scene.request.close()
                            return true
                        } catch { return false }
                    }
                }
                group.addTask {
                    // Another way to close it, which wins or loses without a word.
                    receiving.cancel()
                    return false
                }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(winners <= 1)
            await #expect(throws: HandleError.self) { try await receiving.value }
            let kinds = try await recorder.finish().map(\.kind)
            #expect(kinds.count { $0 == .handleClosing } == 1)
            #expect(kinds.count { $0.name == "requestError" } == 1)
        }
    }

    /// aws-sdk-cpp 756: the pool's manager closed what was closed, again from its destructor.
    @Test func `dropping a handle that was closed closes nothing twice`() async throws {
        let session = try SessionHandle()
        let recorder = EventRecorder(of: session, scope: .tree)
        var request: RequestHandle? = try await session.openRequest(.get, "http://127.0.0.1:1/")
        let id = try #require(request?.id)
        try request?.close()
        request = nil
        try session.closeAll()
        let kinds = try await recorder.finish().filter { $0.handle == id }.map(\.kind.name)
        #expect(kinds == ["handleCreated", "handleClosing"])
    }

    // MARK: A callback after the owner is gone

    /// corefx 28156, here-data-sdk-cpp 434.
    @Test func `a listener outlives the handle, and hears its end`() async throws {
        let server = try ServerBehaviour.server(for: WalkCensus())
        let session = try SessionHandle()
        var request: RequestHandle? = try await session.openRequest(.get, server.url("/hello/1"))
        let stream = try #require(request).statusEvents()
        try await request?.send()
        request = nil
        var names: [String] = []
        for await event in stream { names.append(event.kind.name) }
        #expect(names.last == "handleClosing")
    }

    /// libHttpClient 726: the context was freed when sending failed at once, and the last callback used it.
    @Test func `a send that fails at once leaves the context until the end`() async throws {
        let walk = WalkCensus()
        let scene = try await Self.open(.hello, context: WalkContext(1, walk))
        let recorder = EventRecorder(of: scene.request)
        try await scene.request.send()
        _ = try await scene.request.receiveResponse()
        // Refused before anything is sent.
        await #expect(throws: HandleError.invalidParameter(.sendRequest, "a body cannot have -1 bytes")) {
            try await scene.request.send(.writes(length: -1))
        }
        #expect((scene.request.context as? WalkContext)?.number == 1)
        try scene.request.close()
        let last = try #require(try await recorder.finish().last)
        #expect((last.context as? WalkContext)?.number == 1)
    }

    // MARK: Waiting for an end that never comes

    /// Azure 7352 and 7353: no context, never sent, nobody listens; and the destructor waited for ever.
    @Test func `the end of a handle without context, listener or send is not withheld`() async throws {
        let scene = try await Self.open(.hello)
        try scene.request.close()
        await scene.request.closed()
        let names = await scene.request.statusEvents().reduce(into: [String]()) { $0.append($1.kind.name) }
        #expect(names == ["handleClosing"])
    }

    /// libHttpClient 909: what had failed to connect was never closed, and the clean-up hung.
    @Test func `a session ends though requests of it have failed and were not closed`() async throws {
        try await withSession { session in
            let connection = try await session.connect(to: "127.0.0.1", port: 1)
            let request = try await connection.openRequest(.get, "/")
            let error = await #expect(throws: HandleError.self) { try await request.send() }
            #expect(error?.code == .cannotConnect)
        }
    }

    // MARK: The cancelled operation's error is not the end

    /// Azure 5354 and 5356: the error of the cancelled operation ended the wait for the end.
    @Test func `the error of a cancelled operation is an event before the end, and not the end`() async throws {
        for _ in 0..<50 {
            let walk = WalkCensus()
            let scene = try await Self.open(.stallInBody, context: WalkContext(1, walk))
            let stream = scene.request.statusEvents(.requestError)
            try await scene.request.send()
            _ = try await scene.request.receiveResponse()
            let reading = Task.immediate { try await scene.request.body.collect(upTo: 1000) }
            try scene.request.close()
            await scene.request.closed()
            // Everything is over now: the context has gone, and both events were delivered.
            #expect(scene.request.context == nil)
            let names = await stream.reduce(into: [String]()) { $0.append($1.kind.name) }
            #expect(names == ["requestError", "handleClosing"])
            await #expect(throws: HandleError.self) { try await reading.value }
            #expect(walk.contextsAlive == 0)
        }
    }

    // MARK: Closing what has nothing pending

    /// corefx 9228 and 16248: a cancelled token closed a handle with nothing pending; its next user met "invalid handle".
    @Test func `cancelling a task whose operation is over closes nothing`() async throws {
        let scene = try await Self.open(.hello)
        let gate = Gate()
        let task = Task {
            try await scene.request.send()
            await gate.passed()
        }
        _ = try await EventRecorder(of: scene.request).first { $0.kind == .receivingResponse }
        task.cancel()
        gate.open()
        try await task.value
        let head = try await scene.request.receiveResponse()
        #expect(head.status == .ok)
        #expect(try await scene.request.body.collect(upTo: 100).count == ServerBehaviour.smallBody)
    }

    /// corefx 16248: a cancelled operation reported a fault, not a cancellation.
    @Test func `whatever a cancelled task met, it is told that it was cancelled`() async throws {
        for _ in 0..<100 {
            let scene = try await Self.open(.stallBeforeHead)
            let task = Task {
                try await scene.request.send()
                _ = try await scene.request.receiveResponse()
            }
            task.cancel()
            let error = await #expect(throws: HandleError.self) { try await task.value }
            #expect(error?.isCancellation == true)
        }
    }

    /// The same, where the cancellation came when the last operation was over and the next had not begun.
    @Test func `a cancelled task that finds its handle closed is told that it was cancelled`() async throws {
        let scene = try await Self.open(.stallBeforeHead)
        let gate = Gate()
        let task = Task {
            try await scene.request.send()
            await gate.passed()
            _ = try await scene.request.receiveResponse()
        }
        _ = try await EventRecorder(of: scene.request).first { $0.kind.name == "requestSent" }
        try scene.request.close()
        task.cancel()
        gate.open()
        await #expect(throws: HandleError.cancelled(.receiveResponse)) { try await task.value }
    }

    // MARK: A lock that user code meets

    /// corefx 10040, PR 5590: close held a lock that the callback wanted.
    @Test func `closing other handles from a context's deinitialiser locks nothing up`() async throws {
        let session = try SessionHandle()
        let other = try await session.openRequest(.get, "http://127.0.0.1:1/other")
        // Not of the tree: recorded events would keep the context.
        let recorder = EventRecorder(of: other)
        var request: RequestHandle? = try await session.openRequest(
            .get,
            "http://127.0.0.1:1/",
            context: Avenger { try? other.close() }
        )
        request = nil
        _ = request
        _ = try await recorder.finish()
        try session.closeAll()
        await session.closed()
    }

    private final class Avenger: Sendable {
        let act: @Sendable () -> Void

        init(_ act: @escaping @Sendable () -> Void) {
            self.act = act
        }

        deinit {
            act()
        }
    }

    /// corefx 10040: the reader's own callback read and closed.
    @Test func `a listener may close its own handle and its parents while it hears of them`() async throws {
        let scene = try await Self.open(.stallInBody)
        let stream = scene.session.statusEvents(scope: .tree)
        let reading = Task {
            try await scene.request.send()
            _ = try await scene.request.receiveResponse()
            _ = try await scene.request.body.collect(upTo: 1000)
        }
        var names: [String] = []
        for await event in stream {
            if case .headersAvailable = event.kind {
                try scene.request.close()
                try scene.connection.close()
                try scene.session.close()
            }
            if case .handleClosing = event.kind { names.append(event.handle.level.description) }
        }
        #expect(names == ["request", "connection", "session"])
        await #expect(throws: HandleError.self) { try await reading.value }
    }

    // MARK: Leaks

    /// corefx 3256 and 11693: a pinned state for each retry.
    @Test func `a request that is sent many times has one context, and lets go of it once`() async throws {
        let walk = WalkCensus()
        let scene = try await Self.open(.hello, context: WalkContext(1, walk))
        for _ in 0..<100 {
            try await scene.request.send()
            _ = try await scene.request.receiveResponse()
        }
        #expect(walk.contextsAlive == 1)
        try scene.request.close()
        await scene.request.closed()
        #expect(walk.contextsAlive == 0)
    }

    /// corefx 6285 (a cycle kept abandoned responses), 2793 and 2963 (sessions were never released), Azure 4490 (failed
    /// requests were not).
    @Test(arguments: [ServerBehaviour.hello, .big, .stallInBody, .cutInBody, .refused, .garbage])
    func `what is abandoned in the middle is released, up to the session`(_ behaviour: ServerBehaviour) async throws {
        let walk = WalkCensus()
        let server = try ServerBehaviour.server(for: walk)
        func abandon() async throws -> AsyncStream<StatusEvent> {
            let session = try SessionHandle(context: WalkContext(0, walk))
            let port = behaviour == .refused ? 1 : server.port
            let connection = try await session.connect(to: "127.0.0.1", port: port, context: WalkContext(1, walk))
            let request = try await connection.openRequest(.get, behaviour.target(1), context: WalkContext(2, walk))
            try? await request.send()
            _ = try? await request.receiveResponse()
            return session.statusEvents()
        }
        let stream = try await abandon()
        let names = await stream.reduce(into: [String]()) { $0.append($1.kind.name) }
        #expect(names.last == "handleClosing")
        #expect(await eventually { walk.contextsAlive == 0 && walk.connectionsOpen == 0 })
    }

    /// corefx PR 7185: racing first requests initialised the session twice.
    @Test func `racing first requests start one thread`() async {
        await #expect(processExitsWith: .success) {
            let server = try ServerBehaviour.server(for: WalkCensus())
            for _ in 0..<20 {
                try await withSession { session in
                    try await withThrowingTaskGroup { group in
                        for number in 0..<16 {
                            group.addTask {
                                let response = try await session.get(server.url("/hello/\(number)"))
                                _ = try await response.body.collect(upTo: 100)
                            }
                        }
                        try await group.waitForAll()
                    }
                    #expect(Baseline.driverThreads == 1)
                }
                #expect(await eventually { Baseline.driverThreads == 0 })
            }
        }
    }

    // MARK: Parents first

    /// sentry-native 568: closing only the parents was to unblock a receive. It does not; `closeAll` does.
    @Test func `closing the parents ends no operation, closing all does`() async throws {
        let scene = try await Self.open(.stallBeforeHead)
        let recorder = EventRecorder(of: scene.request)
        try await scene.request.send()
        let receiving = Task.immediate { try await scene.request.receiveResponse() }
        try scene.connection.close()
        // The request is there and usable, and still waits.
        #expect(try await scene.request.option(.sendTimeout) == .seconds(30))
        #expect(!recorder.events.contains { $0.kind.name == "requestError" || $0.kind == .handleClosing })
        try scene.session.closeAll()
        await #expect(throws: HandleError.cancelled(.receiveResponse)) { try await receiving.value }
        await scene.session.closed()
    }

    // MARK: The right error

    /// here-data-sdk-cpp 1052: what had failed was reported as cancelled, because the handle was closed on the way out.
    @Test func `an operation that failed before the close keeps its own error`() async throws {
        for _ in 0..<50 {
            let scene = try await Self.open(.cutBeforeHead)
            let recorder = EventRecorder(of: scene.request)
            try await scene.request.send()
            let receiving = Task { try await scene.request.receiveResponse() }
            try await recorder.first { if case .requestError = $0.kind { true } else { false } }
            try scene.request.close()
            let error = await #expect(throws: HandleError.self) { try await receiving.value }
            #expect(error?.code == .invalidServerResponse)
        }
    }

    /// cpprestsdk 1749: a server that closes before it answers has its number, and nobody knew what it meant.
    @Test func `a server that closes before it answers is called that`() async throws {
        let scene = try await Self.open(.cutBeforeHead)
        try await scene.request.send()
        let error = await #expect(throws: HandleError.self) { _ = try await scene.request.receiveResponse() }
        #expect(error?.code == .invalidServerResponse)
        #expect(error?.curl?.code.rawValue == 52)
        #expect(error?.reason == "Empty reply from server")
    }

    /// WinHttpPAL: one number for every failure. The same failure has one code, whichever way it is met.
    @Test func `closing, refusing, breaking off and running out of time have a code each`() async throws {
        var codes: [HandleErrorCode?] = []
        for behaviour in [ServerBehaviour.refused, .cutInHead, .stallBeforeHead] {
            let scene = try await Self.open(behaviour)
            if behaviour == .stallBeforeHead {
                try await scene.request.setOption(.responseTimeout, to: .milliseconds(10))
            }
            let error = await #expect(throws: HandleError.self) {
                try await scene.request.send()
                _ = try await scene.request.receiveResponse()
            }
            codes.append(error?.code)
        }
        #expect(codes == [.cannotConnect, .invalidServerResponse, .timeout])
    }
}
