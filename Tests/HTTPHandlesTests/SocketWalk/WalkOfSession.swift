import HTTPHandles
import HTTPHandlesTesting

/// Six walks at a time in one session, against one server: what walks of sockets of both kinds have in common.
struct WalkOfSession: Sendable {
    /// What is walked on, for messages.
    let name: String
    /// Makes a server that counts in the census.
    let serve: @Sendable (WalkCensus) throws -> ScriptedServer
    /// The options of the session.
    let options: @Sendable (inout SeededGenerator) -> [OptionSetting]
    /// One walk. Returns its violations.
    let walk: @Sendable (SessionHandle, UInt64, ScriptedServer, WalkCensus) async -> [String]

    /// Returns the violations.
    func run(_ seed: UInt64) async -> [String] {
        // In pieces: where other tests keep all threads busy, the walk and its clock stand still together.
        let watch = Task.detached {
            for _ in 0..<240 { try await Task.sleep(for: .milliseconds(500)) }
            fatalError("The walk of \(name) with seed \(seed) hangs.")
        }
        defer { watch.cancel() }
        do {
            let census = WalkCensus()
            let server = try serve(census)
            let problems = try await walks(seed, server, census)
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

    private func walks(_ seed: UInt64, _ server: ScriptedServer, _ census: WalkCensus) async throws -> [String] {
        var random = SeededGenerator(seed: seed)
        defer { census.sessionIsGone.open() }
        var options = self.options(&random)
        if random.chance(30) { options.append(.set(.maximumConnections, to: 3)) }
        options += [.connectTimeout, .sendTimeout, .responseTimeout, .receiveTimeout].map { .set($0, to: .zero) }
        let session = try SessionHandle(context: WalkContext(0, census), options: options)
        let tree = random.chance(50) ? EventRecorder(of: session, scope: .tree) : nil
        let prefersDriver = random.chance(30) ? session.executor : nil
        var problems = await withTaskGroup(of: [String].self) { group in
            for number in 0..<6 {
                let walkSeed = seed &* 100 &+ UInt64(number)
                group.addTask(executorPreference: prefersDriver) { await walk(session, walkSeed, server, census) }
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
