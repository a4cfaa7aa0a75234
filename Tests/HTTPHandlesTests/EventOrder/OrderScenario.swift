import HTTPHandles
import HTTPHandlesTesting
import HTTPTypes
import Testing

/// A scenario of a request. `Docs/StatusEvents.md` has its events under the same title.
struct OrderScenario: Sendable, CustomTestStringConvertible {
    let title: String
    /// Runs the scenario and returns all events of its session.
    let play: @Sendable () async throws -> EventTrace

    init(_ title: String, _ play: @escaping @Sendable () async throws -> EventTrace) {
        self.title = title
        self.play = play
    }

    var testDescription: String { title }

    static let all = connections + proxies + authentication + bodies + calls + failures + closings + sockets
}

extension EventTrace {
    /// Runs `script` with a new session, closes everything that is still open, and returns the events.
    ///
    /// - Parameter ports: The servers' ports; the first is shown as 8080, and so on.
    static func recording(
        _ ports: Int...,
        options: [OptionSetting] = [],
        _ script: (SessionHandle) async throws -> Void
    ) async throws -> EventTrace {
        // The accepted codings, and thereby the length of a request, depend on the traits of the package.
        let session = try session([.set(.decodesContent, to: false)] + options)
        let recorder = EventRecorder(of: session, scope: .tree)
        do {
            try await script(session)
        } catch {
            Issue.record(error, "after \(recorder.events.map(\.kind))")
        }
        // Every scenario that is not closed yet ends like this: leaves first.
        try? session.closeAll()
        let trace = EventTrace(try await recorder.finish())
        return ports.enumerated().reduce(trace) { $0.showing($1.element, as: 8080 + $1.offset) }
    }

    private static func session(_ options: [OptionSetting]) throws(HandleError) -> SessionHandle {
        #if Logging && Metrics && Tracing
        if let probe = TelemetryProbe.current {
            return try SessionHandle(options: options, telemetry: probe.telemetry)
        }
        #endif
        return try SessionHandle(options: options)
    }
}

/// A server that waits at a gate before its first response, and then answers all requests.
struct GatedServer {
    let gate = Gate()
    let server: ScriptedServer
    var port: Int { server.port }

    /// - Parameter answer: Reads and answers everything on a connection; waits at the gate before the first response.
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
    /// Calls `receiveResponse`, and lets the server answer after the call has reached the driver. Otherwise the response may
    /// arrive before the call, which is another order.
    nonisolated func receiveResponse(_ gate: Gate) async throws -> ResponseHead {
        let response = Task.immediate { try await self.receiveResponse() }
        await passDriver()
        gate.open()
        return try await response.value
    }

    /// Runs on the driver thread, after everything that was submitted before.
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
