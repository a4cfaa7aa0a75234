import ArgumentParser
import Foundation
import HTTPHandlesCommandLine

/// The options for what is written, and where.
struct OutputOptions: ParsableArguments, Sendable {
    /// An empty name is that of the URL: `-O` is rewritten to it, so that its place among the others is kept.
    @Option(
        name: [.customShort("o"), .customLong("output")],
        help: ArgumentHelp(
            "Write the body to a file, pipe or device; \"-\" is standard output, #1 the value of a glob. Repeatable, one for each URL.",
            valueName: "file"
        )
    )
    var outputs: [String] = []

    @Flag(
        name: [.customShort("O"), .customLong("remote-name")],
        help: "Write the body to a file named like the URL's."
    )
    var remoteName = false

    @Flag(help: "The same for every URL without -o.")
    var remoteNameAll = false

    @Flag(
        name: [.customShort("J"), .customLong("remote-header-name")],
        help: "With -O, use the name of Content-Disposition, without a path, and only if there is no such file."
    )
    var remoteHeaderName = false

    @Option(help: ArgumentHelp("The folder of files of -o and -O.", valueName: "folder"))
    var outputDir: String?

    @Flag(help: "Make the missing folders of files.")
    var createDirs = false

    @Flag(name: [.customShort("i"), .customLong("include")], help: "Write the response heads before the body.")
    var include = false

    @Option(
        name: [.customShort("D"), .customLong("dump-header")],
        help: ArgumentHelp("Write the response heads to a file; \"-\" is standard output.", valueName: "file")
    )
    var dumpHeader: String?

    @Option(
        name: [.customShort("w"), .customLong("write-out")],
        help: ArgumentHelp(
            "Write a text with %{variables} after each response; @FILE has it, @- is standard input.",
            valueName: "format"
        )
    )
    var writeOut: String?

    @Flag(name: [.customShort("f"), .customLong("fail")], help: "Fail without a body if the status is 400 or more.")
    var fail = false

    @Flag(help: "The same, but write the body.")
    var failWithBody = false

    @Flag(help: "Stop at the first failure of several URLs.")
    var failEarly = false

    @Flag(name: [.customShort("s"), .customLong("silent")], help: "Show neither progress nor errors.")
    var silent = false

    @Flag(name: [.customShort("S"), .customLong("show-error")], help: "Show errors also with -s.")
    var showError = false

    @Flag(help: "Show no progress. It is shown on a terminal, with -o.")
    var noProgressMeter = false

    @Flag(name: [.customShort("#"), .customLong("progress-bar")], help: "No effect: the progress is always a bar.")
    var progressBar = false

    @Flag(name: [.customShort("N"), .customLong("no-buffer")], help: "No effect: nothing is held back.")
    var noBuffer = false

    @Flag(
        name: [.customShort("v"), .customLong("verbose")],
        help: "Write events (*), request heads (>), without secrets, and response heads (<) to standard error."
    )
    var verbose = false

    func validate() throws {
        guard !fail || !failWithBody else {
            throw ValidationError("--fail and --fail-with-body cannot be combined.")
        }
    }

    var showsProgress: Bool { !silent && !noProgressMeter }
    var showsErrors: Bool { !silent || showError }

    /// Where the body of a URL goes.
    ///
    /// - Parameter number: The number of the argument, from 0: all URLs of a glob have the same.
    func destination(_ number: Int, _ url: TransferURL, _ globs: [String]) throws -> Destination {
        guard let name = number < outputs.count ? outputs[number] : remoteNameAll ? "" : nil, name != "-" else {
            return .standardOutput
        }
        if name.isEmpty {
            let segment = url.lastSegment
            guard remoteHeaderName || !segment.isEmpty else {
                throw TransferFailure(ExitStatus.notWritten, "-O: the URL has no file name; use -o")
            }
            return .remote(name: segment, folder: outputDir, usesHeader: remoteHeaderName)
        }
        let path = URLGlob.fill(name, with: globs)
        return .file(outputDir.map { "\($0)/\(path)" } ?? path)
    }

    func format() throws -> WriteOutFormat? {
        guard let writeOut else { return nil }
        var text = writeOut
        if writeOut.utf8.first == UInt8(ascii: "@") {
            text = String(decoding: try InputFile.contents(String(writeOut.dropFirst())), as: UTF8.self)
        }
        return try syntax { () throws(SyntaxError) in try WriteOutFormat(text) }
    }
}
