import ArgumentParser
import Foundation
import HTTPHandles
import HTTPHandlesDriver

/// Cookies, as curl has them: without any of these options there is no jar.
struct CookieOptions: ParsableArguments {
    @Option(
        name: [.customShort("b"), .customLong("cookie")],
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "Cookies to send, NAME=VALUE; or, without a \"=\", a file in Netscape's format to read, and responses set cookies. Repeatable.",
            valueName: "cookies|file"
        )
    )
    var cookies: [String] = []

    @Option(
        name: [.customShort("c"), .customLong("cookie-jar")],
        parsing: .unconditional,
        help: ArgumentHelp(
            "Responses set cookies; at the end all are written to a file, or to standard output for \"-\".",
            valueName: "file"
        )
    )
    var cookieJar: String?

    func validate() throws {
        if cookies.contains("-") { throw ValidationError("Cookies cannot be read from standard input.") }
    }

    var usesJar: Bool { cookieJar != nil || !files.isEmpty }

    /// The value of the `Cookie` field.
    var field: String? {
        let given = cookies.filter { $0.utf8.contains(UInt8(ascii: "=")) }
        return given.isEmpty ? nil : given.joined(separator: "; ")
    }

    private var files: [String] { cookies.filter { !$0.utf8.contains(UInt8(ascii: "=")) } }

    /// A file that is not there is one without cookies: the first of several runs with the same jar.
    func load(into session: SessionHandle) async throws {
        for file in files where FileManager.default.fileExists(atPath: file) {
            do {
                try await session.cookies.load(from: file)
            } catch {
                throw ValidationError("\(file) cannot be read.")
            }
        }
    }

    /// Whatever became of the request. A jar that cannot be written is no failure of it.
    func save(from session: SessionHandle) async {
        guard let cookieJar else { return }
        do {
            let file = try cookieJar == "-" ? WritableFile.standardOutput() : .privateFile(cookieJar)
            try file.write(try await session.cookies.fileContents())
            try file.complete()
        } catch {
            Terminal.say("warning: the cookies are lost: \(error.reason)")
        }
    }
}
