import ArgumentParser
import Foundation
import HTTPHandles
import HTTPHandlesDriver
import HTTPTypes

/// `http-handles get`: fetches a URL as curl would.
struct Get: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Fetch a URL; the body goes to standard output.")

    @Argument(help: "An http or https URL.")
    var url: String

    @OptionGroup var message: MessageOptions

    @OptionGroup var authentication: AuthenticationOptions

    @OptionGroup var network: NetworkOptions

    @OptionGroup var proxy: ProxyOptions

    @Option(
        name: [.customShort("o"), .customLong("output")],
        help: "Write the body to a file, pipe or device; \"-\" is standard output."
    )
    var output: String?

    @OptionGroup var resumption: ResumeOptions

    @Flag(help: "Write the response head to standard output, before the body.")
    var include = false

    @Flag(help: "Do not follow redirects.")
    var noRedirects = false

    @Flag(help: "Do not remove the segments . and .. from the path of the URL.")
    var pathAsIs = false

    @Option(help: ArgumentHelp("The time limit of the whole exchange.", valueName: "seconds"))
    var timeout: Seconds?

    @Option(help: ArgumentHelp("Close the request after this time.", valueName: "seconds"))
    var cancelAfter: Seconds?

    @OptionGroup var tls: TLSArguments

    @OptionGroup var versions: HTTPVersionArguments

    @OptionGroup var sessionFiles: SessionFileOptions

    @Option(
        help: ArgumentHelp("Write the events to standard error, as they happen: text or json.", valueName: "format")
    )
    var events: EventPrinter.Format?

    @Flag(help: "Write a waterfall of the phases to standard error.")
    var timing = false

    @OptionGroup var archive: ArchiveOptions

    func validate() throws {
        guard resumption.resumes else { return }
        let isPlain = message.requestMethod == nil && !message.hasData && archive.har == nil && !include
        guard output != nil, output != "-", isPlain, cancelAfter == nil, !timing else {
            throw ValidationError(
                "-C - needs -o and cannot be combined with -X, -d, --include, --har, --timing and --cancel-after."
            )
        }
    }

    func run() async throws {
        let options = try options()
        let session = try usage { () throws(HandleError) in
            try SessionHandle(userAgent: "http-handles/0.1", options: options)
        }
        let printer = events.map { EventPrinter(session, as: $0) }
        let archiver = try archive.har.map { file in
            try usage { () throws(HandleError) in try HARRecorder(session, to: file, archive.redaction) }
        }
        try await message.cookies.load(into: session)
        try await sessionFiles.load(into: session)
        if resumption.resumes, let output {
            let outcome = await Resumption(session).download(url, to: WritableFile.target(of: output), message)
            await message.cookies.save(from: session)
            await sessionFiles.save(from: session)
            await close(session, printer)
            return try outcome.get()
        }
        let outcome = await exchange(session, archiver)
        await message.cookies.save(from: session)
        await sessionFiles.save(from: session)
        await close(session, printer)
        try await archiver?.finish(outcome)
        let times = try outcome.get()
        if timing { Waterfall(times).lines.forEach(Terminal.say) }
    }

    private func close(_ session: SessionHandle, _ printer: EventPrinter?) async {
        _ = try? session.closeAll()
        await session.closed()
        await printer?.finish()
    }

    private func options() throws -> [OptionSetting] {
        var options: [OptionSetting] = [
            .set(.credentials, to: try authentication.credentials()), .set(.usesCookies, to: message.cookies.usesJar),
            .set(.proxy, to: try proxy.setting()),
        ]
        if pathAsIs { options.append(.set(.pathAsIs, to: true)) }
        if noRedirects { options.append(.set(.redirectPolicy, to: .never)) }
        if let timeout { options.append(.set(.totalTimeout, to: timeout.duration)) }
        options += try tls.options()
        options += sessionFiles.options
        if let policy = versions.policy { options.append(.set(.httpVersions, to: policy)) }
        return options + (try network.settings())
    }

    private func exchange(_ session: SessionHandle, _ archiver: HARRecorder?) async -> Result<RequestTimes, any Error> {
        do {
            let body = try message.body()
            let method = try message.method(hasBody: body != nil)
            let fields = try usage { () throws(HandleError) in try message.headerFields(hasBody: body != nil) }
            let request = try await session.openRequest(method, url, headerFields: fields)
            archiver?.begin(request, method, url, fields)
            let canceller = closeLater(request)
            defer { canceller?.cancel() }
            try await request.send(body ?? .none)
            let head = try await request.receiveResponse()
            archiver?.head = head
            let path = output == "-" ? nil : output
            let file = if let path { try WritableFile(into: path) } else { try WritableFile.standardOutput() }
            let length = head.headerFields[.contentLength].flatMap { UInt64($0) }
            var progress = path.flatMap { _ in ProgressLine(expecting: length) }
            defer { progress?.finish(file.length) }
            if include { try file.write(head.rawBytes) }
            for try await piece in request.body {
                archiver?.content.append(piece)
                try file.write(piece)
                progress?.update(file.length)
            }
            // Reports errors that the system detects when a file is closed.
            try file.complete()
            archiver?.statistics = try await request.option(.requestStatistics)
            return .success(try await request.option(.requestTimes))
        } catch let error as HandleError {
            return .failure(RequestFailure(error: error))
        } catch {
            return .failure(error)
        }
    }

    private func closeLater(_ request: RequestHandle) -> Task<Void, Never>? {
        cancelAfter.map { seconds in
            Task {
                guard (try? await Task.sleep(for: seconds.duration)) != nil else { return }
                try? request.close()
            }
        }
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

/// The options for the request message.
struct MessageOptions: ParsableArguments {
    @Option(
        name: [.customShort("X"), .customLong("request")],
        help: ArgumentHelp("The method; GET by default, POST with data.", valueName: "method")
    )
    var requestMethod: String?

    @Option(
        name: [.customShort("H"), .customLong("header")],
        help: ArgumentHelp("A header field; repeatable.", valueName: "name: value")
    )
    var headers: [String] = []

    @Option(
        name: [.customShort("d"), .customLong("data")],
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "The body: a text, the content of @FILE, or standard input for @-; line ends of files are removed. Repeatable, joined with \"&\".",
            valueName: "data"
        )
    )
    var data: [String] = []

    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp("The same, without removing line ends; not with --data.", valueName: "data")
    )
    var dataBinary: [String] = []

    var hasData: Bool { !data.isEmpty || !dataBinary.isEmpty }

    func validate() throws {
        guard data.isEmpty || dataBinary.isEmpty else {
            throw ValidationError("--data and --data-binary cannot be combined.")
        }
    }

    @OptionGroup var cookies: CookieOptions

    func method(hasBody: Bool) throws -> HTTPRequest.Method {
        guard let requestMethod else { return hasBody ? .post : .get }
        guard let method = HTTPRequest.Method(requestMethod) else {
            throw ValidationError("\"\(requestMethod)\" is not a valid method.")
        }
        return method
    }

    func headerFields(hasBody: Bool) throws(HandleError) -> HTTPFields {
        var fields = HTTPFields()
        for header in headers {
            let colon = header.utf8.firstIndex(of: UInt8(ascii: ":")) ?? header.endIndex
            let value = header.utf8[colon...].dropFirst().drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
            try fields.append(checked: String(header[..<colon]), String(Substring(value)))
        }
        if let field = cookies.field { try fields.append(checked: "Cookie", field) }
        if hasBody, fields[.contentType] == nil { fields[.contentType] = "application/x-www-form-urlencoded" }
        return fields
    }

    func body() throws -> RequestBody? {
        guard hasData else { return nil }
        // A single file is read while it is sent.
        if dataBinary.count == 1, let file = Self.file(in: dataBinary[0]), Self.isRegular(file) { return .file(file) }
        let parts = try data.map(Self.lineContents) + dataBinary.map(Self.contents)
        return .bytes([UInt8](parts.joined(separator: [UInt8(ascii: "&")])))
    }

    private static func file(in data: String) -> String? {
        data.utf8.first == UInt8(ascii: "@") ? String(data.dropFirst()) : nil
    }

    private static func contents(_ data: String) throws -> [UInt8] {
        guard let file = file(in: data) else { return Array(data.utf8) }
        let contents =
            file == "-"
            ? try? FileHandle.standardInput.readToEnd() ?? Data() : FileManager.default.contents(atPath: file)
        guard let contents else {
            throw ValidationError("\(file == "-" ? "Standard input" : file) cannot be read.")
        }
        return [UInt8](contents)
    }

    /// The content of a file without the bytes that curl removes (line ends and NUL); a text is unchanged.
    private static func lineContents(_ data: String) throws -> [UInt8] {
        let contents = try contents(data)
        return file(in: data) == nil ? contents : contents.filter { $0 != 0 && $0 != 0x0A && $0 != 0x0D }
    }

    private static func isRegular(_ file: String) -> Bool {
        let type = try? FileManager.default.attributesOfItem(atPath: file)[.type] as? FileAttributeType
        return type == .typeRegular && FileManager.default.isReadableFile(atPath: file)
    }
}
