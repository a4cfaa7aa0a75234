import Foundation
import HTTPHandles
import HTTPHandlesLock
import HTTPHandlesTesting
import Testing

/// Bugs of well-known WinHTTP clients in the lifetime of handles, each with a test that would find it.
///
/// Bugs that need no test here:
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
@Suite("Bugs of other clients", .timeLimit(.minutes(5)))
struct OtherClientsBugTests {
    static func open(_ behaviour: ServerBehaviour, context: (any Sendable)? = nil) async throws -> Scene {
        try await Scene(behaviour, context)
    }

    /// A request for one behaviour of the server, with its session and server.
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

    // MARK: Closing a handle twice

    /// dotnet/corefx 26278 and 28367, aws-sdk-cpp 756, libHttpClient 656, 668 and 788.
    @Test func `of many threads that close one handle, one succeeds`() async throws {
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
                    // Another way to close it, without an error.
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
    @Test func `releasing a closed handle does not close it again`() async throws {
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

    // MARK: Callbacks after the end of the owner

    /// corefx 28156, here-data-sdk-cpp 434.
    @Test func `a listener outlives the handle and gets its last event`() async throws {
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
    @Test func `a send that fails at once keeps the context until the end`() async throws {
        let walk = WalkCensus()
        let scene = try await Self.open(.hello, context: WalkContext(1, walk))
        let recorder = EventRecorder(of: scene.request)
        try await scene.request.send()
        _ = try await scene.request.receiveResponse()
        // Refused before anything is sent.
        await #expect(
            throws: HandleError.invalidParameter(.sendRequest, "the length of a body must be at least 0, but is -1")
        ) {
            try await scene.request.send(.writes(length: -1))
        }
        #expect((scene.request.context as? WalkContext)?.number == 1)
        try scene.request.close()
        let last = try #require(try await recorder.finish().last)
        #expect((last.context as? WalkContext)?.number == 1)
    }

    // MARK: Waiting for an end without handleClosing

    /// Azure 7352 and 7353: without context, send and listener the destructor waited without end.
    @Test func `a handle without context, listener or send ends`() async throws {
        let scene = try await Self.open(.hello)
        try scene.request.close()
        await scene.request.closed()
        let names = await scene.request.statusEvents().reduce(into: [String]()) { $0.append($1.kind.name) }
        #expect(names == ["handleClosing"])
    }

    /// libHttpClient 909: what had failed to connect was never closed, and the clean-up hung.
    @Test func `a session ends although failed requests were not closed`() async throws {
        try await withSession { session in
            let connection = try await session.connect(to: "127.0.0.1", port: 1)
            let request = try await connection.openRequest(.get, "/")
            let error = await #expect(throws: HandleError.self) { try await request.send() }
            #expect(error?.code == .cannotConnect)
        }
    }

    // MARK: The error of a cancelled operation is not the end

    /// Azure 5354 and 5356: the error of the cancelled operation ended the wait for the end.
    @Test func `the error of a cancelled operation is an event before handleClosing`() async throws {
        for _ in 0..<50 {
            let walk = WalkCensus()
            let scene = try await Self.open(.stallInBody, context: WalkContext(1, walk))
            let stream = scene.request.statusEvents(.requestError)
            try await scene.request.send()
            _ = try await scene.request.receiveResponse()
            let reading = Task.immediate { try await scene.request.body.collect(upTo: 1000) }
            try scene.request.close()
            await scene.request.closed()
            // Now the context was released, and both events were delivered.
            #expect(scene.request.context == nil)
            let names = await stream.reduce(into: [String]()) { $0.append($1.kind.name) }
            #expect(names == ["requestError", "handleClosing"])
            await #expect(throws: HandleError.self) { try await reading.value }
            #expect(walk.contextsAlive == 0)
        }
    }

    // MARK: Cancellation without a pending operation

    /// corefx 9228 and 16248: a cancelled token closed a handle without a pending operation; the next call failed.
    @Test func `cancelling a task after its operation closes nothing`() async throws {
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
    @Test func `a cancelled task always gets operationCancelled`() async throws {
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

    /// The same, if the cancellation happens between two operations.
    @Test func `a cancelled task gets operationCancelled from a closed handle`() async throws {
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

    // MARK: Deadlocks with user code

    /// corefx 10040, PR 5590: close held a lock that the callback needed.
    @Test func `closing other handles in the deinit of a context does not deadlock`() async throws {
        let session = try SessionHandle()
        let other = try await session.openRequest(.get, "http://127.0.0.1:1/other")
        // Not a tree listener: its recorded events would keep the context.
        let recorder = EventRecorder(of: other)
        var request: RequestHandle? = try await session.openRequest(
            .get,
            "http://127.0.0.1:1/",
            context: ActionOnDeinit { try? other.close() }
        )
        request = nil
        _ = request
        _ = try await recorder.finish()
        try session.closeAll()
        await session.closed()
    }

    private final class ActionOnDeinit: Sendable {
        let act: @Sendable () -> Void

        init(_ act: @escaping @Sendable () -> Void) {
            self.act = act
        }

        deinit {
            act()
        }
    }

    /// corefx 10040: the reader's own callback read and closed.
    @Test func `a listener may close its own handle and its parents`() async throws {
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
    @Test func `a request that is sent many times has one context, which is released once`() async throws {
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
    func `abandoned requests and their session are released`(_ behaviour: ServerBehaviour) async throws {
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
    @Test func `closing the parents ends no operation, closeAll does`() async throws {
        let scene = try await Self.open(.stallBeforeHead)
        let recorder = EventRecorder(of: scene.request)
        try await scene.request.send()
        let receiving = Task.immediate { try await scene.request.receiveResponse() }
        try scene.connection.close()
        // The request is still open and waits.
        #expect(try await scene.request.option(.sendTimeout) == .seconds(30))
        #expect(!recorder.events.contains { $0.kind.name == "requestError" || $0.kind == .handleClosing })
        try scene.session.closeAll()
        await #expect(throws: HandleError.cancelled(.receiveResponse)) { try await receiving.value }
        await scene.session.closed()
    }

    // MARK: The correct error

    /// here-data-sdk-cpp 1052: a failure was reported as a cancellation, because the handle was closed afterwards.
    @Test func `an operation that failed before the close keeps its error`() async throws {
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

    /// cpprestsdk 1749: the error of a server that closes before it answers was a number without an explanation.
    @Test func `a server that closes before it answers is a specific error`() async throws {
        let scene = try await Self.open(.cutBeforeHead)
        try await scene.request.send()
        let error = await #expect(throws: HandleError.self) { _ = try await scene.request.receiveResponse() }
        #expect(error?.code == .invalidServerResponse)
        #expect(error?.curl?.code.rawValue == 52)
        #expect(error?.reason == "Empty reply from server")
    }

    /// WinHttpPAL: one number for every failure. Here the same failure has the same code in all operations.
    @Test func `closing, refused connections, lost connections and timeouts have different codes`() async throws {
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
