import Testing

@testable import HTTPHandlesCore

/// The automaton of the events of sockets: every pair of events, against a table.
@Suite("Event checker of sockets")
struct SocketOrderCheckerTests {
    static let connection = HandleID(level: .connection, number: 2)
    static let failure = HandleError(.connectionError, .receiveMessage, reason: "lost")
    static let status = WebSocketCloseStatus(.normalClosure)

    static let ofWebSocket: [(name: Character, kind: StatusEvent.Kind)] = [
        ("r", .webSocketReadComplete(bytes: 1, kind: .binaryMessage)), ("e", .webSocketCloseReceived(status)),
        ("w", .webSocketWriteComplete(bytes: 1, kind: .textMessage)), ("s", .shutdownComplete), ("c", .closeComplete),
        ("f", .socketFailed(failure)), ("x", .requestError(failure)),
    ]
    static let ofUpgraded: [(name: Character, kind: StatusEvent.Kind)] = [
        ("r", .readComplete(bytes: 1)), ("e", .readComplete(bytes: 0)), ("w", .writeComplete(bytes: 1)),
        ("s", .shutdownComplete), ("f", .socketFailed(failure)), ("x", .requestError(failure)),
    ]

    /// The first violation of a socket's events, with its creation before and `handleClosing` behind.
    private func violation(_ level: HandleLevel, _ kinds: [StatusEvent.Kind]) -> String? {
        let socket = HandleID(level: level, number: 3)
        var checker = EventOrderChecker(of: Self.connection, mask: .all)
        do throws(EventOrderChecker.Violation) {
            let all = [.handleCreated(parent: Self.connection)] + kinds + [.handleClosing]
            for (sequence, kind) in all.enumerated() {
                try checker.check(
                    StatusEvent(handle: socket, context: nil, time: .now, sequence: sequence, kind: kind)
                )
            }
            return nil
        } catch {
            return error.description
        }
    }

    /// For each event those that may come after it.
    @Test func `every pair of events of a WebSocket`() {
        let possible: [Character: String] = [
            "r": "rewscfx", "e": "scx", "w": "rewscfx", "s": "recfx", "c": "x", "f": "rx", "x": "rewscfx",
        ]
        checkPairs(.webSocket, Self.ofWebSocket, possible)
    }

    @Test func `every pair of events of another upgraded connection`() {
        let possible: [Character: String] = [
            "r": "rewsfx", "e": "ex", "w": "rewsfx", "s": "refx", "f": "rx", "x": "rewsfx",
        ]
        checkPairs(.upgraded, Self.ofUpgraded, possible)
    }

    private func checkPairs(
        _ level: HandleLevel,
        _ events: [(name: Character, kind: StatusEvent.Kind)],
        _ possible: [Character: String]
    ) {
        for first in events {
            for second in events {
                let isPossible = possible[first.name]?.contains(second.name) == true
                let violation = violation(level, [first.kind, second.kind])
                #expect((violation == nil) == isPossible, "\(first.kind), \(second.kind): \(violation ?? "accepted")")
            }
        }
    }

    @Test func `events of another level, and after handleClosing`() {
        #expect(violation(.webSocket, [.readComplete(bytes: 1)]) != nil)
        #expect(violation(.webSocket, [.headersAvailable]) != nil)
        #expect(violation(.upgraded, [.webSocketCloseReceived(Self.status)]) != nil)
        #expect(violation(.upgraded, [.closeComplete]) != nil)
        #expect(violation(.webSocket, [.handleClosing]) != nil)
        #expect(violation(.upgraded, [.closingConnection, .connectionClosed]) == nil)
        #expect(violation(.upgraded, [.connectionClosed]) != nil)
    }

    @Test func `the texts`() {
        let twice: [StatusEvent.Kind] = [.shutdownComplete, .shutdownComplete]
        #expect(violation(.webSocket, twice)?.hasSuffix("comes after shutdownComplete") == true)
    }
}
