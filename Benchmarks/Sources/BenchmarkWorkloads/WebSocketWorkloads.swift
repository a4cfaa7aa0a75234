import CMeasurement

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// Runs the workload of the command line if it is one of WebSockets; otherwise returns.
package func runWebSocketWorkload<C: WebSocketClient>(on type: C.Type) {
    guard CommandLine.arguments.count > 1, CommandLine.arguments[1].hasPrefix("ws-") else { return }
    Task {
        do {
            let arguments = try Arguments(Array(CommandLine.arguments.dropFirst()))
            let client = try C(arguments)
            try await Task(executorPreference: client.executor) { try await run(client, arguments) }.value
            // The sockets end with the process.
            exit(0)
        } catch {
            print("\(error)")
            exit(1)
        }
    }
    while true { pause() }
}

private func run(_ client: some WebSocketClient, _ arguments: Arguments) async throws {
    let payload = compressibleBytes(arguments.number("size", 64))
    let url = arguments.text("url")
    switch arguments.workload {
    case "ws-echo": try await roundTrips(client, arguments, payload)
    case "ws-flood-in":
        try await window(client, arguments) { socket in
            try await socket.send(text: "go")
            repeat { try expect(payload.count, try await socket.receive()) } while measurement_note()
        }
    case "ws-flood-out":
        try await window(client, arguments) { socket in
            let message = type(of: socket).payload(payload)
            let count = arguments.number("batch", 1)
            if count == 1 {
                repeat { try await socket.send(message) } while measurement_note()
            } else {
                repeat {
                    try await socket.send(message, times: count)
                } while (0..<count).allSatisfy { _ in measurement_note() }
            }
        }
    case "ws-down":
        measurement_begin()
        try await client.withSocket(url) { socket in
            var bytes = 0
            try await socket.send(text: "go")
            for _ in 0..<arguments.number("messages") { bytes += try await socket.receive() }
            measurement_end(bytes)
            measurement_print()
            exit(0)
        }
    case "ws-up":
        try await client.withSocket(url) { socket in
            let message = type(of: socket).payload(payload)
            let count = arguments.number("messages")
            measurement_begin()
            for _ in 0..<count { try await socket.send(message) }
            try await socket.send(text: "end")
            _ = try await socket.receive()
            measurement_end(count * payload.count)
            measurement_print()
            exit(0)
        }
    case "ws-idle": try await idle(client, arguments)
    default: throw UnexpectedResponse("unknown workload: \(arguments.workload)")
    }
}

/// Letters of an alphabet of 16: about half when compressed. The same in every client.
private func compressibleBytes(_ count: Int) -> [UInt8] {
    var state: UInt32 = 1
    return (0..<count).map { _ in
        state = state &* 1_664_525 &+ 1_013_904_223
        return UInt8(ascii: "a") + UInt8(state >> 28)
    }
}

private func expect(_ size: Int, _ received: Int) throws {
    guard size == received else { throw UnexpectedResponse("\(received) bytes instead of \(size)") }
}

private func prepareWindow(_ arguments: Arguments, workers: Int = 1) {
    measurement_prepare(
        arguments.seconds("warm-up", 0.2),
        2 * workers,
        arguments.seconds("seconds", 1),
        arguments.number("requests")
    )
}

/// Repeated work on one socket.
private func window<C: WebSocketClient>(
    _ client: C,
    _ arguments: Arguments,
    _ work: (inout C.Socket) async throws -> Void
) async throws {
    prepareWindow(arguments)
    try await client.withSocket(arguments.text("url")) { socket in
        try await work(&socket)
        measurement_print()
        exit(0)
    }
}

/// `--sockets` at a time, each with one message on its way.
private func roundTrips<C: WebSocketClient>(_ client: C, _ arguments: Arguments, _ bytes: [UInt8]) async throws {
    let sockets = arguments.number("sockets", 1)
    let url = arguments.text("url")
    let payload = C.Socket.payload(bytes)
    let size = bytes.count
    prepareWindow(arguments, workers: sockets)
    try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<sockets {
            group.addTask(executorPreference: client.executor) {
                try await client.withSocket(url) { socket in
                    repeat {
                        try await socket.send(payload)
                        try expect(size, try await socket.receive())
                    } while measurement_note()
                    // The window is over.
                    measurement_print()
                    exit(0)
                }
            }
        }
        try await group.waitForAll()
    }
}

/// Memory for each of `--sockets` idle sockets, and the CPU time of their pings.
private func idle(_ client: some WebSocketClient, _ arguments: Arguments) async throws {
    let count = arguments.number("sockets", 1)
    let url = arguments.text("url")
    let first = try await held(8, client, url)
    let before = measurement_resident_bytes()
    let sockets = try await held(count, client, url)
    measurement_print_value(
        "bytes_per_socket",
        Double(measurement_resident_bytes() - before) / Double(count)
    )
    let interval = arguments.seconds("interval", 1)
    let seconds = arguments.seconds("seconds", 3)
    try await Task.sleep(for: .seconds(interval))
    measurement_begin()
    try await Task.sleep(for: .seconds(seconds))
    measurement_end(Int(Double(count) * seconds / interval))
    measurement_print()
    withExtendedLifetime((first, sockets)) {}
}

/// Opens sockets, 64 at a time.
private func held(_ count: Int, _ client: some WebSocketClient, _ url: String) async throws -> [any Sendable] {
    try await withThrowingTaskGroup(of: (any Sendable).self) { group in
        var sockets: [any Sendable] = []
        for index in 0..<count {
            if index >= 64, let socket = try await group.next() { sockets.append(socket) }
            group.addTask(executorPreference: client.executor) { try await client.hold(url) }
        }
        while let socket = try await group.next() { sockets.append(socket) }
        return sockets
    }
}
