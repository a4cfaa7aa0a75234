import HTTPHandlesCore
import Testing

@Suite("Server-sent events")
struct ServerSentEventTests {
    struct Outcome: Hashable {
        var events: [ServerSentEvent] = []
        var lastEventID = ""
        var reconnectionTime: Duration?
        var isTooLong = false
    }

    func parse(_ pieces: [[UInt8]], limit: Int = 100) -> Outcome {
        var parser = ServerSentEventParser(limit: limit)
        var outcome = Outcome()
        do {
            for piece in pieces {
                parser.append(piece)
                while let event = try parser.next() { outcome.events.append(event) }
            }
        } catch {
            outcome.isTooLong = true
        }
        outcome.lastEventID = parser.lastEventID
        outcome.reconnectionTime = parser.reconnectionTime
        return outcome
    }

    func event(_ data: String, type: String = "message", id: String = "") -> ServerSentEvent {
        ServerSentEvent(type: type, data: data, id: id)
    }

    func check(_ text: String, _ expected: Outcome) {
        for ending in ["\n", "\r\n", "\r"] {
            let bytes = Array(
                text.utf8.split(separator: 10, omittingEmptySubsequences: false).joined(separator: ending.utf8)
            )
            for pieces in everySplit(bytes) { #expect(parse(pieces) == expected) }
        }
    }

    @Test func `the examples of the standard`() {
        check(
            "data: This is the first message.\n\ndata: This is the second message, it\ndata: has two lines.\n\n",
            Outcome(events: [
                event("This is the first message."), event("This is the second message, it\nhas two lines."),
            ])
        )
        check(
            ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event",
            Outcome(events: [event("first event", id: "1"), event("second event")])
        )
        check("data\n\ndata\ndata\n\ndata:", Outcome(events: [event(""), event("\n")]))
        check("data:test\n\ndata: test\n\n", Outcome(events: [event("test"), event("test")]))
    }

    @Test func `types, identifiers and times`() {
        check(
            "event: add\ndata: 1\nid: a\n\nevent: gone\n\ndata: 2\n\nid: b\n\nid: c\n",
            Outcome(events: [event("1", type: "add", id: "a"), event("2", id: "a")], lastEventID: "b")
        )
        check("retry: 1500\n\n", Outcome(reconnectionTime: .milliseconds(1500)))
        check(
            "retry: 1\nretry: 1.5\nretry: -1\nretry: x\nretry: 99999999999999999999\nretry\n",
            Outcome(reconnectionTime: .milliseconds(1))
        )
        check("id: a\nid: b\0c\ndata: x\n\n", Outcome(events: [event("x", id: "a")], lastEventID: "a"))
    }

    @Test func `malformed lines are ignored`() {
        check(": comment\n:\nunknown: 1\nData: 2\n data: 3\ndata : 4\ndata: 5: 6\n\n", Outcome(events: [event("5: 6")]))
    }

    @Test func `a byte order mark is skipped, once`() {
        check("\u{FEFF}data: 1\n\n\u{FEFF}data: 2\n\n", Outcome(events: [event("1")]))
    }

    @Test func `an event that is too long is an error, for any split into pieces`() {
        for text in [
            "data: 12345678901234567890\n\n", "data: 12345\ndata: 67890\ndata: 1\n\n", ": 123456789 123456789\n",
        ] {
            let bytes = Array("data: first\n\n\(text)data: never\n\n".utf8)
            for pieces in everySplit(bytes) {
                #expect(parse(pieces, limit: 12) == Outcome(events: [event("first")], isTooLong: true))
            }
        }
    }

    @Test func `bytes that are not UTF-8 become replacement characters`() {
        #expect(parse([Array("data: ".utf8) + [0xFF, 0x0A, 0x0A]]).events == [event("\u{FFFD}")])
    }
}
