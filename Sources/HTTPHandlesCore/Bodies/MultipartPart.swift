public import HTTPTypes

/// One part of a `multipart/form-data` body.
///
/// Header fields of a part go behind those that the library writes. `Content-Disposition` is the library's; so is
/// `Content-Type`, unless the part has no content type.
public struct MultipartPart: Sendable, Hashable {
    package enum Content: Sendable, Hashable {
        case bytes([UInt8])
        case file(path: String)
        case source(MultipartSource)
    }

    package let name: String
    package let filename: String?
    package let contentType: String?
    package let headerFields: HTTPFields
    package let content: Content

    /// A field with a text.
    ///
    /// - Parameters:
    ///   - name: The field's name.
    ///   - value: The text, sent as UTF-8.
    ///   - headerFields: Header fields of the part.
    public static func field(_ name: String, _ value: String, headerFields: HTTPFields = [:]) -> MultipartPart {
        MultipartPart(
            name: name,
            filename: nil,
            contentType: nil,
            headerFields: headerFields,
            content: .bytes(Array(value.utf8))
        )
    }

    /// A field with bytes.
    ///
    /// - Parameters:
    ///   - name: The field's name.
    ///   - bytes: The bytes.
    ///   - filename: The filename sent with the part; servers treat a part with a filename as a file.
    ///   - contentType: The media type of the bytes; `nil` sends no `Content-Type`.
    ///   - headerFields: Header fields of the part.
    public static func bytes(
        _ name: String,
        _ bytes: some Collection<UInt8>,
        filename: String? = nil,
        contentType: String? = nil,
        headerFields: HTTPFields = [:]
    ) -> MultipartPart {
        MultipartPart(
            name: name,
            filename: filename,
            contentType: contentType,
            headerFields: headerFields,
            content: .bytes(Array(bytes))
        )
    }

    /// A file, read while it is sent.
    ///
    /// - Parameters:
    ///   - name: The field's name.
    ///   - path: The path of a regular file.
    ///   - filename: The filename sent with the part; the last component of the path by default.
    ///   - contentType: The media type of the file.
    ///   - headerFields: Header fields of the part.
    public static func file(
        _ name: String,
        path: String,
        filename: String? = nil,
        contentType: String = "application/octet-stream",
        headerFields: HTTPFields = [:]
    ) -> MultipartPart {
        let component = path.utf8.split(separator: UInt8(ascii: "/")).last.flatMap { String($0) } ?? ""
        return MultipartPart(
            name: name,
            filename: filename ?? component,
            contentType: contentType,
            headerFields: headerFields,
            content: .file(path: path)
        )
    }

    /// Pieces from a sequence that is made anew each time the form is sent, as in `RequestBody.restartable(length:_:)`.
    ///
    /// - Parameters:
    ///   - name: The field's name.
    ///   - length: How many bytes there will be; the request fails if there are more or fewer. `nil` if that is not known: then
    ///     HTTP/1.1 sends the whole form chunked.
    ///   - filename: The filename sent with the part; servers treat a part with a filename as a file.
    ///   - contentType: The media type of the bytes; `nil` sends no `Content-Type`.
    ///   - headerFields: Header fields of the part.
    ///   - make: Makes the sequence.
    public static func stream<Pieces: AsyncSequence & Sendable>(
        _ name: String,
        length: Int64? = nil,
        filename: String? = nil,
        contentType: String? = nil,
        headerFields: HTTPFields = [:],
        _ make: @escaping @Sendable () async throws -> Pieces
    ) -> MultipartPart where Pieces.Element: Collection<UInt8> {
        let source = MultipartSource(length: length) { put in
            for try await piece in try await make() {
                guard try await put(Array(piece)) else { return }
            }
        }
        return MultipartPart(
            name: name,
            filename: filename,
            contentType: contentType,
            headerFields: headerFields,
            content: .source(source)
        )
    }
}

/// The content of a part that is made while it is sent. Two are equal if one is a copy of the other.
package struct MultipartSource: Sendable, Hashable {
    /// Takes a piece; `false` if no more is wanted.
    package typealias Put = @Sendable ([UInt8]) async throws -> Bool

    private final class Storage: Sendable {
        let write: @Sendable (@escaping Put) async throws -> Void

        init(_ write: @escaping @Sendable (@escaping Put) async throws -> Void) {
            self.write = write
        }
    }

    package let length: Int64?
    private let storage: Storage

    init(length: Int64?, _ write: @escaping @Sendable (@escaping Put) async throws -> Void) {
        self.length = length
        storage = Storage(write)
    }

    package func write(to put: @escaping Put) async throws {
        try await storage.write(put)
    }

    package static func == (one: MultipartSource, other: MultipartSource) -> Bool { one.storage === other.storage }

    package func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(storage)) }
}
