import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes
import Testing

/// Upgrades to other protocols than WebSocket: bytes both ways. The server is like Docker's, which hijacks the connection
/// of a request to attach to a container.
@Suite("Upgraded connections", .timeLimit(.minutes(5)))
struct UpgradedConnectionTests {
    static let answer =
        "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\n"
        + "Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n"

    /// Agrees to the upgrade, and then does what the script says.
    static func server(
        behind: String = "",
        limitsReceiveBuffers: Bool = false,
        _ script: @escaping @Sendable (ServerConnection) throws -> Void
    ) throws -> ScriptedServer {
        try ScriptedServer(limitsReceiveBuffers: limitsReceiveBuffers) { connection in
            guard let head = try connection.readHead(), head["upgrade"] == "tcp", head["connection"] == "Upgrade",
                head["transfer-encoding"] == nil
            else { return }
            try connection.send(answer + behind)
            try script(connection)
        }
    }

    static func attach(_ session: SessionHandle, _ url: String) async throws -> UpgradedHandle {
        let request = try await session.openRequest(.post, url)
        try await request.setOption(.upgradesToProtocol, to: "tcp")
        try await request.send()
        #expect(try await request.receiveResponse().status == .switchingProtocols)
        return try await request.completeUpgrade()
    }

    /// All bytes up to the end.
    static func readAll(_ handle: UpgradedHandle, _ count: Int = .max) async throws -> [UInt8] {
        var all: [UInt8] = []
        while all.count < count {
            let piece = try await handle.read(upTo: count - all.count)
            if piece.isEmpty { break }
            all += piece
        }
        return all
    }

    @Test func `bytes both ways, and the end of each`() async throws {
        let server = try Self.server(behind: "$ ") { connection in
            let line = try connection.read(exactly: 3)
            try connection.send(line)
            // The client's half is over.
            connection.waitForClose()
            try connection.send("bye")
        }
        try await withSession(options: WebSocketTests.patient) { session in
            let attached = try await Self.attach(session, server.url("/containers/x/attach?stream=1"))
            let events = EventRecorder(of: attached)
            #expect(attached.level == .upgraded && attached.level.rawValue == 6)
            #expect(try await Self.readAll(attached, 2) == Array("$ ".utf8))
            try await attached.write("ls\n".utf8)
            #expect(try await Self.readAll(attached, 3) == Array("ls\n".utf8))
            try await attached.shutdown()
            #expect(try await Self.readAll(attached) == Array("bye".utf8))
            let error = await #expect(throws: HandleError.self) { try await attached.write([1]) }
            #expect(error?.code == .connectionError)
            try attached.close()
            let kinds = try await events.finish().map(\.kind)
            #expect(kinds.contains(.writeComplete(bytes: 3)) && kinds.contains(.shutdownComplete))
            #expect(kinds.last == .handleClosing)
        }
    }

    @Test func `much both ways at once, with back-pressure`() async throws {
        let size = 8 << 20
        let server = try Self.server { connection in
            var left = size
            while left > 0 {
                let piece = try connection.read(exactly: min(left, 65_536))
                try connection.send(piece)
                left -= piece.count
            }
            connection.waitForClose()
        }
        try await withSession(options: WebSocketTests.patient) { session in
            let attached = try await Self.attach(session, server.url())
            let sent = (0..<size).map { UInt8(truncatingIfNeeded: $0 >> 4) }
            let writing = Task {
                for start in stride(from: 0, to: size, by: 1 << 20) {
                    try await attached.write(sent[start..<(start + 1 << 20)])
                }
            }
            let received = try await Self.readAll(attached, size)
            try await writing.value
            #expect(received == sent)
        }
    }

    @Test func `what is pending ends when the handle is closed`() async throws {
        let (hasBegun, isOver) = (Gate(), Gate())
        defer { isOver.open() }
        let server = try Self.server { connection in
            _ = try connection.read(exactly: 10)
            hasBegun.open()
            isOver.wait()
        }
        try await withSession(options: WebSocketTests.patient) { session in
            let attached = try await Self.attach(session, server.url())
            let events = EventRecorder(of: attached)
            let reading = Task.immediate { try await attached.read() }
            // More than a server takes that does not read.
            let writing = Task.immediate { try await attached.write([UInt8](repeating: 1, count: 100 << 20)) }
            await hasBegun.passed()
            try attached.close()
            let errors = [await reading.failure, await writing.failure]
            #expect(errors == [.cancelled(.readData), .cancelled(.writeData)])
            let kinds = try await events.finish().map(\.kind).filter { !WebSocketTests.isOfConnection($0) }
            #expect(kinds == errors.compactMap { $0.map(StatusEvent.Kind.requestError) } + [.handleClosing])
        }
    }

    @Test func `a reset by the server, and a response that is no 101`() async throws {
        let server = try ScriptedServer { connection in
            guard let head = try connection.readHead() else { return }
            if head.target == "/no" {
                return try connection.send("HTTP/1.1 409 Conflict\r\nContent-Length: 2\r\n\r\nno")
            }
            try connection.send(Self.answer)
            _ = try connection.read(exactly: 1)
            connection.reset()
        }
        try await withSession(options: WebSocketTests.patient) { session in
            let attached = try await Self.attach(session, server.url())
            try await attached.write([1])
            let error = await #expect(throws: HandleError.self) { try await attached.read() }
            #expect(error?.code == .connectionError && error?.operation == .readData)
            let request = try await session.openRequest(.post, server.url("/no"))
            try await request.setOption(.upgradesToProtocol, to: "tcp")
            try await request.send()
            #expect(try await request.receiveResponse().status == .conflict)
            #expect(try await request.body.collectString(upTo: 10) == "no")
        }
    }

    @Test func `a request that asks for an upgrade has no body, and one socket`() async throws {
        let server = try Self.server { $0.waitForClose() }
        try await withSession(options: WebSocketTests.patient) { session in
            let request = try await session.openRequest(.post, server.url())
            try await request.setOption(.upgradesToProtocol, to: "tcp")
            let body = await #expect(throws: HandleError.self) { try await request.send(.string("body")) }
            #expect(body?.code == .invalidParameter)
            let early = await #expect(throws: HandleError.self) { try await request.completeUpgrade() }
            #expect(early?.code == .incorrectHandleState)
            try await request.send()
            _ = try await request.receiveResponse()
            #expect(try await request.body.collect(upTo: 10) == [])
            let other = await #expect(throws: HandleError.self) { try await request.completeWebSocketUpgrade() }
            #expect(other?.code == .incorrectHandleState)
            let attached = try await request.completeUpgrade()
            let twice = await #expect(throws: HandleError.self) { try await request.completeUpgrade() }
            #expect(twice?.code == .incorrectHandleState)
            #expect(try await request.option(.status) == 101)
            try attached.close()
        }
    }
}
