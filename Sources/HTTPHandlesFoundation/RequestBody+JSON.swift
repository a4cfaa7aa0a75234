public import HTTPHandles

#if canImport(FoundationEssentials)
public import FoundationEssentials
#else
public import Foundation
#endif

extension RequestBody {
    /// A value as JSON: `encoded(_:encoder:)` with a `JSONEncoder`.
    ///
    /// Sets `Content-Type` to `application/json`, unless the header fields contain one. The body can be sent again.
    ///
    /// Throws `.invalidParameter` for a value that cannot be encoded; `underlying` is the encoder's own error.
    ///
    /// - Parameters:
    ///   - value: The value to encode.
    ///   - encoder: The encoder, with its strategies for dates, keys and so on.
    public static func json(
        _ value: some Encodable,
        encoder: JSONEncoder = JSONEncoder()
    ) throws(HandleError) -> RequestBody {
        try encoded(value, encoder: encoder)
    }
}
