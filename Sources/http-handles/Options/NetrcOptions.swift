import ArgumentParser
import Foundation
import HTTPHandlesCommandLine

/// The options for passwords in a netrc file.
struct NetrcOptions: ParsableArguments {
    @Flag(
        name: [.customShort("n"), .customLong("netrc")],
        help: "Take user and password from ~/.netrc, if there is one."
    )
    var netrc = false

    @Flag(help: "The same; that of --netrc-file may be missing too.")
    var netrcOptional = false

    @Option(help: ArgumentHelp("The same, from another file.", valueName: "file"))
    var netrcFile: String?

    func load() throws -> Netrc? {
        guard netrc || netrcOptional || netrcFile != nil else { return nil }
        let home = ProcessInfo.processInfo.environment["HOME"] ?? NSHomeDirectory()
        let path = netrcFile ?? "\(home)/.netrc"
        if netrcFile == nil || netrcOptional, !FileManager.default.fileExists(atPath: path) { return nil }
        let text = String(decoding: try InputFile.contents(path), as: UTF8.self)
        do {
            return try Netrc(text)
        } catch {
            throw ValidationError("\(path): \(error.reason).")
        }
    }
}
