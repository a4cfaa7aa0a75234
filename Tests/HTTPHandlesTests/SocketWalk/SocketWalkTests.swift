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
        // In pieces: where other tests keep all threads busy, the walk and its clock stand still together.
        let watch = Task.detached {
            for _ in 0..<240 { try await Task.sleep(for: .milliseconds(500)) }
            fatalError("The walk of sockets with seed \(seed) hangs.")
        }
        defer { watch.cancel() }
        do {
            let census = WalkCensus()
            let server = try SocketWalkServer(census)
            let problems = try await walk(seed, server.server, census)
            var remains: [String] = []
            if !(await eventually { census.contextsAlive == 0 }) {
                remains.append("\(census.contextsAlive) contexts are still there")
            }
            if !(await eventually { census.connectionsOpen == 0 }) {
                remains.append("\(census.connectionsOpen) network connections are still there")
            }
            return problems + census.mistakes + remains
        } catch {
            return ["\(error)"]
        }
    }

    private static func walk(_ seed: UInt64, _ server: ScriptedServer, _ census: WalkCensus) async throws -> [String] {
        var random = SeededGenerator(seed: seed)
        defer { census.sessionIsGone.open() }
        var options: [OptionSetting] = [
            .set(.webSocketReceiveBuffer, to: random.one(of: [1, 1000, 32 << 10])),
            .set(.webSocketSendBuffer, to: random.one(of: [16, 1000, 64 << 10])),
            .set(.webSocketCloseTimeout, to: .zero), .set(.webSocketKeepAliveInterval, to: .zero),
            .set(.webSocketAnswerTimeout, to: .zero),
        ]
        if random.chance(30) { options.append(.set(.maximumConnections, to: 3)) }
        options += [.connectTimeout, .sendTimeout, .responseTimeout, .receiveTimeout].map { .set($0, to: .zero) }
        let session = try SessionHandle(context: WalkContext(0, census), options: options)
        let tree = random.chance(50) ? EventRecorder(of: session, scope: .tree) : nil
        let prefersDriver = random.chance(30) ? session.executor : nil
        var problems = await withTaskGroup(of: [String].self) { group in
            for number in 0..<6 {
                let walk = SocketWalk(session, seed: seed &* 100 &+ UInt64(number))
                group.addTask(executorPreference: prefersDriver) { await walk.run(server, census) }
            }
            return await group.reduce(into: []) { $0 += $1 }
        }
        try? session.closeAll()
        await session.closed()
        do {
            _ = try await tree?.finish()
        } catch {
            problems.append("tree: \(error)")
        }
        return problems
    }
}
