#if os(Linux)
import HTTPHandles
import HTTPHandlesLock
import HTTPHandlesSystem
import HTTPHandlesTesting

/// Tasks of high priority that use a session, while tasks of medium priority occupy all threads of the pool. Work for the
/// former at medium priority would never run.
final class Priorities: Sendable {
    private let isOver = Atomic(false)

    func run() async throws {
        for _ in 0..<64 {
            Task.detached(priority: .medium) { [self] in
                while !isOver.load(ordering: .relaxed) { sched_yield() }
            }
        }
        try await Task.detached(priority: .high) { [self] in
            try await resumeTogether()
            try await askAndUpload()
            isOver.store(true, ordering: .relaxed)
        }.value
    }

    /// Eight tasks that are resumed in one turn of the driver.
    private func resumeTogether() async throws {
        let (requests, request) = AsyncStream.makeStream(of: Void.self)
        let server = try ScriptedServer { connection in
            _ = try connection.readHead()
            request.yield()
            connection.waitForClose()
        }
        let session = try SessionHandle()
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    do throws(HandleError) {
                        _ = try await session.get(server.url())
                        return false
                    } catch {
                        return error.isCancellation
                    }
                }
            }
            for await _ in requests.prefix(8) {}
            try? session.closeAll()
            print("cancelled:", await group.reduce(into: 0) { $0 += $1 ? 1 : 0 })
        }
        await session.closed()
    }

    /// A file that is sent twice, with a callback in between.
    private func askAndUpload() async throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readRequest()
            try connection.send("HTTP/1.1 307 Temporary Redirect\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n")
            _ = try connection.readRequest()
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        }
        let decider = RedirectDecider { _ in .follow }
        let session = try SessionHandle(options: [.set(.redirectDecider, to: decider)])
        let response = try await session.fetch(.post, server.url(), body: .file("/etc/passwd"))
        print("uploaded:", response.status.code, "priority:", Task.currentPriority == .high)
        // LeakSanitizer does not find all references that exist when the process ends.
        try session.closeAll()
        await session.closed()
    }
}
#endif
