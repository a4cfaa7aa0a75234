import HTTPHandles
import HTTPHandlesTesting
import Testing

/// Every call in every state of a request, in one table.
///
/// The states are those of WinHTTP's documentation, each reached with a real server. Cells:
/// - `ok`: the call succeeds at once;
/// - `waits`: it is pending until the handle is closed, and then throws `.operationCancelled`;
/// - a number: it fails with that error (6 invalidHandle, 12019 incorrectHandleState, 12029 cannotConnect, 12030
///   connectionError).
@Suite("State table of a request", .timeLimit(.minutes(5)))
struct RequestStateTableTests {
    static let table = """
                        send   write  finish receive read   set    query  fields url    close
        idle            ok     12019  12019  12019   12019  ok     ok     ok     12019  ok
        sending         12019  12019  12019  waits   12019  ok     ok     ok     ok     ok
        writing         ok     ok     ok     waits   12019  ok     ok     ok     ok     ok
        written         ok     12019  12019  waits   12019  ok     ok     ok     ok     ok
        sent            ok     12019  12019  waits   12019  ok     ok     ok     ok     ok
        receiving       12019  12019  12019  12019   12019  ok     ok     ok     ok     ok
        responded       ok     12019  12019  12019   ok     ok     ok     ok     ok     ok
        reading         12019  12019  12019  12019   12019  ok     ok     ok     ok     ok
        finished        ok     12019  12019  12019   ok     ok     ok     ok     ok     ok
        sentAfterWrites ok     12019  12019  waits   12019  ok     ok     ok     ok     ok
        sendFailed      12029  12019  12019  12019   12019  ok     ok     ok     ok     ok
        receiveFailed   ok     12019  12019  12019   12019  ok     ok     ok     ok     ok
        bodyFailed      ok     12019  12019  12019   12030  ok     ok     ok     ok     ok
        closed          6      6      6      6       6      6      6      6      6      6
        """

    enum State: String, CaseIterable, Sendable {
        case idle, sending, writing, written, sent, receiving, responded, reading, finished, sentAfterWrites
        case sendFailed, receiveFailed, bodyFailed, closed
    }

    enum Call: String, CaseIterable, Sendable {
        case send, write, finish, receive, read, set, query, fields, url, close
    }

    /// Table rows, by state.
    static let cells: [State: [Call: String]] = {
        let lines = table.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
        let calls = lines[0].compactMap(Call.init)
        var cells: [State: [Call: String]] = [:]
        for line in lines.dropFirst() {
            guard let state = State(rawValue: line[0]) else { continue }
            cells[state] = Dictionary(uniqueKeysWithValues: zip(calls, line.dropFirst()))
        }
        return cells
    }()

    @Test func `the table has every call in every state`() {
        for state in State.allCases {
            #expect(Set(Self.cells[state, default: [:]].keys) == Set(Call.allCases), "\(state)")
        }
    }

    @Test(arguments: State.allCases, Call.allCases)
    func `a call has the result of the table`(_ state: State, _ call: Call) async throws {
        let expected = try #require(Self.cells[state]?[call])
        let scene = try await Scene(state)
        // A call that waits is pending when this returns.
        let running = Task.immediate { await Self.outcome(of: call, on: scene.request) }
        if expected == "waits" {
            // The queries follow the call on the driver thread, so the call was accepted when they return.
            _ = try await scene.request.option(.sendTimeout)
            try scene.request.close()
            #expect(await running.value == "12017")
        } else {
            #expect(await running.value == expected)
            // A refused call has no effect: other operations are pending until the end.
            if call != .close, state != .closed { try scene.request.close() }
        }
        if let pending = scene.pending { #expect(await pending.value == "12017") }
        await scene.request.closed()
        #expect(try await scene.recorder.finish().last?.kind == .handleClosing)
        scene.walk.sessionIsGone.open()
    }

    static func outcome(of call: Call, on request: RequestHandle) async -> String {
        do throws(HandleError) {
            switch call {
            case .send: try await request.send()
            case .write: try await request.write([1])
            case .finish: try await request.finishWriting()
            case .receive: _ = try await request.receiveResponse()
            case .read:
                var iterator = request.body.makeAsyncIterator()
                _ = try await iterator.next()
            case .set: try await request.setOption(.sendTimeout, to: .seconds(20))
            case .query: _ = try await request.option(.sendTimeout)
            case .fields: try await request.addHeaderFields([.from: "x"], rule: .replace)
            case .url: _ = try await request.option(.url)
            case .close: try request.close()
            }
            return "ok"
        } catch {
            return "\(error.code.rawValue)"
        }
    }

    /// A request in a state, with its session and server.
    struct Scene {
        let walk = WalkCensus()
        let server: ScriptedServer
        let session: SessionHandle
        let request: RequestHandle
        let recorder: EventRecorder
        /// The pending operation of the state.
        var pending: Task<String, Never>?

        init(_ state: State) async throws {
            server = try ServerBehaviour.server(for: walk)
            session = try SessionHandle()
            let behaviour: ServerBehaviour =
                switch state {
                case .sending: .stallReading
                case .written, .sent, .receiving, .sentAfterWrites: .stallBeforeHead
                case .reading: .stallInBody
                case .sendFailed: .refused
                case .receiveFailed: .cutBeforeHead
                case .bodyFailed: .cutInBody
                default: .hello
                }
            // Port 1 has no listener.
            let port = behaviour == .refused ? 1 : server.port
            let connection = try await session.connect(to: "127.0.0.1", port: port)
            let uploads: Set<State> = [.sending, .writing, .written, .sentAfterWrites]
            request = try await connection.openRequest(uploads.contains(state) ? .post : .get, behaviour.target(1))
            recorder = EventRecorder(of: request)
            try await enter(state)
        }

        private mutating func enter(_ state: State) async throws {
            switch state {
            case .idle: break
            case .sending:
                pending = Task.immediate { [request] in
                    do throws(HandleError) {
                        try await request.send(.bytes([UInt8](repeating: 0, count: 32 << 20)))
                        return "ok"
                    } catch {
                        return "\(error.code.rawValue)"
                    }
                }
                try await recorder.first(.sendingRequest)
            case .writing: try await request.send(.writes())
            case .written:
                try await request.send(.writes())
                try await request.finishWriting()
            case .sentAfterWrites:
                try await request.send(.writes())
                try await request.send()
            case .sent: try await request.send()
            case .receiving:
                try await request.send()
                pending = Task.immediate { [request] in await RequestStateTableTests.outcome(of: .receive, on: request)
                }
            case .responded, .reading, .finished, .bodyFailed:
                try await request.send()
                _ = try await request.receiveResponse()
                if state == .responded { return }
                if state == .reading {
                    var iterator = request.body.makeAsyncIterator()
                    _ = try await iterator.next()
                    pending = Task.immediate { [request] in await RequestStateTableTests.outcome(of: .read, on: request)
                    }
                    return
                }
                _ = try? await request.body.collect(upTo: 100)
            case .sendFailed: _ = try? await request.send()
            case .receiveFailed:
                try await request.send()
                _ = try? await request.receiveResponse()
            case .closed: try request.close()
            }
        }
    }
}
