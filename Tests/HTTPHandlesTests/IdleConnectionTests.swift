import Foundation
import HTTPHandles
import HTTPHandlesLock
import HTTPHandlesTesting
import Testing

/// Connections that no request uses.
@Suite("Idle connections", .timeLimit(.minutes(5)))
struct IdleConnectionTests {
    /// Answers each request with its target. On the first connection it sends unsolicited bytes after the response.
    private final class UnsolicitedServer: Sendable {
        let server: ScriptedServer
        let maySend = Gate()
        let hasSent = Gate()

        init(_ forgery: String) throws {
            server = try ScriptedServer { [maySend, hasSent] connection in
                while let request = try connection.readRequest() {
                    let target = request.head.target
                    try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(target.utf8.count)\r\n\r\n\(target)")
                    guard connection.number == 0 else { continue }
                    maySend.wait()
                    try connection.send(forgery)
                    hasSent.open()
                }
            }
        }
    }

    private static let forgeries = [
        "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged",
        "\r\n",
        "x",
    ]

    private static func text(_ response: Response) async throws -> String {
        String(decoding: try await response.body.collect(upTo: 100), as: UTF8.self)
    }

    @Test(arguments: forgeries)
    func `unsolicited bytes close it at once`(forgery: String) async throws {
        let peer = try UnsolicitedServer(forgery)
        let session = try SessionHandle()
        #expect(try await Self.text(session.get(peer.server.url("/first"))) == "/first")
        let recorder = EventRecorder(of: session)
        peer.maySend.open()
        _ = try await recorder.first(.connectionClosed)
        #expect(recorder.events.map(\.kind) == [.closingConnection, .connectionClosed])
        #expect(try await Self.text(session.get(peer.server.url("/second"))) == "/second")
        #expect(peer.server.connectionsAccepted == 2)
    }

    enum Body: CaseIterable { case none, bytes, stream }

    /// The driver thread is blocked until the bytes have arrived, and starts the request before it polls its sockets.
    @Test(arguments: forgeries, Body.allCases)
    func `unsolicited bytes are found before a request is sent`(forgery: String, body: Body) async throws {
        let peer = try UnsolicitedServer(forgery)
        let session = try SessionHandle()
        #expect(try await Self.text(session.get(peer.server.url("/first"))) == "/first")
        let recorder = EventRecorder(of: session, scope: .tree)
        let second = Task(executorPreference: session.executor) {
            peer.maySend.open()
            peer.hasSent.wait()
            let request = HTTPRequest(
                method: body == .none ? .get : .post,
                scheme: "http",
                authority: "127.0.0.1:\(peer.server.port)",
                path: "/second"
            )
            switch body {
            case .none: return try await Self.text(session.fetch(request))
            case .bytes: return try await Self.text(session.fetch(request, body: .string("body")))
            case .stream:
                let pieces = AsyncStream<[UInt8]> { continuation in
                    continuation.yield(Array("body".utf8))
                    continuation.finish()
                }
                return try await Self.text(session.fetch(request, body: .stream(pieces)))
            }
        }
        #expect(try await second.value == "/second")
        #expect(peer.server.connectionsAccepted == 2)
        try session.close()
        await session.closed()
        let events = try await recorder.finish()
        #expect(!events.map(\.kind.name).contains("connectionReused"))
    }

    @Test func `one that the server closes is closed without a request`() async throws {
        let mayClose = Gate()
        let server = try ScriptedServer { connection in
            _ = try connection.readRequest()
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            mayClose.wait()
        }
        let session = try SessionHandle()
        #expect(try await Self.text(session.get(server.url())) == "ok")
        let recorder = EventRecorder(of: session)
        mayClose.open()
        _ = try await recorder.first(.connectionClosed)
        #expect(recorder.events.map(\.kind) == [.closingConnection, .connectionClosed])
    }

    @Test func `one is closed after its idle time`() async throws {
        let server = try Self.answering()
        let session = try SessionHandle(options: [.set(.poolLimits, to: PoolLimits(idleTime: nil))])
        #expect(try await Self.text(session.get(server.url())) == "ok")
        let recorder = EventRecorder(of: session)
        try await session.setOption(.poolLimits, to: PoolLimits(idleTime: .milliseconds(20)))
        _ = try await recorder.first(.connectionClosed)
        #expect(recorder.events.map(\.kind) == [.closingConnection, .connectionClosed])
    }

    @Test func `those above the limit are closed, the newest are kept`() async throws {
        let count = 8
        let arrived = Lock(0)
        let allArrived = Gate()
        let server = try ScriptedServer { connection in
            while let request = try connection.readRequest() {
                if request.head.target == "/together" {
                    arrived.withLock { arrived in
                        arrived += 1
                        if arrived == count { allArrived.open() }
                    }
                    allArrived.wait()
                }
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            }
        }
        let session = try SessionHandle(options: [.set(.poolLimits, to: PoolLimits(idleConnections: 2))])
        let recorder = EventRecorder(of: session)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<count {
                group.addTask {
                    let text = try await Self.text(session.get(server.url("/together")))
                    #expect(text == "ok")
                }
            }
            try await group.waitForAll()
        }
        let closed = Lock<Set<Int>>([])
        // Waits more than once for an event.
        _ = try await recorder.first { event in
            guard event.kind == .connectionClosed else { return false }
            return closed.withLock { closed in
                closed.insert(event.sequence)
                return closed.count >= count - 2
            }
        }
        for _ in 0..<2 { #expect(try await Self.text(session.get(server.url("/alone"))) == "ok") }
        #expect(server.connectionsAccepted == count)
        #expect(recorder.events.filter { $0.kind == .connectionClosed }.count == count - 2)
    }

    @Test func `a started program does not inherit connections`() async throws {
        let server = try Self.answering()
        let session = try SessionHandle()
        #expect(try await Self.text(session.get(server.url())) == "ok")
        let socket = try #require(ClientSocket(to: server.port))
        #expect(socket.descriptorFlags == FD_CLOEXEC)
        let run = try await TestProgram.run("/bin/ls", ["/proc/self/fd"])
        #expect(!run.output.split(separator: "\n").contains("\(socket.descriptor)"))
        _ = session
    }

    private static func answering() throws -> ScriptedServer {
        try ScriptedServer { connection in
            while try connection.readRequest() != nil {
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            }
        }
    }
}
