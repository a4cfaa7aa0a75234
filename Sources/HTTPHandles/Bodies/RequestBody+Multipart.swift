public import HTTPHandlesCore
import HTTPHandlesDriver
import HTTPHandlesLock

extension RequestBody {
    /// The parts of a form, files and streams among them, as `multipart/form-data`.
    ///
    /// `send` throws `.invalidParameter` for a name, filename, content type or header field that a part must not have, and
    /// opens the files (see `file`), before anything is sent. Sets `Content-Type`, unless the header fields say one: such a
    /// field cannot have the right boundary. The form can be sent again; its length is known unless that of a streamed part is
    /// not. Events: `writeComplete` for each piece, while `send` is pending.
    public static func multipart(_ parts: [MultipartPart]) -> RequestBody {
        RequestBody(
            source: .opened { () throws(HandleError) in
                var generator = SystemRandomNumberGenerator.system
                let encoding = try MultipartEncoding(parts, using: &generator)
                var pieces: [Piece] = []
                for piece in encoding.pieces {
                    switch piece {
                    case .bytes(let bytes): pieces.append(.stored(.bytes(BodyBytes(bytes))))
                    case .file(let path): pieces.append(.stored(.file(try ReadableFile(path, for: .sendRequest))))
                    case .source(let source): pieces.append(.source(source))
                    }
                }
                let stored = pieces.compactMap(\.stored)
                if stored.count == pieces.count {
                    return .stored(StoredBody(stored, contentType: encoding.contentType))
                }
                return .source(try sourceBody(of: pieces, encoding.contentType))
            }
        )
    }

    private enum Piece: Sendable {
        case stored(StoredBody.Piece)
        case source(MultipartSource)

        var stored: StoredBody.Piece? {
            if case .stored(let piece) = self { piece } else { nil }
        }

        var length: Int64? {
            switch self {
            case .stored(let piece): piece.length
            case .source(let source): source.length
            }
        }
    }

    private static func sourceBody(of pieces: [Piece], _ contentType: String) throws(HandleError) -> SourceBody {
        var length: Int64? = 0
        for piece in pieces {
            guard let whole = length, let part = piece.length else {
                length = nil
                continue
            }
            let (sum, overflow) = whole.addingReportingOverflow(part)
            guard part >= 0, !overflow else {
                throw .invalidParameter(.sendRequest, "the length of a part must be at least 0, but is \(part)")
            }
            length = sum
        }
        return SourceBody.made(length: length, contentType: contentType) { _, writer in
            for piece in pieces {
                switch piece {
                case .stored(.bytes(let bytes)):
                    guard try await writer.write(bytes) else { return [:] }
                case .stored(.file(let file)):
                    var offset: Int64 = 0
                    while offset < file.length {
                        let count = Int(min(file.length - offset, 256 * 1024))
                        guard
                            try await writer.write(
                                BodyBytes(
                                    try writer.own { () throws(HandleError) in
                                        try file.read(at: offset, count)
                                    }
                                )
                            )
                        else { return [:] }
                        offset += Int64(count)
                    }
                case .source(let source): try await write(source, to: writer)
                }
            }
            return [:]
        }
    }

    private static func write(_ source: MultipartSource, to writer: SourceWriter) async throws {
        let written = Lock<Int64>(0)
        try await source.write { piece in
            written.withLock { $0 += Int64(piece.count) }
            if let length = source.length, written.withLock({ $0 }) > length { return false }
            return try await writer.write(BodyBytes(piece))
        }
        guard let length = source.length, !Task.isCancelled else { return }
        let count = written.withLock { $0 }
        guard count != length else { return }
        let reason = "the length of a part is \(length), but it has \(count > length ? "more" : "\(count)") bytes"
        try writer.own { () throws(HandleError) in throw .invalidParameter(.sendRequest, reason) }
    }
}
