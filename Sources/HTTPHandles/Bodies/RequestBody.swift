import HTTPHandlesCore
import HTTPHandlesDriver
public import HTTPTypes

/// The body of a request.
public struct RequestBody: Sendable {
    enum Source: Sendable {
        case none
        case bytes(BodyBytes)
        /// Made when the body is sent; files are opened then.
        case opened(@Sendable () throws(HandleError) -> TransferRequest.Body)
        /// `writeAll` returns the trailer fields.
        case stream(length: Int64?, hasTrailers: Bool, writeAll: @Sendable (BodyWriter) async throws -> HTTPFields)
        case writes(length: Int64?, hasTrailers: Bool)
    }

    let source: Source

    /// No body. `POST`, `PUT` and `PATCH` announce an empty one.
    public static let none = RequestBody(source: .none)

    /// Bytes in memory. They can be sent again where that is needed.
    ///
    /// A collection whose bytes are contiguous (an array, `Data`, a slice of them, the UTF-8 of a text) is kept until the request
    /// is over, and its bytes are copied once, to libcurl. Those of others are copied into an array at once. For a file that is
    /// mapped into memory use `file(_:)`: the thread of the session would wait for the disk.
    ///
    /// `CURLOPT_READFUNCTION`, `CURLOPT_SEEKFUNCTION`.
    public static func bytes(_ bytes: some Collection<UInt8> & Sendable) -> RequestBody {
        RequestBody(source: .bytes(BodyBytes(bytes)))
    }

    package static func bytes(_ bytes: some Collection<UInt8> & Sendable, contentType: String) -> RequestBody {
        let bytes = BodyBytes(bytes)
        return RequestBody(source: .opened { .stored(StoredBody([.bytes(bytes)], contentType: contentType)) })
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
            source: .opened { () throws(HandleError) in
                .stored(StoredBody([.file(try ReadableFile(path, for: .sendRequest))]))
            }
        )
    }

    /// The fields of a form, in their order, as `application/x-www-form-urlencoded`.
    ///
    /// Sets `Content-Type`, unless the header fields say one. The form can be sent again.
    public static func form(_ fields: [(name: String, value: String)]) -> RequestBody {
        bytes(FormEncoding.encode(fields), contentType: FormEncoding.contentType)
    }

    /// Pieces from a sequence, which is iterated in a child of the task that calls `send` and never faster than the server
    /// takes them. The child is cancelled when the request ends or the server answers before it has all of them.
    ///
    /// An error that the sequence throws ends the request: `send` throws `.requestBodyFailed`, with that error as
    /// `HandleError.underlying`; `.operationCancelled` where its task was cancelled. Both are a `requestError` event. A sequence
    /// that ends because its task is cancelled does not complete the body.
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
            source: .stream(length: length, hasTrailers: false) { writer in
                _ = try await writer.write(all: pieces)
                return [:]
            }
        )
    }

    /// Pieces from a sequence, as in `stream(_:length:)`, and trailer fields behind them: a digest, for example, that is
    /// known only when everything was read.
    ///
    /// Only HTTP/1.1 has them, and only behind a body of unknown length. Over HTTP/2, which https may negotiate, libcurl cannot
    /// send them: fields that are not empty end the request with `.notSupported`, before the end of its body is sent. Set the
    /// option `.httpVersions` to `.http1_1` where they matter. A server of HTTP/1.0 understands neither the chunks nor what
    /// follows them.
    ///
    /// `send` throws `.invalidParameter`, and the request is over, for fields that do not belong behind a body (RFC 9110,
    /// section 6.5.1): those that frame, route, authorize or modify the request, and those that say what the content is;
    /// for control characters; and for more than 60 KiB. Many servers drop trailer fields that the header field `Trailer`
    /// does not announce; setting it is up to the caller.
    ///
    /// `CURLOPT_TRAILERFUNCTION`.
    ///
    /// - Parameters:
    ///   - pieces: The pieces.
    ///   - trailers: Called when all of them were written. It is not called if the server answers without waiting for
    ///     them. What it throws ends the request, as what the sequence throws does.
    public static func stream<Pieces: AsyncSequence & Sendable>(
        _ pieces: Pieces,
        trailers: @escaping @Sendable () async throws -> HTTPFields
    ) -> RequestBody where Pieces.Element: Collection<UInt8> {
        RequestBody(
            source: .stream(length: nil, hasTrailers: true) { writer in
                try await writer.write(all: pieces) ? try await trailers() : [:]
            }
        )
    }

    /// Pieces that the caller writes with `RequestHandle.write(_:)` after `send`, and ends with `finishWriting()`.
    ///
    /// If the header field `Trailer` is set, and no length, `finishWriting(trailers:)` may have the fields that it announces, as
    /// with `writes(trailers: true)`.
    ///
    /// `WinHttpWriteData`.
    public static func writes(length: Int64? = nil) -> RequestBody {
        RequestBody(source: .writes(length: length, hasTrailers: false))
    }

    /// Pieces that the caller writes with `RequestHandle.write(_:)` after `send`, and ends with `finishWriting(trailers:)`.
    ///
    /// What is true of `stream(_:trailers:)` is true here; over HTTP/2 `finishWriting(trailers:)` throws `.notSupported` for fields
    /// that are not empty, and the body goes on.
    ///
    /// `WinHttpWriteData`; `CURLOPT_TRAILERFUNCTION`.
    ///
    /// - Parameter trailers: Whether trailer fields may follow.
    public static func writes(trailers: Bool) -> RequestBody {
        RequestBody(source: .writes(length: nil, hasTrailers: trailers))
    }
}
