import Foundation

/// A shell script that runs a server, and ends it when this process is gone, however it goes: its standard input ends
/// then.
final class Guardian: Sendable {
    private let process: pid_t
    private let leash: FileHandle

    /// - Parameter output: Gets what the script writes.
    init(_ script: String, _ arguments: [String], output: FileHandle = .standardError) throws {
        // Closed in other children from the start: a leash that one of them held would not end.
        var ends: [Int32] = [0, 0]
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
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

    /// Swift Testing waits for its own children with a call that always names the first dead one: a child that nobody
    /// waits for keeps it from ever hearing of the others.
    deinit {
        try? leash.close()
        waitpid(process, nil, 0)
    }

    var isRunning: Bool { waitpid(process, nil, WNOHANG) == 0 }
}
