import CMeasurement

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// Runs the workload of the command line and prints the results.
package func runWorkload<C: Client>(on type: C.Type) -> Never {
    Task {
        do {
            try await run(type)
            exit(0)
        } catch {
            endProcess(with: error)
        }
    }
    // An asynchronous main would end the main thread; Valgrind does not support that.
    while true { pause() }
}

func endProcess(with error: any Error) -> Never {
    print("\(error)")
    exit(1)
}

private func run<C: Client>(_ type: C.Type) async throws {
    let arguments = try Arguments(Array(CommandLine.arguments.dropFirst()))
    switch arguments.workload {
    case "requests": try await repeatedRequests(C(arguments), arguments)
    case "rate": try await requestsAtRate(C(arguments), arguments)
    case "once": try await oneRequest(C(arguments), arguments)
    case "download": try await download(C(arguments), arguments)
    case "upload": try await upload(C(arguments), arguments)
    case "cancel": try await cancelLatency(C(arguments), arguments)
    case "silent": try await silentMemory(C(arguments), arguments)
    case "start": try await startUp(C.self, arguments)
    default: throw UnexpectedResponse("unknown workload: \(arguments.workload)")
    }
}

/// `--in-flight` requests at a time, beside `--silent` requests to `--silent-url` that are never answered.
private func repeatedRequests(_ client: some Client, _ arguments: Arguments) async throws {
    let requests = try RequestSource(arguments)
    let workers = arguments.number("in-flight", 1)
    try await withSilentRequests(client, arguments) {
        measurement_prepare(
            arguments.seconds("warm-up", 0.2),
            2 * workers,
            arguments.seconds("seconds", 1),
            arguments.number("requests")
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            for worker in 0..<workers {
                group.addTask(executorPreference: client.executor(for: worker)) {
                    var number = worker * requests.count / workers
                    repeat {
                        try await requests.perform(number, with: client, worker: worker)
                        number += 1
                    } while measurement_note()
                }
            }
            try await group.waitForAll()
        }
    }
    measurement_print()
    try await client.shutDown()
}

/// A whole process for one request.
private func oneRequest(_ client: some Client, _ arguments: Arguments) async throws {
    try await onExecutor(of: client) { try await client.get(arguments.text("url"), worker: 0) }
    try await client.shutDown()
}

/// Runs `body` while the silent server holds the requested number of requests.
private func withSilentRequests(
    _ client: some Client,
    _ arguments: Arguments,
    _ body: () async throws -> Void
) async throws {
    let count = arguments.number("silent")
    let url = arguments.text("silent-url")
    try await withThrowingTaskGroup(of: Void.self) { group in
        for worker in 0..<count {
            group.addTask(executorPreference: client.executor(for: worker)) {
                do {
                    try await client.get(url, worker: worker)
                } catch {
                    guard Task.isCancelled else { throw error }
                }
            }
        }
        if count > 0 { try await waitUntilHeld(count, port: arguments.number("silent-port")) }
        try await body()
        group.cancelAll()
        try await group.waitForAll()
    }
}

private func waitUntilHeld(_ count: Int, port: Int) async throws {
    let end = ContinuousClock.now + .seconds(30)
    while measurement_held_requests(Int32(port)) < count {
        guard ContinuousClock.now < end else {
            throw UnexpectedResponse("the server holds \(measurement_held_requests(Int32(port))) of \(count) requests")
        }
        try await Task.sleep(for: .milliseconds(20))
    }
}

/// Memory for each of `--silent` requests, after one request to warm up.
private func silentMemory(_ client: some Client, _ arguments: Arguments) async throws {
    for _ in 0..<8 { try await client.get(arguments.text("url"), worker: 0) }
    let before = measurement_resident_bytes()
    try await withSilentRequests(client, arguments) {
        let growth = measurement_resident_bytes() - before
        measurement_print_value("bytes_per_request", Double(growth) / Double(arguments.number("silent")))
    }
    try await client.shutDown()
}

/// One large response.
private func download(_ client: some Client, _ arguments: Arguments) async throws {
    try await client.get(arguments.text("warm-up-url"), worker: 0)
    let bytes = try await onExecutor(of: client) {
        measurement_begin()
        let bytes = try await client.download(arguments.text("url"))
        measurement_end(bytes)
        return bytes
    }
    guard bytes == arguments.number("bytes") else { throw UnexpectedResponse("\(bytes) bytes instead") }
    measurement_print()
    try await client.shutDown()
}

/// One large request body, in pieces of 64 KiB.
private func upload(_ client: some Client, _ arguments: Arguments) async throws {
    try await client.get(arguments.text("warm-up-url"), worker: 0)
    let piece = [UInt8](repeating: 120, count: 65536)
    let count = arguments.number("bytes") / piece.count
    try await onExecutor(of: client) {
        measurement_begin()
        try await client.upload(arguments.text("url"), piece: piece, count: count)
        measurement_end(count * piece.count)
    }
    measurement_print()
    try await client.shutDown()
}

private func onExecutor<Result: Sendable>(
    of client: some Client,
    _ body: @escaping @Sendable () async throws -> Result
) async throws -> Result {
    try await Task(executorPreference: client.executor(for: 0)) { try await body() }.value
}

/// The time from cancelling a request until it has ended, `--samples` times.
private func cancelLatency(_ client: some Client, _ arguments: Arguments) async throws {
    let url = arguments.text("silent-url")
    let samples = arguments.number("samples", 100)
    let latencies = try await onExecutor(of: client) {
        var latencies: [Duration] = []
        // The first ten are for warming up.
        for _ in 0..<(samples + 10) { latencies.append(try await client.cancelLatency(url, after: .milliseconds(3))) }
        return latencies.dropFirst(10).sorted()
    }
    measurement_print_value("p50_seconds", latencies[samples / 2] / .seconds(1))
    measurement_print_value("p99_seconds", latencies[samples * 99 / 100] / .seconds(1))
    try await client.shutDown()
}

/// The lifetime of a client with one request, `--samples` times.
private func startUp<C: Client>(_ type: C.Type, _ arguments: Arguments) async throws {
    let samples = arguments.number("samples", 50)
    var times: [Duration] = []
    for _ in 0..<samples {
        let start = ContinuousClock.now
        let client = try C(arguments)
        try await Task(executorPreference: client.executor(for: 0)) {
            try await client.get(arguments.text("url"), worker: 0)
        }.value
        try await client.shutDown()
        times.append(ContinuousClock.now - start)
    }
    times.sort()
    measurement_print_value("first_seconds", times[0] / .seconds(1))
    measurement_print_value("p50_seconds", times[samples / 2] / .seconds(1))
}
