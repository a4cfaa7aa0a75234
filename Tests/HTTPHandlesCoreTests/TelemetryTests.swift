#if TELEMETRY
import HTTPTypes
import Testing

@testable import HTTPHandlesCore

/// What an exchange's actions mean, as far as no server in a test can show it.
@Suite("Telemetry of one exchange")
struct TelemetryRecorderTests {
    /// A recorder with what is around it.
    private struct Recording {
        private var recorder: RequestRecorder
        private var connections = ConnectionCounts()
        private var signals: [TelemetrySignal] = []
        private let message: RequestMessage
        private var time = MonotonicTime(nanoseconds: 0)

        init() throws {
            let origin = Origin(isSecure: true, host: "example.com", port: 443)
            let url = RequestURL(origin, try #require(RequestTarget(Array("/a?b=c".utf8))))
            message = RequestMessage(method: .get, url: url, headerFields: [:])
            let id = HandleID(level: .request, number: 1)
            recorder = RequestRecorder(id, message, knownMethods: TelemetryMethod.known, at: time, &signals)
        }

        mutating func begin() {
            time = time + .seconds(1)
            recorder.attemptBegins(message, at: time, &connections, &signals)
        }

        /// A whole list of actions.
        mutating func take(_ actions: ExchangeAction..., isOver: Bool = false) {
            time = time + .seconds(1)
            for action in actions { recorder.take(action, at: time, &connections, &signals) }
            recorder.settle(isOver: isOver, at: time, &connections, &signals)
        }

        mutating func upgrade() { recorder.upgraded() }

        /// What was signalled, apart from events.
        var lines: [String] {
            signals.compactMap { signal in
                switch signal {
                case .requestBegan: "began"
                case .queueLeft(_, let time): "queued \(time.seconds)"
                case .attemptBegan(let attempt): "attempt \(attempt.resendCount)"
                case .attemptEnded(let attempt, let time):
                    "attempt ended \(attempt.errorType ?? "well") \(time.seconds)"
                case .requestEnded(let record, _):
                    "ended \(record.errorType ?? "well")\(record.isCancelled ? ", cancelled" : "")"
                case .connection(let change): "\(change.name) \(change.id)"
                case .event: nil
                }
            }
        }
    }

    private let address = SocketAddress(host: "192.0.2.1", port: 443)

    @Test func `a request on a dead connection of the pool has two attempts`() throws {
        var recording = try Recording()
        recording.begin()
        recording.take(.useConnection(ConnectionID(1)), .emit(.connectedToServer(address: address)))
        recording.take(.emit(.sendingRequest))
        recording.take(.emit(.connectionClosed))
        recording.take(.useConnection(ConnectionID(2)), .emit(.connectedToServer(address: address)))
        recording.take(.emit(.sendingRequest), .emit(.responseReceived(bytes: 10)))
        recording.take(.releaseConnection, .endBody(nil), isOver: true)
        #expect(
            recording.lines == [
                "began", "attempt 0", "connectionOpened #1", "connectionClosed #1", "connectionOpened #2",
                "attempt ended connectionError 5.0", "attempt 1", "connectionIdle #2", "attempt ended well 1.0",
                "ended well",
            ]
        )
    }

    @Test func `an attempt that failed does not make the request fail`() throws {
        var recording = try Recording()
        let error = HandleError.timeout(.connect, after: .seconds(1), .sendRequest)
        recording.begin()
        recording.take(
            .releaseConnection,
            .abandonTransfer,
            .emit(.retry(attempt: 2, after: .zero, cause: .error(error)))
        )
        recording.begin()
        recording.take(.emit(.responseReceived(bytes: 10)), .releaseConnection, isOver: true)
        #expect(
            recording.lines == [
                "began", "attempt 0", "attempt ended timeout 1.0", "attempt 1", "attempt ended well 1.0", "ended well",
            ]
        )
    }

    /// The error is named after the transfer is gone, and the exchange is over before.
    @Test func `a refused redirect is a failure and no cancellation`() throws {
        var recording = try Recording()
        recording.begin()
        let error = HandleError(.redirectFailed, .receiveResponse, reason: "no")
        recording.take(
            .emit(.responseReceived(status: .found, bytes: 10)),
            .abandonTransfer,
            .fail(error),
            isOver: true
        )
        #expect(
            recording.lines == [
                "began", "attempt 0", "attempt ended redirectFailed 1.0", "ended redirectFailed",
            ]
        )
    }

    @Test func `a request that was closed is cancelled, and an unsuccessful status stays one`() throws {
        for status in [200, 404] {
            var recording = try Recording()
            recording.begin()
            recording.take(.emit(.responseReceived(status: HTTPResponse.Status(code: status), bytes: 10)))
            recording.take(.abandonTransfer, .closeBodies, isOver: true)
            let type = status == 404 ? "404" : "well"
            #expect(
                recording.lines == ["began", "attempt 0", "attempt ended \(type) 2.0", "ended \(type), cancelled"]
            )
            // What comes later is of no interest.
            recording.take(.closeBodies, .fail(.cancelled(.receiveResponse)), isOver: true)
            #expect(recording.lines.count == 4)
        }
    }

    @Test func `a request that was closed in the queue has no attempt`() throws {
        var recording = try Recording()
        recording.take(.emit(.queued))
        recording.take(.abandonTransfer, .fail(.cancelled(.sendRequest)), .closeBodies, isOver: true)
        #expect(recording.lines == ["began", "ended well, cancelled"])
    }

    @Test func `the time in the queue is not that of the attempt`() throws {
        var recording = try Recording()
        recording.take(.emit(.queued))
        recording.begin()
        recording.take(.releaseConnection, isOver: true)
        #expect(
            recording.lines == ["began", "queued 1.0", "attempt 0", "attempt ended well 1.0", "ended well"]
        )
    }

    @Test func `an upgraded connection stays active`() throws {
        var recording = try Recording()
        recording.begin()
        recording.take(.useConnection(ConnectionID(1)), .emit(.connectedToServer(address: address)))
        recording.upgrade()
        recording.take(.emit(.responseReceived(status: .switchingProtocols, bytes: 10)), isOver: true)
        #expect(
            recording.lines == ["began", "attempt 0", "connectionOpened #1", "attempt ended well 2.0", "ended well"]
        )
    }

    // MARK: Connections

    @Test func `a connection is idle when its last request has left it`() {
        var counts = ConnectionCounts()
        var signals: [TelemetrySignal] = []
        let (id, time) = (ConnectionID(1), MonotonicTime(nanoseconds: 0))
        counts.open(id, Origin(isSecure: true, host: "example.com", port: 443), at: time, &signals)
        counts.reuse(id, &signals)
        counts.learn(.http2, of: id)
        counts.release(id, &signals)
        counts.release(id, &signals)
        counts.release(id, &signals)
        counts.reuse(id, &signals)
        counts.close(id, at: time + .seconds(2), &signals)
        counts.close(id, at: time, &signals)
        counts.reuse(ConnectionID(2), &signals)
        let changes: [ConnectionChange] = signals.compactMap {
            if case .connection(let change) = $0 { change } else { nil }
        }
        #expect(changes.map(\.from) == [nil, .active, .idle, .active])
        #expect(changes.map(\.to) == [.active, .idle, .active, nil])
        #expect(changes.map(\.duration) == [nil, nil, nil, .seconds(2)])
        #expect(changes.last?.version == .http2)
    }
}
#endif
