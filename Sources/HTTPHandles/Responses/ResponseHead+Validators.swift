public import HTTPHandlesCore
import HTTPHandlesDriver
import HTTPTypes

extension ResponseHead {
    /// The version of the resource, to ask later whether it is still the same; `nil` if there is none or it is malformed.
    ///
    ///     let fields = head.entityTag.map { HTTPFields.ifNoneMatch($0) } ?? HTTPFields()
    ///     let again = try await session.get(url, headerFields: fields)
    ///     if again.status == .notModified { … }
    public var entityTag: EntityTag? {
        // What is not UTF-8 could not be told to the server again as it was.
        headerFields.bytes(of: .eTag).flatMap { String(validating: $0, as: UTF8.self) }.flatMap { EntityTag($0) }
    }

    /// When the resource was last changed, as the server wrote it.
    public var lastModified: String? { headerFields[.lastModified] }

    /// Which bytes a 206 response contains; `nil` if it does not say, or nothing that makes sense.
    public var contentRange: ContentRange? { headerFields[.contentRange].flatMap { ContentRange($0) } }
}
