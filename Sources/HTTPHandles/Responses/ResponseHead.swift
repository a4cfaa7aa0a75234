import HTTPHandlesCore
import HTTPHandlesLock
public import HTTPTypes

/// The head of a response.
///
/// `WinHttpQueryHeaders`.
public struct ResponseHead: Sendable {
    /// The URL that answered: after redirects, not the one that was asked for. (`WINHTTP_OPTION_URL`)
    public let url: String
    private let parsed: ParsedHead

    init(_ block: HeaderBlock, url: String) {
        self.url = url
        parsed = ParsedHead(block)
    }

    /// Makes a head, for tests and for clients without a network.
    ///
    /// - Parameters:
    ///   - status: The status.
    ///   - headerFields: The header fields.
    ///   - url: The URL that answered.
    ///   - version: The version of HTTP.
    public init(
        status: HTTPResponse.Status = .ok,
        headerFields: HTTPFields = [:],
        url: String = "http://localhost/",
        version: HTTPVersion = .http1_1
    ) {
        self.init(HeaderBlock(status: status, headerFields, version), url: url)
    }

    /// The head as it came.
    var block: HeaderBlock { parsed.block }

    /// The status code, with the reason phrase if the server sent one.
    public var status: HTTPResponse.Status {
        HTTPResponse.Status(code: block.status, reasonPhrase: block.reasonPhrase)
    }

    /// The version of HTTP that the server answered with.
    public var version: HTTPVersion { block.version }

    /// The header fields, in the order in which they came.
    ///
    /// Parsed when first asked for. A line that is not a field by RFC 9110 (its name is not a token) is not among them;
    /// `rawBytes` has it.
    public var headerFields: HTTPFields { parsed.fields }

    /// The challenges of a 401 or, from a proxy, of a 407, in the order in which they came, those of unknown schemes too.
    /// (`WinHttpQueryAuthSchemes`)
    public var challenges: [AuthenticationChallenge] {
        AuthenticationChallenge.all(in: headerFields, of: block.status == 407 ? .proxyAuthenticate : .wwwAuthenticate)
    }

    /// The head as the server sent it, with status line and line endings. Under HTTP/2, as libcurl wrote it down.
    /// (`WINHTTP_QUERY_RAW_HEADERS_CRLF`)
    public var rawBytes: [UInt8] { block.bytes }

    /// Status and header fields as the ecosystem's own type.
    public var httpResponse: HTTPResponse { HTTPResponse(status: status, headerFields: headerFields) }
}

/// A head whose fields are parsed once, when they are first asked for.
private final class ParsedHead: Sendable {
    let block: HeaderBlock
    private let parsed = Lock<HTTPFields?>(nil)

    init(_ block: HeaderBlock) {
        self.block = block
    }

    var fields: HTTPFields {
        parsed.withLock { parsed in
            if let parsed { return parsed }
            let fields = block.fields()
            parsed = fields
            return fields
        }
    }
}
