/// File names that come from a server.
package enum FileNames {
    /// The file name in `Content-Disposition`, made safe: only what comes after the last slash or backslash, without control
    /// characters; `nil` if nothing is left, or "." or "..", or if there is none.
    package static func suggested(byContentDisposition value: String) -> String? {
        var parameters = value.utf8.drop { $0 != UInt8(ascii: ";") }
        while parameters.popFirst() != nil {
            parameters = parameters.drop(while: \.isBlank)
            let key = parameters.prefix { $0 != UInt8(ascii: "=") && $0 != UInt8(ascii: ";") }
            parameters = parameters[key.endIndex...]
            guard parameters.first == UInt8(ascii: "=") else { continue }
            parameters = parameters.dropFirst().drop(while: \.isBlank)
            let value = text(&parameters)
            let name = String(bytes: key.lowercasedASCII.reversed().drop(while: \.isBlank).reversed())
            if name == "filename" { return safe(value) }
        }
        return nil
    }

    /// A quoted text or a token; leaves the rest at the next semicolon.
    private static func text(_ rest: inout Substring.UTF8View) -> [UInt8] {
        var text: [UInt8] = []
        if rest.first == UInt8(ascii: "\"") {
            rest = rest.dropFirst()
            while let byte = rest.popFirst(), byte != UInt8(ascii: "\"") {
                text.append(byte == UInt8(ascii: "\\") ? rest.popFirst() ?? byte : byte)
            }
            rest = rest.drop { $0 != UInt8(ascii: ";") }
        } else {
            let token = rest.prefix { $0 != UInt8(ascii: ";") }
            text = token.reversed().drop(while: \.isBlank).reversed()
            rest = rest[token.endIndex...]
        }
        return text
    }

    private static func safe(_ bytes: [UInt8]) -> String? {
        let last = bytes.split(omittingEmptySubsequences: false) { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "\\") }
            .last
        let name = String(bytes: (last ?? []).filter { $0 >= 0x20 && $0 != 0x7F })
        return ["", ".", ".."].contains(name) ? nil : name
    }

    /// The last component of a path.
    package static func lastComponent(_ path: String) -> String {
        String(Substring(path.utf8.split(separator: UInt8(ascii: "/")).last ?? path.utf8[...]))
    }

    /// The path of the folder that a file is in; `nil` if the path has only a name.
    package static func folder(of path: String) -> String? {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return nil }
        return slash == path.startIndex ? "/" : String(Substring(path.utf8[..<slash]))
    }
}
