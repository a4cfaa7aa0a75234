import HTTPHandles
import HTTPHandlesLock
import HTTPHandlesTesting

/// One socket of a walk: two senders, a receiver, pings and an end, all at random; and what must be so afterwards.
final class SocketWalk: Sendable {
    /// How it is ended.
    private enum Ending: CaseIterable {
        case graceful, finish, shutdownAndClose, close, cancelSender, cancelReceiver, drop, closeAll
    }

    private struct Results {
        /// How many messages of each sender were sent whole.
        var sent: [UInt8: Int] = [:]
        var received: [[UInt8]] = []
        var sends = 0
        var receives = 0
        var ends = 0
        var shutdowns = 0
        var finishes = 0
        var errors: [HandleError] = []
    }

    let behaviour: SocketBehaviour
    private let seed: UInt64
    private let ending: Ending
    private let session: SessionHandle
    private let results = Lock(Results())

    init(_ session: SessionHandle, seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        self.session = session
        self.seed = seed
        behaviour = random.one(of: SocketBehaviour.allCases + [.echo, .echo, .chopped, .chopped])
        ending = random.one(of: Ending.allCases)
    }

    /// What sender `sender` sends as its message `index`.
    private func message(_ sender: UInt8, _ index: Int) -> [UInt8] {
        var random = SeededGenerator(seed: seed ^ UInt64(sender) << 40 ^ UInt64(index) << 48)
        let count = Int.random(in: 0...(random.chance(5) ? 20_000 : 300), using: &random)
        return [sender, UInt8(index)] + [UInt8](repeating: UInt8(truncatingIfNeeded: random.next()), count: count)
    }

    // MARK: What happens

    /// Returns the violations.
    func run(_ server: ScriptedServer, _ census: WalkCensus) async -> [String] {
        let recorder: EventRecorder
        do throws(HandleError) {
            let url = server.webSocketURL("/\(behaviour.rawValue)/\(seed)")
            recorder = try await use(session.webSocket(url, context: WalkContext(Int(seed % 1000), census)))
        } catch {
            // The end of the session comes in between, or the server did not agree.
            let isExpected = error.code == .operationCancelled || error.code == .invalidHandle
            let isRefused = error.code == .invalidServerResponse || error.code == .connectionError
            return isExpected || behaviour.opens.isEmpty && isRefused ? [] : ["opening: \(error)"]
        }
        do {
            return problems(try await recorder.finish().map(\.kind))
        } catch {
            return ["\(error): \(recorder.events.map(\.kind))"]
        }
    }

    /// Has no reference to the socket any more when it returns.
    private func use(_ socket: WebSocketHandle) async -> EventRecorder {
        var random = SeededGenerator(seed: seed &+ 1)
        let recorder = EventRecorder(of: socket)
        let senders = [UInt8(0), 1].map { sender in Task { await self.send(socket, sender) } }
        let receiver = Task { await self.receive(socket) }
        let moment = Int.random(in: 0...60, using: &random)
        for _ in 0..<moment {
            // A turn of the driver.
            _ = try? await session.option(.connectTimeout)
            if random.chance(5) { await attempt { try await socket.ping([1, 2, 3]) } }
        }
        let asking: Task<Void, Never>? =
            random.chance(30) ? Task { await self.attempt { _ = try await socket.roundTrip() } } : nil
        switch ending {
        case .graceful where behaviour.isFaithful:
            for sender in senders { await sender.value }
            await note {
                $0.shutdowns += 1
            } after: {
                try await socket.shutdown()
            }
            await receiver.value
        case .graceful, .close: break
        case .finish:
            let finishing = Task {
                await self.note {
                    $0.finishes += 1
                } after: {
                    try await socket.finish(.goingAway)
                }
            }
            for _ in 0..<30 { _ = try? await session.option(.connectTimeout) }
            try? socket.close()
            _ = await finishing.value
        case .shutdownAndClose:
            await note {
                $0.shutdowns += 1
            } after: {
                try await socket.shutdown(reason: "walk")
            }
        case .cancelSender: senders[Int.random(in: 0...1, using: &random)].cancel()
        case .cancelReceiver: receiver.cancel()
        case .drop:
            for task in senders + [receiver] { task.cancel() }
        case .closeAll: try? session.closeAll()
        }
        // What hangs in an operation ends by this.
        if ending != .drop { try? socket.close() }
        for task in senders + [receiver] { await task.value }
        await asking?.value
        if ending != .drop { await socket.closed() }
        return recorder
    }

    private func send(_ socket: WebSocketHandle, _ sender: UInt8) async {
        var random = SeededGenerator(seed: seed &+ 2 &+ UInt64(sender))
        for index in 0..<Int.random(in: 0...12, using: &random) {
            var rest = message(sender, index)[...]
            // Fragments have one sender.
            while sender == 0, rest.count > 1, random.chance(40) {
                let piece = rest.prefix(.random(in: 1..<rest.count, using: &random))
                rest = rest.dropFirst(piece.count)
                let isSent = await note {
                    $0.sends += 1
                } after: {
                    try await socket.send(piece, as: .binaryFragment)
                }
                guard isSent else { return }
            }
            let last = rest
            let isSent = await note {
                $0.sends += 1
                $0.sent[sender, default: 0] += 1
            } after: {
                if sender == 0 {
                    try await socket.send(last, as: .binaryMessage)
                } else {
                    try await socket.send(.binary(Array(last)))
                }
            }
            guard isSent else { return }
        }
    }

    private func receive(_ socket: WebSocketHandle) async {
        var random = SeededGenerator(seed: seed &+ 4)
        var message: [UInt8] = []
        var isOver = false
        while !isOver {
            let pieces = Record<WebSocketPiece>()
            let isWhole = random.chance(50)
            let hasSucceeded = await note { _ in
            } after: {
                let next = isWhole ? try await socket.receiveMessage()?.piece : try await socket.receive()
                if let next { pieces.note(next) }
            }
            guard hasSucceeded else { return }
            guard let piece = pieces.all.first else {
                results.withLock { $0.ends += 1 }
                isOver = true
                continue
            }
            message += piece.bytes
            results.withLock { [message] results in
                results.receives += 1
                if piece.kind.endsMessage { results.received.append(message) }
            }
            if piece.kind.endsMessage { message = [] }
            if random.chance(10) { _ = try? await session.option(.connectTimeout) }
        }
    }

    /// Notes the result of an operation. Returns whether it succeeded.
    @discardableResult
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

    private func attempt(_ operation: @Sendable () async throws -> Void) async {
        await note({ _ in }, after: operation)
    }

    // MARK: What must be so

    private func problems(_ kinds: [StatusEvent.Kind]) -> [String] {
        let results = results.withLock { $0 }
        var problems = messageProblems(results)
        func compare(_ name: String, _ expected: Int, _ isIt: (StatusEvent.Kind) -> Bool) {
            let count = kinds.count(where: isIt)
            if count != expected { problems.append("\(count) events \(name), but \(expected) operations") }
        }
        compare("webSocketWriteComplete", results.sends) { $0.name == "webSocketWriteComplete" }
        compare("webSocketReadComplete", results.receives) { $0.name == "webSocketReadComplete" }
        compare("webSocketCloseReceived", results.ends) { $0.name == "webSocketCloseReceived" }
        compare("shutdownComplete", results.shutdowns) { $0.name == "shutdownComplete" }
        compare("closeComplete", results.finishes) { $0.name == "closeComplete" }
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
        for error in results.errors where !usual.contains(error.code) {
            if !behaviour.mayViolate || error.code != .invalidServerResponse && error.code != .insufficientBuffer {
                problems.append("unexpected: \(error)")
            }
        }
        if kinds.last != .handleClosing { problems.append("no handleClosing at the end") }
        return problems.map { "\(behaviour), \(ending), seed \(seed): \($0)" }
    }

    private func messageProblems(_ results: Results) -> [String] {
        guard behaviour.returnsMessages else { return [] }
        var problems: [String] = []
        var counts: [UInt8: Int] = [:]
        for bytes in results.received {
            guard let sender = bytes.first else {
                problems.append("an empty message")
                continue
            }
            if sender == SocketWalkServer.own {
                let isRight = bytes.dropFirst().allSatisfy { $0 == 7 }
                if !isRight { problems.append("a message of the server is wrong") }
                continue
            }
            let index = counts[sender, default: 0]
            counts[sender] = index + 1
            if bytes != message(sender, index) { problems.append("message \(index) of sender \(sender) is wrong") }
        }
        for (sender, sent) in results.sent where behaviour.isFaithful && ending == .graceful && results.ends == 1 {
            if counts[sender] != sent {
                problems.append("\(sent) messages of sender \(sender), but \(counts[sender] ?? 0) back")
            }
        }
        return problems
    }
}
