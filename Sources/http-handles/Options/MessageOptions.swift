import ArgumentParser
import Foundation
import HTTPHandles
import HTTPHandlesCommandLine
import HTTPTypes

/// The options for the head of the request.
struct MessageOptions: ParsableArguments {
    @Option(
        name: [.customShort("X"), .customLong("request")],
        help: ArgumentHelp("The method; GET by default, POST with data, PUT with -T.", valueName: "method")
    )
    var requestMethod: String?

    @Option(
        name: [.customShort("H"), .customLong("header")],
        help: ArgumentHelp(
            "A header field; \"Name:\" leaves out a field, \"Name;\" sends an empty one, @FILE has one in each line. Repeatable.",
            valueName: "name: value"
        )
    )
    var headers: [String] = []

    @Option(
        name: [.customShort("A"), .customLong("user-agent")],
        help: ArgumentHelp("The User-Agent; none if empty.", valueName: "text")
    )
    var userAgent: String?

    @Option(name: [.customShort("e"), .customLong("referer")], help: ArgumentHelp("The Referer.", valueName: "url"))
    var referer: String?

    @Option(
        name: [.customShort("r"), .customLong("range")],
        help: ArgumentHelp("The part of the resource, in bytes: 0-99, 100- or -100.", valueName: "range")
    )
    var range: String?

    @Flag(name: [.customShort("I"), .customLong("head")], help: "Send HEAD, and write the response head.")
    var head = false

    @Flag(help: "Ask for compressed bodies; on by default, and off with --raw.")
    var compressed = false

    @Flag(help: "Do not ask for compressed bodies, and decode none. Chunks are always decoded.")
    var raw = false

    func validate() throws {
        guard !raw || !compressed else { throw ValidationError("--raw and --compressed cannot be combined.") }
        if let requestMethod, HTTPRequest.Method(requestMethod) == nil {
            throw ValidationError("\"\(requestMethod)\" is not a valid method.")
        }
        if let range, Amounts.range(range) == nil { throw ValidationError("--range: \"\(range)\" is not a range.") }
        if referer?.utf8.firstRange(of: ";auto".utf8) != nil {
            throw ValidationError("--referer: \";auto\" is not supported.")
        }
    }

    var method: HTTPRequest.Method? { requestMethod.flatMap { HTTPRequest.Method($0) } }

    /// The fields that are sent, and the names of those that are left out, in lower case.
    func fields(_ cookies: CookieOptions, _ conditions: ConditionOptions) throws -> (
        sent: HTTPFields, removed: Set<String>
    ) {
        var fields = HTTPFields()
        var removed: Set<String> = []
        for line in try headers.flatMap(Self.lines) {
            switch try HeaderArgument(line) {
            case .field(let name, let value):
                try usage { () throws(HandleError) in try fields.append(name: name, value: value) }
            case .removal(let name): removed.insert(name)
            }
        }
        if let name = ["content-length", "host", "transfer-encoding"].first(where: removed.contains) {
            throw ValidationError("--header: the field \(name) cannot be left out.")
        }
        try usage { () throws(HandleError) in
            if let field = cookies.field { try fields.append(name: "Cookie", value: field) }
            if let referer, !referer.isEmpty, !fields.contains(.referer), !removed.contains("referer") {
                try fields.append(name: "Referer", value: referer)
            }
            if let range = range.flatMap(Amounts.range), !fields.contains(.range) {
                try fields.append(name: "Range", value: range)
            }
        }
        try conditions.append(to: &fields)
        return (fields, removed)
    }

    /// The options of the request that replace the fields which libcurl and the library write.
    func settings(removed: Set<String>) -> [OptionSetting] {
        var settings: [OptionSetting] = []
        if removed.contains("user-agent") || userAgent == "" {
            settings.append(.set(.userAgent, to: nil))
        } else {
            settings.append(.set(.userAgent, to: userAgent ?? "http-handles/0.1"))
        }
        if removed.contains("accept") { settings.append(.set(.sendsAccept, to: false)) }
        if raw || removed.contains("accept-encoding") { settings.append(.set(.decodesContent, to: false)) }
        return settings
    }

    private static func lines(_ argument: String) throws -> [String] {
        guard argument.utf8.first == UInt8(ascii: "@") else { return [argument] }
        let contents = try InputFile.contents(String(argument.dropFirst()))
        let separators = Array("\r\n".utf8)
        return contents.split { separators.contains($0) }.map { String(decoding: $0, as: UTF8.self) }
    }
}

/// An argument of `-H`.
enum HeaderArgument {
    case field(name: String, value: String)
    /// The name in lower case.
    case removal(String)

    init(_ text: String) throws {
        let bytes = text.utf8
        guard let end = bytes.firstIndex(where: { $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ";") }) else {
            throw ValidationError("--header: \"Name: value\", \"Name:\" or \"Name;\" is needed.")
        }
        let name = String(text[..<end])
        let rest = bytes[bytes.index(after: end)...]
        let value = rest.drop(while: Self.isBlank).reversed().drop(while: Self.isBlank).reversed()
        switch (bytes[end], value.isEmpty) {
        case (UInt8(ascii: ":"), true): self = .removal(name.lowercased())
        case (UInt8(ascii: ":"), false): self = .field(name: name, value: String(decoding: Array(value), as: UTF8.self))
        case (_, true): self = .field(name: name, value: "")
        default: throw ValidationError("--header: there is a text after \"\(name);\".")
        }
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
}
