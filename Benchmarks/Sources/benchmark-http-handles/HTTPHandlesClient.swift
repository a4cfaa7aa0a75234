import BenchmarkWorkloads
import HTTPHandles

/// This library. `--executor session` runs every task on the session's executor. `--sessions` distributes the workers over
/// that many sessions. `--listener` adds event listeners: `request` (one for each request), `tree` (one for the session),
/// or `by-hand` (none, but the same calls as `request`).
struct HTTPHandlesClient: Client {
    let sessions: [SessionHandle]
    let isOnSessionExecutor: Bool
    let listener: String
    let version: HTTPVersion
    let treeListener: Task<Int, Never>?

    init(_ arguments: Arguments) throws {
        // Mostly without a limit: the other clients have none, and thousands of requests may have no response.
        var options: [OptionSetting] = [.set(.maximumConnectionsPerServer, to: arguments.connectionLimit)]
        let authority = arguments.text("authority")
        if !authority.isEmpty { options.append(.set(.serverTrust, to: .authorities(inFile: authority))) }
        let proxyPort = arguments.number("proxy-port")
        if proxyPort > 0 { options.append(.set(.proxy, to: .named(Proxy(.http, host: "127.0.0.1", port: proxyPort)))) }
        sessions = try (0..<arguments.number("sessions", 1)).map { _ in try SessionHandle(options: options) }
        isOnSessionExecutor = arguments.text("executor") == "session"
        listener = arguments.text("listener", "none")
        version = arguments.text("version", "1.1") == "2" ? .http2 : .http1_1
        let events = listener == "tree" ? sessions[0].statusEvents(scope: .tree) : nil
        treeListener = events.map { events in Task { await Self.count(events) } }
    }

    private func session(for worker: Int) -> SessionHandle { sessions[worker % sessions.count] }

    func executor(for worker: Int) -> (any TaskExecutor)? {
        isOnSessionExecutor ? session(for: worker).executor : nil
    }

    func get(_ url: String, worker: Int) async throws {
        switch listener {
        case "request", "by-hand": try await getByHand(url, session(for: worker))
        default:
            let response = try await session(for: worker).get(url)
            try check(response.head)
            _ = try await response.body.collect(upTo: 1 << 20)
        }
    }

    func get(_ url: String, fields: RequestFields, worker: Int) async throws {
        var headerFields = Self.constantFields
        headerFields.append(HTTPField(name: .requestID, value: fields.requestID))
        headerFields.append(HTTPField(name: .traceparent, value: fields.traceparent))
        let response = try await session(for: worker).get(url, headerFields: headerFields)
        try check(response.head)
        _ = try await response.body.collect(upTo: 1 << 20)
    }

    private static let constantFields: HTTPFields = [
        .authorization: RequestFields.authorization,
        .accept: RequestFields.accept,
        .acceptLanguage: RequestFields.acceptLanguage,
    ]

    func post(_ url: String, json: [UInt8], worker: Int) async throws {
        let fields: HTTPFields = [.contentType: "application/json"]
        let response = try await session(for: worker).fetch(.post, url, headerFields: fields, body: .bytes(json))
        try check(response.head)
        _ = try await response.body.collect(upTo: 1 << 20)
    }

    /// The events are read after the response, by the same task, like in a logger.
    private func getByHand(_ url: String, _ session: SessionHandle) async throws {
        let request = try await session.openRequest(.get, url)
        let events = listener == "request" ? request.statusEvents() : nil
        try await request.send()
        try check(try await request.receiveResponse())
        _ = try await request.body.collect(upTo: 1 << 20)
        try request.close()
        if let events { _ = await Self.count(events) }
    }

    private static func count(_ events: AsyncStream<StatusEvent>) async -> Int {
        var count = 0
        for await _ in events { count += 1 }
        return count
    }

    private func check(_ head: ResponseHead) throws {
        guard head.status == .ok, head.version == version else {
            throw UnexpectedResponse("\(head.version) \(head.status)")
        }
    }

    func download(_ url: String) async throws -> Int {
        let response = try await sessions[0].get(url)
        try check(response.head)
        var bytes = 0
        for try await piece in response.body { bytes += piece.count }
        return bytes
    }

    func upload(_ url: String, piece: [UInt8], count: Int) async throws {
        let pieces = RepeatedPieces(piece, count: count)
        let response = try await sessions[0].fetch(
            .post,
            url,
            body: .stream(pieces, length: Int64(piece.count * count))
        )
        try check(response.head)
        _ = try await response.body.collect(upTo: 100)
    }

    func cancelLatency(_ url: String, after pause: Duration) async throws -> Duration {
        let request = try await sessions[0].openRequest(.get, url)
        try await request.send()
        try await Task.sleep(for: pause)
        let start = ContinuousClock.now
        try request.close()
        await request.closed()
        return ContinuousClock.now - start
    }

    func shutDown() async throws {
        for session in sessions {
            try session.closeAll()
            await session.closed()
        }
        _ = await treeListener?.value
    }
}

extension HTTPField.Name {
    fileprivate static let requestID = token("X-Request-ID")
    fileprivate static let traceparent = token("traceparent")

    private static func token(_ name: String) -> HTTPField.Name {
        guard let name = HTTPField.Name(name) else { preconditionFailure("It is a token.") }
        return name
    }
}

@main
enum Program {
    static func main() {
        runWebSocketWorkload(on: HTTPHandlesWebSocketClient.self)
        runWorkload(on: HTTPHandlesClient.self)
    }
}
