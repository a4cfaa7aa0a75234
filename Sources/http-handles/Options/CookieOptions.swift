import ArgumentParser
import Foundation
import HTTPHandles
import HTTPHandlesDriver

/// The options for cookies, with curl's names. Without any of them there is no jar.
struct CookieOptions: ParsableArguments {
    @Option(
        name: [.customShort("b"), .customLong("cookie")],
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "Cookies to send, NAME=VALUE; or, without \"=\", a cookie file in Netscape's format, which enables the cookie jar. Repeatable.",
            valueName: "cookies|file"
        )
    )
    var cookies: [String] = []

    @Option(
        name: [.customShort("c"), .customLong("cookie-jar")],
        parsing: .unconditional,
        help: ArgumentHelp(
            "Enables the cookie jar and writes it at the end to a file, or to standard output for \"-\".",
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

    /// A missing file is an empty jar, for the first of several runs with the same jar.
    func load(into session: SessionHandle) async throws {
        for file in files where FileManager.default.fileExists(atPath: file) {
            do {
                try await session.cookies.load(from: file)
            } catch {
                throw ValidationError("\(file) cannot be read.")
            }
        }
    }

    /// Called also after a failure. Failing to write the jar is only a warning.
    func save(from session: SessionHandle) async {
        guard let cookieJar else { return }
        do {
            let file = try cookieJar == "-" ? WritableFile.standardOutput() : .privateFile(cookieJar)
            try file.write(try await session.cookies.fileContents())
            try file.complete()
        } catch {
            Terminal.say("warning: the cookies could not be saved: \(error.reason)")
        }
    }
}
