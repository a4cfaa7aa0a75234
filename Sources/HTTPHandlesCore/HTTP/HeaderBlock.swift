package import HTTPTypes

/// The HTTP version of a response.
@nonexhaustive
public enum HTTPVersion: Sendable, Hashable, CustomStringConvertible {
    /// HTTP/1.0
    case http1_0
    /// HTTP/1.1
    case http1_1
    /// HTTP/2
    case http2
    /// HTTP/3
    case http3

    /// The version as it is written, for example "HTTP/1.1".
    public var description: String {
        switch self {
        case .http1_0: "HTTP/1.0"
        case .http1_1: "HTTP/1.1"
        case .http2: "HTTP/2"
        case .http3: "HTTP/3"
        }
    }
}

/// The head of one response, or its trailers: the raw lines as libcurl delivered them.
///
/// Only the status line is parsed at once; `fields()` parses the rest on demand. Parsing the fields costs more than the
/// rest of a small response, and many callers read only the status.
package struct HeaderBlock: Sendable, Hashable {
    /// Every line with its line ending; a head includes the status line and the final empty line.
    package let bytes: [UInt8]
    /// The status code; 0 for trailers, and for a status that does not have three digits.
    package let status: Int
    package let version: HTTPVersion

    package init(bytes: [UInt8]) {
        self.bytes = bytes
        guard bytes.starts(with: Self.statusLineStart) else {
            status = 0
            version = .http1_1
            return
        }
        let afterName = bytes[5...]
        version =
            switch (afterName.first, afterName.dropFirst(2).first) {
            case (UInt8(ascii: "1"), UInt8(ascii: "0")): .http1_0
            case (UInt8(ascii: "2"), _): .http2
            case (UInt8(ascii: "3"), _): .http3
            default: .http1_1
            }
        let digits = afterName.drop { $0 != UInt8(ascii: " ") }.drop { $0 == UInt8(ascii: " ") }
            .prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        status = digits.count == 3 ? digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) } : 0
    }

    /// A head as a server of HTTP/1 would send it.
    package init(status: HTTPResponse.Status, _ fields: HTTPFields, _ version: HTTPVersion) {
        let name = version == .http2 ? "HTTP/2" : version == .http3 ? "HTTP/3" : version.description
        var text = Array("\(name) \(status.code) \(status.reasonPhrase)\r\n".utf8)
        for field in fields {
            text += "\(field.name.rawName): \(field.value)\r\n".utf8
        }
        self.init(bytes: text + Array("\r\n".utf8))
    }

    private static let statusLineStart = Array("HTTP/".utf8)

    /// A 1xx response other than 101. A 101 is final: it ends the HTTP exchange.
    package var isInformational: Bool { (100..<200).contains(status) && status != 101 }

    /// Whether the only transfer coding of the body is `chunked`.
    package var isChunked: Bool {
        let codings = fields()[values: .transferEncoding]
        return codings.count == 1 && codings[0].isEqualIgnoringASCIICase("chunked")
    }

    /// The text after the status code; empty where the server sent none.
    package var reasonPhrase: String {
        guard status != 0 else { return "" }
        let space = UInt8(ascii: " ")
        // Without `split`, which costs a percent of a small request.
        let afterStatus = bytes.drop { $0 != space }.drop { $0 == space }.dropFirst(3)
        guard afterStatus.first == space else { return "" }
        let reason = afterStatus.drop { $0 == space }.prefix { $0 != UInt8(ascii: "\r") && $0 != UInt8(ascii: "\n") }
        return String(decoding: reason, as: UTF8.self)
    }

    /// Status code and reason phrase.
    package var httpStatus: HTTPResponse.Status { HTTPResponse.Status(code: status, reasonPhrase: reasonPhrase) }

    /// The field lines, parsed.
    ///
    /// Folded lines are joined (RFC 9112, section 5.2). A line whose name is not a token cannot be an `HTTPField` and is
    /// skipped; it remains in `bytes`.
    package func fields() -> HTTPFields {
        var fields = HTTPFields()
        fields.reserveCapacity(16)
        var name: HTTPField.Name?
        var value: [UInt8] = []
        for line in lines.dropFirst(status == 0 ? 0 : 1) {
            if let first = line.first, isBlank(first) {
                value.append(UInt8(ascii: " "))
                value.append(contentsOf: trimmed(line))
                continue
            }
            if let name { fields.append(HTTPField(name: name, lenientValue: value)) }
            name = nil
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { continue }
            name = HTTPField.Name(String(decoding: line[..<colon], as: UTF8.self))
            value = Array(trimmed(line[(colon + 1)...]))
        }
        if let name { fields.append(HTTPField(name: name, lenientValue: value)) }
        return fields
    }

    /// The lines without their endings, up to the first empty one.
    private var lines: some Sequence<ArraySlice<UInt8>> {
        bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .lazy
            .map { $0.last == UInt8(ascii: "\r") ? $0.dropLast() : $0 }
            .prefix { !$0.isEmpty }
    }

    private func trimmed(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let start = line.drop(while: isBlank)
        guard let end = start.lastIndex(where: { !isBlank($0) }) else { return [] }
        return start[...end]
    }

    private func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
}
