public import HTTPHandlesCore
import HTTPHandlesDriver

/// The body of a request.
public struct RequestBody: Sendable {
    enum Source: Sendable {
        case none
        case bytes([UInt8])
        /// Files are opened when the body is sent.
        case stored(@Sendable () throws(HandleError) -> StoredBody)
        case stream(length: Int64?, writeAll: @Sendable (BodyWriter) async throws -> Void)
        case writes(length: Int64?)
    }

    let source: Source

    /// No body. `POST`, `PUT` and `PATCH` announce an empty one.
    public static let none = RequestBody(source: .none)

    /// Bytes in memory. They can be sent again, should libcurl have to.
    public static func bytes(_ bytes: some Collection<UInt8>) -> RequestBody {
        RequestBody(source: .bytes(Array(bytes)))
    }

    /// The UTF-8 bytes of a string.
    public static func string(_ text: String) -> RequestBody {
        bytes(text.utf8)
    }

    /// The bytes of a regular file, read while they are sent and never all of them in memory.
    ///
    /// `send` opens the file, and throws `.fileNotReadable` before anything is sent if that is not possible. The length is
    /// the file's at that moment; a file that becomes shorter ends the request with the same error. The file can be sent
    /// again, where a redirect or an authentication asks for it. It is read on Swift's own threads, so that a slow disk
    /// holds up neither the session nor other requests. Events: `writeComplete` for each piece, while `send` is pending.
    ///
    /// No `Content-Type` is sent unless the header fields say one.
    ///
    /// `CURLOPT_READFUNCTION`, `CURLOPT_SEEKFUNCTION`.
    public static func file(_ path: String) -> RequestBody {
        RequestBody(
            source: .stored { () throws(HandleError) in
                StoredBody([.file(try ReadableFile(path, for: .sendRequest))])
            }
        )
    }

    /// The fields of a form, in their order, as `application/x-www-form-urlencoded`.
    ///
    /// Sets `Content-Type`, unless the header fields say one. The form can be sent again.
    public static func form(_ fields: [(name: String, value: String)]) -> RequestBody {
        let bytes = FormEncoding.encode(fields)
        return RequestBody(source: .stored { StoredBody([.bytes(bytes)], contentType: FormEncoding.contentType) })
    }

    /// The parts of a form, files among them, as `multipart/form-data`.
    ///
    /// `send` throws `.invalidParameter` for a name, filename or content type with a control character, and opens the
    /// files (see `file`), before anything is sent. Sets `Content-Type`, unless the header fields say one; who says one
    /// has no way to know the boundary. The length is known, and the form can be sent again. Events: `writeComplete` for
    /// each piece, while `send` is pending.
    public static func multipart(_ parts: [MultipartPart]) -> RequestBody {
        RequestBody(
            source: .stored { () throws(HandleError) in
                var generator = SystemRandomNumberGenerator()
                let encoding = try MultipartEncoding(parts, using: &generator)
                var pieces: [StoredBody.Piece] = []
                for piece in encoding.pieces {
                    switch piece {
                    case .bytes(let bytes): pieces.append(.bytes(bytes))
                    case .file(let path): pieces.append(.file(try ReadableFile(path, for: .sendRequest)))
                    }
                }
                return StoredBody(pieces, contentType: encoding.contentType)
            }
        )
    }

    /// Pieces from a sequence, which is iterated in a child of the task that calls `send` and never faster than the server
    /// takes them. The child is cancelled when the request ends or the server answers before it has all of them.
    ///
    /// An error that the sequence throws ends the request; `send` throws it as `HandleError.underlying`.
    ///
    /// - Parameters:
    ///   - pieces: The pieces; a sequence that cannot be started again is fine, but cannot be sent again.
    ///   - length: How many bytes there will be; the request fails if there are more or fewer. `nil` if that is not known:
    ///     then HTTP/1.1 sends them chunked.
    public static func stream<Pieces: AsyncSequence & Sendable>(
        _ pieces: Pieces,
        length: Int64? = nil
    ) -> RequestBody where Pieces.Element: Collection<UInt8> {
        RequestBody(
            source: .stream(length: length) { writer in
                for try await piece in pieces {
                    guard try await writer.write(Array(piece)) else { return }
                }
            }
        )
    }

    /// Pieces that the caller writes with `RequestHandle.write(_:)` after `send`, and ends with `finishWriting()`.
    ///
    /// `WinHttpWriteData`.
    public static func writes(length: Int64? = nil) -> RequestBody {
        RequestBody(source: .writes(length: length))
    }
}
