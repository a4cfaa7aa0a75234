import ArgumentParser
import HTTPHandles
import HTTPHandlesDriver

/// The options that show or write what a session did.
struct RecordingOptions: ParsableArguments {
    @Flag(help: "Write a waterfall of the phases of all hops to standard error.")
    var timing = false

    @Option(
        help: ArgumentHelp(
            "Write the exchanges, with each redirect, to a file in HAR 1.2 format that only its owner can read, without bodies and secrets.",
            valueName: "file"
        )
    )
    var har: String?

    @Flag(help: "Include secret header fields, query values and response bodies in that file.")
    var harWithSecrets = false

    @Option(
        help: ArgumentHelp(
            "Write a page with waterfall, connections, exchanges and events, without bodies and secrets, to a file that only its owner can read.",
            valueName: "file.html"
        )
    )
    var report: String?

    func validate() throws {
        if harWithSecrets, har == nil { throw ValidationError("--har-with-secrets needs --har.") }
    }

    /// What is to be written; the files are open.
    struct Files {
        let timing: Bool
        var har: WritableFile?
        /// That of the HAR file.
        var redaction = Redaction.standard
        var report: WritableFile?
    }

    var isUsed: Bool { timing || har != nil || report != nil }

    /// Opens the files, so that an error is reported before a request is sent. `nil` if nothing is to be written.
    func open() throws -> Files? {
        guard isUsed else { return nil }
        return Files(
            timing: timing,
            har: try har.map(Self.open),
            redaction: harWithSecrets ? .none : .standard,
            report: try report.map(Self.open)
        )
    }

    private static func open(_ path: String) throws -> WritableFile {
        try usage { () throws(HandleError) in try WritableFile.privateFile(path) }
    }
}
