import HTTPHandles
import HTTPHandlesTesting
import Testing

extension PhaseServers {
    /// The next request gets a connection slot at once.
    func checkSlot(_ session: SessionHandle) async throws {
        let connection = try await session.connect(to: "127.0.0.1", port: server.port)
        let request = try await connection.openRequest(.get, "/whole")
        let recorder = EventRecorder(of: request)
        try await request.send()
        #expect(try await request.receiveResponse().status == 200)
        try request.close()
        let kinds = try await recorder.finish().map(\.kind)
        #expect(!kinds.contains(.queued), "the connection slot was not released")
    }
}
