#if os(Linux)
import Foundation
import Testing

/// Closed handles leave nothing behind. Built with AddressSanitizer, the test program also checks for memory leaks. The
/// environment variable `HTTP_HANDLES_OPENS` is the number of handles that it opens and closes.
@Suite("Leaks", .timeLimit(.minutes(10)))
struct LeakTests {
    static let opens = ProcessInfo.processInfo.environment["HTTP_HANDLES_OPENS"].flatMap { Int($0) } ?? 10_000

    @Test func `handles of all levels that end in all ways leave nothing behind`() async throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        let run = try await TestProgram.run(["opens-and-closes", "\(Self.opens)", "\(seed)"])
        #expect(run.status == 0, "\(run)")
    }
}
#endif
