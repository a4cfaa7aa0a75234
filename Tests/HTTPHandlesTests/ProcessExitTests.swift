import Foundation
import HTTPHandlesTesting
import Testing
import TransfersInEveryPhase

/// A process may end in any way while transfers are in progress. Each round ends a little later than the previous one. The
/// environment variable `HTTP_HANDLES_EXITS` is the number of rounds.
@Suite("Process exit", .serialized, .timeLimit(.minutes(10)))
struct ProcessExitTests {
    static let rounds = ProcessInfo.processInfo.environment["HTTP_HANDLES_EXITS"].flatMap { Int($0) } ?? 300
    static let lanes = 3

    @Test(arguments: Ending.allCases)
    func `a process ends during transfers`(ending: Ending) async throws {
        try await inManyRounds { round in
            try await Self.end(ending, round) { try await TestProgram.run($0) }
        }
    }

    @Test func `a process that uses libcurl with Foundation too`() async throws {
        // Foundation leaks a little memory with each request, so leak detection is off here.
        let command = ["ASAN_OPTIONS=detect_leaks=0", TestProgram.path(of: "FoundationTestProgram")]
        try await inManyRounds { round in
            try await Self.end(.returnFromMain, round) { try await TestProgram.run("/usr/bin/env", command + $0) }
        }
    }

    @Test(.enabled(if: SilentNetwork.isPossible, SilentNetwork.whyNot))
    func `a process ends while names are being resolved`() async throws {
        try await inManyRounds { round in
            let ending = Ending.allCases[round % Ending.allCases.count]
            let run = try await SilentNetwork.run(["exit-resolving", ending.rawValue])
            #expect(run.status == ending.status && run.output.isEmpty, "\(ending): \(run)")
        }
    }

    private func inManyRounds(_ body: @escaping @Sendable (Int) async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for lane in 0..<Self.lanes {
                group.addTask {
                    for round in stride(from: lane, to: Self.rounds, by: Self.lanes) { try await body(round) }
                }
            }
            try await group.waitForAll()
        }
    }

    private static func end(
        _ ending: Ending,
        _ round: Int,
        _ program: ([String]) async throws -> TestProgram
    ) async throws {
        let nginx = try Nginx.shared.get()
        let unreachable = try UnreachablePort()
        let over = Gate()
        defer { over.open() }
        let stalling = try Servers.servingStalls(until: over)
        let servers = Servers(
            httpPort: nginx.httpPort,
            httpsPort: nginx.http1TLSPort,
            authorityFile: nginx.authorityFile,
            stallingPort: stalling.port,
            unreachablePort: unreachable.port
        )
        // Forty events correspond to three requests.
        let arguments = ["exit", ending.rawValue, "\(round % 40)"] + servers.arguments
        let run = try await program(arguments)
        #expect(run.status == ending.status && run.output.isEmpty, "round \(round): \(run)")
    }
}
