import Foundation

/// A run of one of the test programs, which are built with the tests.
///
/// Without Foundation's `Process`, which sometimes crashes when many tasks start processes, and whose children inherit a
/// signal mask that blocks everything.
struct TestProgram {
    /// The exit status, or the negated number of the signal that ended it.
    let status: Int32
    /// Its output.
    let output: String

    struct Failure: Error {
        let program: String
        let errorNumber: Int32
    }

    /// Runs a test program to its end.
    static func run(_ arguments: [String], of program: String = "TestProgram") async throws -> TestProgram {
        try await run(path(of: program), arguments)
    }

    /// Runs the test program with arguments that let it use up its descriptors for a moment.
    ///
    /// libdispatch looks at its threads once a second, and ends a process (with SIGILL) that has no descriptor left for that.
    /// Then the program is run again.
    static func runWithoutDescriptors(_ arguments: [String]) async throws -> TestProgram {
        for _ in 0..<20 {
            let run = try await run(arguments)
            if run.status != -SIGILL { return run }
        }
        return try await run(arguments)
    }

    /// Runs any program to its end.
    static func run(_ path: String, _ arguments: [String]) async throws -> TestProgram {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(with: Result { try runBlocking(path, arguments) })
            }
        }
    }

    static func path(of program: String = "TestProgram") -> String {
        URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent().appendingPathComponent(program).path
    }

    static func runBlocking(_ path: String, _ arguments: [String]) throws -> TestProgram {
        let ends = try makePipe(path)
        defer { _ = close(ends[0]) }
        let started = Result { try spawn(path, arguments, output: ends[1]) }
        close(ends[1])
        let process = try started.get()
        let text = withoutLoaderWarnings(String(decoding: readToEnd(ends[0], of: process), as: UTF8.self))
        var status: Int32 = 0
        while unsafe waitpid(process, &status, 0) < 0, errno == EINTR {}
        // Like WIFEXITED etc., which are macros.
        let signal = status & 0x7F
        return TestProgram(status: signal == 0 ? (status >> 8) & 0xFF : -signal, output: text)
    }

    /// The output without the loader's warnings about a libcurl of another distribution.
    static func withoutLoaderWarnings(_ output: String) -> String {
        let warning = ": no version information available"
        guard output.contains(warning) else { return output }
        // By scalars: as characters, the ends of a terminal's lines are "\r\n".
        let lines = output.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).map { String($0) }
        return lines.filter { !$0.contains("libcurl") || !$0.contains(warning) }.joined(separator: "\n")
    }

    /// A pipe that is closed in other children. One of those that live as long as this process, as servers do, would keep it
    /// open.
    private static func makePipe(_ path: String) throws -> [Int32] {
        var ends: [Int32] = [0, 0]
        try starting.withLock {
            guard unsafe pipe(&ends) == 0 else { throw Failure(program: path, errorNumber: errno) }
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        }
        return ends
    }

    /// No program is started while a pipe is made.
    private static let starting = NSLock()

    /// Reads the output of a program until the program and its children have closed it.
    ///
    /// A program that runs longer than five minutes is killed, so that a hang fails the test instead of blocking the suite.
    private static func readToEnd(_ output: Int32, of process: pid_t) -> [UInt8] {
        let limit = ContinuousClock.now + .seconds(300)
        var text: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 65536)
        while true {
            var entry = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
            let left = limit - ContinuousClock.now
            let ready = unsafe poll(&entry, 1, max(0, Int32(left.components.seconds)) * 1000)
            if ready == 0, left < .seconds(1) {
                kill(process, SIGKILL)
                return text + Array("\nkilled: not done after five minutes\n".utf8)
            }
            guard ready > 0 else { continue }
            let count = unsafe read(output, &piece, piece.count)
            if count == 0 || (count < 0 && errno != EINTR) { return text }
            text += piece.prefix(max(0, count))
        }
    }

    /// - Parameter input: Its standard input; empty if `nil`.
    static func spawn(_ path: String, _ arguments: [String], input: Int32? = nil, output: Int32) throws -> pid_t {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        if let input {
            unsafe posix_spawn_file_actions_adddup2(&actions, input, 0)
        } else {
            unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        }
        unsafe posix_spawn_file_actions_adddup2(&actions, output, 1)
        unsafe posix_spawn_file_actions_adddup2(&actions, output, 2)
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        unsafe sigemptyset(&none)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        let words = unsafe ([path] + arguments).map { unsafe strdup($0) }
        defer { unsafe words.forEach { unsafe free($0) } }
        var process: pid_t = 0
        let result = starting.withLock {
            unsafe posix_spawn(&process, path, &actions, &attributes, words + [nil], environ)
        }
        guard result == 0 else { throw Failure(program: path, errorNumber: result) }
        return process
    }
}
