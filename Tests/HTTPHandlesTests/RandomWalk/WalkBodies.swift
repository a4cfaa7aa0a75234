import Foundation
import HTTPHandles
import HTTPTypes

/// The files that requests of a walk send; all bytes are 7.
final class WalkFiles: Sendable {
    static let sizes = [0, 10, 5000, 700_000]

    private let scratch: Scratch

    init() throws {
        scratch = try Scratch()
        for size in Self.sizes { _ = try scratch.file("\(size)", [UInt8](repeating: SentBody.byte, count: size)) }
    }

    func path(_ size: Int) -> String { scratch.path("\(size)") }
}

extension WalkMethod {
    var request: HTTPRequest.Method {
        switch self {
        case .get: .get
        case .post: .post
        case .put: .put
        }
    }
}

extension SentBody {
    /// The byte of all bodies that are sent.
    static let byte: UInt8 = 7

    func requestBody(_ files: WalkFiles) -> RequestBody {
        switch self {
        case .none: .none
        case .bytes(let count): .bytes([UInt8](repeating: Self.byte, count: count))
        case .writes(let announced): .writes(length: announced.map(Int64.init))
        case .stream(let pieces, let size):
            Self.stream(
                Self.pieces(pieces, of: size),
                hasTrailers: pieces.isMultiple(of: 2)
            )
        case .source(let pieces, let size):
            .restartable(length: pieces.isMultiple(of: 2) ? Int64(pieces * size) : nil) {
                Self.pieces(pieces, of: size)
            }
        case .file(let size): .file(files.path(size))
        case .missingFile: .file("/nowhere/to be found")
        case .form(let count): .form([("a b", String(repeating: "7", count: count)), ("c", "&")])
        case .multipart(let size): .multipart([.field("a", "b"), .file("c", path: files.path(size))])
        }
    }

    private static func pieces(_ count: Int, of size: Int) -> AsyncStream<[UInt8]> {
        AsyncStream { continuation in
            for _ in 0..<count { continuation.yield([UInt8](repeating: byte, count: size)) }
            continuation.finish()
        }
    }

    private static func stream(_ pieces: AsyncStream<[UInt8]>, hasTrailers: Bool) -> RequestBody {
        hasTrailers ? .stream(pieces) { [.eTag: "\"7\""] } : .stream(pieces)
    }

    /// Whether a complete body is one of those that are sent, according to its type.
    static func isRight(_ body: [UInt8], type: String?) -> Bool {
        guard let type else { return isAllBytes(body[...]) }
        if type == "application/x-www-form-urlencoded" {
            return body == Array("a+b=\(String(repeating: "7", count: 300))&c=%26".utf8)
        }
        guard let boundary = type.split(separator: "boundary=").last, type.hasPrefix("multipart/form-data") else {
            return false
        }
        let end = Array("\r\n--\(boundary)--\r\n".utf8)
        return WalkFiles.sizes.contains { size in
            let start = Array(
                """
                --\(boundary)\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r
                --\(boundary)\r\nContent-Disposition: form-data; name="c"; filename="\(size)"\r
                Content-Type: application/octet-stream\r\n\r\n
                """.utf8
            )
            return body.count == start.count + size + end.count && body.starts(with: start)
                && body.suffix(end.count) == end[...] && isAllBytes(body[start.count..<(start.count + size)])
        }
    }

    /// A loop over the bytes takes longer than everything else in a debug build.
    private static func isAllBytes(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard let first = bytes.first else { return true }
        return unsafe bytes.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return true }
            return unsafe first == byte && memcmp(base, base + 1, bytes.count - 1) == 0
        }
    }
}
