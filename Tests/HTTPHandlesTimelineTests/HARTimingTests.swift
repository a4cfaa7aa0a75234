import HTTPHandlesCore
import HTTPHandlesTimeline
import HTTPTypes
import Testing

@Suite("Timings of HAR files")
struct HARTimingTests {
    private func timings(_ script: TimelineScript) -> [HARDocument.Timings] {
        Timeline(script.events).hops(of: TimelineScript.request()).map { HARDocument.Timings($0) }
    }

    private func expected(
        _ blocked: Double,
        dns: Double = -1,
        connect: Double = -1,
        ssl: Double = -1,
        _ send: Double,
        _ wait: Double,
        _ receive: Double
    ) -> HARDocument.Timings {
        var timings = HARDocument.Timings(wait: wait)
        (timings.blocked, timings.dns, timings.connect, timings.ssl) = (blocked, dns, connect, ssl)
        (timings.send, timings.receive) = (send, receive)
        return timings
    }

    @Test func `each hop has its phases, and their sum is its time`() {
        let timings = timings(.redirected)
        // Until a connection is reused, it takes 2 ms to begin to send.
        #expect(timings == [expected(5, dns: 3, connect: 12, ssl: 10, 1, 19, 1), expected(2, 1, 7, 9)])
        #expect(timings.map(\.sum) == [41, 19])
    }

    @Test func `earlier attempts are in blocked`() {
        var script = TimelineScript()
        script.create()
        script.exchange(0, 503, on: 1)
        script.add(10, .retry(attempt: 1, after: .milliseconds(90), cause: .status(503)), on: 1)
        script.exchange(100, 503, on: 1, isReused: true)
        script.add(110, .retry(attempt: 2, after: .milliseconds(90), cause: .status(503)), on: 1)
        script.exchange(200, 200, on: 2)
        script.add(215, .readComplete(bytes: 0), on: 2)
        var last = expected(200, connect: 2, 1, 7, 5)
        last.comment = "blocked includes 2 attempts before"
        #expect(timings(script) == [last])
        #expect(HARDocument.Timings([]) == expected(-1, 0, 0, 0))
    }
}
