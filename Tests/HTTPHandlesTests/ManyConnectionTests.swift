import Foundation
import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes
import Testing

/// Requests beside so many silent ones to another server that libcurl is made to forget the connection of each transfer
/// (decision 0032). What belongs to the session must stay with it.
@Suite("Requests beside many connections", .timeLimit(.minutes(5)))
struct ManyConnectionTests {
    /// More than the number from which on libcurl forgets.
    private static let count = 120

    /// Requests that were sent and are not answered.
    private static func silentRequests(
        _ session: SessionHandle,
        _ server: ScriptedServer
    ) async throws -> [(request: RequestHandle, recorder: EventRecorder)] {
        try await withThrowingTaskGroup { group in
            for _ in 0..<count {
                group.addTask {
                    let request = try await session.openRequest(.get, server.url())
                    try await request.setOption(.responseTimeout, to: .zero)
                    let recorder = EventRecorder(of: request)
                    try await request.send()
                    return (request, recorder)
                }
            }
            var requests: [(RequestHandle, EventRecorder)] = []
            for try await request in group { requests.append(request) }
            return requests
        }
    }

    private static func silentServer() throws -> ScriptedServer {
        try ScriptedServer { connection in connection.waitForClose() }
    }

    @discardableResult
    private static func get(_ session: SessionHandle, _ url: String) async throws -> String {
        String(decoding: try await session.get(url).body.collect(upTo: 1000), as: UTF8.self)
    }

    @Test func `list, limits and ends of connections`() async throws {
        let silent = try Self.silentServer()
        let servers = try [CookieTests.mirror(), CookieTests.mirror()]
        let session = try SessionHandle()
        let requests = try await Self.silentRequests(session, silent)
        for _ in 0..<20 {
            for server in servers { try await Self.get(session, server.url()) }
        }
        #expect(servers.map(\.connectionsAccepted) == [1, 1])

        let list = try await session.connections()
        let busy = list.filter { $0.activeRequests == 1 }
        let idle = list.filter { $0.activeRequests == 0 }
        #expect(list.count == Self.count + 2 && Set(list.map(\.id)).count == list.count)
        #expect(busy.count == Self.count && busy.allSatisfy { $0.peer.port == silent.port && $0.requests == 1 })
        #expect(Set(idle.map(\.peer.port)) == Set(servers.map(\.port)) && idle.map(\.requests) == [20, 20])

        // The oldest idle connection goes, and a busy one never does.
        let recorder = EventRecorder(of: session)
        try await session.setOption(.poolLimits, to: PoolLimits(idleConnections: 1))
        let closed = try await recorder.first(.connectionClosed)
        #expect(closed?.connection == idle.first { $0.peer.port == servers[0].port }?.id)
        #expect(try await session.closeIdleConnections() == 1)
        #expect(try await session.connections().map(\.id) == busy.map(\.id))
        for server in servers { try await Self.get(session, server.url()) }
        #expect(servers.map(\.connectionsAccepted) == [2, 2])

        // Closing a request closes its connection and no other.
        let (first, firstRecorder) = requests[0]
        try first.close()
        let kinds = try await firstRecorder.finish().map(\.kind)
        #expect(kinds.suffix(3) == [.closingConnection, .connectionClosed, .handleClosing])
        #expect(try await session.connections().count { $0.activeRequests == 1 } == Self.count - 1)
        try session.closeAll()
        for (_, recorder) in requests.dropFirst() {
            let kinds = try await recorder.finish().map(\.kind)
            #expect(kinds.suffix(3) == [.closingConnection, .connectionClosed, .handleClosing])
        }
    }

    @Test func `cookies are on and off as the options say`() async throws {
        let silent = try Self.silentServer()
        let server = try CookieTests.mirror()
        let session = try CookieTests.session(server)
        let requests = try await Self.silentRequests(session, silent)
        let connection = try await session.connect(to: "example.com", port: server.port)
        for (turn, isOn) in [true, true, false, false, true, false, true, true].enumerated() {
            let fields: HTTPFields = [.set: "n\(turn)=1"]
            let request = try await connection.openRequest(.get, "/", headerFields: fields)
            try await request.setOption(.usesCookies, to: isOn)
            try await request.send()
            _ = try await request.receiveResponse()
            let seen = String(decoding: try await request.body.collect(upTo: 1000), as: UTF8.self)
            let expected = [1: [0], 4: [0, 1], 6: [0, 1, 4], 7: [0, 1, 4, 6]][turn] ?? []
            #expect(CookieTests.sorted(seen) == expected.map { "n\($0)=1" }.joined(separator: "; "), "\(turn)")
            // The next request gets the same easy handle.
            try request.close()
            await request.closed()
        }
        #expect(try await session.cookies.list().map(\.name).sorted() == ["n0", "n1", "n4", "n6", "n7"])
        for (request, _) in requests { try request.close() }
    }

    @Test func `TLS sessions are resumed`() async throws {
        let silent = try Self.silentServer()
        let servers = try TLSServers.shared.get()
        let session = try SessionHandle(options: [
            .set(.serverTrust, to: .authorities(inFile: servers.authorityFile)), .set(.httpVersions, to: .http1_1),
            .set(.keepAlive, to: false),
        ])
        let requests = try await Self.silentRequests(session, silent)
        var resumed: [Substring] = []
        for _ in 0..<3 {
            let words = try await Self.get(session, servers.url(.good)).split(separator: "|")
            try #require(words.count > 2)
            // The second one, the name in the certificate of the client, is empty.
            resumed.append(words[1])
        }
        #expect(resumed == [".", "r", "r"])
        for (request, _) in requests { try request.close() }
    }

    @Test func `requests over HTTP/2 share a connection`() async throws {
        let silent = try Self.silentServer()
        let nginx = try Nginx.shared.get()
        let session = try SessionHandle(options: [.set(.serverTrust, to: .authorities(inFile: nginx.authorityFile))])
        let requests = try await Self.silentRequests(session, silent)
        for _ in 0..<3 {
            try await withThrowingTaskGroup { group in
                for _ in 0..<20 { group.addTask { try await Self.get(session, nginx.https("/hello")) } }
                for try await text in group { #expect(text == "hello") }
            }
        }
        let shared = try await session.connections().filter { $0.version == .http2 }
        #expect(shared.map(\.requests) == [60] && shared.map(\.activeRequests) == [0])
        for (request, _) in requests { try request.close() }
    }
}

extension HTTPField.Name {
    fileprivate static var set: Self { HTTPField.Name("X-Set") ?? .age }
}
