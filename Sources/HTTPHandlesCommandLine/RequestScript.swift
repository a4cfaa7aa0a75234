/// The requests of a script: one on each line, a method and a URL or a URL alone. Empty lines and lines that begin with "#"
/// are skipped.
package enum RequestScript {
    package struct Request: Sendable, Hashable {
        package let method: String
        package let url: String

        package init(method: String = "GET", url: String) {
            self.method = method
            self.url = url
        }
    }

    /// - Parameter name: That of the file, for errors.
    package static func requests(in text: String, of name: String) throws(SyntaxError) -> [Request] {
        var requests: [Request] = []
        for (index, line) in text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .enumerated()
        {
            let words = line.split { [UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r")].contains($0) }
                .map { String(Substring($0)) }
            guard let first = words.first, first.utf8.first != UInt8(ascii: "#") else { continue }
            switch words.count {
            case 1: requests.append(Request(url: first))
            case 2: requests.append(Request(method: first, url: words[1]))
            default: throw SyntaxError("\(name):\(index + 1): a line has a method and a URL, or a URL.")
            }
        }
        guard !requests.isEmpty else { throw SyntaxError("\(name) has no request.") }
        return requests
    }
}
