import Foundation
import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes
import Testing

/// An exchange uses the options with which it was sent; later changes apply to the next one.
@Suite("Options that change during an exchange", .timeLimit(.minutes(5)))
struct OptionChangeTests {
    @Test func `the tests change every settable option`() throws {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../Sources/HTTPHandlesCore/Options/HandleOption+Settable.swift")
        let text = try String(contentsOf: file, encoding: .utf8)
        let declared = text.matches(of: /public static var (\w+): Self/).map { String($0.output.1) }
        #expect(declared.sorted() == OptionChange.all.map(\.name).sorted())
        #expect(OptionChange.all.allSatisfy { $0.count > 1 })
    }

    /// The moments of an exchange with a redirect, a challenge, a retry and a coded body; in that order.
    enum Moment: CaseIterable, Sendable {
        case firstHop, deciding, secondHop, providing, withCredentials, pausing, lastAttempt, inBody
    }

    /// The points where the exchange waits for the test.
    final class Stops: Sendable {
        private let stops = Dictionary(uniqueKeysWithValues: Moment.allCases.map { ($0, (Gate(), Gate())) })

        /// In server code, which may block.
        func stop(at moment: Moment) {
            stops[moment]?.0.open()
            stops[moment]?.1.wait()
        }

        /// In the caller's code.
        func pass(_ moment: Moment) async {
            stops[moment]?.0.open()
            await stops[moment]?.1.passed()
        }

        func openAll() {
            for (reached, mayGoOn) in stops.values {
                reached.open()
                mayGoOn.open()
            }
        }

        /// Calls `body` at each moment.
        func whileStopped(_ body: (Moment) async throws -> Void) async throws {
            for moment in Moment.allCases {
                await stops[moment]?.0.passed()
                try await body(moment)
                stops[moment]?.1.open()
            }
        }
    }

    /// A clock whose `sleep` waits for the test.
    private struct StoppedClock: Clock {
        let stops: Stops
        let clock = ContinuousClock()

        var now: ContinuousClock.Instant { clock.now }
        var minimumResolution: Duration { clock.minimumResolution }

        func sleep(until deadline: ContinuousClock.Instant, tolerance: Duration?) async throws {
            await stops.pass(.pausing)
        }
    }

    /// A redirect; a 401; a 503; a coded response in two pieces.
    private static func serve(_ exchanges: Record<Stops>) throws -> ScriptedServer {
        try ScriptedServer { connection in
            var isSentAgain = false
            while let head = try connection.readHead() {
                guard let stops = exchanges.all.last else { return }
                switch (head.target, head["Authorization"]) {
                case ("/first", _):
                    stops.stop(at: .firstHop)
                    try connection.send("HTTP/1.1 302 Found\r\nLocation: /second\r\nContent-Length: 3\r\n\r\nold")
                case (_, nil):
                    stops.stop(at: .secondHop)
                    let field = "WWW-Authenticate: Basic realm=\"r\"\r\n"
                    try connection.send("HTTP/1.1 401 No\r\n\(field)Content-Length: 2\r\n\r\nno")
                case _ where !isSentAgain:
                    isSentAgain = true
                    stops.stop(at: .withCredentials)
                    try connection.send("HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy")
                default:
                    isSentAgain = false
                    stops.stop(at: .lastAttempt)
                    // "hello" and "world" in two stored deflate blocks.
                    let fields = "Content-Encoding: deflate\r\nContent-Length: 20\r\n"
                    try connection.send("HTTP/1.1 200 OK\r\n\(fields)\r\n")
                    try connection.send([0, 5, 0, 0xFA, 0xFF] + Array("hello".utf8))
                    stops.stop(at: .inBody)
                    try connection.send([1, 5, 0, 0xFA, 0xFF] + Array("world".utf8))
                }
            }
        }
    }

    /// The result of the exchange if `change` is called at each moment.
    private func exchange(
        _ server: ScriptedServer,
        _ stops: Stops,
        _ change: (Moment, SessionHandle, ConnectionHandle, RequestHandle) async throws -> Void
    ) async throws -> (pieces: [String], events: [StatusEvent.Kind], asked: [String]) {
        let asked = Record<String>()
        let session = try SessionHandle(options: [
            .set(
                .redirectDecider,
                to: RedirectDecider { proposal in
                    asked.note(proposal.method.rawValue)
                    await stops.pass(.deciding)
                    return .follow
                }
            ),
            .set(
                .credentialProvider,
                to: CredentialProvider { question in
                    asked.note("\(question.challenges.map(\.scheme))")
                    await stops.pass(.providing)
                    return .basic(user: "u", password: "p")
                }
            ),
            .set(
                .retryPolicy,
                to: RetryPolicy(firstDelay: .seconds(1), jitter: .none, clock: StoppedClock(stops: stops))
            ),
        ])
        let connection = try await session.connect(to: "127.0.0.1", port: server.port)
        let request = try await connection.openRequest(.get, "/first")
        let recorder = EventRecorder(of: request)
        try await request.send()
        let exchange = Task {
            defer {
                // In any case, nothing waits any more.
                stops.openAll()
                try? request.close()
            }
            #expect(try await request.receiveResponse().status == .ok)
            var pieces: [String] = []
            let body = request.body
            for try await piece in body { pieces.append(String(decoding: piece, as: UTF8.self)) }
            return pieces
        }
        try await stops.whileStopped { moment in
            // The first piece is read before the second one arrives.
            if moment == .inBody { try await recorder.first(.readComplete(bytes: 5)) }
            try await change(moment, session, connection, request)
        }
        let pieces = try await exchange.value
        return (pieces, try await recorder.finish().map(\.kind), asked.all)
    }

    @Test(arguments: Moment.allCases)
    func `changing all options does not affect the exchange`(at moment: Moment) async throws {
        let exchanges = Record<Stops>()
        let server = try Self.serve(exchanges)
        exchanges.note(Stops())
        let usual = try await exchange(server, exchanges.all[0]) { _, _, _, _ in }
        #expect(usual.pieces == ["hello", "world"])
        #expect(usual.asked == ["GET", "[basic]"])
        #expect(usual.events.filter { $0.name == "retry" }.count == 1)

        exchanges.note(Stops())
        let changed = try await exchange(server, exchanges.all[1]) { present, session, connection, request in
            guard present == moment else { return }
            for option in OptionChange.all where !option.limitsIdleConnections {
                try await option.setAll(on: session)
                guard !option.isOnlySessions else { continue }
                try await option.setAll(on: connection)
                try await option.setAll(on: request)
            }
        }
        #expect(changed.pieces == usual.pieces)
        #expect(changed.events == usual.events)
        #expect(changed.asked == usual.asked)
    }
}
