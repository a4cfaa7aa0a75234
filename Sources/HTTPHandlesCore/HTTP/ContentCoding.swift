package import HTTPTypes

/// A content coding (RFC 9110, section 8.4.1).
package enum ContentCoding: String, Sendable, Hashable, CaseIterable {
    case gzip, deflate
    case brotli = "br"
    case zstd

    /// The codings of `Content-Encoding`, in the order in which they were applied; `nil` if one of them is unknown.
    package static func applied(_ fields: HTTPFields) -> [ContentCoding]? {
        var codings: [ContentCoding] = []
        for value in fields[values: .contentEncoding] {
            for part in value.utf8.split(separator: UInt8(ascii: ",")) {
                let start = part.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
                let token = start.prefix { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") }
                let name = String(decoding: token.map(\.asciiLowercased), as: UTF8.self)
                switch name {
                case "identity", "": continue
                case "x-gzip": codings.append(.gzip)
                default:
                    guard let coding = ContentCoding(rawValue: name) else { return nil }
                    codings.append(coding)
                }
            }
        }
        return codings
    }
}
