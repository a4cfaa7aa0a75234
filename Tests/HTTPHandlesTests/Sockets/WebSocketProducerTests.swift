import HTTPHandles
import HTTPHandlesTesting
import Testing

/// The task that sends a message from a sequence is cancelled while it waits for the sequence.
@Suite("Cancelled producers of messages", .timeLimit(.minutes(5)))
struct WebSocketProducerTests {
    /// What a sequence does when its task is cancelled.
    enum Reaction: CaseIterable { case end, cancellationError, otherError, onePieceMore }

    private struct OtherError: Error {}

    /// Some pieces, and then nothing until its task is cancelled.
    private struct Producer: AsyncSequence, AsyncIteratorProtocol {
        var pieces: Int
        let reaction: Reaction
        let isWaiting: Gate
        private var isCancelled = false

        init(pieces: Int, _ reaction: Reaction, _ isWaiting: Gate) {
            (self.pieces, self.reaction, self.isWaiting) = (pieces, reaction, isWaiting)
        }

        func makeAsyncIterator() -> Producer { self }

        mutating func next() async throws -> [UInt8]? {
            if isCancelled { return nil }
            guard pieces == 0 else {
                pieces -= 1
                return [1]
            }
            isWaiting.open()
            for await _ in AsyncStream<Never>.makeStream().stream {}
            isCancelled = true
            switch reaction {
            case .end: return nil
            case .cancellationError: throw CancellationError()
            case .otherError: throw OtherError()
            case .onePieceMore: return [2]
            }
        }
    }

    /// The first law: cancelling a task in an operation closes its handle, whatever the caller's sequence makes of it.
    @Test(arguments: [0, 2], Reaction.allCases)
    func `the handle is closed`(_ pieces: Int, _ reaction: Reaction) async throws {
        let (isWaiting, isGone) = (Gate(), Gate())
        let frames = Record<ServerWebSocket.Frame>()
        let server = try ScriptedServer { connection in
            let socket = try connection.acceptWebSocket()
            while let frame = try? socket.receiveFrame() { frames.note(frame) }
            isGone.open()
        }
        let session = try SessionHandle(options: WebSocketTests.patient)
        let socket = try await session.webSocket(server.webSocketURL())
        let events = EventRecorder(of: socket)
        let receiving = Task.immediate { try await socket.receive() }
        let sending = Task { try await socket.send(binary: Producer(pieces: pieces, reaction, isWaiting)) }
        await isWaiting.passed()
        sending.cancel()
        #expect(await sending.failure == .cancelled(.sendMessage))
        #expect(await receiving.failure == .cancelled(.receiveMessage))
        await socket.closed()
        #expect(throws: HandleError.closed(.closeHandle)) { try socket.close() }
        let sent = [StatusEvent.Kind](
            repeating: .webSocketWriteComplete(bytes: 1, kind: .binaryFragment),
            count: pieces
        )
        #expect(
            try await events.finish().map(\.kind) == sent + [
                .closingConnection, .connectionClosed, .requestError(.cancelled(.receiveMessage)), .handleClosing,
            ]
        )
        // A message without its end, and no close frame.
        await isGone.passed()
        #expect(frames.all.map(\.payload) == [[UInt8]](repeating: [1], count: pieces))
        #expect(frames.all.allSatisfy { !$0.isFinal })
        try session.closeAll()
        await session.closed()
    }

    /// Without cancellation, the end of the handle is what the next piece meets.
    @Test func `the handle is closed while the sequence waits`() async throws {
        let (isWaiting, isClosed) = (Gate(), Gate())
        let server = try WebSocketTests.echo()
        let session = try SessionHandle(options: WebSocketTests.patient)
        let socket = try await session.webSocket(server.webSocketURL())
        let pieces = AsyncStream<[UInt8]>(unfolding: {
            isWaiting.open()
            await isClosed.passed()
            return [1]
        })
        let sending = Task { try await socket.send(binary: pieces) }
        await isWaiting.passed()
        try socket.close()
        await socket.closed()
        isClosed.open()
        #expect(await sending.failure == .closed(.sendMessage))
        try session.closeAll()
        await session.closed()
    }
}
