#if os(Linux)
import Testing

/// What is kept for a slow reader and for a slow peer, measured in a process of its own.
@Suite("Memory of sockets", .timeLimit(.minutes(5)))
struct SocketMemoryTests {
    @Test(.enabled(if: !Sanitizer.isPresent, "sanitizers need memory of their own"))
    func `memory is limited in both directions`() async throws {
        let run = try await TestProgram.run(["socket-memory"])
        #expect(run.status == 0, "\(run)")
        let kibibytes = run.output.matches(of: /slow (reader|peer): (-?\d+) KiB/).compactMap { Int($0.output.2) }
        #expect(kibibytes.count == 4, "\(run)")
        // 64 MiB are read and 32 MiB are written meanwhile.
        #expect(kibibytes.allSatisfy { $0 < 4096 }, "\(run)")
    }
}
#endif
