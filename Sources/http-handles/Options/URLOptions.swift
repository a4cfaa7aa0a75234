import ArgumentParser
import HTTPHandlesCommandLine

/// The options for URLs, and for several of them.
struct URLOptions: ParsableArguments, Sendable {
    @Argument(help: "http and https URLs; without a scheme, http. {a,b} and [1-9] stand for several.")
    var urls: [String] = []

    @Option(help: ArgumentHelp("One more URL.", valueName: "url"))
    var url: [String] = []

    @Flag(name: [.customShort("g"), .customLong("globoff")], help: "Send {} and [] in URLs as they are.")
    var globOff = false

    @Flag(help: "Do not remove the segments . and .. from the path of the URL.")
    var pathAsIs = false

    @Flag(name: [.customShort("Z"), .customLong("parallel")], help: "Fetch several URLs at the same time.")
    var parallel = false

    @Option(help: ArgumentHelp("How many at most; 50 by default.", valueName: "number"))
    var parallelMax = 50

    @Option(
        name: [.customShort("K"), .customLong("config")],
        help: ArgumentHelp("Read options from a file, in curl's format; \"-\" is standard input.", valueName: "file")
    )
    var config: [String] = []

    @Flag(name: [.customShort("q"), .customLong("disable")], help: "No effect: ~/.curlrc is never read.")
    var disable = false

    func validate() throws {
        guard !urls.isEmpty else { throw ValidationError("Missing expected argument '<url>'") }
        guard parallelMax > 0 else { throw ValidationError("--parallel-max must be at least 1.") }
    }

    /// All arguments, with their globs.
    func globs() throws -> [URLGlob] {
        try urls.map { url in
            guard !globOff else { return URLGlob(plain: url) }
            do throws(SyntaxError) {
                return try URLGlob(url)
            } catch {
                throw TransferFailure(ExitStatus.malformedURL, error.reason)
            }
        }
    }
}
