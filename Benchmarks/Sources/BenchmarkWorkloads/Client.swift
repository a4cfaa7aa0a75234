/// The interface of a client for the workloads. Each method uses the client's API in the most direct way.
///
/// `worker` is the number of the calling task, for clients that distribute their work.
package protocol Client: Sendable {
    init(_ arguments: Arguments) throws

    /// Where a worker's task should run; `nil` is the default executor.
    func executor(for worker: Int) -> (any TaskExecutor)?

    /// A GET whose body is read whole into memory.
    func get(_ url: String, worker: Int) async throws

    /// The same with five header fields, of which two differ in each request.
    func get(_ url: String, fields: RequestFields, worker: Int) async throws

    /// A POST of JSON whose response is read whole into memory. Nothing is encoded or decoded.
    func post(_ url: String, json: [UInt8], worker: Int) async throws

    /// A GET whose body is read piece by piece. Returns the number of bytes.
    func download(_ url: String) async throws -> Int

    /// A POST whose body is an asynchronous sequence of `count` times `piece`.
    func upload(_ url: String, piece: [UInt8], count: Int) async throws

    /// Starts a request that is never answered, cancels it after `pause`, and returns how long the cancellation took.
    func cancelLatency(_ url: String, after pause: Duration) async throws -> Duration

    func shutDown() async throws
}

extension Client {
    package func executor(for worker: Int) -> (any TaskExecutor)? { nil }

    /// Until the call throws, for clients that do not report when the connection is closed.
    package func cancelLatency(_ url: String, after pause: Duration) async throws -> Duration {
        let task = Task { try await self.get(url, worker: 0) }
        try await Task.sleep(for: pause)
        let start = ContinuousClock.now
        task.cancel()
        _ = await task.result
        return ContinuousClock.now - start
    }
}

/// A response that is not the expected one.
package struct UnexpectedResponse: Error {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}
