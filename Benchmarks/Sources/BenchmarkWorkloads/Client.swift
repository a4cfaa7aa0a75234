/// A client as the workloads see it: the shortest way through its package interface for each thing that is measured.
///
/// `worker` is the number of the task that asks; a client that spreads its work goes by it.
package protocol Client: Sendable {
    init(_ arguments: Arguments) throws

    /// Where a worker's task should run; `nil` is the default executor.
    func executor(for worker: Int) -> (any TaskExecutor)?

    /// A GET whose body is read whole into memory.
    func get(_ url: String, worker: Int) async throws

    /// A GET whose body is read piece by piece. Returns the number of bytes.
    func download(_ url: String) async throws -> Int

    /// A POST whose body is an asynchronous sequence of `count` times `piece`.
    func upload(_ url: String, piece: [UInt8], count: Int) async throws

    /// Begins a request that is never answered, cancels it after `pause`, and returns how long it took to be gone.
    func cancelLatency(_ url: String, after pause: Duration) async throws -> Duration

    func shutDown() async throws
}

extension Client {
    package func executor(for worker: Int) -> (any TaskExecutor)? { nil }
}

/// A response that is not the expected one.
package struct UnexpectedResponse: Error {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}
