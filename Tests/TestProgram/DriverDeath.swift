#if os(Linux)
import HTTPHandles
import HTTPHandlesTesting
import TransfersInEveryPhase

/// A session whose driver fails while its requests are in every phase, and another session. Prints the events of every
/// handle, and the errors of all pending operations.
struct DriverDeath {
    private let server: ScriptedServer
    private let unreachable: UnreachablePort
    /// The server sends the second half of a body.
    private let rest: Gate
    private let session: SessionHandle

    init() throws {
        let rest = Gate()
        self.rest = rest
        unreachable = try UnreachablePort()
        server = try ScriptedServer { connection in
            connection.limitReceiveBuffer(to: 4096)
            switch try connection.readHead()?.target {
            case "/whole": try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
            case "/half":
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf-")
                rest.wait()
                try connection.send("whole")
            case "/upload": rest.wait()
            default: break
            }
            connection.waitForClose()
        }
        session = try SessionHandle()
    }

    func run() async throws {
        let neighbour = try await SessionHandle().get(server.url("/half"))
        var neighbourBody = neighbour.body.makeAsyncIterator()
        let firstHalf = try await neighbourBody.next() ?? []

        let spared = EventQueue.busy
        let connection = try await session.connect(to: "127.0.0.1", port: server.port)
        let unreachableConnection = try await session.connect(to: "127.0.0.1", port: unreachable.port)
        var watched: [(name: String, handle: any Handle, recorder: EventRecorder)] = [
            ("session", session, EventRecorder(of: session)),
            ("connection", connection, EventRecorder(of: connection)),
        ]
        func open(_ name: String, on connection: ConnectionHandle, _ path: String = "/") async throws -> RequestHandle {
            let request = try await connection.openRequest(path == "/upload" ? .put : .get, path)
            watched.append((name, request, EventRecorder(of: request)))
            return request
        }
        var pending: [(name: String, task: Task<Void, any Error>)] = []

        _ = try await open("unused", on: connection)
        let connecting = try await open("connecting", on: unreachableConnection)
        pending.append(("connecting", Task.immediate { try await connecting.send() }))
        _ = try await watched.last?.recorder.first { $0.kind.name == "connectingToServer" }
        let waiting = try await open("waiting", on: connection)
        try await waiting.send()
        pending.append(("waiting", Task.immediate { _ = try await waiting.receiveResponse() }))
        let unasked = try await open("unasked", on: connection)
        try await unasked.send()
        _ = try await watched.last?.recorder.first(.receivingResponse)
        let reading = try await open("reading", on: connection, "/half")
        try await reading.send()
        _ = try await reading.receiveResponse()
        var body = reading.body.makeAsyncIterator()
        _ = try await body.next()
        pending.append(("reading", Task.immediate { _ = try await reading.body.collect(upTo: 10) }))
        let writing = try await open("writing", on: connection, "/upload")
        try await writing.send(.writes())
        let piece = [UInt8](repeating: 0, count: 1 << 24)
        // The first piece fills the buffer; the second waits.
        try await writing.write(piece)
        pending.append(("writing", Task.immediate { try await writing.write(piece) }))
        let unread = try await open("unread", on: connection, "/whole")
        try await unread.send()
        _ = try await unread.receiveResponse()

        EventQueue.replace(EventQueue.busy.subtracting(spared))
        EventQueue.limitDescriptors(to: 1)
        // Wakes the driver, whose next wait fails.
        _ = try? await session.option(.connectTimeout)
        for (_, handle, _) in watched { await handle.closed() }
        EventQueue.limitDescriptors(to: 1024)

        for (name, _, recorder) in watched {
            let kinds = try await recorder.finish().map(\.kind)
            print("\(name):", kinds.map(Self.text).joined(separator: " "))
        }
        for (name, task) in pending { print("\(name) throws", await Self.error { try await task.value }) }
        print("later:", await Self.error { _ = try await session.get(server.url("/whole")) })
        rest.open()
        var text = firstHalf
        while let piece = try await neighbourBody.next() { text += piece }
        print("neighbour:", String(decoding: text, as: UTF8.self))
        let other = try await SessionHandle().get(server.url("/whole"))
        print("another:", String(decoding: try await other.body.collect(upTo: 5), as: UTF8.self))
    }

    private static func text(_ kind: StatusEvent.Kind) -> String {
        if case .requestError(let error) = kind { "requestError(\(error.code) \(error.operation))" } else { kind.name }
    }

    private static func error(_ body: () async throws -> Void) async -> String {
        do {
            try await body()
            return "nothing"
        } catch let error as HandleError {
            // The failing call differs between the back ends.
            return "\(error.code) \(error.operation): \(error.reason.prefix { $0 != ":" })"
        } catch {
            return "\(error)"
        }
    }
}
#endif
