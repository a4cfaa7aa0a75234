import CMeasurement

/// Requests to `--url` that arrive `--rate` times a second. Each one is a task of its own, like in a server.
func requestsAtRate(_ client: some Client, _ arguments: Arguments) async throws {
    let url = arguments.text("url")
    await withCheckedContinuation { completion in
        let requests = ArrivingRequests(executor: client.executor(for: 0), completion: completion) {
            try await client.get(url, worker: 0)
        }
        arrivals_begin(
            arguments.seconds("rate", 1000),
            arguments.seconds("warm-up", 0.2),
            arguments.seconds("seconds", 1),
            { number, requests in
                guard let requests else { return }
                Unmanaged<ArrivingRequests>.fromOpaque(requests).takeUnretainedValue().start(number)
            },
            Unmanaged.passRetained(requests).toOpaque()
        )
    }
    arrivals_print()
    try await client.shutDown()
}

/// What the thread of arrivals calls. Never freed: the process measures once.
private final class ArrivingRequests: Sendable {
    private let executor: (any TaskExecutor)?
    private let completion: CheckedContinuation<Void, Never>
    private let perform: @Sendable () async throws -> Void

    init(
        executor: (any TaskExecutor)?,
        completion: CheckedContinuation<Void, Never>,
        perform: @escaping @Sendable () async throws -> Void
    ) {
        self.executor = executor
        self.completion = completion
        self.perform = perform
    }

    func start(_ number: Int) {
        Task(executorPreference: executor) { [perform, completion] in
            do {
                try await perform()
            } catch {
                endProcess(with: error)
            }
            if arrivals_finish(number) { completion.resume() }
        }
    }
}
