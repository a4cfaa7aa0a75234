/// One part of a `multipart/form-data` body.
public struct MultipartPart: Sendable, Hashable {
    package enum Content: Sendable, Hashable {
        case bytes([UInt8])
        case file(path: String)
    }

    package let name: String
    package let filename: String?
    package let contentType: String?
    package let content: Content

    /// A field with a text.
    ///
    /// - Parameters:
    ///   - name: The field's name.
    ///   - value: The text, sent as UTF-8.
    public static func field(_ name: String, _ value: String) -> MultipartPart {
        MultipartPart(name: name, filename: nil, contentType: nil, content: .bytes(Array(value.utf8)))
    }

    /// A field with bytes.
    ///
    /// - Parameters:
    ///   - name: The field's name.
    ///   - bytes: The bytes.
    ///   - filename: The filename sent with the part; servers treat a part with a filename as a file.
    ///   - contentType: The media type of the bytes; `nil` sends no `Content-Type`.
    public static func bytes(
        _ name: String,
        _ bytes: some Collection<UInt8>,
        filename: String? = nil,
        contentType: String? = nil
    ) -> MultipartPart {
        MultipartPart(name: name, filename: filename, contentType: contentType, content: .bytes(Array(bytes)))
    }

    /// A file, read while it is sent.
    ///
    /// - Parameters:
    ///   - name: The field's name.
    ///   - path: The path of a regular file.
    ///   - filename: The filename sent with the part; the last component of the path by default.
    ///   - contentType: The media type of the file.
    public static func file(
        _ name: String,
        path: String,
        filename: String? = nil,
        contentType: String = "application/octet-stream"
    ) -> MultipartPart {
        let component = path.utf8.split(separator: UInt8(ascii: "/")).last.flatMap { String($0) } ?? ""
        return MultipartPart(
            name: name,
            filename: filename ?? component,
            contentType: contentType,
            content: .file(path: path)
        )
    }
}
