import HTTPHandles
import HTTPHandlesLock
import HTTPHandlesTesting

/// What the server of a walk does with a connection that it has upgraded.
enum UpgradedBehaviour: String, CaseIterable, Sendable {
    /// What comes, comes back; at the end of the client's direction the server ends its own.
    case echo
    /// Nothing is read.
    case deaf
    /// After some records: a reset, the end of the connection.
    case reset, end
    /// The answer is no agreement.
    case refusal

    /// The server of a walk. The path of a request is the behaviour and a seed.
    static func serve(_ census: WalkCensus) throws -> ScriptedServer {
        try ScriptedServer(limitsReceiveBuffers: true) { connection in
            census.connectionOpened()
            defer { census.connectionClosed() }
            guard let head = try connection.readHead() else { return }
            let parts = head.target.split(separator: "/")
            guard parts.count == 2, let behaviour = UpgradedBehaviour(rawValue: String(parts[0])),
                let seed = UInt64(parts[1])
            else { return census.noteMistake("unknown target \(head.target)") }
            var random = SeededGenerator(seed: seed)
            guard behaviour != .refusal else {
                return try connection.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
            }
            try connection.send(UpgradedConnectionTests.answer)
            if behaviour == .deaf { return census.sessionIsGone.wait() }
            var left = behaviour == .echo ? Int.max : Int.random(in: 0...5, using: &random)
            while left > 0, let length = try? connection.read(exactly: 2) {
                try connection.send(length + connection.read(exactly: Int(length[0]) << 8 | Int(length[1])))
                left -= 1
            }
            if behaviour == .reset { connection.reset() }
        }
    }
}

/// One upgraded connection of a walk: a writer, a reader and an end, all at random; and what must be so afterwards.
final class UpgradedWalk: Sendable {
    /// How it is ended.
    private enum Ending: CaseIterable {
        case graceful, shutdownAndClose, close, cancelWriter, cancelReader, drop, closeAll
    }

    private struct Refused: Error {}

    private struct Results {
        var writes = 0
        var reads = 0
        var read: [UInt8] = []
        /// The reader has seen the end.
        var isEnded = false
        var shutdowns = 0
        var errors: [HandleError] = []
    }

    private let behaviour: UpgradedBehaviour
    private let seed: UInt64
    private let ending: Ending
    private let session: SessionHandle
    /// What is written, if nothing comes in between: records of two bytes of length and as many others.
    private let records: [[UInt8]]
    private let results = Lock(Results())

    init(_ session: SessionHandle, seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        self.session = session
        self.seed = seed
        behaviour = random.one(of: UpgradedBehaviour.allCases + [.echo, .echo])
        ending = random.one(of: Ending.allCases)
        records = (0..<Int.random(in: 0...12, using: &random)).map { index in
            let count = Int.random(in: 0...(random.chance(5) ? 20_000 : 300), using: &random)
            return [UInt8(count >> 8), UInt8(count & 0xFF)] + [UInt8](repeating: UInt8(index), count: count)
        }
    }

    // MARK: What happens

    /// Returns the violations.
    func run(_ server: ScriptedServer, _ census: WalkCensus) async -> [String] {
        let recorder: EventRecorder
        do {
            recorder = try await use(attach(server, census))
        } catch is Refused {
            return behaviour == .refusal ? [] : ["\(behaviour), seed \(seed): refused"]
        } catch let error as HandleError {
            // The end of the session comes in between, or that of the connection.
            let usual: Set<HandleErrorCode> = [.operationCancelled, .invalidHandle]
            let isLost = error.code == .connectionError && (behaviour == .reset || behaviour == .end)
            return usual.contains(error.code) || isLost ? [] : ["\(behaviour), seed \(seed): opening: \(error)"]
        } catch {
            return ["\(error)"]
        }
        do {
            return problems(try await recorder.finish().map(\.kind))
        } catch {
            return ["\(error): \(recorder.events.map(\.kind))"]
        }
    }

    private func attach(_ server: ScriptedServer, _ census: WalkCensus) async throws -> UpgradedHandle {
        let request = try await session.openRequest(.post, server.url("/\(behaviour.rawValue)/\(seed)"))
        try await request.setOption(.upgradesToProtocol, to: "tcp")
        try await request.send()
        guard try await request.receiveResponse().status == .switchingProtocols else { throw Refused() }
        return try await request.completeUpgrade(context: WalkContext(Int(seed % 1000), census))
    }

    /// Has no reference to the handle any more when it returns.
    private func use(_ handle: UpgradedHandle) async -> EventRecorder {
        var random = SeededGenerator(seed: seed &+ 1)
        let recorder = EventRecorder(of: handle)
        let writer = Task { await self.write(handle) }
        let reader = Task { await self.read(handle) }
        // Each is a turn of the driver.
        for _ in 0..<Int.random(in: 0...60, using: &random) { _ = try? await session.option(.connectTimeout) }
        switch ending {
        case .graceful where behaviour == .echo:
            await writer.value
            await shutDown(handle)
            await reader.value
        case .graceful, .close: break
        case .shutdownAndClose:
            let ending = Task { await self.shutDown(handle) }
            for _ in 0..<30 { _ = try? await session.option(.connectTimeout) }
            try? handle.close()
            await ending.value
        case .cancelWriter: writer.cancel()
        case .cancelReader: reader.cancel()
        case .drop:
            writer.cancel()
            reader.cancel()
        case .closeAll: try? session.closeAll()
        }
        // What hangs in an operation ends by this.
        if ending != .drop { try? handle.close() }
        await writer.value
        await reader.value
        if ending != .drop { await handle.closed() }
        return recorder
    }

    private func write(_ handle: UpgradedHandle) async {
        for record in records {
            let isWritten = await note {
                $0.writes += 1
            } after: {
                try await handle.write(record)
            }
            guard isWritten else { return }
        }
    }

    private func shutDown(_ handle: UpgradedHandle) async {
        _ = await note {
            $0.shutdowns += 1
        } after: {
            try await handle.shutdown()
        }
    }

    private func read(_ handle: UpgradedHandle) async {
        var random = SeededGenerator(seed: seed &+ 2)
        while !results.withLock({ $0.isEnded }) {
            let limit = random.chance(30) ? Int.random(in: 1...50, using: &random) : .max
            let piece = Record<[UInt8]>()
            let hasSucceeded = await note {
                $0.reads += 1
            } after: {
                piece.note(try await handle.read(upTo: limit))
            }
            guard hasSucceeded, let bytes = piece.all.first else { return }
            results.withLock { results in
                results.read += bytes
                results.isEnded = bytes.isEmpty
            }
            if random.chance(10) { _ = try? await session.option(.connectTimeout) }
        }
    }

    /// Notes the result of an operation. Returns whether it succeeded.
    private func note(
        _ succeed: @Sendable (inout Results) -> Void,
        after operation: @Sendable () async throws -> Void
    ) async -> Bool {
        do {
            try await operation()
            results.withLock { succeed(&$0) }
            return true
        } catch {
            if let error = error as? HandleError { results.withLock { $0.errors.append(error) } }
            return false
        }
    }

    // MARK: What must be so

    private func problems(_ kinds: [StatusEvent.Kind]) -> [String] {
        let results = results.withLock { $0 }
        let written = records.flatMap { $0 }
        var problems: [String] = []
        if !written.starts(with: results.read) { problems.append("other bytes came back than were written") }
        let isWhole = behaviour == .echo && ending == .graceful && results.shutdowns == 1 && results.isEnded
        if isWhole, results.read.count != written.count {
            problems.append("\(results.read.count) bytes came back of \(written.count)")
        }
        for (name, count) in [
            ("writeComplete", results.writes), ("readComplete", results.reads), ("shutdownComplete", results.shutdowns),
        ] where kinds.count(where: { $0.name == name }) != count {
            problems.append("\(kinds.count(where: { $0.name == name })) events \(name), but \(count) operations")
        }
        // Every error that an event reports was thrown.
        var thrown = results.errors
        for case .requestError(let error) in kinds {
            if let index = thrown.firstIndex(of: error) {
                thrown.remove(at: index)
            } else {
                problems.append("nothing has thrown \(error)")
            }
        }
        let usual: Set<HandleErrorCode> = [
            .operationCancelled, .invalidHandle, .incorrectHandleState, .connectionError,
        ]
        for error in results.errors where !usual.contains(error.code) { problems.append("unexpected: \(error)") }
        if kinds.last != .handleClosing { problems.append("no handleClosing at the end") }
        return problems.map { "\(behaviour), \(ending), seed \(seed): \($0)" }
    }
}
