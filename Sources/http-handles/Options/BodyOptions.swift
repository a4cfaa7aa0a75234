import ArgumentParser
import Foundation
import HTTPHandles
import HTTPHandlesCommandLine
import HTTPHandlesLock

/// The options for the body of the request.
struct BodyOptions: ParsableArguments, Sendable {
    @Option(
        name: [.customShort("d"), .customLong("data"), .customLong("data-ascii")],
        help: ArgumentHelp(
            "Data to POST: a text, the content of @FILE, or standard input for @-; line ends of files are removed. Repeatable, joined with \"&\".",
            valueName: "data"
        )
    )
    var data: [Placed] = []

    @Option(help: ArgumentHelp("The same; \"@\" has no meaning.", valueName: "text"))
    var dataRaw: [Placed] = []

    @Option(help: ArgumentHelp("The same, without removing line ends.", valueName: "data"))
    var dataBinary: [Placed] = []

    @Option(
        help: ArgumentHelp(
            "The same, percent-encoded: TEXT, =TEXT, NAME=TEXT, @FILE or NAME@FILE.",
            valueName: "data"
        )
    )
    var dataUrlencode: [Placed] = []

    @Option(help: ArgumentHelp("Data as JSON, with its Content-Type and Accept.", valueName: "data"))
    var json: [Placed] = []

    @Flag(name: [.customShort("G"), .customLong("get")], help: "Send the data as the query of a GET.")
    var get = false

    @Option(
        name: [.customShort("F"), .customLong("form")],
        help: ArgumentHelp(
            "A part of a multipart form: NAME=TEXT, NAME=@FILE, NAME=<FILE, with ;type= and ;filename=. Repeatable.",
            valueName: "part"
        )
    )
    var form: [Placed] = []

    @Option(help: ArgumentHelp("The same; @, < and ; have no meaning.", valueName: "name=text"))
    var formString: [Placed] = []

    @Option(
        name: [.customShort("T"), .customLong("upload-file")],
        help: ArgumentHelp("PUT a file; - and . are standard input. Repeatable, one for each URL.", valueName: "file")
    )
    var uploads: [String] = []

    /// A value, and its place among all of them: the order of `-d` and `--data-raw` counts.
    struct Placed: ExpressibleByArgument, Sendable {
        private static let places = Lock(0)

        let text: String
        let place: Int

        init(argument: String) {
            text = argument
            place = Self.places.withLock { place in
                place += 1
                return place
            }
        }
    }

    private var arguments: [DataArgument] {
        let kinds: [(DataArgument.Kind, [Placed])] = [
            (.lines, data), (.raw, dataRaw), (.binary, dataBinary), (.encoded, dataUrlencode), (.json, json),
        ]
        let placed = kinds.flatMap { kind, values in values.map { ($0.place, DataArgument(kind, $0.text)) } }
        return placed.sorted { $0.0 < $1.0 }.map(\.1)
    }

    var hasData: Bool { !arguments.isEmpty }
    var hasForm: Bool { !form.isEmpty || !formString.isEmpty }
    var isJSON: Bool { !json.isEmpty }

    func validate() throws {
        let kinds = [hasData && !get, hasForm, !uploads.isEmpty].count { $0 }
        guard kinds <= 1 else { throw ValidationError("Only one of data, -F and -T can be sent.") }
        guard !get || !hasForm else { throw ValidationError("-G cannot be combined with -F.") }
    }

    /// The query of `-G`.
    func query() throws -> [UInt8] {
        get ? try contents(of: arguments) : []
    }

    /// The body, without that of `-T`.
    func body() throws -> RequestBody? {
        if hasForm { return .multipart(try parts()) }
        let arguments = arguments
        guard !arguments.isEmpty, !get else { return nil }
        // A single file is read while it is sent.
        if arguments.count == 1, arguments[0].kind == .binary, case .file(let file) = arguments[0].source,
            InputFile.isRegular(file)
        {
            return .file(file)
        }
        return .bytes(try contents(of: arguments))
    }

    private func contents(of arguments: [DataArgument]) throws -> [UInt8] {
        DataArgument.join(
            try arguments.map { argument in
                switch argument.source {
                case .text(let text): (argument.kind, argument.encoded(Array(text.utf8)))
                case .file(let file): (argument.kind, argument.encoded(try InputFile.contents(file)))
                }
            }
        )
    }

    private func parts() throws -> [MultipartPart] {
        let placed = formString.map { ($0, isLiteral: true) } + form.map { ($0, isLiteral: false) }
        return try placed.sorted { $0.0.place < $1.0.place }.map { argument, isLiteral in
            try Self.part(
                try syntax { () throws(SyntaxError) in
                    isLiteral ? try FormArgument(literal: argument.text) : try FormArgument(argument.text)
                }
            )
        }
    }

    private static func part(_ argument: FormArgument) throws -> MultipartPart {
        let content: [UInt8]
        switch argument.content {
        case .text(let text): content = Array(text.utf8)
        case .textOfFile(let file): content = try InputFile.contents(file)
        case .file(let path):
            let filename = argument.filename ?? FileNames.lastComponent(path)
            let contentType = argument.contentType ?? FormArgument.mediaType(ofFile: path)
            if InputFile.isRegular(path) {
                return .file(argument.name, path: path, filename: filename, contentType: contentType)
            }
            let bytes = try InputFile.contents(path)
            let type = path == "-" ? argument.contentType : contentType
            return .bytes(argument.name, bytes, filename: filename, contentType: type)
        }
        return .bytes(argument.name, content, filename: argument.filename, contentType: argument.contentType)
    }
}
