#if os(Linux)
import HTTPHandles
import HTTPHandlesSystem
import HTTPHandlesTesting
import Testing

/// Errors of system calls in `HandleError.systemError`. (Descriptors are exhausted in a separate process.)
@Suite("Errors of the system", .timeLimit(.minutes(5)))
struct DescriptorTests {
    /// With a sanitizer the program has no descriptor for longer than a second.
    @Test(.enabled(if: !Sanitizer.isPresent))
    func `a request without a descriptor fails with that error`() async throws {
        let run = try await TestProgram.runWithoutDescriptors(["few-descriptors", "200"])
        #expect(run.status == 0)
        let lines = run.output.split(separator: "\n").map(String.init)
        #expect(lines.count == 2, "\(run.output)")
        #expect(lines.first?.hasPrefix("cannotConnect EMFILE: ") == true, "\(run.output)")
        #expect(lines.first?.hasSuffix("Too many open files") == true, "\(run.output)")
        let noEventQueue = "session: notEnoughMemory EMFILE: a descriptor for an eventfd could not be created: "
        #expect(lines.last == noEventQueue + "Too many open files", "\(run.output)")
    }

    @Test func `after a burst, the allowed number of idle connections is left`() async throws {
        let run = try await TestProgram.run(["burst", "2000"])
        #expect(run.output == "idle 200\n")
        #expect(run.status == 0)
    }

    @Test func `a refused connection, and a local address that the machine does not have`() async throws {
        // A free port without a listener.
        let port = try freePorts(1)[0]
        let session = try SessionHandle()
        let refused = await #expect(throws: HandleError.self) { _ = try await session.get("http://127.0.0.1:\(port)/") }
        #expect(refused?.code == .cannotConnect)
        #expect(refused?.systemError == SystemErrorNumber(rawValue: ECONNREFUSED))
        #expect(refused?.reason.contains("Connection refused") == true)
        try await session.setOption(.localAddress, to: .address("192.0.2.1"))
        let unbound = await #expect(throws: HandleError.self) { _ = try await session.get("http://127.0.0.1:\(port)/") }
        #expect(unbound?.code == .cannotConnect)
        #expect(unbound?.systemError == SystemErrorNumber(rawValue: EADDRNOTAVAIL))
        #expect(unbound?.reason.contains("Cannot assign requested address") == true)
    }
}
#endif
