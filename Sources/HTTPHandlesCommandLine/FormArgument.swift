/// An argument of `-F`: one part of a form, or several files under one name.
package struct FormArgument: Hashable, Sendable {
    package enum Content: Hashable, Sendable {
        case text(String)
        /// The content of a file, sent as a text; "-" is standard input.
        case textOfFile(String)
        /// A file, sent as one.
        case file(String)
    }

    package let name: String
    package var content: Content
    package var contentType: String?
    package var filename: String?

    /// `--form-string`: the value is sent as it is.
    package init(literal argument: String) throws(SyntaxError) {
        let (name, value) = try Self.split(argument)
        self.init(name: name, content: .text(value))
    }

    private init(name: String, content: Content) {
        self.name = name
        self.content = content
    }

    /// `name=text`, `name=<file` or `name=@file`, each with `;type=` and `;filename=` behind it.
    package init(_ argument: String) throws(SyntaxError) {
        let (name, value) = try Self.split(argument)
        var rest = value.utf8[...]
        let marker = rest.first
        let isFile = marker == UInt8(ascii: "@") || marker == UInt8(ascii: "<")
        if isFile { rest = rest.dropFirst() }
        let word = try Self.word(&rest, argument)
        switch marker {
        case UInt8(ascii: "@")?:
            guard !word.utf8.contains(UInt8(ascii: ",")) || rest.isEmpty && value.utf8.dropFirst().first == 0x22 else {
                throw SyntaxError("-F \(name): several files in one part are not supported; repeat -F.")
            }
            self.init(name: name, content: .file(word))
        case UInt8(ascii: "<")?: self.init(name: name, content: .textOfFile(word))
        default: self.init(name: name, content: .text(word))
        }
        while rest.popFirst() != nil {
            rest = rest.drop(while: \.isBlank)
            guard let (key, tail) = rest.splitOnce(at: "=") else {
                throw SyntaxError("-F \(name): \"\(String(Substring(rest)))\" is not an attribute; see --form-string.")
            }
            rest = tail
            switch String(Substring(key)) {
            // The type can have parameters: they go up to the next attribute.
            case "type": contentType = try Self.mediaType(&rest, argument)
            case "filename": filename = try Self.word(&rest, argument)
            case let key:
                throw SyntaxError("-F \(name): the attribute \"\(key)\" is not supported; see --form-string.")
            }
        }
    }

    private static func split(_ argument: String) throws(SyntaxError) -> (name: String, value: String) {
        guard let (name, value) = argument.utf8.splitOnce(at: "=") else {
            throw SyntaxError("-F \(argument): NAME=CONTENT is needed.")
        }
        return (String(Substring(name)), String(Substring(value)))
    }

    /// A text up to a semicolon, or in quotation marks.
    private static func word(_ rest: inout Substring.UTF8View, _ argument: String) throws(SyntaxError) -> String {
        guard rest.first == UInt8(ascii: "\"") else {
            let end = rest.firstIndex(of: UInt8(ascii: ";")) ?? rest.endIndex
            defer { rest = rest[end...] }
            return String(Substring(rest[..<end]))
        }
        rest = rest.dropFirst()
        var word: [UInt8] = []
        while let byte = rest.popFirst() {
            switch (byte, rest.first) {
            case (UInt8(ascii: "\\"), UInt8(ascii: "\"")?), (UInt8(ascii: "\\"), UInt8(ascii: "\\")?):
                word.append(rest.popFirst() ?? byte)
            case (UInt8(ascii: "\""), _):
                rest = rest.drop(while: \.isBlank)
                guard rest.isEmpty || rest.first == UInt8(ascii: ";") else {
                    throw SyntaxError("-F \(argument): there is a text after the quotation marks.")
                }
                return String(bytes: word)
            default: word.append(byte)
            }
        }
        throw SyntaxError("-F \(argument): the quotation marks are not closed.")
    }

    private static func mediaType(_ rest: inout Substring.UTF8View, _ argument: String) throws(SyntaxError) -> String {
        var type = try word(&rest, argument)
        while rest.first != nil, !rest.dropFirst().drop(while: \.isBlank).starts(with: "filename=".utf8) {
            rest = rest.dropFirst()
            type += ";" + (try word(&rest, argument))
        }
        return type
    }

    /// The media type that a file is sent with if none is given; curl's list.
    package static func mediaType(ofFile name: String) -> String {
        let types = [
            (".gif", "image/gif"), (".jpg", "image/jpeg"), (".jpeg", "image/jpeg"), (".png", "image/png"),
            (".svg", "image/svg+xml"), (".txt", "text/plain"), (".htm", "text/html"), (".html", "text/html"),
            (".pdf", "application/pdf"), (".xml", "application/xml"),
        ]
        let end = name.utf8.suffix(5).lowercasedASCII
        return types.first { end.suffix($0.0.utf8.count).elementsEqual($0.0.utf8) }?.1 ?? "application/octet-stream"
    }
}
