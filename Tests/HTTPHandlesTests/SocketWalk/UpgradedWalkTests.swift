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
        // In pieces: where other tests keep all threads busy, the walk and its clock stand still together.
        let watch = Task.detached {
            for _ in 0..<240 { try await Task.sleep(for: .milliseconds(500)) }
            fatalError("The walk of upgraded connections with seed \(seed) hangs.")
        }
        defer { watch.cancel() }
        do {
            let census = WalkCensus()
            let server = try UpgradedBehaviour.serve(census)
            let problems = try await walk(seed, server, census)
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
        var options: [OptionSetting] = []
        options += [.connectTimeout, .sendTimeout, .responseTimeout, .receiveTimeout].map { .set($0, to: .zero) }
        if random.chance(30) { options.append(.set(.maximumConnections, to: 3)) }
        let session = try SessionHandle(context: WalkContext(0, census), options: options)
        let tree = random.chance(50) ? EventRecorder(of: session, scope: .tree) : nil
        let prefersDriver = random.chance(30) ? session.executor : nil
        var problems = await withTaskGroup(of: [String].self) { group in
            for number in 0..<6 {
                let walk = UpgradedWalk(session, seed: seed &* 100 &+ UInt64(number))
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
