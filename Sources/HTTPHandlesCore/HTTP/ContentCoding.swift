package import HTTPTypes

/// A coding that a body can be sent in (RFC 9110, section 8.4.1).
package enum ContentCoding: String, Sendable, Hashable, CaseIterable {
    case gzip, deflate
    case brotli = "br"
    case zstd

    /// The codings that a message says were applied to its body, in that order; `nil` if one of them is unknown.
    package static func applied(_ fields: HTTPFields) -> [ContentCoding]? {
        var codings: [ContentCoding] = []
        for value in fields[values: .contentEncoding] {
            for part in value.split(separator: ",") {
                let name = part.drop { $0 == " " || $0 == "\t" }.prefix { $0 != " " && $0 != "\t" }.lowercased()
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
