#if os(Linux)
import HTTPHandles
import HTTPHandlesSystem
import HTTPHandlesTesting
import TransfersInEveryPhase

/// Opens and closes handles of all levels many times, in all ways and phases; then waits until the process has released
/// all system resources. Built with AddressSanitizer, the process checks for memory leaks at its end.
struct OpensAndCloses {
    private let seed: UInt64
    private let server: ScriptedServer

    init(seed: UInt64) throws {
        self.seed = seed
        server = try ScriptedServer { connection in
            let request = try connection.readRequest()
            switch request?.head.target {
            case "/socket":
                guard let head = request?.head else { return }
                let socket = try connection.acceptWebSocket(head)
                while let message = try socket.receive() { try socket.send(message) }
                return
            case "/upgraded":
                try connection.send("HTTP/1.1 101 Upgraded\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nhello")
            case "/whole": try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
            case "/half": try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf-")
            default: break
            }
            connection.waitForClose()
        }
    }

    func run(_ count: Int) async throws {
        let sockets = Holdings.now.sockets
        try await openAndClose(100, SeededGenerator(seed: seed))
        let before = await Holdings.settled { $0.driverThreads == 0 && $0.sockets == sockets }
        let lanes = 4
        try await withThrowingTaskGroup(of: Void.self) { group in
            for lane in 1...lanes {
                group.addTask { try await openAndClose(count / lanes, SeededGenerator(seed: seed &+ UInt64(lane))) }
            }
            try await group.waitForAll()
        }
        let after = await Holdings.settled {
            $0.driverThreads == 0 && $0.sockets == sockets && $0.descriptors <= before.descriptors
        }
        print("seed \(seed): \(count) of each level; before: \(before); after: \(after)")
        guard after.descriptors <= before.descriptors, after.sockets == sockets, after.driverThreads == 0 else {
            exit(1)
        }
    }

    private func openAndClose(_ count: Int, _ random: SeededGenerator) async throws {
        var random = random
        for _ in 0..<count { try await openAndClose(&random) }
    }

    private func openAndClose(_ random: inout SeededGenerator) async throws {
        let session = try SessionHandle(context: "a context of its own")
        let connection = try await session.connect(to: "127.0.0.1", port: server.port)
        let path = ["/whole", "/half", "/nothing", "/socket", "/upgraded"].randomElement(using: &random) ?? ""
        let request = try await connection.openRequest(path == "/socket" ? .get : .post, path)
        if path == "/socket" { try await request.setOption(.upgradesToWebSocket, to: true) }
        if path == "/upgraded" { try await request.setOption(.upgradesToProtocol, to: "tcp") }
        let isUpgrade = path == "/socket" || path == "/upgraded"
        let count = isUpgrade ? 0 : Int.random(in: 0..<1000, using: &random)
        let body = count == 0 ? RequestBody.none : .bytes([UInt8](repeating: 0, count: count))
        // Every path has at least six events.
        let moment = Int.random(in: 0...6, using: &random)
        let stream = Bool.random(using: &random) ? request.statusEvents() : nil
        let sending = Task {
            guard stream != nil || moment > 0 else { return }
            try await request.send(body)
            _ = try await request.receiveResponse()
            switch path {
            case "/socket": try await Self.use(try await request.completeWebSocketUpgrade())
            case "/upgraded": try await Self.use(try await request.completeUpgrade())
            default: _ = try await request.body.collect(upTo: 100)
            }
        }
        if let stream, moment > 0 {
            var left = moment
            for await _ in stream {
                left -= 1
                if left == 0 { break }
            }
        }
        switch Int.random(in: 0..<5, using: &random) {
        case 0: try session.closeAll()
        case 1:
            sending.cancel()
            // All of them are released.
            return
        case 2:
            try request.close()
            try connection.close()
            try session.close()
            // A socket does not end with its request.
            if isUpgrade { sending.cancel() }
        case 3:
            try session.close()
            try connection.closeAll()
        default:
            sending.cancel()
            try session.closeAll()
        }
        _ = await sending.result
        await session.closed()
    }

    /// Some messages, and then a wait until the end.
    private static func use(_ socket: WebSocketHandle) async throws {
        try await socket.send(.text("hello"))
        _ = try await socket.receiveMessage()
        try await socket.send([1], as: .binaryFragment)
        _ = try await socket.receiveMessage()
    }

    private static func use(_ socket: UpgradedHandle) async throws {
        try await socket.write([1])
        while !(try await socket.read()).isEmpty {}
    }
}

/// The system resources of the process.
private struct Holdings: CustomStringConvertible {
    let driverThreads: Int
    let sockets: Int
    let descriptors: Int

    static var now: Holdings {
        let threads = SystemFile.names(in: "/proc/self/task").count { thread in
            SystemFile.contents("/proc/self/task/\(thread)/comm") == "http-handles\n"
        }
        let descriptors = SystemFile.names(in: "/proc/self/fd").map { SystemFile.link("/proc/self/fd/\($0)") }
        let sockets = descriptors.count { $0.hasPrefix("socket:") }
        return Holdings(driverThreads: threads, sockets: sockets, descriptors: descriptors.count)
    }

    /// The resources as soon as `condition` is fulfilled, or after two minutes.
    static func settled(_ condition: (Holdings) -> Bool) async -> Holdings {
        let end = ContinuousClock.now + .seconds(120)
        while true {
            let now = Holdings.now
            if condition(now) || ContinuousClock.now > end { return now }
            await Task.yield()
        }
    }

    var description: String { "\(driverThreads) driver threads, \(sockets) sockets, \(descriptors) descriptors" }
}
#endif
