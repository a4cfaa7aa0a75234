#if ServiceLifecycle
import HTTPHandles
import HTTPHandlesTesting
import ServiceLifecycle
import ServiceLifecycleTestKit
import Testing

/// A session as a service. What a shutdown does: `ShutDownTests`.
@Suite("A session as a service", .timeLimit(.minutes(5)))
struct SessionServiceTests {
    /// A service that runs, and the trigger of its shutdown.
    private static func running(
        _ session: SessionHandle,
        _ body: @Sendable (Task<Void, Never>, GracefulShutdownTestTrigger) async throws -> Void
    ) async throws {
        try await testGracefulShutdown { @Sendable trigger in
            let service = SessionService(session, gracePeriod: ShutDownTests.hour)
            try await body(Task.immediate { await service.run() }, trigger)
        }
    }

    /// Waits until requests are refused. Until then the request that waits is refused for another reason.
    private static func hasBegun(_ waiting: ShutDownTests.Waiting) async {
        func refusal() async -> HandleError? { await Task { try await waiting.request.send() }.failure }
        while await refusal()?.code != .shutdown { await Task.yield() }
    }

    @Test func `a request in flight finishes, then the service returns`() async throws {
        let session = try SessionHandle()
        let waiting = try await ShutDownTests.Waiting(session)
        try await Self.running(session) { service, trigger in
            trigger.triggerGracefulShutdown()
            await Self.hasBegun(waiting)
            waiting.gate.open()
            let bytes = try await waiting.response.value
            #expect(bytes == Array("hello".utf8))
            await service.value
        }
        #expect(try await ShutDownTests.trace(waiting.recorder, from: "receivingResponse") == ShutDownTests.finished)
    }

    @Test func `a request that does not finish ends with the period`() async throws {
        let session = try SessionHandle(options: WebSocketTests.patient)
        let waiting = try await ShutDownTests.Waiting(session)
        try await Self.running(session) { service, trigger in
            trigger.triggerGracefulShutdown()
            await Self.hasBegun(waiting)
            session.advanceClock(by: ShutDownTests.hour)
            #expect(await waiting.response.failure == .cancelled(.receiveResponse))
            await service.value
        }
        #expect(try await ShutDownTests.trace(waiting.recorder, from: "receivingResponse") == ShutDownTests.cut)
    }

    @Test(arguments: [true, false])
    func `cancellation closes the session at once, also during the grace period`(isShuttingDown: Bool) async throws {
        let session = try SessionHandle()
        let waiting = try await ShutDownTests.Waiting(session)
        try await Self.running(session) { service, trigger in
            if isShuttingDown {
                trigger.triggerGracefulShutdown()
                await Self.hasBegun(waiting)
            }
            service.cancel()
            await service.value
            #expect(await waiting.response.failure == .cancelled(.receiveResponse))
        }
        #expect(try await ShutDownTests.trace(waiting.recorder, from: "receivingResponse") == ShutDownTests.cut)
    }

    @Test func `it returns when something else closes the session`() async throws {
        let session = try SessionHandle()
        let recorder = EventRecorder(of: session)
        try await Self.running(session) { service, _ in
            try session.closeAll()
            await service.value
        }
        #expect(try await recorder.finish().map(\.kind) == [.handleClosing])
    }

    @Test func `nothing is in flight`() async throws {
        let session = try SessionHandle()
        let recorder = EventRecorder(of: session)
        try await Self.running(session) { service, trigger in
            trigger.triggerGracefulShutdown()
            await service.value
        }
        #expect(try await recorder.finish().map(\.kind) == [.handleClosing])
    }
}
#endif
