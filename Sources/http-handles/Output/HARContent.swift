import Foundation
import HTTPHandles

/// The body of a response in a HAR file, up to `maximumSize`.
struct HARContent {
    static let maximumSize = 1 << 20

    private var size = 0
    /// `nil` if the body is longer.
    private var bytes: [UInt8]? = []

    mutating func append(_ piece: [UInt8]) {
        size += piece.count
        if size <= Self.maximumSize { bytes?.append(contentsOf: piece) } else { bytes = nil }
    }

    /// The body is omitted if secrets are hidden: nothing tells whether it contains one.
    func object(_ redaction: Redaction) -> [String: Any] {
        guard !redaction.hidesSecrets else { return ["size": size, "comment": "omitted without --har-with-secrets"] }
        guard let bytes else { return ["size": size, "comment": "longer than \(Self.maximumSize) bytes"] }
        if let text = String(validating: bytes, as: UTF8.self) { return ["size": size, "text": text] }
        return ["size": size, "text": Data(bytes).base64EncodedString(), "encoding": "base64"]
    }
}
