import HTTPHandlesCore
import HTTPHandlesTimeline
import HTTPTypes
import Testing

@Suite("Timelines")
struct TimelineTests {
    /// Number within the hop, connection, status, outcome and phases of each attempt, in milliseconds.
    private func summary(_ script: TimelineScript) -> [String] {
        Timeline(script.events).attempts.map { attempt in
            let phases = attempt.segments.map { "\($0.phase) \($0.start.whole)-\($0.end.whole)" }
            let connection = attempt.connection.map { "\($0)\(attempt.isReused ? " reused" : "")" } ?? "-"
            return "\(attempt.hop).\(attempt.number) \(connection) \(attempt.status ?? 0) \(attempt.outcome): "
                + phases.joined(separator: ", ")
        }
    }

    @Test func `a redirect is an attempt of its own`() {
        #expect(
            summary(.redirected) == [
                "0.1 #7 302 redirected: queue 0-5, name 5-8, connect 8-10, secure 10-20, send 20-21, wait 21-40, receive 40-41",
                "1.1 #7 reused 200 complete: send 44-45, wait 45-52, receive 52-61",
            ]
        )
        let timeline = Timeline(TimelineScript.redirected.events)
        #expect(timeline.connections.map(\.attempts) == [[0, 1]])
        #expect(timeline.connections.map(\.closed) == [.milliseconds(71)])
        #expect(timeline.connections.map(\.opened) == [.milliseconds(8)])
        #expect(timeline.handles.map(\.id) == [TimelineScript.connection, TimelineScript.session])
    }

    @Test func `each sending of a request is an attempt`() {
        var script = TimelineScript()
        script.create()
        // The connection of the pool is dead; then a 401; then a 503, which is sent again and fails.
        script.exchange(0, 401, on: 1, isReused: true)
        script.add(11, .sendingRequest, on: 1)
        script.add(12, .receivingResponse, on: 1)
        script.add(13, .closingConnection, on: 1)
        script.add(13, .connectionClosed, on: 1)
        script.exchange(20, 503, on: 2)
        script.add(31, .retry(attempt: 1, after: .milliseconds(100), cause: .status(503)), on: 2)
        script.add(131, .connectingToServer(address: TimelineScript.address), on: 3)
        script.add(132, .connectingToServer(address: TimelineScript.address), on: 3)
        script.add(140, .requestError(HandleError(.cannotConnect, .receiveResponse, reason: "refused")), on: 3)
        script.add(141, .requestError(HandleError(.incorrectHandleState, .receiveResponse, reason: "")), on: 3)
        script.add(150, .handleClosing, on: 3)
        #expect(
            summary(script) == [
                "0.1 #1 reused 401 resent: send 2-3, wait 3-10, receive 10-11",
                "0.2 #1 reused 0 resent: send 11-12, wait 12-13",
                "0.3 #2 503 retried(after: 0.1 seconds): connect 20-22, send 22-23, wait 23-30, receive 30-31",
                "0.4 #3 0 failed(\"cannotConnect (12029)\"): connect 131-140",
            ]
        )
    }

    @Test func `a failed handshake is a failure, a closed handle an open end`() {
        var failed = TimelineScript()
        failed.create()
        failed.add(0, .connectingToServer(address: TimelineScript.address), on: 1)
        failed.add(1, .connectedToServer(address: TimelineScript.address), on: 1)
        failed.add(3, .tunnelEstablished, on: 1)
        failed.add(3, .securingConnection, on: 1)
        failed.add(9, .closingConnection, on: 1)
        failed.add(9, .secureFailure(.unknownAuthority), on: 1)
        failed.add(9, .requestError(HandleError(.secureFailure, .sendRequest, reason: "")), on: 1)
        #expect(summary(failed) == ["0.1 #1 0 failed(\"secureFailure (12175)\"): connect 0-1, connect 1-3, secure 3-9"])
        var closed = TimelineScript()
        closed.create()
        closed.exchange(0, 200, on: 1)
        closed.add(15, .readComplete(bytes: 4), on: 1)
        closed.add(99, .handleClosing, on: 1)
        #expect(summary(closed) == ["0.1 #1 200 open: connect 0-2, send 2-3, wait 3-10, receive 10-15"])
    }

    @Test func `attempts beyond the limit are counted`() {
        var timeline = Timeline(limit: 2)
        for number in 0..<5 as Range<UInt64> {
            var script = TimelineScript()
            script.create(TimelineScript.request(number + 3))
            script.exchange(Double(number), 200, TimelineScript.request(number + 3), on: 1, isReused: number > 0)
            for event in script.events { timeline.add(event) }
        }
        #expect(timeline.attempts.count == 2 && timeline.omitted == 3)
        #expect(timeline.connections.map(\.attempts) == [[0, 1]])
    }
}

extension Duration {
    fileprivate var whole: Int { Int(milliseconds) }
}
