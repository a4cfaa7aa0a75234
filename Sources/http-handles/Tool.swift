import ArgumentParser
import Foundation
import HTTPHandles
import HTTPHandlesDriver
import HTTPHandlesTimeline

/// The command-line tool.
@main
struct Tool: AsyncParsableCommand {
    static let version = "http-handles 0.1"

    static let configuration = CommandConfiguration(
        commandName: "http-handles",
        abstract: "An HTTP client in Swift, based on libcurl, with WinHTTP's handles.",
        discussion: """
            "get" may be left out: http-handles https://example.com/

            Exit status: curl's numbers. 0 the response arrived whole, whatever its status (22 with --fail, if that is 400 or \
            more); 2 usage; others: the request failed or what it brought could not be written, and the last line of \
            standard error says how.
            """,
        version: version,
        subcommands: [Get.self, WatchCommand.self, WebSocketCommand.self, Tour.self]
    )

    /// `get` has its own parser: the one of a command with subcommands makes all options of the chosen one twice more.
    private static func parsed(_ words: [String]) throws -> any ParsableCommand {
        words.first == "get" ? try Get.parseAsRoot(Array(words.dropFirst())) : try parseAsRoot(words)
    }

    static func main() async {
        Terminal.prepare()
        do {
            var command = try parsed(try CommandLineWords.rewritten(Array(CommandLine.arguments.dropFirst())))
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch let end as Ended {
            Foundation.exit(end.status)
        } catch let failure as TransferFailure {
            Terminal.say("error: \(failure.text)")
            Foundation.exit(failure.status)
        } catch {
            let text = fullMessage(for: error)
            if exitCode(for: error) == .success {
                // Help; standard output may be a full disk or a closed pipe too.
                let isWritten = (try? WritableFile.standardOutput().write(Array((text + "\n").utf8))) != nil
                Foundation.exit(isWritten ? ExitStatus.success : ExitStatus.notWritten)
            }
            Terminal.say(text)
            Foundation.exit(ExitStatus.usage)
        }
    }
}

/// Standard error, and the setup of the standard streams.
enum Terminal {
    static let isErrorTerminal = isatty(STDERR_FILENO) != 0

    /// The size of the terminal, or of `COLUMNS` if standard error is none.
    static var screen: Screen { screen(of: STDERR_FILENO) }

    static func screen(of descriptor: Int32) -> Screen {
        let environment = ProcessInfo.processInfo.environment
        var size = winsize()
        let isKnown = unsafe ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
        return Screen(
            columns: isKnown ? Int(size.ws_col) : environment["COLUMNS"].flatMap { Int($0) },
            rows: isKnown ? Int(size.ws_row) : environment["LINES"].flatMap { Int($0) },
            isUnicode: Screen.isUnicode(environment)
        )
    }

    /// Ignores SIGPIPE, so that writing to a pipe without a reader fails instead of ending the process. Replaces closed
    /// standard streams, so that no file that is opened later gets their descriptors.
    static func prepare() {
        _ = signal(SIGPIPE, SIG_IGN)
        for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 {
            // In the opposite direction, so that reading or writing fails.
            _ = unsafe open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY)
        }
    }

    /// Writes a line to standard error. It may be from a server: what a terminal acts on is escaped.
    static func say(_ text: String) { draw(TerminalText.escaped(text) + "\n") }

    /// Writes to standard error without ending the line.
    static func draw(_ text: String) {
        // An error cannot be reported anywhere.
        try? WritableFile.standardError().write(Array(text.utf8))
    }
}
