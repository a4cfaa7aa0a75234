import Foundation
import HTTPHandles
import HTTPHandlesTesting
import Testing

/// Random programs on upgraded connections. See `SocketWalkTests`, whose variables of the environment these are.
@Suite("Random walk of upgraded connections", .serialized)
struct UpgradedWalkTests {
    private static let replayed = ProcessInfo.processInfo.environment["HTTP_HANDLES_WALK_SEED"].flatMap { UInt64($0) }
    private static let walks =
        ProcessInfo.processInfo.environment["HTTP_HANDLES_SOCKET_WALKS"].flatMap { Int($0) }
        ?? (Sanitizer.isPresent ? 5 : 30)

    @Test func `upgraded connections agree with the model`() async {
        let first = Self.replayed ?? UInt64.random(in: 1..<1_000_000_000)
        print("random walk of upgraded connections: \(Self.walks) walks from seed \(first)")
        for walk in 0..<Self.walks {
            let seed = Self.replayed ?? first &+ UInt64(walk)
            let problems = await Self.walk(seed)
            #expect(problems == [], "seed \(seed)")
        }
    }

    /// Six connections of one session. Returns the violations.
    static func walk(_ seed: UInt64) async -> [String] {
        await WalkOfSession(
            name: "upgraded connections",
            serve: { try UpgradedBehaviour.serve($0) },
            options: { _ in [] },
            walk: { await UpgradedWalk($0, seed: $1).run($2, $3) }
        ).run(seed)
    }
}
