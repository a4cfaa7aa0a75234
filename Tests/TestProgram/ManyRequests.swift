#if os(Linux)
import HTTPHandles
import HTTPHandlesLock
import HTTPHandlesSystem
import HTTPHandlesTesting
import TransfersInEveryPhase

/// Many concurrent requests in a process with a limited number of descriptors. The server is another process.
struct ManyRequests {
    private let limit: rlim_t

    init(limit: rlim_t) {
        self.limit = limit
    }

    /// Sends more requests than there are descriptors, to a server that never answers, and prints the distinct errors.
    func runOutOfDescriptors(_ count: Int) async throws {
        let port = try Self.silentPort()
        EventQueue.limitDescriptors(to: limit)
        let session = try SessionHandle(options: [.set(.maximumConnectionsPerServer, to: nil)])
        let (failures, continuation) = AsyncStream.makeStream(of: HandleError.self)
        let attempts = (0..<count).map { _ in
            Task {
                do throws(HandleError) {
                    _ = try await session.get("http://127.0.0.1:\(port)/")
                } catch {
                    continuation.yield(error)
                }
            }
        }
        // The first requests get a descriptor and wait until the session is closed; at least this many do not.
        var errors: Set<String> = []
        for await error in failures.prefix(count - Int(limit)) {
            let number = error.systemError.map { $0.rawValue == EMFILE ? "EMFILE" : "\($0.rawValue)" }
            // In between is the time in milliseconds.
            let text = error.reason.split(separator: ": ").last ?? ""
            errors.insert("\(error.code) \(number ?? "nil"): \(text)")
        }
        try session.closeAll()
        for attempt in attempts { await attempt.value }
        for error in errors.sorted() { print(error) }
        // No descriptor is left for an eventfd.
        while unsafe open("/dev/null", O_RDONLY) >= 0 {}
        do throws(HandleError) {
            _ = try SessionHandle()
        } catch {
            let isNamed = error.systemError?.rawValue == EMFILE
            print("session: \(error.code) \(isNamed ? "EMFILE" : "nil"): \(error.reason)")
        }
    }

    /// A port whose connections the system completes, without accepting them.
    private static func silentPort() throws -> Int {
        let listener = socket(AF_INET, SocketType.stream, 0)
        listen(listener, 1024)
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = unsafe withUnsafeMutableBytes(of: &address) { bytes in
            unsafe getsockname(listener, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), &length)
        }
        precondition(result == 0)
        return Int(UInt16(bigEndian: address.sin_port))
    }

    /// At its end the process has only the allowed number of idle connections.
    func burst(_ count: Int) async throws {
        let arrived = Lock(0)
        let allArrived = Gate()
        EventQueue.limitDescriptors(to: limit)
        // Some are inherited.
        let before = Self.sockets
        let server = try ScriptedServer(backlog: 4096) { connection in
            while try connection.readRequest() != nil {
                arrived.withLock { arrived in
                    arrived += 1
                    if arrived == count { allArrived.open() }
                }
                allArrived.wait()
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            }
        }
        let most = 10
        let session = try SessionHandle(options: [
            .set(.poolLimits, to: PoolLimits(idleConnections: most)), .set(.maximumConnectionsPerServer, to: nil),
        ])
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<count {
                group.addTask { _ = try await session.get(server.url()).body.collect(upTo: 2) }
            }
            try await group.waitForAll()
        }
        // Both ends are in this process. libcurl releases dead connections once a second.
        while Self.sockets > before + 2 * most + 8 { try await Task.sleep(for: .milliseconds(100)) }
        print("idle", try await session.get(server.url()).status.code)
    }

    private static var sockets: Int {
        (3..<8192).count { SystemFile.link("/proc/self/fd/\($0)").hasPrefix("socket:") }
    }
}
#endif
