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

    @Option(
        name: [.customShort("o"), .customLong("output")],
        help: "Write the body to a file, or into the pipe or device of that name; \"-\" is standard output."
    )
    var output: String?

    @OptionGroup var resumption: ResumeOptions

    @Flag(help: "Write the response head to standard output, before the body.")
    var include = false

    @Flag(help: "Do not follow redirects: the redirect is the response.")
    var noRedirects = false

    @Flag(help: "Send the steps . and .. in the path of the URL as they are.")
    var pathAsIs = false

    @Option(help: ArgumentHelp("The longest time for everything.", valueName: "seconds"))
    var timeout: Seconds?

    @Option(help: ArgumentHelp("Close the request after some time, in flight.", valueName: "seconds"))
    var cancelAfter: Seconds?

    @Option(help: ArgumentHelp("The authorities to trust, a PEM file.", valueName: "file"))
    var cacert: String?

    @Flag(help: "Do not check the server's certificate.")
    var insecure = false

    @Option(help: ArgumentHelp("The version of HTTP: 1.1, 2, or 2-prior-knowledge.", valueName: "version"))
    var http: HTTPVersionArgument?

    @Option(
        help: ArgumentHelp("Write the events to standard error, as they happen: text or json.", valueName: "format")
    )
    var events: EventPrinter.Format?

    @Flag(help: "Write a waterfall of the phases to standard error.")
    var timing = false

    @OptionGroup var archive: ArchiveOptions

    @OptionGroup(visibility: .hidden) var later: LaterOptions

    func validate() throws {
        guard resumption.resumes else { return }
        let isPlain = message.requestMethod == nil && !message.hasData && archive.har == nil && !include
        guard output != nil, output != "-", isPlain, cancelAfter == nil, !timing else {
            throw ValidationError(
                "-C - needs -o, and goes with neither -X, -d, --include, --har, --timing nor --cancel-after."
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
        if resumption.resumes, let output {
            let outcome = await Resumption(session).download(url, to: WritableFile.target(of: output), message)
            await message.cookies.save(from: session)
            await close(session, printer)
            return try outcome.get()
        }
        let outcome = await exchange(session, archiver)
        await message.cookies.save(from: session)
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
        ]
        if pathAsIs { options.append(.set(.pathAsIs, to: true)) }
        if noRedirects { options.append(.set(.redirectPolicy, to: .never)) }
        if let timeout { options.append(.set(.totalTimeout, to: timeout.duration)) }
        if let cacert { options.append(.set(.certificateAuthorityFile, to: cacert)) }
        if insecure { options.append(.set(.verifiesServer, to: false)) }
        if let http { options.append(.set(.httpVersions, to: http.policy)) }
        return options
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
            var sink = try BodySink(output, expecting: head.headerFields[.contentLength].flatMap { Int($0) })
            defer { sink.finishDrawing() }
            if include { try sink.write(head.rawBytes) }
            for try await piece in request.body {
                archiver?.content.append(piece)
                try sink.write(piece)
            }
            try sink.complete()
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

/// Turns an error of the library about what the user typed into one about usage.
func usage<Value>(_ body: () throws(HandleError) -> Value) throws -> Value {
    do {
        return try body()
    } catch {
        throw ValidationError(error.reason)
    }
}

/// What the request says.
struct MessageOptions: ParsableArguments {
    @Option(
        name: [.customShort("X"), .customLong("request")],
        help: ArgumentHelp("The method; GET, or POST where there is data.", valueName: "method")
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
            "The body: TEXT, or what is in @FILE or, for @-, comes from standard input, without line ends. Repeatable, joined with \"&\".",
            valueName: "data"
        )
    )
    var data: [String] = []

    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp("The same, with everything that is in the file; not beside --data.", valueName: "data")
    )
    var dataBinary: [String] = []

    var hasData: Bool { !data.isEmpty || !dataBinary.isEmpty }

    func validate() throws {
        guard data.isEmpty || dataBinary.isEmpty else {
            throw ValidationError("--data and --data-binary exclude each other.")
        }
    }

    @OptionGroup var cookies: CookieOptions

    func method(hasBody: Bool) throws -> HTTPRequest.Method {
        guard let requestMethod else { return hasBody ? .post : .get }
        guard let method = HTTPRequest.Method(requestMethod) else {
            throw ValidationError("\"\(requestMethod)\" is not a method.")
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
        // A file alone is read while it is sent.
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

    /// Without what curl leaves out of a file, but not of a text.
    private static func lineContents(_ data: String) throws -> [UInt8] {
        let contents = try contents(data)
        return file(in: data) == nil ? contents : contents.filter { $0 != 0 && $0 != 0x0A && $0 != 0x0D }
    }

    private static func isRegular(_ file: String) -> Bool {
        let type = try? FileManager.default.attributesOfItem(atPath: file)[.type] as? FileAttributeType
        return type == .typeRegular && FileManager.default.isReadableFile(atPath: file)
    }
}

/// A version of HTTP as curl users write it.
enum HTTPVersionArgument: String, ExpressibleByArgument {
    case http1_1 = "1.1"
    case http2 = "2"
    case http2PriorKnowledge = "2-prior-knowledge"

    var policy: HTTPVersionPolicy {
        switch self {
        case .http1_1: .http1_1
        case .http2: .automatic
        case .http2PriorKnowledge: .http2PriorKnowledge
        }
    }
}

/// Options that the tool will have, so that scripts get a clear answer until then.
struct LaterOptions: ParsableArguments {
    @Option var proxy: String?

    func validate() throws {
        let given = ["--proxy": proxy != nil]
        if let option = given.first(where: \.value)?.key { throw ValidationError("\(option) is not there yet.") }
    }
}
