import HTTPHandles
import HTTPHandlesLock
import HTTPHandlesTesting
import Testing

@Suite("Concurrent requests", .timeLimit(.minutes(5)))
struct ConcurrentRequestTests {
    @Test(arguments: [HTTPVersionPolicy.automatic, .http1_1])
    func `a request does not wait for the response to another one`(versions: HTTPVersionPolicy) async throws {
        let requests = 16
        let arrived = Lock(0)
        let allArrived = Gate()
        let server = try ScriptedServer { connection in
            while try connection.readRequest() != nil {
                let count = arrived.withLock { arrived in
                    arrived += 1
                    return arrived
                }
                if count == requests { allArrived.open() }
                allArrived.wait()
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            }
        }
        try await withSession(options: [.set(.httpVersions, to: versions)]) { session in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<requests {
                    group.addTask {
                        let response = try await session.get(server.url())
                        #expect(response.status == .ok)
                    }
                }
                try await group.waitForAll()
            }
        }
        #expect(server.connectionsAccepted == requests)
    }
}
