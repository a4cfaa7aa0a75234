import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes
import Testing

/// A way that a request can go. Which events it leads to, and in which order, is printed in `Docs/StatusEvents.md` under
/// the same title.
struct OrderScenario: Sendable, CustomTestStringConvertible {
    let title: String
    /// Plays the scenario, and returns all events of its session.
    let play: @Sendable () async throws -> EventTrace

    init(_ title: String, _ play: @escaping @Sendable () async throws -> EventTrace) {
        self.title = title
        self.play = play
    }

    var testDescription: String { title }

    static let all = connections + authentication + bodies + calls + failures + closings
}

extension EventTrace {
    /// Runs `script` with a session of its own, closes what is still open, and returns what was heard.
    ///
    /// - Parameter ports: The servers' ports; the first is shown as 8080, and so on.
    static func recording(
        _ ports: Int...,
        options: [OptionSetting] = [],
        _ script: (SessionHandle) async throws -> Void
    ) async throws -> EventTrace {
        // Which codings a request accepts, and how long it is, depends on how the package was built.
        let session = try SessionHandle(options: [.set(.decodesContent, to: false)] + options)
        let recorder = EventRecorder(of: session, scope: .tree)
        do {
            try await script(session)
        } catch {
            Issue.record(error, "after \(recorder.events.map(\.kind))")
        }
        // Every scenario ends like this unless it ended otherwise: leaves first.
        try? session.closeAll()
        let trace = EventTrace(try await recorder.finish())
        return ports.enumerated().reduce(trace) { $0.showing($1.element, as: 8080 + $1.offset) }
    }
}

/// A server that answers a request when its gate is open, and then all others.
struct GatedServer {
    let gate = Gate()
    let server: ScriptedServer
    var port: Int { server.port }

    /// - Parameter answer: Reads and answers everything on a connection; waits at the gate before the first answer.
    init(_ answer: @escaping @Sendable (ServerConnection, Gate) throws -> Void) throws {
        server = try ScriptedServer { [gate] in try answer($0, gate) }
    }

    init(answering response: String) throws {
        try self.init { connection, gate in
            while try connection.readRequest() != nil {
                gate.wait()
                try connection.send(response)
            }
        }
    }
}

extension RequestHandle {
    /// Asks for the response, and has the server answer when that has reached the driver. Without this the answer may be
    /// there before it is asked for, which is another order.
    nonisolated func receiveResponse(_ gate: Gate) async throws -> ResponseHead {
        let response = Task.immediate { try await self.receiveResponse() }
        await passDriver()
        gate.open()
        return try await response.value
    }

    /// Runs on the driver's thread, when everything that was submitted before has been done.
    func passDriver() {}

    /// Reads the body to its end.
    nonisolated func readAll() async throws {
        _ = try await body.collect(upTo: 100)
    }

    /// Sends, receives and reads.
    nonisolated func complete(_ body: RequestBody = .none) async throws {
        try await send(body)
        _ = try await receiveResponse()
        try await readAll()
    }

    /// Closes, and waits for the end.
    nonisolated func closeAndWait() async throws {
        try close()
        await closed()
    }
}
