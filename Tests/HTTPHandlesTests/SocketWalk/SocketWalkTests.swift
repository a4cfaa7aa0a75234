import Foundation
import HTTPHandles
import HTTPHandlesTesting
import Testing

/// Random programs on sockets, run by several tasks at once against a server that misbehaves. Results and events are compared
/// with each other and with what was sent.
///
/// Every run uses other seeds, which are printed. To replay one:
///
///     HTTP_HANDLES_WALK_SEED=4711 swift test --filter SocketWalkTests
///
/// For a long run, set HTTP_HANDLES_SOCKET_WALKS to some thousands.
@Suite("Random walk of sockets", .serialized)
struct SocketWalkTests {
    private static let replayed = ProcessInfo.processInfo.environment["HTTP_HANDLES_WALK_SEED"].flatMap { UInt64($0) }
    private static let walks =
        ProcessInfo.processInfo.environment["HTTP_HANDLES_SOCKET_WALKS"].flatMap { Int($0) }
        ?? (Sanitizer.isPresent ? 10 : 60)

    @Test func `sockets agree with the model`() async {
        let first = Self.replayed ?? UInt64.random(in: 1..<1_000_000_000)
        print("random walk of sockets: \(Self.walks) walks from seed \(first)")
        let lanes = 3
        await withTaskGroup { group in
            for lane in 0..<lanes {
                group.addTask {
                    for walk in stride(from: lane, to: Self.walks, by: lanes) {
                        let seed = Self.replayed ?? first &+ UInt64(walk)
                        let problems = await Self.walk(seed)
                        #expect(problems == [], "seed \(seed)")
                    }
                }
            }
        }
    }

    /// In a separate process, so that all resources can be counted.
    @Test func `walks of sockets leave nothing behind`() async {
        await #expect(processExitsWith: .success) {
            _ = await SocketWalkTests.walk(1)
            #expect(await eventually { Baseline.driverThreads == 0 && CurlCensus.handles == 0 })
            let descriptors = Baseline.descriptors
            for seed in 2...(Sanitizer.isPresent ? 5 : 20) as ClosedRange<UInt64> {
                let problems = await SocketWalkTests.walk(seed)
                #expect(problems == [], "seed \(seed)")
            }
            #expect(await eventually { Baseline.driverThreads == 0 && CurlCensus.handles == 0 })
            #expect(await eventually { Baseline.descriptors <= descriptors })
        }
    }

    /// Six sockets of one session. Returns the violations.
    static func walk(_ seed: UInt64) async -> [String] {
        await WalkOfSession(
            name: "sockets",
            serve: { try SocketWalkServer($0).server },
            options: { random in
                [
                    .set(.webSocketReceiveBuffer, to: random.one(of: [1, 1000, 32 << 10])),
                    .set(.webSocketSendBuffer, to: random.one(of: [16, 1000, 64 << 10])),
                    .set(.webSocketCloseTimeout, to: .zero), .set(.webSocketKeepAliveInterval, to: .zero),
                    .set(.webSocketAnswerTimeout, to: .zero),
                ]
            },
            walk: { await SocketWalk($0, seed: $1).run($2, $3) }
        ).run(seed)
    }
}
