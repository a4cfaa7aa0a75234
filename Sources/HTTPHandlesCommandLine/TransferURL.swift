/// A URL of the command line: curl's additions to it are taken out.
package struct TransferURL: Hashable, Sendable {
    /// With a scheme, and without user and password.
    package private(set) var text: String
    /// Decoded.
    package let user: String?
    package let password: String?

    /// A text without a scheme is an http URL.
    package init(_ argument: String) {
        let hasScheme =
            argument.utf8.firstRange(of: "://".utf8).map { range in
                let scheme = argument.utf8[..<range.lowerBound]
                let others = Array("+-.".utf8)
                return scheme.first?.isLetter == true
                    && scheme.allSatisfy { $0.isLetter || $0.isDigit || others.contains($0) }
            } ?? false
        let whole = hasScheme ? argument : "http://\(argument)"
        guard let start = whole.utf8.firstRange(of: "://".utf8)?.upperBound else {
            (text, user, password) = (whole, nil, nil)
            return
        }
        let rest = whole.utf8[start...]
        let end = rest.firstIndex { Array("/?#".utf8).contains($0) } ?? rest.endIndex
        guard let mark = rest[..<end].lastIndex(of: UInt8(ascii: "@")) else {
            (text, user, password) = (whole, nil, nil)
            return
        }
        text = String(Substring(whole.utf8[..<start])) + String(Substring(rest[rest.index(after: mark)...]))
        let parts = rest[..<mark].split(separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
        user = String(bytes: PercentEncoding.decode(parts[0]))
        password = parts.count == 2 ? String(bytes: PercentEncoding.decode(parts[1])) : nil
    }

    private var authorityAndRest: Substring.UTF8View {
        let start = text.utf8.firstRange(of: "://".utf8)?.upperBound ?? text.startIndex
        return text.utf8[start...]
    }

    /// The host, without port and brackets.
    package var host: String {
        let authority = authorityAndRest.prefix { !Array("/?#".utf8).contains($0) }
        if authority.first == UInt8(ascii: "[") {
            return String(Substring(authority.dropFirst().prefix { $0 != UInt8(ascii: "]") }))
        }
        return String(Substring(authority.prefix { $0 != UInt8(ascii: ":") }))
    }

    /// With its slash; empty if there is none.
    private var path: Substring.UTF8View {
        let rest = authorityAndRest
        let end = rest.firstIndex { Array("?#".utf8).contains($0) } ?? rest.endIndex
        let start = rest[..<end].firstIndex(of: UInt8(ascii: "/")) ?? end
        return rest[start..<end]
    }

    /// The last segment of the path: the file name of `-O`. Empty if the path ends with a slash.
    package var lastSegment: String {
        let path = path
        let start = path.lastIndex(of: UInt8(ascii: "/")).map { path.index(after: $0) } ?? path.startIndex
        return String(Substring(path[start...]))
    }

    /// Adds to the query, before a fragment: `-G`.
    package mutating func append(query: [UInt8]) {
        guard !query.isEmpty else { return }
        let end = text.utf8.firstIndex(of: UInt8(ascii: "#")) ?? text.endIndex
        let before = text.utf8[..<end]
        let mark = before.contains(UInt8(ascii: "?")) ? "&" : "?"
        text = String(Substring(before)) + mark + String(bytes: query) + String(Substring(text.utf8[end...]))
    }

    /// Adds the name of an uploaded file if the path ends with a slash, or is empty: `-T`.
    package mutating func append(fileName: String) {
        guard lastSegment.isEmpty else { return }
        let path = path
        let name = (path.isEmpty ? "/" : "") + String(bytes: PercentEncoding.encode(fileName.utf8))
        text = String(Substring(text.utf8[..<path.endIndex])) + name + String(Substring(text.utf8[path.endIndex...]))
    }
}
