import HTTPHandlesCore
import HTTPTypes

extension ResponseHead: CustomStringConvertible, CustomDebugStringConvertible {
    /// Version, status and URL, without the values in its query, for example "HTTP/1.1 200 https://example.com/".
    public var description: String { "\(version) \(status.code) \(Redaction.standard.url(url))" }

    /// The same as `description`.
    public var debugDescription: String { description }
}

extension Hop: CustomStringConvertible, CustomDebugStringConvertible {
    /// Method, URL, without the values in its query, and status, for example "GET https://example.com/: 302".
    public var description: String { "\(method) \(Redaction.standard.url(url)): \(head.status.code)" }

    /// The same as `description`.
    public var debugDescription: String { description }
}
