import Foundation
import HTTPHandles
import HTTPHandlesLock
import HTTPHandlesTesting
import Testing

/// Random programs of operations, run by several concurrent tasks against a server with random faults. Results and events are
/// compared with a model.
///
/// Every run uses other seeds and prints them. To replay one, repeatedly if necessary:
///
///     HTTP_HANDLES_WALK_SEED=4711 swift test --filter RandomWalkTests
///
/// For a long run, set HTTP_HANDLES_WALK_OPERATIONS to some millions.
@Suite("Random walk", .serialized)
struct RandomWalkTests {
    /// Sanitizers make everything ten times slower.
    static var operationsWanted: Int {
        let asked = ProcessInfo.processInfo.environment["HTTP_HANDLES_WALK_OPERATIONS"].flatMap { Int($0) }
        return asked ?? (Sanitizer.isPresent ? 12_000 : 100_000)
    }

    @Test func `a hundred thousand operations agree with the model`() async throws {
        let before = (threads: Baseline.driverThreads, descriptors: Baseline.descriptors)
        let start = ContinuousClock.now
        let counter = WalkCounter()
        let files = try WalkFiles()
        await withTaskGroup { group in
            for _ in 0..<4 {
                group.addTask {
                    while let seed = counter.nextSeed() {
                        let (operations, problems) = await Self.walk(seed, files)
                        counter.add(operations, failed: !problems.isEmpty)
                        let text = problems.prefix(12).joined(separator: "\n  ")
                        if !problems.isEmpty { Issue.record("seed \(seed):\n  \(text)") }
                    }
                }
            }
        }
        print("random walk: \(counter), \(ContinuousClock.now - start)")
        // Other tests run in the same process; leaks of the walks would be far larger than their resources.
        #expect(await eventually { Baseline.driverThreads <= before.threads + 50 })
        #expect(await eventually { Baseline.descriptors <= before.descriptors + 200 })
    }

    /// The number of walks, and the next seed.
    private final class WalkCounter: Sendable, CustomStringConvertible {
        private let replayed = ProcessInfo.processInfo.environment["HTTP_HANDLES_WALK_SEED"].flatMap { UInt64($0) }
        private let first = UInt64.random(in: 1..<1_000_000_000)
        private let state = Lock((walks: UInt64(0), operations: 0, failures: 0))

        /// `nil` after enough walks or enough failures.
        func nextSeed() -> UInt64? {
            state.withLock { state in
                guard state.operations < RandomWalkTests.operationsWanted, state.failures < 3 else { return nil }
                defer { state.walks += 1 }
                return replayed ?? first + state.walks
            }
        }

        func add(_ operations: Int, failed: Bool) {
            state.withLock { state in
                state.operations += operations
                if failed { state.failures += 1 }
            }
        }

        var description: String {
            let (walks, operations, failures) = state.withLock { $0 }
            let seeds = replayed.map { "seed \($0)" } ?? "seeds \(first) to \(first + walks - 1)"
            return "\(operations) operations in \(walks) walks, \(failures) failed, \(seeds)"
        }
    }

    /// In a separate process, so that all resources can be counted.
    @Test func `walks leave no thread and no descriptor behind`() async {
        await #expect(processExitsWith: .success) {
            let files = try WalkFiles()
            _ = await RandomWalkTests.walk(1, files)
            #expect(await eventually { Baseline.driverThreads == 0 })
            let descriptors = Baseline.descriptors
            for seed in 2...(Sanitizer.isPresent ? 20 : 150) as ClosedRange<UInt64> {
                let (_, problems) = await RandomWalkTests.walk(seed, files)
                #expect(problems == [], "seed \(seed)")
            }
            #expect(await eventually { Baseline.driverThreads == 0 && Baseline.descriptors <= descriptors })
        }
    }

    /// Runs one seed. A walk that hangs prints its state and ends the process.
    static func walk(_ seed: UInt64, _ files: WalkFiles) async -> (operations: Int, problems: [String]) {
        do {
            let walk = try RandomWalk(WalkProgram(seed: seed), files)
            let watch = Task.detached {
                // In pieces: where other tests keep all threads busy, the walk and its clock stand still together.
                for _ in 0..<240 { try await Task.sleep(for: .milliseconds(500)) }
                let operations = walk.history.operations.map(\.description).joined(separator: "\n")
                print("The walk with seed \(seed) hangs: \(walk.program).\n\(operations)")
                fatalError("The walk with seed \(seed) hangs.")
            }
            defer { watch.cancel() }
            let problems = try await walk.run()
            return (walk.history.operations.count, problems)
        } catch {
            return (0, ["\(error)"])
        }
    }
}

enum Sanitizer {
    /// Whether the tests were built with one.
    static let isPresent = (["__asan_init", "__tsan_init"] as [String]).contains { unsafe dlsym(nil, $0) != nil }
}
