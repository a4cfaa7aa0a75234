#if os(Linux)
import Testing

/// A driver fails only if the system or libcurl fails. A test program causes that.
@Suite("Failure of a driver", .timeLimit(.minutes(5)))
struct DriverDeathTests {
    @Test func `it ends all handles of its session with an error, and none of other sessions`() async throws {
        let run = try await TestProgram.run(["driver-death"])
        let connected = "connectingToServer connectedToServer sendingRequest requestSent sendRequestComplete"
        let lost = "closingConnection connectionClosed"
        let failed = "the session's driver has failed"
        let expected = """
            session: \(lost) handleClosing
            connection: handleClosing
            unused: handleClosing
            connecting: connectingToServer requestError(shutdown sendRequest) handleClosing
            waiting: \(connected) receivingResponse \(lost) requestError(shutdown receiveResponse) handleClosing
            unasked: \(connected) receivingResponse \(lost) handleClosing
            reading: \(connected) receivingResponse responseReceived headersAvailable readComplete \(lost) \
            requestError(shutdown readData) handleClosing
            writing: \(connected) \(lost) requestError(shutdown writeData) handleClosing
            unread: \(connected) receivingResponse responseReceived headersAvailable handleClosing
            connecting throws shutdown sendRequest: \(failed)
            waiting throws shutdown receiveResponse: \(failed)
            reading throws shutdown readData: \(failed)
            writing throws shutdown writeData: \(failed)
            later: invalidHandle openRequest: the handle is closed
            neighbour: half-whole
            another: hello

            """
        #expect(run.output == expected)
        #expect(run.status == 0)
    }
}
#endif
