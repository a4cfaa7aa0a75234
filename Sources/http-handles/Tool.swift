import ArgumentParser
import Foundation
import HTTPHandles

/// The command-line tool: shows the library off, and makes it scriptable.
@main
struct Tool: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "http-handles",
        abstract: "HTTP with WinHTTP's handles, in Swift, on libcurl.",
        discussion: """
            Exit status: 0 the response arrived whole, whatever its status; 2 usage; 3 the request failed, and the last \
            line of standard error says how.
            """,
        subcommands: [Get.self, Tour.self]
    )

    static func main() async {
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
                print(text)
                Foundation.exit(ExitStatus.success)
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

/// The two ways out of a command.
enum Terminal {
    static let isErrorTerminal = isatty(FileHandle.standardError.fileDescriptor) != 0

    /// Writes a line to standard error.
    static func say(_ text: String) {
        FileHandle.standardError.write(Data((text + "\n").utf8))
    }

    /// Writes to standard error without ending the line.
    static func draw(_ text: String) {
        FileHandle.standardError.write(Data(text.utf8))
    }
}
