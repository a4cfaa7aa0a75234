import HTTPHandlesCore
import HTTPHandlesLock
public import HTTPTypes

/// The head of a response.
///
/// `WinHttpQueryHeaders`.
public struct ResponseHead: Sendable {
    /// The URL that answered: after redirects, not the one that was asked for. (`WINHTTP_OPTION_URL`)
    public let url: String
    private let block: ParsedBlock

    init(_ block: HeaderBlock, url: String) {
        self.url = url
        self.block = ParsedBlock(block)
    }

    /// The status code, with the reason phrase if the server sent one.
    public var status: HTTPResponse.Status {
        HTTPResponse.Status(code: block.raw.status, reasonPhrase: block.raw.reasonPhrase)
    }

    /// The version of HTTP that the server answered with.
    public var version: HTTPVersion { block.raw.version }

    /// The header fields, in the order in which they came.
    ///
    /// Parsed when first asked for. A line that is not a field by RFC 9110 (its name is not a token) is not among them;
    /// `rawBytes` has it.
    public var headerFields: HTTPFields { block.fields }

    /// The ways in which the server of a 401 lets itself be convinced, in its order; also those that nobody here knows.
    /// (`WinHttpQueryAuthSchemes`)
    public var challenges: [AuthenticationChallenge] { AuthenticationChallenge.all(in: headerFields) }

    /// The head as the server sent it, with status line and line endings. Under HTTP/2, as libcurl wrote it down.
    /// (`WINHTTP_QUERY_RAW_HEADERS_CRLF`)
    public var rawBytes: [UInt8] { block.raw.bytes }

    /// Status and header fields as the ecosystem's own type.
    public var httpResponse: HTTPResponse { HTTPResponse(status: status, headerFields: headerFields) }
}

/// Parses a head once, for whoever asks first.
private final class ParsedBlock: Sendable {
    let raw: HeaderBlock
    private let parsed = Lock<HTTPFields?>(nil)

    init(_ raw: HeaderBlock) {
        self.raw = raw
    }

    var fields: HTTPFields {
        parsed.withLock { parsed in
            if let parsed { return parsed }
            let fields = raw.fields()
            parsed = fields
            return fields
        }
    }
}
