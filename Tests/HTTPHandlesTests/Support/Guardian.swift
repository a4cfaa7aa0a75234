import Foundation
import HTTPHandlesSystem

/// A shell script that runs a server and ends it when this process ends in any way: then its standard input reaches its
/// end.
final class Guardian: Sendable {
    private let process: pid_t
    private let leash: FileHandle

    /// - Parameter output: Called with the output of the script.
    init(_ script: String, _ arguments: [String], output: FileHandle = .standardError) throws {
        // Closed in other children, which would otherwise keep the pipe open.
        var ends: [Int32] = [0, 0]
        let kind = SocketType.stream | SocketType.closesOnExec
        guard unsafe socketpair(AF_UNIX, kind, 0, &ends) == 0 else { throw SupportFailure("no leash: \(errno)") }
        defer { _ = close(ends[0]) }
        leash = FileHandle(fileDescriptor: ends[1], closeOnDealloc: true)
        process = try TestProgram.spawn(
            "/bin/sh",
            ["-c", script, "guardian"] + arguments,
            input: ends[0],
            output: output.fileDescriptor
        )
    }

    /// Swift Testing waits for its own children with a call that always returns the first dead one: a zombie prevents it from
    /// detecting the end of the others.
    deinit {
        try? leash.close()
        waitpid(process, nil, 0)
    }

    private var isRunning: Bool { waitpid(process, nil, WNOHANG) == 0 }

    /// Waits until the server is ready, for two minutes at most and as long as the script runs.
    ///
    /// - Parameters:
    ///   - problem: What is thrown otherwise, with the contents of `log`.
    ///   - log: What the server has to say, if there is such a file.
    func wait(until isReady: @autoclosure () -> Bool, else problem: String, _ log: String? = nil) throws {
        let end = Date().addingTimeInterval(120)
        while !isReady() {
            guard Date() < end, isRunning else {
                let errors = log.map { ": " + ((try? String(contentsOfFile: $0, encoding: .utf8)) ?? "") }
                throw SupportFailure(problem + (errors ?? ""))
            }
            usleep(1000)
        }
    }

    /// The same, until there is a file.
    func wait(forFile path: String, else problem: String, _ log: String? = nil) throws {
        try wait(until: FileManager.default.fileExists(atPath: path), else: problem, log)
    }
}
