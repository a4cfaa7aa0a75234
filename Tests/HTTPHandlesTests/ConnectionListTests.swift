import Foundation
import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes
import Testing

/// The network connections of a session: their list, their IDs, their age, and what the system knows of them.
@Suite("List of connections", .timeLimit(.minutes(5)))
struct ConnectionListTests {
    private static func server() throws -> ScriptedServer {
        try ScriptedServer { connection in
            while try connection.readRequest() != nil {
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
            }
        }
    }

    private static func get(_ session: SessionHandle, _ url: String) async throws {
        #expect(try await session.get(url).body.collect(upTo: 100).count > 0)
    }

    @Test func `connections in use and idle`() async throws {
        let gates = [Gate(), Gate()]
        let server = try QueueTests.gated(gates)
        let session = try SessionHandle()
        #expect(try await session.connections() == [])
        let requests = try await [
            session.openRequest(.get, server.url("/0")), session.openRequest(.get, server.url("/1")),
        ]
        for request in requests { try await request.send() }
        gates[0].open()
        _ = try await requests[0].receiveResponse()
        try await requests[0].readAll()
        let list = try await session.connections()
        #expect(list.map(\.activeRequests).sorted() == [0, 1])
        #expect(list.map { $0.idleTime == nil }.sorted { $0 && !$1 } == [true, false])
        #expect(Set(list.map(\.id)).count == 2)
        for connection in list {
            #expect(connection.origin == "http://127.0.0.1:\(server.port)")
            #expect(connection.peer == SocketAddress(host: "127.0.0.1", port: server.port))
            #expect(connection.local.host == "127.0.0.1" && connection.local.port > 0)
            #expect(connection.version == .http1_1)
            #expect(connection.tlsVersion == nil && connection.cipher == nil)
            #expect(connection.requests == 1)
            #expect(connection.age > .zero)
        }
        gates[1].open()
        _ = try await requests[1].receiveResponse()
        try await requests[1].readAll()
        for _ in 0..<3 { try await Self.get(session, server.url("/0")) }
        #expect(try await session.connections().map(\.requests).reduce(0, +) == 5)

        let recorder = EventRecorder(of: session)
        let ids = try await session.connections().map(\.id)
        #expect(try await session.closeIdleConnections() == 2)
        #expect(try await session.connections() == [])
        #expect(try await session.closeIdleConnections() == 0)
        try session.closeAll()
        let events = try await recorder.finish().dropLast()
        #expect(events.map(\.kind) == [.closingConnection, .connectionClosed, .closingConnection, .connectionClosed])
        #expect(Set(events.map(\.connection)) == Set(ids))
        await #expect(throws: HandleError.closed(.queryOption)) { try await session.connections() }
        await #expect(throws: HandleError.closed(.setOption)) { try await session.closeIdleConnections() }
    }

    @Test func `TLS and HTTP/2`() async throws {
        let nginx = try Nginx.shared.get()
        let session = try SessionHandle(options: [.set(.serverTrust, to: .authorities(inFile: nginx.authorityFile))])
        for _ in 0..<3 { try await Self.get(session, nginx.https("/hello")) }
        try await session.setOption(.httpVersions, to: .http1_1)
        try await Self.get(session, nginx.https("/hello"))
        let list = try await session.connections()
        #expect(list.map(\.version) == [.http2, .http1_1])
        #expect(list.map(\.requests) == [3, 1])
        #expect(list.map(\.origin) == Array(repeating: "https://localhost:\(nginx.httpsPort)", count: 2))
        #expect(list.allSatisfy { $0.tlsVersion?.hasPrefix("TLSv1.") == true && $0.cipher?.isEmpty == false })
    }

    @Test func `a Unix socket has no TCP statistics`() async throws {
        let scratch = try Scratch()
        let gate = Gate()
        let server = try ScriptedServer(unixSocket: scratch.path("socket")) { connection in
            while try connection.readRequest() != nil {
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
                gate.wait()
                try connection.send("hello")
            }
        }
        let session = try SessionHandle(options: [.set(.unixSocket, to: .path(server.address))])
        let response = try await session.get(server.url())
        defer { gate.open() }
        #expect(response.status == .ok)
        let connection = try #require(try await session.connections().first)
        #expect(connection.peer == SocketAddress(host: server.address, port: 0))
        #expect(connection.statistics == nil)
        #expect(connection.origin == "http://localhost")
    }

    @Test func `events and connectionInfo have the ID of the connection`() async throws {
        let server = try Self.server()
        let session = try SessionHandle()
        var ids: [ConnectionID?] = []
        for index in 0..<3 {
            if index == 2 { try await session.closeIdleConnections() }
            let request = try await session.openRequest(.get, server.url())
            let recorder = EventRecorder(of: request)
            try await request.complete()
            let id = try await request.option(.connectionInfo).id
            try request.close()
            let events = try await recorder.finish()
            #expect(events.allSatisfy { $0.connection == id && id != nil })
            ids.append(id)
        }
        #expect(ids.map { $0?.number } == [1, 1, 2])
        #expect("\(String(describing: ids[2]))" == "Optional(#2)")
    }

    @Test func `TCP statistics`() async throws {
        let server = try Self.server()
        let session = try SessionHandle()
        let request = try await session.openRequest(.get, server.url())
        await #expect(throws: HandleError.self) { try await request.option(.connectionStatistics) }
        try await request.complete()
        let statistics = try await request.option(.connectionStatistics)
        #expect(statistics.bytesReceived == 43)
        #expect(statistics.bytesSent > 40)
        #expect(statistics.roundTripTime > .zero && statistics.minimumRoundTripTime <= statistics.roundTripTime)
        #expect(statistics.congestionWindow > 0 && statistics.maximumSegmentSize > 500)
        #expect(statistics.retransmissions == 0)
        try await session.closeIdleConnections()
        // The connection is gone.
        await #expect(throws: HandleError.self) { try await request.option(.connectionStatistics) }
    }

    @Test func `trafficClass`() async throws {
        let server = try Self.server()
        let session = try SessionHandle(options: [.set(.trafficClass, to: TrafficClass(dscp: 46, priority: 5))])
        try await Self.get(session, server.url())
        let socket = try #require(ClientSocket(to: server.port))
        #expect(socket.option(Int32(IPPROTO_IP), IP_TOS) == 46 << 2)
        #expect(socket.option(SOL_SOCKET, SO_PRIORITY) == 5)
        let six = try ScriptedServer(address: "::1") { connection in
            while try connection.readRequest() != nil {
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
            }
        }
        try await Self.get(session, six.url())
    }

    // MARK: Age

    @Test func `an idle connection is closed at its greatest age`() async throws {
        let server = try Self.server()
        let session = try SessionHandle()
        try await Self.get(session, server.url())
        let recorder = EventRecorder(of: session)
        try await session.setOption(.poolLimits, to: PoolLimits(age: .milliseconds(20)))
        _ = try await recorder.first(.connectionClosed)
        #expect(recorder.events.map(\.kind) == [.closingConnection, .connectionClosed])
    }

    @Test func `a connection that is too old gets no further request`() async throws {
        let server = try Self.server()
        let session = try SessionHandle(options: [.set(.poolLimits, to: PoolLimits(age: .nanoseconds(1)))])
        let recorder = EventRecorder(of: session, scope: .tree)
        for _ in 0..<3 { try await Self.get(session, server.url()) }
        #expect(server.connectionsAccepted == 3)
        try session.closeAll()
        #expect(!(try await recorder.finish().contains { $0.kind.name == "connectionReused" }))
    }

    @Test func `a shared connection that is too old gets no further request either`() async throws {
        let nginx = try Nginx.shared.get()
        let gate = Gate()
        let slow = try QueueTests.gated([gate])
        let session = try SessionHandle(options: [
            .set(.serverTrust, to: .authorities(inFile: nginx.authorityFile)),
            .set(.poolLimits, to: PoolLimits(age: .nanoseconds(1))),
        ])
        let first = try await session.openRequest(.get, nginx.https("/face/\(slow.port)/0"))
        try await first.send()
        for _ in 0..<2 { try await Self.get(session, nginx.https("/hello")) }
        gate.open()
        #expect(try await first.receiveResponse().status == .ok)
        let ids = try await session.connections().map(\.id.number)
        #expect(ids.contains(1) || ids.isEmpty)
    }

    @Test(arguments: [
        PoolLimits(idleConnections: -1), PoolLimits(idleTime: .seconds(-1)), PoolLimits(age: .zero),
        PoolLimits(age: .seconds(-1)),
    ])
    func `limits out of range`(_ limits: PoolLimits) async throws {
        let session = try SessionHandle()
        let error = await #expect(throws: HandleError.self) { try await session.setOption(.poolLimits, to: limits) }
        #expect(error?.code == .invalidParameter)
    }

    @Test(arguments: [TrafficClass(dscp: 64), TrafficClass(dscp: -1), TrafficClass(priority: 7)])
    func `classes out of range`(_ traffic: TrafficClass) async throws {
        let session = try SessionHandle()
        let error = await #expect(throws: HandleError.self) { try await session.setOption(.trafficClass, to: traffic) }
        #expect(error?.code == .invalidParameter)
    }
}
