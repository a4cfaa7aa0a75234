import ArgumentParser
import Foundation
import HTTPHandles
import HTTPHandlesDriver

/// The command-line tool: shows the library off, and makes it scriptable.
@main
struct Tool: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "http-handles",
        abstract: "HTTP with WinHTTP's handles, in Swift, on libcurl.",
        discussion: """
            Exit status: 0 the response arrived whole, whatever its status; 2 usage; 3 the request failed or what it \
            brought could not be written, and the last line of standard error says how.
            """,
        subcommands: [Get.self, Tour.self]
    )

    static func main() async {
        Terminal.prepare()
        do {
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch let failure as RequestFailure {
            Terminal.say("error: \(failure.error.code.name) (\(failure.error.code.rawValue)): \(failure.error.reason)")
            Foundation.exit(ExitStatus.requestFailed)
        } catch {
            let text = fullMessage(for: error)
            if exitCode(for: error) == .success {
                // Help, which may go to a full disk or a closed pipe as well.
                let isWritten = (try? WritableFile.standardOutput().write(Array((text + "\n").utf8))) != nil
                Foundation.exit(isWritten ? ExitStatus.success : ExitStatus.requestFailed)
            }
            Terminal.say(text)
            Foundation.exit(ExitStatus.usage)
        }
    }
}

enum ExitStatus {
    static let success: Int32 = 0
    static let usage: Int32 = 2
    static let requestFailed: Int32 = 3
}

/// A request that failed, as opposed to a command that was misspelt.
struct RequestFailure: Error {
    let error: HandleError
}

/// The terminal, or what stands in its place.
enum Terminal {
    static let isErrorTerminal = isatty(STDERR_FILENO) != 0

    /// Has writing to a pipe without a reader fail, in place of ending the process; and has no file take the place of a
    /// standard stream that is closed.
    static func prepare() {
        _ = signal(SIGPIPE, SIG_IGN)
        for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 {
            // The wrong way round, so that it can be neither read nor written.
            _ = unsafe open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY)
        }
    }

    /// Writes a line to standard error.
    static func say(_ text: String) { draw(text + "\n") }

    /// Writes to standard error without ending the line.
    static func draw(_ text: String) {
        // There is nowhere to say that it fails.
        try? WritableFile.standardError().write(Array(text.utf8))
    }
}
