import HTTPHandlesTimeline

/// The body of a response for a HAR file, up to `maximumSize`.
struct HARContent: Sendable {
    static let maximumSize = 1 << 20

    private var size = 0
    /// `nil` if the body is longer, or not wanted.
    private var bytes: [UInt8]?

    /// - Parameter keepsBytes: Whether to keep the body: nothing tells whether it contains a secret.
    init(keepsBytes: Bool) {
        bytes = keepsBytes ? [] : nil
    }

    mutating func append(_ piece: [UInt8]) {
        size += piece.count
        if size <= Self.maximumSize { bytes?.append(contentsOf: piece) } else { bytes = nil }
    }

    func member(type: String?, hidesSecrets: Bool) -> HARDocument.Content {
        if let bytes { return HARDocument.Content(bytes, type: type) }
        let reason = hidesSecrets ? "omitted without --har-with-secrets" : "longer than \(Self.maximumSize) bytes"
        return HARDocument.Content(size: size, type: type, comment: reason)
    }
}
