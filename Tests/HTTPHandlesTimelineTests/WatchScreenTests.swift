import HTTPHandlesCore
import HTTPHandlesTimeline
import HTTPTypes
import Testing

@Suite("The live view")
struct WatchScreenTests {
    private static let progress: WatchScreen.Progress = {
        var progress = WatchScreen.Progress(rounds: 3)
        (progress.round, progress.requests, progress.failures) = (2, 5, 1)
        return progress
    }()

    @Test func `handles, connections, requests and events have their parts`() {
        var script = TimelineScript()
        script.add(0, .handleCreated(parent: TimelineScript.session), TimelineScript.connection)
        script.create()
        script.exchange(0, 200, on: 1)
        script.add(20, .readComplete(bytes: 0), on: 1)
        script.add(20, .handleClosing, on: 1)
        let second = TimelineScript.request(4)
        script.create(second, "http://h:8080/\u{1B}[31m")
        script.add(30, .connectionReused(address: TimelineScript.address), second, on: 1)
        script.add(32, .sendingRequest, second, on: 1)
        script.add(33, .receivingResponse, second, on: 1)
        let view = WatchScreen(
            Timeline(script.events),
            Self.progress,
            ["one", "two \u{1B}[2J"],
            now: .milliseconds(43),
            on: Screen(columns: 80, rows: 20)
        )
        #expect(
            view.lines == [
                "http-handles watch: round 2 of 3, 5 requests, 1 failed, 0 s (Ctrl-C ends)", "handles", "  session 1",
                "    connection 2  handleCreated",
                "      request 4  receivingResponse  GET http://h:8080/\\u{1b}[31m", "connections",
                "  #1 127.0.0.1:8080  open, used 2 times", "requests",
                "     1 200 #1 new         20.000 ms |cccswwwwwwwwwrrrrrrrrrrrrr| GET http://h:8",
                "     2 --- #1             13.000 ms |sssswwwwwwwwwwwww         | GET http://h:8", "events", "  one",
                "  two \\u{1b}[2J",
            ]
        )
    }

    @Test func `it fits any terminal`() {
        var timeline = Timeline()
        for number in 0..<100 as Range<UInt64> {
            var script = TimelineScript()
            let request = TimelineScript.request(number + 3)
            script.create(request, "http://h/" + String(repeating: "x", count: 300))
            script.exchange(Double(number), 200, request, on: number)
            for event in script.events { timeline.add(event) }
        }
        let events = [String](repeating: String(repeating: "e", count: 300), count: 100)
        for (columns, rows) in [(40, 10), (80, 24), (500, 500)] {
            let screen = Screen(columns: columns, rows: rows)
            let lines = WatchScreen(timeline, Self.progress, events, now: .seconds(Int64.max), on: screen).lines
            #expect(lines.count <= rows && lines.allSatisfy { $0.utf8.count <= columns })
            #expect(lines.contains("events") && lines.contains("requests"))
        }
    }

    @Test func `old attempts are forgotten, with their connections`() {
        var timeline = Timeline()
        for number in 0..<10 as Range<UInt64> {
            var script = TimelineScript()
            let request = TimelineScript.request(number + 3)
            script.create(request)
            script.exchange(Double(number), 200, request, on: number / 2, isReused: number % 2 == 1)
            script.add(50, .readComplete(bytes: 0), request, on: number / 2)
            script.add(50, .connectionClosed, TimelineScript.session, on: number / 2)
            for event in script.events { timeline.add(event) }
            timeline.forget(keeping: 3)
        }
        #expect(timeline.attempts.map(\.request.number) == [10, 11, 12])
        #expect(timeline.attempts.allSatisfy { $0.outcome == .complete })
        #expect(timeline.forgotten == 7)
        #expect(timeline.connections.map(\.attempts) == [[0], [1, 2]])
        #expect(timeline.connections.map(\.uses) == [2, 2])
    }

    @Test func `without a terminal an attempt is a line`() throws {
        let attempts = Timeline(TimelineScript.redirected.events).attempts
        #expect(
            attempts.enumerated().map { WatchScreen.line($0 + 1, $1) }
                == [
                    "1  GET http://h:8080/first?key=(redacted)  status 302, new connection #7 to 127.0.0.1:8080, redirected  41.000 ms",
                    "2  -> http://h:8080/second  status 200, reused connection #7  19.000 ms",
                ]
        )
    }

    @Test func `an event returns the attempt that it has ended`() {
        var timeline = Timeline()
        let ended = TimelineScript.redirected.events.compactMap { timeline.add($0) }
        #expect(ended.map(\.status) == [302, 200])
        #expect(ended.map(\.outcome) == [.redirected, .complete])
    }
}
