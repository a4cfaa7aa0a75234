public import HTTPHandles

#if canImport(FoundationEssentials)
public import FoundationEssentials
#else
public import Foundation
#endif

extension HTTPURL {
    /// The same URL, for the calls of a session: `session.get(HTTPURL(url))`.
    ///
    /// A relative URL is resolved against its base. A fragment is left out.
    ///
    /// Throws `.invalidURL` for a URL that is relative and has no base, and what `HTTPURL.init(_:)` throws for a text: for another
    /// scheme, or credentials.
    public init(_ url: URL) throws(HandleError) {
        let absolute = url.absoluteURL
        guard absolute.scheme != nil else {
            throw HandleError(.invalidURL, .openRequest, reason: "the URL is relative, and has no base")
        }
        try self.init(absolute.absoluteString)
    }
}

extension URL {
    /// The same URL, byte for byte.
    ///
    /// Throws `.invalidURL` if Foundation accepts it only with other bytes: `HTTPURL` keeps some that RFC 3986 does not allow, for
    /// example "|"; or for the server as a whole ("*"), for which Foundation has no URL.
    public init(_ url: HTTPURL) throws(HandleError) {
        guard !url.target.isEmpty, let own = URL(string: url.text, encodingInvalidCharacters: false),
            own.absoluteString == url.text
        else {
            throw HandleError(.invalidURL, .openRequest, reason: "Foundation cannot represent the URL \(url)")
        }
        self = own
    }
}

extension RequestBody {
    /// The bytes of the file of a file URL: `file(_:)` with its path.
    ///
    /// Throws `.invalidURL` for a URL that is not that of a file of this machine.
    public static func file(_ url: URL) throws(HandleError) -> RequestBody {
        guard url.isFileURL, ["", "localhost"].contains(url.host() ?? "") else {
            throw HandleError(.invalidURL, .sendRequest, reason: "the URL is not that of a file of this machine")
        }
        return file(url.path(percentEncoded: false))
    }
}
