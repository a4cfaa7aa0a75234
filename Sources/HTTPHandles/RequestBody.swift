/// The body of a request.
public struct RequestBody: Sendable {
    enum Source: Sendable {
        case none
        case bytes([UInt8])
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
