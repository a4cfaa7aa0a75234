import HTTPHandles
import HTTPHandlesTesting
import Testing

/// Another transfer: it receives half of its body before the end of the first one, and the other half afterwards.
struct Neighbour: Sendable {
    private let request: RequestHandle
    private let recorder: EventRecorder
    private let servers: PhaseServers

    init(in session: SessionHandle, _ servers: PhaseServers) async throws {
        self.servers = servers
        let connection = try await session.connect(to: "127.0.0.1", port: servers.server.port)
        request = try await connection.openRequest(.get, "/neighbour")
        // The other half may be late: with a sanitizer, the checks meanwhile take long.
        try await request.setOption(.receiveTimeout, to: .zero)
        recorder = EventRecorder(of: request)
        try await request.send()
        _ = try await request.receiveResponse()
        var body = request.body.makeAsyncIterator()
        #expect(try await body.next() == Array("half-".utf8))
    }

    /// Checks that the transfer completes normally.
    func finish() async throws {
        servers.neighbourMayEnd.open()
        #expect(try await request.body.collect(upTo: 100) == Array("whole".utf8), "the neighbour was affected")
        try request.close()
        let names = try await recorder.finish().map(\.kind.name)
        #expect(
            names == [
                "connectingToServer", "connectedToServer", "sendingRequest", "requestSent", "sendRequestComplete",
                "receivingResponse", "responseReceived", "headersAvailable", "readComplete", "readComplete",
                "readComplete", "handleClosing",
            ],
            "the neighbour was disturbed"
        )
    }
}
