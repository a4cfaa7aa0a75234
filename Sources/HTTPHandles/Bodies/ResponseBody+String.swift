import HTTPHandlesCore
import HTTPHandlesDriver

extension ResponseBody {
    /// Reads the rest of the body as a text, in the charset that `Content-Type` says: UTF-8 (also where it says none),
    /// US-ASCII, ISO-8859-1, Windows-1252 or UTF-16. A byte order mark goes before that, and is left out. Bytes that mean
    /// nothing become U+FFFD.
    ///
    /// Throws `.notSupported` for another charset, before anything is read, so that the bytes can still be collected; and
    /// what `collect(upTo:)` throws.
    ///
    /// JSON: `collectJSON(_:upTo:)` of `HTTPHandlesFoundation`.
    ///
    /// - Parameter limit: The most bytes to accept.
    public nonisolated(nonsending) func collectString(upTo limit: Int) async throws(HandleError) -> String {
        try requireUsable()
        let charset = try Charset(contentType: contentType)
        return charset.decode(try await collect(upTo: limit))
    }
}
