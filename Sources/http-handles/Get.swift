import ArgumentParser
import Foundation
import HTTPHandles
import HTTPHandlesCommandLine
import HTTPHandlesDriver

/// `http-handles get`: fetches URLs as curl would.
struct Get: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get",
        _superCommandName: "http-handles",
        abstract: "Fetch URLs; bodies go to standard output.",
        discussion: """
            The options are curl's, also joined (-sSL) and before or after the URLs. On purpose different from curl: \
            redirects are followed, but not from https to http; compressed bodies are asked for and decoded; ~/.curlrc is \
            not read; -v shows no secrets; no credentials go to another origin. All of it: Docs/Tool.md.
            """,
        version: Tool.version
    )

    @OptionGroup var targets: URLOptions
    // No group in a group: the parser's checks in debug builds take four times as long for each level.
    @OptionGroup var message: MessageOptions
    @OptionGroup var conditions: ConditionOptions
    @OptionGroup var cookies: CookieOptions
    @OptionGroup var content: BodyOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var resumption: ResumeOptions
    @OptionGroup var redirects: RedirectOptions
    @OptionGroup var limits: LimitOptions
    @OptionGroup var retries: RetryOptions
    @OptionGroup var authentication: AuthenticationOptions
    @OptionGroup var netrc: NetrcOptions
    @OptionGroup var network: NetworkOptions
    @OptionGroup var proxy: ProxyOptions
    @OptionGroup var tls: TLSArguments
    @OptionGroup var versions: HTTPVersionArguments
    @OptionGroup var sessionFiles: SessionFileOptions

    @Option(
        help: ArgumentHelp("Write the events to standard error, as they happen: text or json.", valueName: "format")
    )
    var events: EventPrinter.Format?

    @OptionGroup var recording: RecordingOptions

    func validate() throws {
        guard resumption.resumes else { return }
        let isPlain = message.requestMethod == nil && !content.hasData && !recording.isUsed && !output.include
        guard let name = output.outputs.first, name != "-", !name.isEmpty, isPlain, limits.cancelAfter == nil
        else {
            throw ValidationError(
                "-C - needs -o and cannot be combined with -X, -d, --include, --har, --timing and --cancel-after."
            )
        }
    }

    func run() async throws {
        do {
            try await fetch()
        } catch let failure as TransferFailure where !output.showsErrors {
            throw Ended(status: failure.status)
        }
    }

    private func fetch() async throws {
        // Everything is read and checked before anything is sent.
        let plan = try TransferPlan(self)
        let jobs = try TransferJobs(self, query: plan.query)
        let isSingle = jobs.count == 1
        guard isSingle || !resumption.resumes && conditions.etagSave == nil else {
            throw ValidationError("-C and --etag-save are for one URL.")
        }
        let options = try options(plan)
        let files = try recording.open()
        let session = try usage { () throws(HandleError) in try SessionHandle(options: options) }
        let printer = events.map { EventPrinter(session, as: $0) }
        let record = files.map { SessionRecording(session, $0) }
        try await cookies.load(into: session)
        try await sessionFiles.load(into: session)
        if resumption.resumes, let first = jobs.first, case .file(let path) = first.destination {
            if let credentials = first.credentials { try await session.setOption(.credentials, to: credentials) }
            if let policy = retries.policy(for: .get, fails: false) {
                try await session.setOption(.retryPolicy, to: policy)
            }
            let outcome = await Resumption(session, showsProgress: output.showsProgress)
                .download(first.url.text, to: WritableFile.target(of: path), plan.fields)
            await end(session, printer)
            return try outcome.get()
        }
        let heads = try output.dumpHeader.map { try HeadDump($0) }
        var batch = TransferBatch(plan, jobs, session, heads, record, shows: output)
        batch.limit = targets.parallel ? targets.parallelMax : 1
        let last = await batch.run()
        await end(session, printer)
        try await record?.finish()
        try await heads?.complete()
        if last.status != ExitStatus.success { throw Ended(status: last.status) }
    }

    private func end(_ session: SessionHandle, _ printer: EventPrinter?) async {
        await cookies.save(from: session)
        await sessionFiles.save(from: session)
        _ = try? session.closeAll()
        await session.closed()
        await printer?.finish()
    }

    private func options(_ plan: TransferPlan) throws -> [OptionSetting] {
        var options: [OptionSetting] = [
            .set(.usesCookies, to: cookies.usesJar), .set(.proxy, to: try proxy.setting()),
        ]
        if targets.pathAsIs { options.append(.set(.pathAsIs, to: true)) }
        options += message.settings(removed: plan.removedFields)
        options += redirects.settings
        options += limits.settings
        options += try tls.options()
        options += sessionFiles.options
        if let policy = versions.policy { options.append(.set(.httpVersions, to: policy)) }
        return options + (try network.settings())
    }
}

/// Converts an error of the library about a command-line argument to a usage error.
func usage<Value>(_ body: () throws(HandleError) -> Value) throws -> Value {
    do {
        return try body()
    } catch {
        throw ValidationError(error.reason)
    }
}
