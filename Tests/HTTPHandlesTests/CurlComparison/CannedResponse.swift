import Foundation

/// The bytes of a response, valid or not. The connection is closed after it.
struct CannedResponse: Sendable {
    let name: String
    let bytes: [UInt8]
    /// The intended difference to curl 7.88.1.
    let difference: Difference?

    init(_ name: String, _ bytes: [UInt8], _ difference: Difference? = nil) {
        self.name = name
        self.bytes = bytes
        self.difference = difference
    }

    /// - Parameter text: Each character stands for the byte with its number.
    init(_ name: String, _ text: String, _ difference: Difference? = nil) {
        self.init(name, Self.bytes(text), difference)
    }

    /// A response with these lines in its head.
    init(_ name: String, _ lines: [String], _ body: String = "", _ difference: Difference? = nil) {
        self.init(name, (lines + ["", body]).joined(separator: "\r\n"), difference)
    }

    /// A response with status 200 and these header lines.
    static func ok(_ name: String, _ lines: [String], _ body: String = "", _ difference: Difference? = nil) -> Self {
        Self(name, ["HTTP/1.1 200 OK"] + lines, body, difference)
    }

    static func chunked(_ name: String, _ body: String, _ difference: Difference? = nil) -> Self {
        .ok(name, ["Transfer-Encoding: chunked"], body, difference)
    }

    static func bytes(_ text: String) -> [UInt8] {
        text.unicodeScalars.map { UInt8($0.value) }
    }

    /// The positions where it is also truncated: every tenth byte, or fifty positions of a long one.
    var cuts: [Int] { Array(stride(from: 0, to: bytes.count, by: max(10, bytes.count / 50))) }
}

extension CannedResponse {
    static let all = statusLines + heads + lengths + chunks + intermediate + codings
}
